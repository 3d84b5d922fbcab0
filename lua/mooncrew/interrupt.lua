-- Which errors mean that the program is to end: those of Ctrl-C and SIGTERM, which a wait or the
-- next step of Lua raised.

local parts = require "mooncrew.parts"

local interrupt = {}

local hold = parts.hold_interrupts

---@param err any
---@return boolean
function interrupt.is(err)
  if type(err) ~= "string" then return false end
  return err:find("interrupted!$") ~= nil or err:find("terminated!$") ~= nil
end

---Calls fn(...), which is not to break off in the middle: no step of Lua in it is interrupted, but
---what it leaves open.
---@type fun(fn: function, ...: any): any ...
interrupt.shield = parts.shield

---Calls fn(...) as if there was no shield around it: a wait, or what is the user's.
---@type fun(fn: function, ...: any): any ...
interrupt.open = parts.open

local function open(fn, ...)
  hold(false)
  return fn(...)
end

local function restore(was, ...)
  hold(was)
  return ...
end

---The same in the form of xpcall(fn, handler, ...), whose results it returns.
---@param handler function
---@param fn function
function interrupt.try_open(handler, fn, ...)
  return restore(hold(true), xpcall(open, handler, fn, ...))
end

return interrupt
