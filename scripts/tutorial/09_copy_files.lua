-- Copies the files of a folder twice: one after another, and with a pool. Both are timed.
--
--   mooncrew scripts/tutorial/09_copy_files.lua 0 FROM TO1 TO2
--
-- (The first argument, which scales sleeps in the other programs, has no use in this one.)

local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"
local uv = require "luv"

local from = arg[2] or "img"
local to1 = arg[3] or "img-copy-1"
local to2 = arg[4] or "img-copy-2"

local function copy_file(source, target)
  assert(fs.copy_file(source, target))
end

local names = assert(fs.listdir(from))

-- One after another.
local start = uv.hrtime()
assert(fs.mkdirs(to1))
for _, name in ipairs(names) do
  copy_file(fs.join(from, name), fs.join(to1, name))
end
print(string.format("one process: %d files, %.3f s", #names, (uv.hrtime() - start) / 1e9))

-- With a pool of as many processes as there are processors.
start = uv.hrtime()
assert(fs.mkdirs(to2))
local pool = mooncrew.Pool()
local results = {}
for i, name in ipairs(names) do
  results[i] = pool:apply_async(copy_file, { fs.join(from, name), fs.join(to2, name) })
end
pool:close()
pool:join()
for _, result in ipairs(results) do
  result:get() -- raises the error of a copy that failed
end
print(string.format("pool: %d files, %.3f s", #names, (uv.hrtime() - start) / 1e9))
