-- mooncrew.wait: waits for the first of many.

local parts = require "mooncrew.parts"
local check = require "mooncrew.check"
local outcome = require "mooncrew.result"

-- What the C part waits for in the place of a Result: its latch, and the pool that will set it.
local function watch_result(things, owners, result)
  local owner = result.owner
  things[#things + 1] = outcome.latch(result)
  owners[#owners + 1] = result
  if owner.core then
    things[#things + 1] = owner.core
    owners[#owners + 1] = result
  end
end

local function is_result(object)
  local class = type(object) == "table" and getmetatable(object)
  return class and class.__name == "mooncrew.Result"
end

-- The objects that the found indexes stand for, each once, in the order of the list.
local function ready_of(objects, owners, indexes)
  local found, ready = {}, {}
  for _, index in ipairs(indexes) do found[owners[index]] = true end
  for i = 1, #objects do
    local object = objects[i]
    if found[object] and (not is_result(object) or object:ready()) then
      ready[#ready + 1] = object
      found[object] = nil
    end
  end
  return ready
end

local function split(objects)
  local things, owners, results = {}, {}, {}
  for i = 1, #objects do
    if is_result(objects[i]) then
      results[#results + 1] = objects[i]
      watch_result(things, owners, objects[i])
    else
      things[#things + 1] = objects[i]
      owners[#owners + 1] = objects[i]
    end
  end
  return things, owners, results
end

-- The time until somebody must look again, though nothing has become ready: a pool may have a task
-- to try again.
local function soonest(results, deadline)
  for _, result in ipairs(results) do
    local due = result.owner.next_due and result.owner:next_due()
    if due and (not deadline or due < deadline) then deadline = due end
  end
  return deadline and math.max(0, deadline - parts.now())
end

---Waits until one of the objects is ready: a queue has an item or is closed, a process or a task
---has ended, a result is there, an event is set, a lock or a semaphore can be acquired, a
---connection has something to receive.
---@param objects any[]
---@param timeout? number seconds
---@return any[]? ready those that are ready, in the order of the list
---@return table? err mooncrew.Timeout
return function(objects, timeout)
  check.type("wait", "objects", objects, "table")
  check.wait("wait", timeout)
  if #objects == 0 then return {} end
  local deadline = timeout and parts.now() + timeout
  local things, owners, results = split(objects)
  while true do
    for _, result in ipairs(results) do result:ready() end -- takes in what has come
    local indexes, err = parts.wait_any(things, soonest(results, deadline))
    if indexes then
      local ready = ready_of(objects, owners, indexes)
      if #ready > 0 then return ready end
    elseif deadline and parts.now() >= deadline then
      return nil, err
    end
  end
end
