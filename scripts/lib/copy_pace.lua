-- The pace of a copy with --bwlimit: how many bytes a task may have, and how long to wait before
-- more of them are begun with. Without a limit there is nothing to wait for.

local uv = require "luv"

local LEAST = 64 * 2 ^ 10 // 1 -- bytes of a task under a limit

---@class copier.Pace
---@field limit? integer bytes a second
local Pace = {}
Pace.__index = Pace

local copy_pace = {}

---@param limit? integer bytes a second
---@return copier.Pace
function copy_pace.new(limit)
  return setmetatable({ limit = limit, bytes = 0, started = uv.hrtime() }, Pace)
end

---How much of this a task should be, so that the pace is even.
---@param bytes integer
---@return integer
function Pace:share(bytes)
  return self.limit and math.max(LEAST, math.min(self.limit // 4, bytes)) or bytes
end

---Seconds until more may be begun with; 0 or less: it may be now.
---@return number
function Pace:wait_time()
  if not self.limit then return 0 end
  local due = self.started + math.floor(self.bytes / self.limit * 1e9)
  return (due - uv.hrtime()) / 1e9
end

---Counts bytes that are begun with.
---@param bytes integer less than 0: of those that were begun with some weren't copied after all
function Pace:count(bytes)
  self.bytes = self.bytes + bytes
end

return copy_pace
