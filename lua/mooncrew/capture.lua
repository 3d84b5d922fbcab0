-- What tasks write to stdout and stderr, kept for their results.

local check = require "mooncrew.check"

local DEFAULT = 1 << 20 -- bytes of each stream
local MOST = 1 << 30

local capture = {}

---The option `capture`, checked: true, or how many bytes of each stream are kept.
---@param func string
---@param value? boolean|integer|string
---@param default? integer nil: a pool that can't do it
---@param level? integer levels between this call and the user's; default 2
---@return integer limit 0: nothing is captured
function capture.check(func, value, default, level)
  level = (level or 2) + 1
  if value == nil then return default end
  if not default then error(func .. ": capture: only a Pool of processes can do that", level) end
  if type(value) == "boolean" then return value and DEFAULT or 0 end
  local limit = check.size(func, "capture", value, level)
  if limit > MOST then check.fail(func, "capture", "at most 1G", value, level) end
  return limit
end

---Puts together what the parts of a map wrote, in the order of its list.
---@param parts table<integer, { stdout: string, stderr: string }> by the number of the first item
---@return string stdout
---@return string stderr
function capture.join(parts)
  local firsts, stdout, stderr = {}, {}, {}
  for first in pairs(parts) do firsts[#firsts + 1] = first end
  table.sort(firsts)
  for i, first in ipairs(firsts) do
    stdout[i], stderr[i] = parts[first].stdout, parts[first].stderr
  end
  return table.concat(stdout), table.concat(stderr)
end

return capture
