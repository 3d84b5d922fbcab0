-- The walk through the trees of a copy. Folders are made here; finish_folders gives them what they
-- must have in the end. Where a folder's files are not even listed here, it goes to copy_folders,
-- and what comes back from there is gone through too.

local fs = require "mooncrew.fs"
local folder_tree = require "lib.folder_tree"

---@class copier.Walk
---@field entries copier.Entries
---@field folders copier.Folders
---@field by_folder boolean files are copied by whole folders
---@field is_left_out? fun(path: string, type: string): boolean
---@field tally copier.Tally
---@field settings copier.settings
---@field made copier.MadeFolder[]
local Walk = {}
Walk.__index = Walk

local copy_walk = {}

---@param parts table the fields above, but `made`
---@return copier.Walk
function copy_walk.new(parts)
  parts.made = {}
  return setmetatable(parts, Walk)
end

-- True when the folder is there.
local function make_folder(self, from, to, info, source)
  local ok, err, new = folder_tree.make(to, info, self.settings, from == source)
  if not ok then
    self.tally:fail(from, err)
    return false
  end
  self.tally:add("folders")
  if new then self.tally:report("folder", to) end
  self.made[#self.made + 1] = { from = from, to = to, new = new, root = source }
  return true
end

-- True when no folder is in the way, or one that whoever copies may remove.
local function has_way(self, from, to, path)
  local there = fs.stat(to, false)
  if not there or there.type ~= "directory"
    or not folder_tree.holds_kept(to, path, "directory", self.is_left_out) then
    return true
  end
  self.tally:fail(from, to .. ": Is a directory, and something in it is left out")
  return false
end

local function add_left_one(self, left, name)
  local from = fs.join(left.from, name)
  local info, err = fs.stat(from, false)
  if not info then
    self.tally:fail(from, err)
  elseif info.type == "directory" then
    if left.names then self.tally:fail(from, "became a folder while it was copied") end
  elseif info.type == "file" or left.names then
    self.entries:add(from, fs.join(left.to, name), info)
  end
end

---Copies what workers have left of their folders so far.
function Walk:add_left()
  local left = self.folders:take_left()
  while left do
    local names, err = left.names, nil
    if not names then names, err = fs.listdir(left.from) end
    if not names then self.tally:fail(left.from, err) end
    for _, name in ipairs(names or {}) do add_left_one(self, left, name) end
    left = self.folders:take_left()
  end
end

-- An entry of a tree that is not left out.
local function add_entry(self, from, to, entry, source)
  if entry.type ~= "directory" then return self.entries:add(from, to, entry) end
  entry.enter = make_folder(self, from, to, entry, source)
  if entry.files and entry.enter then self.folders:add(from, to, entry.files) end
end

local function add_tree(self, source, target, info)
  local walk, err = fs.walk(source, { files = not self.by_folder })
  if not walk then return self.tally:fail(source, err) end
  if not make_folder(self, source, target, info, source) then return end
  local before = #source:gsub("/+$", "") + 2 -- where the path within the tree begins
  local there = fs.join(target, "")
  local spares = self.settings.delete and self.is_left_out
  if self.by_folder then self.folders:add(source, target, #(fs.listdir(source) or {})) end
  for from, entry in walk do
    if self.by_folder then self:add_left() end
    local path = from:sub(before)
    if self.is_left_out and self.is_left_out(path, entry.type) then
      entry.enter = false
    elseif entry.error then
      self.tally:fail(from, entry.error)
    elseif not spares or entry.type == "directory"
      or has_way(self, from, there .. path, path) then
      add_entry(self, from, there .. path, entry, source)
    end
  end
end

---Copies what is at a root.
---@param root copier.root
function Walk:add(root)
  if root.info.type == "directory" then
    add_tree(self, root.from, root.to, root.info)
  else
    self.entries:add(root.from, root.to, root.info)
  end
end

return copy_walk
