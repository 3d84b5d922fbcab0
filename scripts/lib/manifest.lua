-- The list of what was scraped, a line of JSON each, written while it comes.
--
--   {"file":"cat.jpg","sha256":"…","size":8123,"status":200,"url":"http://a/cat.jpg"}
--   {"error":"HTTP status 404","status":404,"url":"http://a/none.jpg"}
--
-- It is also what a scrape that was broken off is resumed by. A line is written in one piece; the
-- last one of a killed process may be torn, and does not count.

local dkjson = require "dkjson"
local fs = require "mooncrew.fs"

local ORDER = { keyorder = { "url", "file", "size", "sha256", "status", "location", "error" } }

---@class manifest.entry
---@field url string
---@field file? string name in the folder
---@field size? integer
---@field sha256? string
---@field status? integer of the answer; nil when none came
---@field location? string what the address was redirected to, which is listed itself
---@field error? string why there is no file

---@class manifest
---@field file file*
local Manifest = {}
Manifest.__index = Manifest

local manifest = {}

-- JSON is UTF-8; the reason of a failure may be any bytes, which are then taken for Latin-1.
local function as_utf8(text)
  if type(text) ~= "string" or utf8.len(text) then return text end
  return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

---Opens a manifest to write it.
---@param path string "-": stdout
---@param resume? boolean go on behind what is there
---@return manifest? opened
---@return string? reason
function manifest.open(path, resume)
  if path == "-" then return setmetatable({ file = io.stdout }, Manifest) end
  local torn = false
  if resume then
    local old = io.open(path, "rb")
    if old then
      torn = old:seek("end", -1) and old:read(1) ~= "\n"
      old:close()
    end
  end
  local file, err = io.open(path, resume and "ab" or "wb")
  if not file then return nil, err end
  if torn then file:write("\n") end
  return setmetatable({ file = file }, Manifest)
end

---@param entry manifest.entry
---@return true? ok
---@return string? reason
function Manifest:write(entry)
  local line = {}
  for key, value in pairs(entry) do line[key] = as_utf8(value) end
  local ok, err = self.file:write(dkjson.encode(line, ORDER), "\n")
  if ok then ok, err = self.file:flush() end
  if not ok then return nil, err end
  return true
end

---What an earlier run has got: entries by address whose files are there with their sizes.
---@param path string
---@param folder string
---@return table<string, manifest.entry> entries
function manifest.done(path, folder)
  local entries = {}
  local file = io.open(path, "rb")
  if not file then return entries end
  for line in file:lines() do
    local entry = dkjson.decode(line)
    if type(entry) == "table" and type(entry.url) == "string" and type(entry.file) == "string" then
      local safe = fs.safe_name(entry.file) == entry.file
      local info = safe and fs.stat(fs.join(folder, entry.file), false)
      local whole = info and info.type == "file" and info.size == entry.size
      entries[entry.url] = whole and entry or nil
    end
  end
  file:close()
  return entries
end

return manifest
