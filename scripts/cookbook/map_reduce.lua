-- Groups the lines of JSON in any number of files: how many there are of each value of a field, and
-- the sum of another field. Large files are read in parts by several processes.
--
--   mooncrew scripts/cookbook/map_reduce.lua --by status --sum bytes access-*.jsonl
--
-- map: a part of a file ─▶ { value = { count, sum } }      reduce: those are added up

local fs = require "mooncrew.fs"
local json = require "dkjson"
local mooncrew = require "mooncrew"
local size = require("mooncrew.command").size

local totals = {}

local function add(table_of, key, count, sum)
  local entry = table_of[key] or { 0, 0 }
  entry[1], entry[2] = entry[1] + count, entry[2] + sum
  table_of[key] = entry
end

-- Cuts the files into parts.
local function parts(options)
  local list = {}
  for _, path in ipairs(options.files) do
    local info, err = fs.stat(path)
    if not info then return nil, err end
    if info.type ~= "file" then return nil, path .. ": not a regular file" end
    for first = 0, info.size - 1, options.part do
      list[#list + 1] = { path = path, first = first, last = first + options.part - 1 }
    end
  end
  return list
end

-- A line belongs to the part that its first byte is in, so each is read once.
local function lines_of(file, part)
  local at = part.first
  if at > 0 then
    file:seek("set", at - 1)
    at = at - 1 + #file:read("L") -- the rest of the line before, or the end of it
  end
  return function()
    if at > part.last then return nil end
    local line, err = file:read("L")
    if err then error(err, 0) end
    at = at + #(line or "")
    return line
  end
end

local function map(part, options)
  local file <close> = assert(io.open(part.path, "rb"))
  local groups = {}
  for line in lines_of(file, part) do
    local record, stop, reason = json.decode(line)
    if line:find("%S") then
      if type(record) ~= "table" or line:find("%S", stop) then
        error(reason or "a line that is no JSON object", 0)
      end
      local n, key = options.sum and record[options.sum], record[options.by]
      if type(key) == "table" then key = json.encode(key) end
      add(groups, tostring(key), 1, math.type(n) and n or 0)
    end
  end
  return groups
end

local function reduce(groups)
  for key, entry in pairs(groups) do add(totals, key, entry[1], entry[2]) end
end

local function print_totals(_, options)
  local keys = {}
  for key in pairs(totals) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    print(key, table.unpack(totals[key], 1, options.sum and 2 or 1))
  end
end

mooncrew.main{
  name = "map_reduce",
  description = "Counts lines of JSON by a field, and sums another.",
  options = function(parser)
    parser:argument("files", "files with a JSON object in each line"):args("+")
    parser:option("--by", "the field whose values are counted"):count(1):argname("FIELD")
    parser:option("--sum", "the field that is added up"):argname("FIELD")
    parser:option("--part", "bytes of a task"):convert(size):default("8M"):argname("SIZE")
  end,
  tasks = parts,
  task_name = function(part) return ("%s at %d"):format(part.path, part.first) end,
  task = map,
  result = reduce,
  done = print_totals,
}
