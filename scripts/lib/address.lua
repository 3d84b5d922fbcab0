-- Addresses of the web: their parts, and one form for all that mean the same.
--
--   HTTP://Example.org:80/a/../b#top    http://example.org/b

local address = {}

local PORTS = { http = "80", https = "443" }
local MAX_ORIGINS = 1000 -- that are remembered

-- Lists are written by hand: what may not stand in an address is escaped.
local function escape(text)
  return (text:gsub("[%c%s\127-\255\"<>\\^`{|}]", function(c)
    return string.format("%%%02X", c:byte())
  end))
end

-- "." and ".." say where to go, and are not sent (RFC 3986, 5.2.4).
local function remove_dots(path)
  local parts, last = {}, nil
  for part in path:gmatch("/([^/]*)") do
    last = part
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  if last == "." or last == ".." then parts[#parts + 1] = "" end
  return "/" .. table.concat(parts, "/")
end

-- The origin of "HTTP://me@Example.org:80", or false.
local function read_origin(text)
  local scheme, authority = text:match("^(%a+)://(.*)$")
  scheme = scheme:lower()
  if not PORTS[scheme] then return false end
  local user, host = authority:match("^(.*@)([^@]*)$")
  host = (host or authority):lower()
  local name, port = host:match("^(.-):(%d*)$")
  if name and (port == "" or port == PORTS[scheme]) then host = name end
  if host == "" or host:find("[%s%c]") then return false end
  return scheme .. "://" .. (user or "") .. host
end

-- Many addresses, few origins: they are read once.
local origins, n_origins = {}, 0

local function origin_of(text)
  local origin = origins[text]
  if origin == nil then
    if n_origins == MAX_ORIGINS then origins, n_origins = {}, 0 end
    origin = read_origin(text)
    origins[text], n_origins = origin, n_origins + 1
  end
  return origin
end

local function target_of(rest)
  -- Most have nothing to be escaped or removed.
  if rest:find("^/[%w/._-]*$") and not rest:find("/.", 1, true) then return rest end
  local path, query = rest:match("^([^?#]*)([^#]*)")
  if path == "" then path = "/" end
  return escape(remove_dots(path) .. query)
end

-- The origin as it is written and as it is called, and the rest of the address. Where it was
-- read before, the slash behind it is found without looking at each character.
local function split(url)
  local slash = url:find("/", #"http://" + 2, true)
  local text = slash and url:sub(1, slash - 1)
  if text and origins[text] then return text, origins[text], url:sub(slash) end
  local rest
  text, rest = url:match("^(%a+://[^/?#]+)(.*)$")
  return text, text and origin_of(text), rest
end

-- The one form of an address, its origin and its target; nil when it is not of http or https.
local function take_apart(url)
  local text, origin, rest = split(url)
  if not origin then return nil end
  local target = target_of(rest)
  if origin ~= text or target ~= rest then url = origin .. target end
  return url, origin, target
end

---@class address.parts
---@field url string the one form of the address, without its fragment
---@field origin string with its port unless that is the usual one
---@field target string path and query

---Takes an http or https address apart.
---@param url string
---@return address.parts?
function address.parse(url)
  local form, origin, target = take_apart(url)
  return form and { url = form, origin = origin, target = target }
end

---The one form of an address, without its fragment; nil when it is not of http or https.
---@param url string
---@return string?
function address.normal(url)
  return (take_apart(url))
end

return address
