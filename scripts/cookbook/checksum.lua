-- Checksums of all files below a folder, sorted by path; or which files are no longer as a list of
-- checksums says.
--
--   mooncrew scripts/cookbook/checksum.lua photos >photos.xxh
--   mooncrew scripts/cookbook/checksum.lua photos --check photos.xxh

local fs = require "mooncrew.fs"
local mooncrew = require "mooncrew"

local sums = {} -- path below the folder: digits
local expected -- the same as read from --check

-- A name with a line end in it must not look like two.
local function quoted(path) return (path:gsub("[\\\n]", { ["\\"] = "\\\\", ["\n"] = "\\n" })) end

local function read_list(path)
  local file, err = io.open(path)
  if not file then return nil, err end
  local text
  text, err = file:read("a")
  file:close()
  if not text then return nil, path .. ": " .. err end -- a folder, say
  local list = {}
  for line in text:gmatch("[^\n]+") do
    local digits, name = line:match("^(%x+)  (.+)$")
    if not digits then return nil, ("%s: no checksum in '%s'"):format(path, line) end
    list[name] = digits
  end
  return list
end

-- The paths of the files, below the folder, one by one: hashing begins while the walk goes on.
local function files(options)
  local err
  if options.check then
    expected, err = read_list(options.check)
    if not expected then return nil, err end
  end
  local walk
  walk, err = fs.walk(options.folder)
  if not walk then return nil, err end
  return function()
    for path, entry in walk do
      -- What can't be read is a task that fails.
      if entry.type == "file" or entry.error then
        return path:sub(#fs.join(options.folder, "") + 1)
      end
    end
  end
end

local function compare()
  local names, wrong = {}, 0
  for name in pairs(expected) do names[#names + 1] = name end
  for name in pairs(sums) do
    if not expected[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local what = not sums[name] and "missing" or not expected[name] and "new"
      or sums[name] ~= expected[name] and "changed"
    if what then
      print(what, name)
      wrong = wrong + 1
    end
  end
  if wrong > 0 then os.exit(1) end
end

local function print_sorted()
  local names = {}
  for name in pairs(sums) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do print(sums[name] .. "  " .. name) end
end

mooncrew.main{
  name = "checksum",
  description = "Prints XXH3 checksums of all files below a folder, or compares them with a list.",
  options = function(parser)
    parser:argument("folder", "where the files are")
    parser:option("-c --check", "a list to compare with"):argname("FILE")
  end,
  tasks = files,
  task = function(name, options) return assert(fs.hash_file(fs.join(options.folder, name))) end,
  result = function(digits, name) sums[quoted(name)] = digits end,
  done = function() (expected and compare or print_sorted)() end,
}
