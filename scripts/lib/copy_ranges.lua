-- The large files of a copy: shared with their sources where the disk can do that, or else handed
-- to its pool in ranges.

local fs = require "mooncrew.fs"
local copy_task = require "lib.copy_task"
local large_file = require "lib.large_file"

local RANGE_BYTES = 64 * 2 ^ 20 // 1
local LARGE_BYTES = 256 * 2 ^ 20 // 1

---@class copier.Ranges
local Ranges = {}
Ranges.__index = Ranges

-- A range less is to be done of a large file. How many files are done with by that: 1 or 0.
local function count_down(self, large, failure)
  large.ranges_left = large.ranges_left - 1
  large.failure = large.failure or failure
  if large.ranges_left > 0 then return 0 end
  self.begun[large] = nil
  local ok, err = large:finish(self.settings)
  if ok then
    self.tally:add_large(large.size, err)
  else
    self.tally:fail(large.from, err)
  end
  return 1
end

---A task.
---@class copier.Range: copier.Task
---@field large copier.LargeFile
local Range = {}
Range.__index = Range

function Range:settle(done)
  return count_down(self.ranges, self.large, done.failure)
end

function Range:lose(err)
  return count_down(self.ranges, self.large, err)
end

local copy_ranges = {}

---@param pool copier.Pool
---@param tally copier.Tally
---@param settings copier.settings
---@param pace copier.Pace
---@return copier.Ranges
function copy_ranges.new(pool, tally, settings, pace)
  local range_bytes = pace:share(RANGE_BYTES)
  return setmetatable({
    pool = pool, tally = tally, settings = settings, range_bytes = range_bytes,
    large_bytes = pace.limit and 2 * range_bytes or LARGE_BYTES,
    waiting = {}, begun = {}, no_clone = {},
  }, Ranges)
end

-- True when the whole file could be had by sharing its blocks. Whether a disk can do that is
-- asked once.
local function clone(self, file, device)
  if self.no_clone[device] then return false end
  local keep = { clone_only = true }
  for name, value in pairs(self.settings.keep) do keep[name] = value end
  local ok, lost = fs.copy_file(file.from, file.to, keep)
  if not ok then
    self.no_clone[device] = true
    return false
  end
  self.tally:add_large(file.size, lost)
  self.tally:step(1, file.size)
  return true
end

-- A large file that is ready to be copied in ranges, or nil.
local function begin(self, file)
  local large = large_file.new(file)
  self.begun[large] = true
  local ok, err = large:begin()
  if ok then
    large.ranges_left = 1 -- not done before the last one is handed out
    large.next_range = large:ranges(self.range_bytes)
    return large
  end
  self.begun[large] = nil
  self.tally:fail(file.from, err)
end

-- The next range of a large file; false when that was the last one.
local function start_range(self, large)
  local offset, length = large.next_range()
  if not offset or large.failure then
    count_down(self, large)
    return false
  end
  large.ranges_left = large.ranges_left + 1
  local task = setmetatable({ large = large, bytes = length, ranges = self }, Range)
  self.pool:start(task, copy_task.range,
    large.from, large.temporary, offset, length, self.settings.verify)
  return true
end

---Whether no file waits for others.
---@return boolean
function Ranges:is_empty()
  return #self.waiting == 0
end

---Hands out the large files that have come together, a range of each in turn: who writes to a file
---keeps others from writing to it.
function Ranges:submit()
  local files = {}
  for _, file in ipairs(self.waiting) do files[#files + 1] = begin(self, file) end
  self.waiting = {}
  while #files > 0 do
    for i = #files, 1, -1 do
      if not start_range(self, files[i]) then table.remove(files, i) end
    end
  end
end

---Takes a file that is to be copied in ranges. One that is small is none, nor one that is compared
---by its bytes or is there already.
---@param from string
---@param to string
---@param info mooncrew.fs.Info
---@return boolean taken
function Ranges:take(from, to, info)
  local settings = self.settings
  if info.size < self.large_bytes or settings.checksum or settings.dry_run then return false end
  local file = {
    from = from, to = to, size = info.size, mtime_ns = info.mtime_ns, nlink = info.nlink,
  }
  local there = settings.resume and copy_task.is_current(file, settings)
    or copy_task.is_itself(file)
  if there then return false end
  if not clone(self, file, info.device) then
    self.waiting[#self.waiting + 1] = file
    if #self.waiting >= self.pool.processes then self:submit() end
  end
  return true
end

---After an end by an error: takes away what is half done.
function Ranges:discard()
  for large in pairs(self.begun) do large:discard() end
end

return copy_ranges
