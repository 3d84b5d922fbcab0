-- The callbacks of a pool: called one at a time, in the order in which results came, by whoever
-- takes results in. A callback may wait for other results: their callbacks come after it.
--
-- What a callback raises breaks nothing: the first such error is kept and raised by join.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local interrupt = require "mooncrew.interrupt"
local line = require "mooncrew.line"

---@class mooncrew.callbacks: mooncrew.line calls that are still to be made
---@field runner? thread who makes them now
---@field quiet? userdata latch, set when nobody makes any
---@field error? any what the first that failed raised
---@field failed integer how many failed
---@field foreign? any an error in one of them that is not its own: the pool raises it

local callbacks = {}

---@param keeps_foreign? boolean whoever called raises `foreign`, by callbacks.raise_foreign
---@return mooncrew.callbacks
function callbacks.new(keeps_foreign)
  local calls = line.new()
  calls.keeps_foreign = keeps_foreign
  calls.failed = 0
  return calls
end

-- These are not the callback's own: the program, or the task that called it, is to end. A pool of
-- processes keeps such a one until it is done with its bookkeeping.
local function is_foreign(err) return err == mooncrew.Cancelled or interrupt.is(err) end

local function handler(err)
  if is_foreign(err) then return err end
  return parts.error_handler(err, 2)
end

local function quieten(calls)
  calls.runner = nil
  if calls.quiet then calls.quiet:set() end
  calls.quiet = nil
end

local function is_busy(calls)
  return calls.runner and coroutine.status(calls.runner) ~= "dead"
end

local function run(calls)
  calls.runner = coroutine.running()
  for call in line.pop, calls do
    local ok, err = interrupt.try_open(handler, call.fn, table.unpack(call, 1, call.n))
    if not ok and is_foreign(err) then
      quieten(calls)
      if not calls.keeps_foreign then error(err, 0) end
      calls.foreign = err
      return
    elseif not ok then
      calls.failed = calls.failed + 1
      if calls.failed == 1 then calls.error = err end
    end
  end
  quieten(calls)
end

---Calls fn(...), now or when those before it are done.
---@param calls mooncrew.callbacks
---@param fn function
function callbacks.call(calls, fn, ...)
  local call = table.pack(...)
  call.fn = fn
  line.push(calls, call)
  if not is_busy(calls) and calls.foreign == nil then run(calls) end
end

---Raises what was kept.
---@param calls mooncrew.callbacks
function callbacks.raise_foreign(calls)
  local err = calls.foreign
  if err == nil then return end
  calls.foreign = nil
  error(err, 0)
end

---Waits until all are made, and raises what the first that failed raised, once.
---@param calls mooncrew.callbacks
---@param deadline? number on the clock of parts.now()
---@return true? done
---@return table? err mooncrew.Timeout
function callbacks.finish(calls, deadline)
  while is_busy(calls) and calls.runner ~= coroutine.running() do
    calls.quiet = calls.quiet or parts.latch()
    local left = deadline and math.max(0, deadline - parts.now())
    local ok, err = interrupt.open(calls.quiet.wait, calls.quiet, left)
    if not ok then return nil, err end
  end
  if not is_busy(calls) and not line.is_empty(calls) then run(calls) end
  callbacks.raise_foreign(calls)
  local err = calls.error
  calls.error = nil
  if err ~= nil then error(err, 0) end
  return true
end

return callbacks
