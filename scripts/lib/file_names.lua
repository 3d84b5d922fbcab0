-- A file name of its own for each address, whatever the address says.
--
--   http://a/img/cat.jpg?size=2   cat.jpg
--   http://b/old/cat.jpg          cat-2.jpg
--   http://a/%2e%2e%2fetc         .._etc     (one name, not a path: fs.safe_name)
--
-- Invariant: no two addresses get the same name, in all processes that share what is taken, and no
-- name leads out of its folder.

local fs = require "mooncrew.fs"
local mooncrew = require "mooncrew"

-- Room for a number, below the 255 bytes that a name may have.
local MAX_NAME = 200

---@class file_names
---@field taken mooncrew.dict addresses by name
local FileNames = {}
FileNames.__index = FileNames

---@param taken? mooncrew.dict of several processes
---@return file_names
local function new(taken)
  return setmetatable({ taken = taken or mooncrew.dict{} }, FileNames)
end

local function percent_decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

---The last part of an address's path, decoded: "" when the path ends in "/". What is no UTF-8 stays
---encoded, since names are listed in JSON.
---@param url string
---@return string
local function last_part(url)
  local plain = url:match("^.*/([%w._-]+)$")
  local root = url:find("/", #"https://" + 1, true)
  if plain and root and root <= #url - #plain then return plain end
  local path = url:gsub("[?#].*$", ""):gsub("^%a[%w+.-]*://[^/]*", "")
  local part = percent_decode(path:match("[^/]*$"))
  if utf8.len(part) then return part end
  return (part:gsub("[\128-\255]", function(c) return string.format("%%%02X", c:byte()) end))
end

-- Stem and extension; a dot at the start is no extension.
local function split(name)
  local stem, extension = name:match("^(.+)(%.[%w_-]+)$")
  if not stem or #extension > 20 then return name, "" end
  return stem, extension
end

-- Cuts a text to at most `max` bytes, not in the middle of a UTF-8 character.
local function cut(text, max)
  if #text <= max then return text end
  while max > 0 and text:byte(max + 1) & 0xC0 == 0x80 do max = max - 1 end
  return text:sub(1, max)
end

---Takes a name for an address, unless another one has it.
---@param name string
---@param url string
---@return boolean taken
function FileNames:take(name, url)
  return mooncrew.dict.cas(self.taken, name, nil, url) or self.taken[name] == url
end

-- The first of "cat.jpg", "cat-2.jpg", … that no other has.
local function number(self, name, url)
  local stem, extension = split(name)
  stem = cut(stem, MAX_NAME - #extension)
  name = stem .. extension
  local n = 1
  while not self:take(name, url) do
    n = n + 1
    name = string.format("%s-%d%s", stem, n, extension)
  end
  return name
end

---Picks the name for an address and takes it. The same address gets the same name again.
---@param url string
---@return string
function FileNames:pick(url)
  local part = last_part(url)
  local name = fs.safe_name(part ~= "" and part or "index")
  -- Most names are short, and nobody has them.
  if #name > MAX_NAME or not self:take(name, url) then name = number(self, name, url) end
  assert(not name:find("[/\0]") and name ~= "." and name ~= "..", "an unsafe file name")
  return name
end

return { new = new, last_part = last_part }
