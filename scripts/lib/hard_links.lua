-- Further names of files. The first name that is seen is copied as a file; the others are made
-- names of that copy when all files are there.

local folder_tree = require "lib.folder_tree"

---@class copier.FurtherName
---@field from string
---@field to string
---@field first { from: string, to: string }
---@field info mooncrew.fs.Info

---@class copier.HardLinks
local HardLinks = {}
HardLinks.__index = HardLinks

local hard_links = {}

---@return copier.HardLinks
function hard_links.new()
  return setmetatable({ first = {}, further = {} }, HardLinks)
end

---Takes one of several names, when another of the same file was seen before.
---@param from string
---@param to string
---@param info mooncrew.fs.Info
---@return boolean taken
function HardLinks:take(from, to, info)
  local key = string.format("%x:%x", info.device, info.inode)
  local first = self.first[key]
  if not first then
    self.first[key] = { from = from, to = to }
    return false
  end
  self.further[#self.further + 1] = { from = from, to = to, first = first, info = info }
  return true
end

---Makes the further names. One whose first name has failed is not to be had so, nor any on a disk
---that has no such links, or no more.
---@param settings copier.settings
---@param tally copier.Tally
---@param otherwise fun(name: copier.FurtherName) called for those
function HardLinks:make(settings, tally, otherwise)
  for _, name in ipairs(self.further) do
    local ok, unchanged
    if not tally:has_failed(name.first.from) then
      ok, _, unchanged = folder_tree.link(name.first.to, name.to, settings)
    end
    if ok then
      tally:add("hard_links")
      if not unchanged then tally:report("hard link", name.to) end
    else
      otherwise(name)
    end
  end
end

return hard_links
