-- Checks of arguments: one clear error that names the function, the argument, what was expected
-- and what came.

local parts = require "mooncrew.parts"

local check = { MOST_ARGS = 1000000 } -- Lua's stack holds no more

local function describe(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if value ~= value then return "NaN" end
  if type(value) == "number" or type(value) == "boolean" or value == nil then
    return tostring(value)
  end
  return type(value)
end

---Raises the error of a wrong argument, at the caller of the function named.
---@param func string
---@param what string the argument or option
---@param expected string
---@param value any what came
---@param level? integer levels between this call and the user's; default 2
function check.fail(func, what, expected, value, level)
  error(("%s: %s: %s expected, got %s"):format(func, what, expected, describe(value)),
    (level or 2) + 1)
end

---A whole number within limits.
---@return integer
function check.integer(func, what, value, least, most, level)
  local number = math.type(value) == "integer" and value
    or math.type(value) == "float" and math.tointeger(value)
  if not number or number < least or number > most then
    local expected = ("a whole number from %d to %d"):format(least, most)
    check.fail(func, what, expected, value, (level or 2) + 1)
  end
  return number
end

---For how long to wait: nil, or a number of seconds.
---@return number?
function check.wait(func, value, level)
  if value ~= nil and (type(value) ~= "number" or value ~= value) then
    check.fail(func, "timeout", "a number of seconds", value, (level or 2) + 1)
  end
  return value
end

---A time in seconds: nil, or a number above 0.
---@return number?
function check.timeout(func, what, value, level)
  if value ~= nil and (type(value) ~= "number" or value ~= value or value <= 0 or value > 1e9) then
    check.fail(func, what, "a number of seconds above 0", value, (level or 2) + 1)
  end
  return value
end

---A number of bytes: nil, a whole number above 0, or a text such as "256M".
---@return integer?
function check.size(func, what, value, level)
  local bytes = value ~= nil and parts.size(value) or nil
  if value ~= nil and not bytes then
    check.fail(func, what, 'a number of bytes or a size such as "256M"', value, (level or 2) + 1)
  end
  return bytes
end

---A value of one type.
function check.type(func, what, value, expected, level)
  if type(value) ~= expected then
    check.fail(func, what, "a " .. expected, value, (level or 2) + 1)
  end
  return value
end

---What a task is made of: a function, and nil or a table of arguments.
function check.call(func, fn, args, level)
  level = (level or 2) + 1
  check.type(func, "fn", fn, "function", level)
  if args == nil then return end
  check.type(func, "args", args, "table", level)
  if args.n ~= nil then check.integer(func, "args.n", args.n, 0, check.MOST_ARGS, level) end
end

---A table of options of which each is known.
---@param known table<string, true>
function check.options(func, options, known, level)
  for name in pairs(options) do
    if not known[name] then
      error(("%s: unknown option '%s'"):format(func, tostring(name)), (level or 2) + 1)
    end
  end
  return options
end

return check
