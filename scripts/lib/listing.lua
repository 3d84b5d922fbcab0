-- A listing page: the addresses that it shows.

local address = require "lib.address"
local fetch = require "lib.fetch"
local html = require "mooncrew.html"
local http = require "mooncrew.http"

-- Where an element's address is, unless something else is asked for. What is loaded late has a
-- placeholder in src.
local ATTRIBUTES = { "data-original", "data-src", "src", "href" }

local MAX_PAGE = 32 << 20 -- bytes of a page: its tree takes eight times as much

local listing = {}

---Whether an XPath can be used: whether it is one, and finds what may have addresses.
---@param xpath string
---@return true? ok
---@return string? reason
function listing.check(xpath)
  local ok, found = pcall(function()
    local doc = html.parse("<p>")
    return doc:xpath(xpath)
  end)
  if not ok then return nil, (tostring(found):match("%((.*)%)$") or tostring(found)) end
  if type(found) == "table" or type(found) == "string" then return true end
  return nil, string.format("XPath '%s': finds a %s; it must find elements, attributes or texts",
    xpath, type(found))
end

local function address_of(found, attribute)
  if type(found) == "string" then return found end
  for _, name in ipairs(attribute and { attribute } or ATTRIBUTES) do
    local value = found:attr(name)
    if value and not (value:find("^%s*data:") and not attribute) then return value end
  end
end

-- Where an address on a page leads to; what can't be resolved is left for the report as it is.
local function resolve(doc, found)
  if not found:find("%S") then return nil end
  return doc:url(found) or found:match("^%s*(.-)%s*$")
end

local function find(answer, options)
  local doc = html.parse(answer.body, { base = answer.url, encoding = answer.encoding })
  local found = doc:xpath(options.xpath)
  local urls = {}
  for _, one in ipairs(type(found) == "string" and { found } or found) do
    local text = address_of(one, options.attribute)
    urls[#urls + 1] = text and resolve(doc, text)
  end
  return urls
end

---Reads a listing page.
---@param url string in the form of address.normal
---@param options scraper.options
---@return string[]? urls
---@return string? reason
function listing.read(url, options)
  local request = { follow = false }
  for name, value in pairs(options.request) do request[name] = value end
  request.max_size = math.min(request.max_size, MAX_PAGE)
  local answer, failure = fetch(address.parse(url), {
    shared = options.shared,
    request = options.request,
    ask = function(at) return http.get(at, request) end,
  })
  if not answer then return nil, failure.reason end
  if answer.status < 200 or answer.status > 299 then
    return nil, string.format("HTTP status %d", answer.status)
  end
  return find(answer, options)
end

return listing
