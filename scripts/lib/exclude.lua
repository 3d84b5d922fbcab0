-- Patterns of names that a copy leaves out, as shells and rsync write them.
--
--   *.o          any entry of that name, wherever it is
--   cache/       folders only
--   /build       at the top of the tree only: it has a "/" that is not its last byte
--   doc/**/*.md  "*" and "?" stop at a "/", "**" does not; [a-z] and [!a-z] are sets

local exclude = {}

-- A set as Lua writes it, and where the text goes on; nil when it never ends.
local function convert_set(glob, at)
  local inner = at + 1
  local negated = glob:find("^[!^]", inner)
  if negated then inner = inner + 1 end
  local close = glob:find("]", inner + 1, true) -- a first "]" is one of the set
  if not close then return nil end
  local set = glob:sub(inner, close - 1):gsub("[%%%]%[%^]", "%%%0")
  return (negated and "[^/" or "[") .. set .. "]", close + 1
end

-- Appends to `patterns` the Lua patterns of a glob for a whole path, read from `at` on behind what
-- is converted already. There are two for each "**/", which is any number of folders or none.
local function convert(glob, at, before, patterns)
  local out = { before }
  while at <= #glob do
    local c = glob:sub(at, at)
    local piece, after
    if glob:find("^%*%*/", at) then
      local so_far = table.concat(out)
      convert(glob, at + 3, so_far, patterns)
      convert(glob, at + 3, so_far .. ".*/", patterns)
      return patterns
    elseif glob:find("^%*%*", at) then
      piece, after = ".*", at + 2
    elseif c == "*" then
      piece = "[^/]*"
    elseif c == "?" then
      piece = "[^/]"
    elseif c == "[" then
      piece, after = convert_set(glob, at)
    elseif c == "\\" and at < #glob then
      piece, after = glob:sub(at + 1, at + 1):gsub("%W", "%%%0"), at + 2
    end
    out[#out + 1] = piece or c:gsub("%W", "%%%0")
    at = after or at + 1
  end
  patterns[#patterns + 1] = table.concat(out) .. "$"
  return patterns
end

local function matches(patterns, text)
  for _, pattern in ipairs(patterns) do
    if text:find(pattern) then return true end
  end
  return false
end

local function compile(text)
  local folders_only = #text > 1 and text:sub(-1) == "/"
  local glob = folders_only and text:gsub("/+$", "") or text
  local whole = glob:find("/", 1, true) ~= nil
  local patterns = convert(glob, glob:find("^/") and 2 or 1, "^", {})
  return { patterns = patterns, whole = whole, folders_only = folders_only }
end

---A function that says whether an entry is left out.
---@param globs string[]
---@return fun(path: string, type: string): boolean path from the top of the tree, no "/" first
function exclude.matcher(globs)
  local rules = {}
  for i, text in ipairs(globs) do rules[i] = compile(text) end
  return function(path, type)
    local name = path:match("[^/]*$")
    for _, rule in ipairs(rules) do
      if (not rule.folders_only or type == "directory")
        and matches(rule.patterns, rule.whole and path or name) then
        return true
      end
    end
    return false
  end
end

return exclude
