-- A large file, copied in ranges by several workers into one file under a temporary name, which
-- gets its own name when all of them are done.

local fs = require "mooncrew.fs"
local copy_task = require "lib.copy_task"
local failure = require "lib.failure"
local leftovers = require "lib.leftovers"
local uv = require "luv"

---@class copier.LargeFile
---@field from string
---@field to string
---@field size integer
---@field failure any why it failed
local LargeFile = {}
LargeFile.__index = LargeFile

local large_file = {}

local function create(path, size)
  local fd, err, code = uv.fs_open(path, "wx", tonumber("600", 8))
  if not fd then return nil, err, code end
  local ok
  ok, err, code = uv.fs_ftruncate(fd, size)
  uv.fs_close(fd)
  if not ok then uv.fs_unlink(path) end
  return ok, err, code
end

---Nothing is made yet, so that its owner knows of it, and can discard it, at any moment.
---@param file copier.file
---@return copier.LargeFile
function large_file.new(file)
  return setmetatable({
    from = file.from, to = file.to, size = file.size, temporary = leftovers.name(file.to),
    source = file, ranges_left = 0,
  }, LargeFile)
end

---Makes the temporary file, one large hole.
---@return true|nil ok
---@return copier.Error? err
function LargeFile:begin()
  local ok, err, code = create(self.temporary, self.size)
  if not ok then return nil, failure(self.to, err, code) end
  return true
end

---The ranges of `size` bytes: an iterator of offset, length.
function LargeFile:ranges(size)
  local offset = 0
  return function()
    if offset >= self.size then return nil end
    local at = offset
    offset = offset + size
    return at, math.min(size, self.size - at)
  end
end

---Removes what there is of it. Does nothing once it has its name.
function LargeFile:discard()
  if self.temporary then uv.fs_unlink(self.temporary) end
  self.temporary = nil
end

-- What belongs to it. The time is that of the file which was read: if it has changed since, the
-- next run sees that.
local function keep_attributes(self, settings)
  local ok, lost = fs.copy_attributes(self.from, self.temporary, settings.keep)
  local there, mtime = fs.stat(self.temporary, false), self.source.mtime_ns
  if ok and there and there.mtime_ns ~= mtime then
    local err
    ok, err = fs.utimens(self.temporary, mtime, mtime, false)
    if not ok then return nil, err end
  end
  return ok, lost
end

local function rename(self, settings)
  local ok, err, code = uv.fs_rename(self.temporary, self.to)
  if code == "EISDIR" and copy_task.make_way(self.to, settings) then
    ok, err, code = uv.fs_rename(self.temporary, self.to)
  end
  return ok, err, code
end

-- A failure that names the temporary file is one of the target.
local function at_target(self, err, code)
  local ours = code or type(err) == "table" and err.path == self.temporary
  return ours and failure(self.to, err, code) or err
end

---Gives it its name when all its ranges are done, or takes it away.
---@param settings copier.settings
---@return boolean? ok
---@return any err_or_lost
function LargeFile:finish(settings)
  local ok, lost, err, code = nil, nil, self.failure, nil
  if not err then
    ok, lost = keep_attributes(self, settings)
    err = lost
    if ok then ok, err, code = rename(self, settings) end
  end
  if not ok then
    err = at_target(self, err, code)
    self:discard()
    return nil, err
  end
  self.temporary = nil
  return true, lost
end

return large_file
