-- The list of what was scraped, a line of JSON each, written while it comes.
--
--   {"file":"cat.jpg","sha256":"…","size":8123,"status":200,"url":"http://a/cat.jpg"}
--   {"error":"HTTP status 404","status":404,"url":"http://a/none.jpg"}
--
-- It is also what a scrape that was broken off is resumed by. A line is written in one piece; that
-- of a process that was killed meanwhile may be torn, and is taken away.

local dkjson = require "dkjson"
local fs = require "mooncrew.fs"
local uv = require "luv"

local PIECE = 4096 -- bytes that are looked through at once

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
---@field path string
---@field file file* at whose end each process writes
local Manifest = {}
Manifest.__index = Manifest

local manifest = {}

-- JSON is UTF-8; the reason of a failure may be any bytes, which are then taken for Latin-1.
local function as_utf8(text)
  if type(text) ~= "string" or utf8.len(text) then return text end
  return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

local function is_plain(path)
  local info = uv.fs_stat(path)
  return info ~= nil and info.type == "file"
end

-- How long a file is without what comes behind its last line end.
local function length_of_lines(path)
  local file <close> = io.open(path, "rb")
  local length = file and file:seek("end") or 0
  while length > 0 do
    local from = math.max(0, length - PIECE)
    file:seek("set", from)
    local last = file:read(length - from):match(".*()\n")
    if last then return from + last end
    length = from
  end
  return 0
end

local function cut(path, length)
  local fd <const> = uv.fs_open(path, "r+", 0)
  if not fd then return end
  uv.fs_ftruncate(fd, length)
  uv.fs_close(fd)
end

---Opens a manifest that other processes write to.
---@param path string "-": stdout
---@return manifest? opened
---@return string? reason
function manifest.join(path)
  local file, err
  if path == "-" then file = io.stdout else file, err = io.open(path, "ab") end
  if not file then return nil, err end
  return setmetatable({ path = path, file = file }, Manifest)
end

---Opens a manifest to write it.
---@param path string "-": stdout
---@param resume? boolean go on behind what is there
---@return manifest? opened
---@return string? reason
function manifest.open(path, resume)
  local opened, err = manifest.join(path)
  if not opened then return nil, err end
  if is_plain(path) then cut(path, resume and length_of_lines(path) or 0) end
  return opened
end

---Takes away a line that somebody has begun and can't end. Nobody may write meanwhile.
function Manifest:repair()
  if is_plain(self.path) then cut(self.path, length_of_lines(self.path)) end
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
