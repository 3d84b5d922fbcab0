-- mooncrew.host: functions of the program in C that runs this script. What the program registered
-- as `name` is called as host.name(…).

local mooncrew = require "mooncrew"

-- The fields of the module itself are kept apart from the names that a host may register.
local host = { calls = nil } ---@type { calls: userdata? } the queue to the helper
local free = {} -- queues for answers that nobody waits on

local Host = {}

local function call(name, ...)
  if not host.calls then error(("host.%s: no host runs this script"):format(name), 2) end
  local reply = table.remove(free) or mooncrew.Queue()
  host.calls:put{ name = name, args = table.pack(...), reply = reply }
  local outcome = reply:get()
  -- Only now: a task that was cancelled while it waited leaves an answer to come.
  free[#free + 1] = reply
  local values = outcome.values
  if outcome.failed then
    local why = values[1]
    if type(why) == "string" then why = ("host.%s: %s"):format(name, why) end
    error(why, 2)
  end
  return table.unpack(values, 1, values.n)
end

---@param name string
---@return function
function Host:__index(name)
  if type(name) ~= "string" then return nil end
  local function fn(...) return call(name, ...) end
  rawset(self, name, fn)
  return fn
end

function Host:__newindex(name, value)
  if name == "calls" then
    host.calls = value
  else
    error(("host: a name of a function of the host can't be set (%s)"):format(tostring(name)), 2)
  end
end

return setmetatable({}, Host)
