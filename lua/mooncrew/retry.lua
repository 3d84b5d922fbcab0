-- When a lost or late task is tried again: how many times, and after which wait.

local check = require "mooncrew.check"

local retry = {}

local KNOWN = { max = true, delay = true, backoff = true, jitter = true, max_delay = true }
local MAX_DELAY = 1e9 -- seconds, as of every time-out

---@class mooncrew.Pool.retries
---@field max integer tries after the first
---@field delay? number seconds before the first of them; default 0
---@field backoff? number each further wait is so many times the one before; default 2
---@field max_delay? number no wait is longer, in seconds
---@field jitter? boolean each wait is cut by a random part, up to half of it

local function number(func, what, value, default, least, most, level)
  if value == nil then return default end
  if type(value) ~= "number" or not (value >= least and value <= most) then
    check.fail(func, "retries." .. what, ("a number from %g to %g"):format(least, most), value,
      level + 1)
  end
  return value
end

---The option `retries`, checked: a number of tries, or a table.
---@param func string
---@param value? integer|mooncrew.Pool.retries
---@param default mooncrew.Pool.retries
---@param level? integer levels between this call and the user's; default 2
---@return mooncrew.Pool.retries
function retry.check(func, value, default, level)
  level = (level or 2) + 1
  if value == nil then return default end
  if type(value) ~= "table" then
    return { max = check.integer(func, "retries", value, 0, math.maxinteger, level), delay = 0 }
  end
  for name in pairs(value) do
    if not KNOWN[name] then
      error(("%s: retries: unknown option '%s'"):format(func, tostring(name)), level)
    end
  end
  if value.jitter ~= nil then check.type(func, "retries.jitter", value.jitter, "boolean", level) end
  return {
    max = check.integer(func, "retries.max", value.max, 0, math.maxinteger, level),
    delay = number(func, "delay", value.delay, 0, 0, MAX_DELAY, level),
    backoff = number(func, "backoff", value.backoff, 2, 1, 1000, level),
    max_delay = number(func, "max_delay", value.max_delay, MAX_DELAY, 0, MAX_DELAY, level),
    jitter = value.jitter,
  }
end

---Seconds until the task is tried for the `tried`th time after its first.
---@param retries mooncrew.Pool.retries
---@param tried integer
---@return number
function retry.delay(retries, tried)
  if retries.delay == 0 then return 0 end
  local seconds = math.min(retries.delay * retries.backoff ^ (tried - 1), retries.max_delay)
  return retries.jitter and seconds * (1 - math.random() / 2) or seconds
end

-- A line of tasks that wait for their time is a list of { due, task }, the next one last.

---@param line table[]
---@param due number on the clock of parts.now()
---@param task table
function retry.wait(line, due, task)
  local low, high = 1, #line + 1
  while low < high do
    local middle = (low + high) // 2
    if line[middle].due > due then low = middle + 1 else high = middle end
  end
  table.insert(line, low, { due = due, task = task })
end

---When the next one is due; nil: none waits.
---@return number?
function retry.next_due(line)
  local last = line[#line]
  return last and last.due
end

---Takes out the next one whose time has come.
---@return table? task
function retry.take_due(line, now)
  local last = line[#line]
  if not last or last.due > now then return nil end
  line[#line] = nil
  return last.task
end

return retry
