-- robots.txt as RFC 9309 reads it.
--
-- The rules for us are those of all groups that name us, else those for "*". The longest rule that
-- fits an address decides; of two as long the one that allows.

local robots = {}

local MAX = 500 * 1024 -- bytes that are read; the rest is passed over

-- "Bot/1.0 (about us)" is called "bot".
local function product(user_agent)
  return (user_agent:match("^[%a_-]+") or user_agent):lower()
end

-- All that may be written with or without % in one form, so that rules and targets can be compared.
local function canonical(text)
  if not text:find("[%%\127-\255]") then return text end
  text = text:gsub("[\127-\255]", function(c) return string.format("%%%02X", c:byte()) end)
  return (text:gsub("%%(%x%x)", function(digits)
    local c = string.char(tonumber(digits, 16))
    return c:find("[%w._~-]") and c or "%" .. digits:upper()
  end))
end

-- The pieces between the "*" of a path, and whether a "$" ends it.
local function cut(path)
  local text, anchor = path:match("^(.-)(%$?)$")
  local pieces = {}
  for piece in (canonical(text) .. "*"):gmatch("([^*]*)%*") do pieces[#pieces + 1] = piece end
  return pieces, anchor == "$"
end

-- Each piece is taken where it comes first, so that no rule takes long, however it is made.
local function fits(rule, target)
  local pieces, n = rule.pieces, #rule.pieces
  if target:sub(1, #pieces[1]) ~= pieces[1] then return false end
  local from = #pieces[1] + 1
  for i = 2, rule.anchored and n - 1 or n do
    local _, last = target:find(pieces[i], from, true)
    if not last then return false end
    from = last + 1
  end
  if not rule.anchored then return true end
  if n == 1 then return from == #target + 1 end
  local start = #target - #pieces[n] + 1
  return start >= from and target:sub(start) == pieces[n]
end

-- Goes through the lines: calls on_agent(name, starts_group) and on_rule(kind, path).
local function scan(text, on_agent, on_rule)
  local in_rules = true
  for line in text:sub(1, MAX):gsub("^\xEF\xBB\xBF", ""):gmatch("[^\r\n]+") do
    local key, value = line:gsub("#.*", ""):match("^%s*([%a-]+)%s*:%s*(.-)%s*$")
    key = key and key:lower()
    if key == "user-agent" then
      on_agent(value:lower(), in_rules)
      in_rules = false
    elseif key == "allow" or key == "disallow" then
      on_rule(key, value)
      in_rules = true
    end
  end
end

---@class robots.rule
---@field pieces string[] what is between the "*" of its path
---@field anchored boolean
---@field length integer
---@field allow boolean

---@param text string a robots.txt
---@param user_agent string
---@return robots.rule[]
function robots.parse(text, user_agent)
  local us, ours, others = product(user_agent), {}, {}
  local for_us, for_all, named = false, false, false
  scan(text, function(name, starts_group)
    if starts_group then for_us, for_all = false, false end
    for_us = for_us or product(name) == us
    for_all = for_all or name == "*"
    named = named or for_us
  end, function(kind, path)
    if path == "" then return end -- "Disallow:" forbids nothing
    local rule = { length = #path, allow = kind == "allow" }
    rule.pieces, rule.anchored = cut(path)
    if for_us then ours[#ours + 1] = rule end
    if for_all then others[#others + 1] = rule end
  end)
  return named and ours or others
end

---@param rules robots.rule[]
---@param target string path and query of an address
---@return boolean
function robots.allows(rules, target)
  if not rules[1] then return true end
  target = canonical(target)
  local longest, allow = -1, true
  for _, rule in ipairs(rules) do
    local better = rule.length > longest or rule.length == longest and rule.allow
    if better and fits(rule, target) then longest, allow = rule.length, rule.allow end
  end
  return allow
end

return robots
