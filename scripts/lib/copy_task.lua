-- What a copier's workers do: batches of files, and ranges of large ones.

local fs = require "mooncrew.fs"
local reason_of = require "lib.reason"
local uv = require "luv"

---@class copier.settings what the workers must know, sent with each task
---@field keep mooncrew.fs.CopyOptions
---@field verify boolean
---@field resume boolean files that are there with the same size and time are passed over
---@field checksum boolean … with the same size and bytes
---@field delete boolean what is in the way is removed, folders too
---@field dry_run boolean

---@class copier.file
---@field from string
---@field to string
---@field size integer
---@field mtime_ns integer
---@field nlink integer

local copy_task = {}

local DIFFERS = "the copy differs from the source"

---Whether an error means that there is no room left.
function copy_task.is_full(err)
  return err ~= nil and (err.code == "ENOSPC" or err.code == "EDQUOT")
end

-- Some disks know whole seconds only.
local function same_time(there, file)
  return there.mtime_ns == file.mtime_ns
    or (there.mtime_ns % 1000000000 == 0
      and there.mtime_ns // 1000000000 == file.mtime_ns // 1000000000)
end

---Whether the copy is there already. One that has more names than its source is none: the others
---would change with it.
---@param file copier.file
---@param settings copier.settings
function copy_task.is_current(file, settings)
  local there = fs.stat(file.to, false)
  if not there or there.type ~= "file" or there.size ~= file.size
    or there.nlink > file.nlink then
    return false
  end
  if not settings.checksum then return same_time(there, file) end
  local hash = fs.hash_file(file.from)
  return hash ~= nil and hash == fs.hash_file(file.to)
end

---Whether the copy is the file itself: another name of it, or the same where its folder is mounted
---in two places.
---@param file copier.file
function copy_task.is_itself(file)
  local from, to = fs.stat(file.from, false), fs.stat(file.to, false)
  return from ~= nil and to ~= nil and from.inode == to.inode and from.device == to.device
end

local function is_file(path)
  local there = fs.stat(path, false)
  return there ~= nil and there.type == "file"
end

---Removes what is in the way of something that is no folder. Folders go only when `delete` says so.
---@return boolean removed
function copy_task.make_way(to, settings)
  local there = fs.stat(to, false)
  if not there then return false end
  if there.type == "directory" then return settings.delete and fs.remove_tree(to) == true end
  return uv.fs_unlink(to) ~= nil
end

-- The third result: it was there, and nothing was done.
local function copy_file(file, settings)
  local ok, err = fs.copy_file(file.from, file.to, settings.keep)
  if not ok and err.path == file.to and (err.code == "EISDIR" or err.code == "EINVAL") then
    if copy_task.is_itself(file) then return true, nil, true end
    if not is_file(file.to) and copy_task.make_way(file.to, settings) then
      ok, err = fs.copy_file(file.from, file.to, settings.keep)
    end
  end
  if not ok or not settings.verify then return ok, err end
  local same, why = fs.same_data(file.from, file.to)
  if same then return ok, err end
  uv.fs_unlink(file.to) -- or the next run would take it for a good one
  return nil, why or DIFFERS
end

local FIELDS = 5

---Adds a file to a batch: a flat list, since a table for each file would take longer to send than
---a small file to copy.
---@param batch any[]
function copy_task.add(batch, from, to, size, mtime_ns, nlink)
  local n = #batch
  batch[n + 1], batch[n + 2], batch[n + 3] = from, to, size
  batch[n + 4], batch[n + 5] = mtime_ns, nlink
end

---The files of a batch: an iterator of records that are good until the next step.
---@param batch any[]
---@return fun(): copier.file?
function copy_task.files(batch)
  local file, at = {}, 1 - FIELDS
  return function()
    at = at + FIELDS
    if at > #batch then return nil end
    file.from, file.to, file.size = batch[at], batch[at + 1], batch[at + 2]
    file.mtime_ns, file.nlink = batch[at + 3], batch[at + 4]
    return file
  end
end

---One batch of files. It never fails as a whole for one of them.
---@param batch any[]
---@param settings copier.settings
function copy_task.batch(batch, settings)
  local done = { files = 0, bytes = 0, skipped = 0, lost = 0, failures = {}, actions = {} }
  for file in copy_task.files(batch) do
    local ok, err
    local skip = settings.resume and copy_task.is_current(file, settings)
    if settings.dry_run then
      skip = skip or copy_task.is_itself(file)
      ok = true
      if not skip then done.actions[#done.actions + 1] = file.to end
    elseif skip then
      ok, err = fs.copy_attributes(file.from, file.to, settings.keep)
    else
      ok, err, skip = copy_file(file, settings)
    end
    if not ok then
      done.failures[#done.failures + 1] =
        { path = file.from, reason = reason_of(err, file.from) }
      done.full = done.full or copy_task.is_full(err)
    elseif skip then
      done.skipped = done.skipped + 1
    else
      done.files = done.files + 1
      done.bytes = done.bytes + file.size
    end
    if ok and err then done.lost = done.lost + 1 end
  end
  return done
end

---Adds a part of a folder's files to a batch of folders.
---@param batch any[] flat, like those of files
function copy_task.add_folder(batch, from, to, part, parts)
  local n = #batch
  batch[n + 1], batch[n + 2], batch[n + 3], batch[n + 4] = from, to, part, parts
end

---The folders of a batch, each with its place in there.
---@return fun(): string?, string, integer, integer
function copy_task.each_folder(batch)
  local at = -3
  return function()
    at = at + 4
    return batch[at], batch[at + 1], batch[at + 2], batch[at + 3]
  end
end

---The files of a batch of folders, those that need no thought. The others are left to be looked at
---one by one, and so are those that are too much for a single task.
---@param batch any[]
---@param settings copier.settings
---@param room integer bytes
function copy_task.folders(batch, settings, room)
  local done = {
    files = 0, bytes = 0, skipped = 0, skipped_bytes = 0, lost = 0, failures = {}, actions = {},
  }
  local left = {}
  local options = {
    owner = settings.keep.owner, group = settings.keep.group, xattrs = settings.keep.xattrs,
    update = settings.resume,
  }
  for from, to, part, parts in copy_task.each_folder(batch) do
    options.room, options.part, options.parts = math.max(0, room - done.bytes), part, parts
    local one, err = fs.copy_files(from, to, options)
    if one then
      for _, field in ipairs{ "files", "bytes", "skipped", "skipped_bytes", "lost" } do
        done[field] = done[field] + one[field]
      end
      if #one.left > 0 then left[#left + 1] = { from = from, to = to, names = one.left } end
    else
      done.failures[#done.failures + 1] = { path = from, reason = reason_of(err, from) }
    end
  end
  done.left = left
  return done
end

---A range of a large file.
---@return { bytes: integer, failure?: any }
function copy_task.range(from, to, offset, length, verify)
  local ok, err = fs.copy_range(from, to, offset, length)
  if ok and verify then
    ok, err = fs.same_data(from, to, offset, length)
    if ok == false then err = DIFFERS end
  end
  if ok then return { bytes = length } end
  return { bytes = 0, failure = err }
end

return copy_task
