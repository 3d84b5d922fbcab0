-- The callbacks of a pool: called one at a time, in the order in which results came, by whoever
-- takes results in. A callback may wait for other results: their callbacks come after it.
--
-- What a callback raises breaks nothing: the first such error is kept and raised by join.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local interrupt = require "mooncrew.interrupt"

---@class mooncrew.callbacks
---@field first integer the line of calls that are still to be made: from first to last
---@field last integer
---@field runner? thread who makes them now
---@field quiet? userdata latch, set when nobody makes any
---@field error? any what the first that failed raised
---@field failed integer how many failed

local callbacks = {}

---@return mooncrew.callbacks
function callbacks.new() return { first = 1, last = 0, failed = 0 } end

-- These are not the callback's own: the program, or the task that called it, is to end.
local function is_foreign(err) return err == mooncrew.Cancelled or interrupt.is(err) end

local function handler(err)
  if is_foreign(err) then return err end
  return parts.error_handler(err)
end

local function quieten(line)
  line.runner = nil
  if line.quiet then line.quiet:set() end
  line.quiet = nil
end

local function is_busy(line)
  return line.runner and coroutine.status(line.runner) ~= "dead"
end

local function run(line)
  line.runner = coroutine.running()
  while line.first <= line.last do
    local call = line[line.first]
    line[line.first] = nil
    line.first = line.first + 1
    local ok, err = xpcall(call.fn, handler, table.unpack(call, 1, call.n))
    if not ok and is_foreign(err) then
      quieten(line)
      error(err, 0)
    elseif not ok then
      line.failed = line.failed + 1
      if line.failed == 1 then line.error = err end
    end
  end
  quieten(line)
end

---Calls fn(...), now or when those before it are done.
---@param line mooncrew.callbacks
---@param fn function
function callbacks.call(line, fn, ...)
  local call = table.pack(...)
  call.fn = fn
  line.last = line.last + 1
  line[line.last] = call
  if not is_busy(line) then run(line) end
end

---Waits until all are made, and raises what the first that failed raised, once.
---@param line mooncrew.callbacks
---@param deadline? number on the clock of parts.now()
---@return true? done
---@return table? err mooncrew.Timeout
function callbacks.finish(line, deadline)
  while is_busy(line) and line.runner ~= coroutine.running() do
    line.quiet = line.quiet or parts.latch()
    local ok, err = line.quiet:wait(deadline and math.max(0, deadline - parts.now()))
    if not ok then return nil, err end
  end
  if not is_busy(line) and line.first <= line.last then run(line) end
  local err = line.error
  line.error = nil
  if err ~= nil then error(err, 0) end
  return true
end

return callbacks
