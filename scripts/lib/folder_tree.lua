-- The parts of a tree that are made where it is walked: folders, links, special files, further
-- names of files (hard links), and what is to be deleted.
--
-- Links and special files are made under a temporary name and renamed. Folders get their mode,
-- owner, times and attributes at the end, the innermost first: one that is read-only in the source
-- must be writable until it is filled.

local fs = require "mooncrew.fs"
local copy_task = require "lib.copy_task"
local leftovers = require "lib.leftovers"
local uv = require "luv"

local OWNER_BITS = tonumber("700", 8)

local folder_tree = {}

---Makes a folder, or makes the one that is there writable. In a dry run nothing is done.
---@param info mooncrew.fs.Info of its source
---@param settings copier.settings
---@param root? boolean the target itself, which may be a link to a folder
---@return boolean? ok
---@return string? reason
---@return boolean? new
---@return string? code
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
  return ok, err, true, code
end

local function rename(temporary, to, settings)
  local ok, err, code = uv.fs_rename(temporary, to)
  if not ok and (code == "EISDIR" or code == "EEXIST") and copy_task.make_way(to, settings) then
    ok, err = uv.fs_rename(temporary, to)
  end
  return ok, err
end

local function is_same_node(from, to, entry)
  local there = fs.stat(to, false)
  if not there or there.type ~= entry.type then return false end
  if entry.type == "link" then return uv.fs_readlink(from) == uv.fs_readlink(to) end
  return there.rdev == entry.rdev
end

local function make_node(from, to, entry)
  if entry.type ~= "link" then return fs.mknod(to, entry.type, OWNER_BITS, entry.rdev) end
  local target, err = uv.fs_readlink(from)
  if not target then return nil, err end
  return uv.fs_symlink(target, to)
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
  local temporary <close> = leftovers.guard(to)
  local ok, err = make_node(from, temporary.name, entry)
  if not ok then return nil, err end
  local lost
  ok, lost = fs.copy_attributes(from, temporary.name, settings.keep)
  if not ok then return nil, lost end
  ok, err = rename(temporary.name, to, settings)
  if not ok then return nil, err end
  return true, lost
end

---Makes `to` another name of `first`.
---@return true|nil ok
---@return string? reason
---@return boolean? unchanged
function folder_tree.link(first, to, settings)
  local there, known = fs.stat(to, false), fs.stat(first, false)
  if there and known and there.inode == known.inode and there.device == known.device then
    return true, nil, true
  end
  if settings.dry_run then return true end
  local temporary <close> = leftovers.guard(to)
  local ok, err = uv.fs_link(first, temporary.name)
  if ok then ok, err = rename(temporary.name, to, settings) end
  return ok and true or nil, err
end

---Removes from `to` what `from` does not have.
---@param is_kept fun(name: string, type: string): boolean
---@param report fun(path: string, err?: any) called for each removal
function folder_tree.delete_others(from, to, settings, is_kept, report)
  local theirs, err = fs.listdir(from)
  if not theirs then return report(from, err) end
  local wanted = {}
  for _, name in ipairs(theirs) do wanted[name] = true end
  for _, name in ipairs(fs.listdir(to) or {}) do
    local path = fs.join(to, name)
    if not wanted[name] and not leftovers.is_temporary(name) then
      local there = fs.stat(path, false)
      if there and not is_kept(name, there.type) then
        local ok = true
        if not settings.dry_run then ok, err = fs.remove_tree(path) end
        report(path, not ok and err or nil)
      end
    end
  end
end

return folder_tree
