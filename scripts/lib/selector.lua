-- A shorthand of CSS for XPath, with the attribute that is wanted behind an "@".
--
--   li.item > a[href$=.jpg]@href     //li[has class item]/a[@href ends with .jpg]/@href
--   img, source@srcset               //img | //source/@srcset
--
-- There are names, "*", #id, .class, [attribute], and in brackets the tests = ^= $= *= ~=;
-- blank (anywhere inside), > (directly inside) and the comma.

local selector = {}

local NAME = "[%w_\128-\255-]+"
local ATTRIBUTE = "[%a_\128-\255][%w_\128-\255-]*" -- XPath has none that begins with a digit

local function quote(text)
  if not text:find("'", 1, true) then return "'" .. text .. "'" end
  if not text:find('"', 1, true) then return '"' .. text .. '"' end
  return nil
end

local function has_word(attribute, word)
  return string.format("contains(concat(' ', normalize-space(@%s), ' '), %s)", attribute,
    quote(" " .. word .. " "))
end

-- "@" and "V" stand for the attribute and the value. XPath 1.0 has no ends-with.
local TESTS = {
  ["="] = "@ = V",
  ["^="] = "starts-with(@, V)",
  ["*="] = "contains(@, V)",
  ["$="] = "substring(@, string-length(@) - string-length(V) + 1) = V",
}

-- The text that a value stands for, or nil when a quote has no other.
local function unquote(value)
  local quoted = value:match("^'(.*)'$") or value:match('^"(.*)"$')
  return quoted or not value:find("^['\"]") and not value:find("['\"]$") and value or nil
end

local function test(attribute, operator, value)
  value = unquote(value)
  if not value or not quote(value) or value == "" then return nil end
  if operator == "~=" then return has_word(attribute, value) end
  return (TESTS[operator]:gsub("[@V]", { ["@"] = "@" .. attribute, V = quote(value) }))
end

-- What one "[…]" says, or nil.
local function bracket(text)
  local name, rest = text:match("^%s*(" .. ATTRIBUTE .. ")%s*(.-)%s*$")
  if not name then return nil end
  name = name:lower()
  if rest == "" then return "@" .. name end
  local operator, value = rest:match("^([~^$*]?=)%s*(.+)$")
  return operator and test(name, operator, value)
end

-- Reads the conditions behind a name; returns them and what comes after.
local function conditions(text)
  local list = {}
  while true do
    local sign = text:match("^[#.%[]")
    if not sign then return list, text end
    local word, rest, condition
    if sign == "[" then
      word, rest = text:match("^%[([^%]]*)%](.*)$")
      condition = word and bracket(word)
    else
      word, rest = text:match("^.(" .. NAME .. ")(.*)$")
      condition = word and (sign == "#" and "@id = " .. quote(word) or has_word("class", word))
    end
    if not condition then return nil end
    list[#list + 1] = "[" .. condition .. "]"
    text = rest
  end
end

-- One alternative, between commas.
local function path(text)
  local parts, axis = {}, "//"
  while true do
    local name, rest = text:match("^([%w*-]*)(.*)$")
    local list
    list, rest = conditions(rest)
    if not list or (name == "" and #list == 0) then return nil end
    if name ~= "" and name ~= "*" and not name:find("^%a[%w-]*$") then return nil end
    parts[#parts + 1] = axis .. (name == "" and "*" or name:lower()) .. table.concat(list)
    local attribute = rest:match("^@(" .. ATTRIBUTE .. ")$")
    if attribute then return table.concat(parts) .. "/@" .. attribute:lower() end
    if rest == "" then return table.concat(parts) end
    local combinator
    combinator, text = rest:match("^%s*(>?)%s*(.*)$")
    if #text == #rest then return nil end
    axis = combinator == ">" and "/" or "//"
  end
end

-- Cuts at commas that are in no brackets.
local function alternatives(text)
  local list, depth, from = {}, 0, 1
  for at, sign in text:gmatch("()([%[%],])") do
    if sign == "[" then
      depth = depth + 1
    elseif sign == "]" then
      depth = depth - 1
    elseif depth == 0 then
      list[#list + 1] = text:sub(from, at - 1)
      from = at + 1
    end
  end
  list[#list + 1] = text:sub(from)
  return list
end

---@param text string
---@return string? xpath
---@return string? reason
function selector.to_xpath(text)
  local paths = {}
  local is_text = utf8.len(text) and not text:find("\0", 1, true)
  for i, alternative in ipairs(alternatives(text)) do
    paths[i] = is_text and path(alternative:match("^%s*(.-)%s*$"))
    if not paths[i] then
      return nil, string.format("expected a selector such as 'li.item > img@src', got '%s'", text)
    end
  end
  return table.concat(paths, " | ")
end

return selector
