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

local function exposed(ok, ...)
  hold(false)
  if not ok then error((...), 0) end
  return ...
end

local function shielded(ok, ...)
  hold(true)
  if not ok then error((...), 0) end
  return ...
end

---Calls fn(...), which is not to break off in the middle: no step of Lua in it is interrupted, but
---what it leaves open.
---@param fn function
function interrupt.shield(fn, ...)
  if hold(true) then return fn(...) end
  return exposed(pcall(fn, ...))
end

local function open(fn, ...)
  hold(false)
  return fn(...)
end

---Calls fn(...) as if there was no shield around it: a wait, or what is the user's.
---@param fn function
function interrupt.open(fn, ...)
  if not hold(true) then return open(fn, ...) end
  return shielded(pcall(open, fn, ...))
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
