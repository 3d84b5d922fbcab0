-- The parts of a tree that are made where it is walked: folders, links, special files, further
-- names of files (hard links), and what is to be deleted.
--
-- Links and special files are made under a temporary name and renamed. Folders get their mode,
-- owner, times and attributes at the end, the innermost first: one that is read-only in the source
-- must be writable until it is filled.

local fs = require "mooncrew.fs"
local copy_task = require "lib.copy_task"
local failure = require "lib.failure"
local leftovers = require "lib.leftovers"
local uv = require "luv"

local OWNER_BITS = tonumber("700", 8)

local folder_tree = {}

---Makes a folder, or makes the one that is there writable. In a dry run nothing is done.
---@param info mooncrew.fs.Info of its source
---@param settings copier.settings
---@param root? boolean the target itself, which may be a link to a folder
---@return boolean? ok
---@return copier.Error|string|nil err
---@return boolean? new
function folder_tree.make(to, info, settings, root)
  local there = fs.stat(to, root or false)
  if there and there.type ~= "directory" then
    if not settings.delete then return nil, to .. " is there and is no folder" end
    if settings.dry_run then return true, nil, true end
    copy_task.make_way(to, settings)
    there = nil
  end
  if settings.dry_run then return true, nil, there == nil end
  if there then
    -- It gets the time of its source last of all: since then nothing was made in there.
    if there.mtime_ns ~= info.mtime_ns then leftovers.remove(to) end
    if there.mode & OWNER_BITS ~= OWNER_BITS then uv.fs_chmod(to, there.mode | OWNER_BITS) end
    return true, nil, false
  end
  local ok, err, code = uv.fs_mkdir(to, OWNER_BITS)
  if not ok then return nil, failure(to, err, code) end
  return true, nil, true
end

local function rename(temporary, to, settings)
  local ok, err, code = uv.fs_rename(temporary, to)
  if not ok and (code == "EISDIR" or code == "EEXIST") and copy_task.make_way(to, settings) then
    ok, err, code = uv.fs_rename(temporary, to)
  end
  return ok, err, code
end

local function is_same_node(from, to, entry)
  local there = fs.stat(to, false)
  if not there or there.type ~= entry.type then return false end
  if entry.type == "link" then return uv.fs_readlink(from) == uv.fs_readlink(to) end
  return there.rdev == entry.rdev
end

local function make_node(from, to, entry)
  if entry.type ~= "link" then return fs.mknod(to, entry.type, OWNER_BITS, entry.rdev) end
  local target, err, code = uv.fs_readlink(from)
  if not target then return nil, failure(from, err, code) end
  return uv.fs_symlink(target, to)
end

-- Makes something under a temporary name, by `make(name)`, and gives it its own.
local function make_and_rename(to, settings, make)
  local temporary <close> = leftovers.guard(to)
  local ok, err, code = make(temporary.name)
  local lost = ok and err
  if ok then ok, err, code = rename(temporary.name, to, settings) end
  if ok then return true, lost end
  if type(err) == "table" and err.path ~= temporary.name then return nil, err end -- the source's
  return nil, failure(to, err, code)
end

---Copies a link, a pipe, a socket or a device.
---@return true|nil ok
---@return any err or what was lost
---@return boolean? unchanged
function folder_tree.copy_node(from, to, entry, settings)
  if is_same_node(from, to, entry) then
    local ok, err = true, nil
    if not settings.dry_run then ok, err = fs.copy_attributes(from, to, settings.keep) end
    return ok, err, true
  end
  if settings.dry_run then return true end
  return make_and_rename(to, settings, function(name)
    local ok, err, code = make_node(from, name, entry)
    if not ok then return nil, err, code end
    return fs.copy_attributes(from, name, settings.keep)
  end)
end

---Makes `to` another name of `first`.
---@return true|nil ok
---@return copier.Error? err
---@return boolean? unchanged
function folder_tree.link(first, to, settings)
  local there, known = fs.stat(to, false), fs.stat(first, false)
  if there and known and there.inode == known.inode and there.device == known.device then
    return true, nil, true
  end
  if settings.dry_run then return true end
  return make_and_rename(to, settings, function(name) return uv.fs_link(first, name) end)
end

---@class copier.Removal
---@field dry_run boolean
---@field is_kept? fun(path: string, type: string): boolean what is left out of the copy
---@field report fun(path: string, err?: any) called for each removal

---Whether something is kept: what is at a path or in it.
---@param inner string the path from the top of the tree
---@param type string
---@param is_kept fun(path: string, type: string): boolean
---@return boolean
function folder_tree.holds_kept(path, inner, type, is_kept)
  if is_kept(inner, type) then return true end
  if type ~= "directory" then return false end
  for below, entry in fs.walk(path) or function() end do
    if is_kept(inner .. below:sub(#path + 1), entry.type) then return true end
  end
  return false
end

---Removes what is at a path, but for what is kept and the folders on the way to that.
---@param inner string the path from the top of the tree
---@param removal copier.Removal
function folder_tree.remove(path, inner, removal)
  local there = fs.stat(path, false)
  if not there then return end
  local is_kept = removal.is_kept
  if not (is_kept and folder_tree.holds_kept(path, inner, there.type, is_kept)) then
    local ok, err = true, nil
    if not removal.dry_run then ok, err = fs.remove_tree(path) end
    removal.report(path, not ok and err or nil)
  elseif there.type == "directory" and not is_kept(inner, there.type) then
    for _, name in ipairs(fs.listdir(path) or {}) do
      folder_tree.remove(fs.join(path, name), inner .. "/" .. name, removal)
    end
  end
end

---Removes from `to` what `from` does not have.
---@param inner string the folder's path from the top of the tree
---@param removal copier.Removal
function folder_tree.delete_others(from, to, inner, removal)
  local theirs, err = fs.listdir(from)
  if not theirs then return removal.report(from, err) end
  local ours
  ours, err = fs.listdir(to)
  if not ours then return removal.report(to, err) end
  local wanted = {}
  for _, name in ipairs(theirs) do wanted[name] = true end
  for _, name in ipairs(ours) do
    if not wanted[name] and not leftovers.is_temporary(name) then
      local path = inner == "" and name or inner .. "/" .. name
      folder_tree.remove(fs.join(to, name), path, removal)
    end
  end
end

return folder_tree
