-- A large file, copied in ranges by several workers into one file under a temporary name, which
-- gets its own name when all of them are done.

local fs = require "mooncrew.fs"
local copy_task = require "lib.copy_task"
local leftovers = require "lib.leftovers"
local reason_of = require "lib.reason"
local uv = require "luv"

---@class copier.LargeFile
---@field from string
---@field to string
---@field size integer
---@field reason string? why it failed
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
---@return integer|boolean|nil ok
---@return string? reason
---@return string? code such as "ENOSPC"
function LargeFile:begin()
  return create(self.temporary, self.size)
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

-- Its name at last. The time is that of the file which was read: if it has changed since, the next
-- run sees that.
local function commit(self, settings)
  local ok, lost = fs.copy_attributes(self.from, self.temporary, settings.keep)
  if not ok then return nil, reason_of(lost, self.from) end
  local mtime = self.source.mtime_ns
  local err
  ok, err = fs.utimens(self.temporary, mtime, mtime, false)
  if not ok then return nil, reason_of(err) end
  local code
  ok, err, code = uv.fs_rename(self.temporary, self.to)
  if code == "EISDIR" and copy_task.make_way(self.to, settings) then
    ok, err = uv.fs_rename(self.temporary, self.to)
  end
  if not ok then return nil, err end
  self.temporary = nil
  return true, lost
end

---Gives it its name when all its ranges are done, or takes it away.
---@param settings copier.settings
---@return boolean? ok
---@return string? reason_or_lost
function LargeFile:finish(settings)
  local ok, reason
  if self.reason then
    reason = self.reason
  else
    ok, reason = commit(self, settings)
  end
  if not ok then self:discard() end
  return ok, reason
end

return large_file
