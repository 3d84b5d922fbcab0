-- When a run of tasks stops before its end: "soon,fail=1", as GNU parallel's --halt has it.

local halt = {}

local FEWEST = 3 -- of so few tasks a percentage says nothing yet

local EXPECTED = '"never", or "soon" or "now" with ",fail=", ",success=" or ",done=" and a number '
  .. 'from 1 on or a percentage from 1% to 100%'

---@class mooncrew.Halt
---@field when "soon"|"now" start no more tasks; or end those that run as well
---@field what "fail"|"success"|"done"
---@field number integer so many tasks, or percent of those that have finished
---@field percent boolean

local WHEN = { soon = true, now = true }
local WHAT = { fail = true, success = true, done = true }

---Reads a specification.
---@param text any
---@return mooncrew.Halt|false|nil halt false: never; nil: it is none
---@return string? expected what it should be
function halt.parse(text)
  if text == "never" then return false end
  if type(text) ~= "string" then return nil, EXPECTED end
  local when, what, digits, sign = text:match("^(%l+),(%l+)=(%d+)(%%?)$")
  local number = digits and math.tointeger(tonumber(digits))
  local percent = sign == "%"
  if not WHEN[when] or not WHAT[what] or not number or number < 1
    or percent and number > 100 then
    return nil, EXPECTED
  end
  return { when = when, what = what, number = number, percent = percent }
end

---Whether it is time to stop. A percentage counts from the third such task on.
---@param spec mooncrew.Halt
---@param failed integer tasks so far
---@param succeeded integer
---@return boolean
function halt.reached(spec, failed, succeeded)
  local finished = failed + succeeded
  local n = spec.what == "fail" and failed or spec.what == "success" and succeeded or finished
  if not spec.percent then return n >= spec.number end
  return n >= FEWEST and n * 100 >= spec.number * finished
end

return halt
