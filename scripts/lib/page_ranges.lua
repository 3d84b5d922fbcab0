-- Addresses with ranges of numbers in braces, as shells and curl write them.
--
--   http://a/list/{1..3}      list/1  list/2  list/3
--   http://a/{08..10}.html    08.html  09.html  10.html
--   http://a/{1..9..4}        1  5  9
--   http://a/{1..2}/{1..2}    1/1  1/2  2/1  2/2

local MAX = 1000000 -- addresses of one text

local page_ranges = {}

local function range_of(text)
  local first, last, step = text:match("^(%d+)%.%.(%d+)$")
  if not first then first, last, step = text:match("^(%d+)%.%.(%d+)%.%.(%d+)$") end
  local wrong = string.format("expected a range such as {1..10}, got '{%s}'", text)
  if not first then return nil, wrong end
  local from, to = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  local by = math.tointeger(tonumber(step or 1))
  if not from or not to or not by or from > to or by < 1 or to - from >= MAX * by then
    return nil, wrong
  end
  local padded = first:find("^0.") and #first or 1
  return { from = from, to = to, by = by, format = "%0" .. padded .. "d" }
end

-- Every text of the list with every number of the range behind it.
local function extend(list, range)
  local longer = {}
  for _, head in ipairs(list) do
    for number = range.from, range.to, range.by do
      longer[#longer + 1] = head .. range.format:format(number)
      if #longer > MAX then return nil, string.format("more than %d addresses", MAX) end
    end
  end
  return longer
end

---Writes a text out for each number of its ranges. Braces without ".." stay as they are.
---@param text string
---@return string[]? list at least one
---@return string? reason
function page_ranges.expand(text)
  local list, rest = { "" }, text
  while true do
    local before, inside, after = rest:match("^(.-){(%d+%.%.[^{}]*)}(.*)$")
    if not before then break end
    local range, reason = range_of(inside)
    if not range then return nil, reason end
    for i, head in ipairs(list) do list[i] = head .. before end
    list, reason = extend(list, range)
    if not list then return nil, reason end
    rest = after
  end
  for i, head in ipairs(list) do list[i] = head .. rest end
  return list
end

return page_ranges
