-- Addresses of the web: their parts, and one form for all that mean the same.
--
--   HTTP://Example.org:80/a/../b#top    http://example.org/b

local address = {}

local PORTS = { http = "80", https = "443" }

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

---Takes an http or https address apart.
---@param url string
---@return { origin: string, target: string }? parts the origin with its port unless that is the
---  usual one, the target with path and query
function address.parse(url)
  local scheme, authority, rest = url:match("^(%a+)://([^/?#]+)([^#]*)")
  scheme = scheme and scheme:lower()
  if not PORTS[scheme] then return nil end
  local user, host = authority:match("^(.*@)([^@]*)$")
  host = (host or authority):lower()
  local name, port = host:match("^(.-):(%d*)$")
  if name and (port == "" or port == PORTS[scheme]) then host = name end
  if host == "" or host:find("[%s%c]") then return nil end
  local path, query = rest:match("^([^?]*)(.*)$")
  if path == "" then path = "/" end
  return {
    origin = scheme .. "://" .. (user or "") .. host,
    target = escape(remove_dots(path) .. query),
  }
end

---The one form of an address, without its fragment; nil when it is not of http or https.
---@param url string
---@return string?
function address.normal(url)
  local parts = address.parse(url)
  return parts and parts.origin .. parts.target
end

return address
