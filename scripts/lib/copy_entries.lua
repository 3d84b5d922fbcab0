-- What becomes of an entry of a tree that is no folder: a further name of a file waits for the end,
-- files go to the pool, links and special files are made here.

local folder_tree = require "lib.folder_tree"

---@class copier.Entries
---@field links copier.HardLinks
---@field ranges copier.Ranges
---@field batches copier.Batches
---@field tally copier.Tally
---@field settings copier.settings
local Entries = {}
Entries.__index = Entries

local copy_entries = {}

---@param parts table the fields above
---@return copier.Entries
function copy_entries.new(parts)
  return setmetatable(parts, Entries)
end

local function add_node(self, from, to, entry)
  local ok, err, unchanged = folder_tree.copy_node(from, to, entry, self.settings)
  if not ok then return self.tally:fail(from, err) end
  if err then self.tally:add("lost") end
  self.tally:add(entry.type == "link" and "links" or "special")
  if not unchanged then self.tally:report(entry.type, to) end
end

---Copies an entry, whatever other names it has.
---@param from string
---@param to string
---@param entry mooncrew.fs.Info
function Entries:copy(from, to, entry)
  if entry.type ~= "file" then
    add_node(self, from, to, entry)
  elseif not self.ranges:take(from, to, entry) then
    self.batches:add(from, to, entry)
  end
end

---Copies an entry, or has it made a further name in the end.
---@param from string
---@param to string
---@param entry mooncrew.fs.Info
function Entries:add(from, to, entry)
  if entry.nlink > 1 and self.links:take(from, to, entry) then return end
  self:copy(from, to, entry)
end

return copy_entries
