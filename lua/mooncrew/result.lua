-- The outcome of a task of a pool, before and after it is there.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local callbacks = require "mooncrew.callbacks"
local check = require "mooncrew.check"
local mapping = require "mooncrew.mapping"

---@class mooncrew.Result
---@field package owner table the pool; its method wait_for(result, timeout) does the waiting
---@field package latch? userdata made when somebody waits, set when the outcome is there
---@field package state "pending"|"returned"|"raised"|"cancelled"|"skipped"
---@field package n integer of values that there are then: results, or the error
---@field package value any the value when n is 1, else a list of them
---@field stdout? string what the task wrote, when it was captured and the outcome is there
---@field stderr? string
local Result = {}
Result.__index = Result
Result.__name = "mooncrew.Result"

local result = {}

---@param owner table
---@param options? table callback, error_callback, name
---@return mooncrew.Result
function result.new(owner, options)
  return setmetatable({
    owner = owner,
    state = "pending",
    n = 0,
    value = nil,
    callback = options and options.callback,
    error_callback = options and options.error_callback,
    name = options and options.name,
  }, Result)
end

---The class of results. That of a call without options is made by runtime/bind/pool_give.c, is the
---pool's task as well (mapping.lua), and pool_done.c notes its outcome.
result.class = Result

---Checks the options that `new` takes.
---@param func string what the user called
---@param options table
---@param level? integer levels between this call and the user's; default 2
function result.check(func, options, level)
  level = (level or 2) + 1
  for _, name in ipairs{ "callback", "error_callback" } do
    if options[name] ~= nil then check.type(func, name, options[name], "function", level) end
  end
end

---The name of a task, checked.
---@return string|number?
function result.check_name(func, name, level)
  if name ~= nil and type(name) ~= "string" and type(name) ~= "number" then
    check.fail(func, "name", "a string or a number", name, (level or 2) + 1)
  end
  return name
end

---Something to wait for that is set when the outcome is there.
---@param self mooncrew.Result
---@return userdata
function result.latch(self)
  local latch = self.latch
  if not latch then
    latch = parts.latch()
    self.latch = latch
    if self.state ~= "pending" then latch:set() end
  end
  return latch
end

-- The outcome is there. Callbacks run here: in the process that submitted, while it waits.
local function finish(self, state, ...)
  if self.state ~= "pending" then return false end
  local n = select("#", ...)
  self.state, self.n = state, n
  if n == 1 then self.value = ... else self.value = { ... } end
  if self.latch then self.latch:set() end
  if state == "returned" and self.callback then
    callbacks.call(self.owner.callbacks, self.callback, ...)
  elseif state ~= "returned" and state ~= "skipped" and self.error_callback then
    callbacks.call(self.owner.callbacks, self.error_callback, (...))
  end
  return true
end

function result.returned(self, ...) return finish(self, "returned", ...) end

function result.raised(self, err) return finish(self, "raised", err) end

function result.cancelled(self) return finish(self, "cancelled", mooncrew.Cancelled) end

---The task was not run, since a run before did it.
function result.skipped(self) return finish(self, "skipped", mooncrew.Skipped) end

-- As a task of its pool.

---@package
Result.mode, Result.tried = mapping.CALL, 0
---@package
Result.returned, Result.raised, Result.cancelled = result.returned, result.raised, result.cancelled
---@package
Result.passed = result.cancelled

local function await(self, func, timeout)
  check.wait(func, timeout, 3)
  if self.state ~= "pending" then return true end
  return self.owner:wait_for(self, timeout)
end

---Waits for the outcome.
---@param timeout? number seconds
---@return true? done
---@return table? err mooncrew.Timeout
function Result:wait(timeout)
  local done, err = await(self, "wait", timeout)
  return done, err
end

---The task's results; raises its error.
---@param timeout? number seconds
---@return any ... the results; or nil and mooncrew.Timeout, Cancelled or Skipped
function Result:get(timeout)
  if self.state == "pending" or timeout ~= nil then
    local done, err = await(self, "get", timeout)
    if not done then return nil, err end
  end
  if self.state ~= "returned" then
    if self.state == "raised" then error(self.value, 0) end
    if self.state == "cancelled" and self.owner.interruption then self.owner:finish_drain() end
    return nil, self.value
  end
  if self.n == 1 then return self.value end
  return table.unpack(self.value, 1, self.n)
end

---Whether the outcome is there.
---@return boolean
function Result:ready()
  if self.state == "pending" then self.owner:poll() end
  return self.state ~= "pending"
end

---Whether it is there and no error. An error while it is not there.
---@return boolean
function Result:successful()
  if not self:ready() then error("successful: the result is not there yet", 2) end
  return self.state == "returned" or self.state == "skipped"
end

---Gives up a task: its outcome is Cancelled, whatever it does from now on. A worker that has not
---begun it does not.
---@param force? boolean end it, with its worker, when a worker of a Pool has it in hand
---@return boolean cancelled false when the outcome was there before
function Result:cancel(force)
  if self:ready() then return false end
  if self.owner.cancel then self.owner:cancel(self, force) end
  return result.cancelled(self)
end

function Result:__tostring()
  return ("mooncrew.Result: %s (%s)"):format(self.name or "task", self.state)
end

return result
