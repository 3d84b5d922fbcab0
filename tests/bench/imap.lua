-- A pool of two workers squares 1 … N, which come from an iterator; results are taken as they come.
--   mooncrew imap.lua CHUNKSIZE N

local mooncrew = require "mooncrew"
local uv = require "luv"

local chunksize, n = math.tointeger(arg[1]), math.tointeger(arg[2])
local function square(x) return x * x end

local function count()
  local i = 0
  return function()
    i = i + 1
    return i <= n and i or nil
  end
end

local pool <close> = mooncrew.Pool(2)
pool:map(square, { 1, 2, 3, 4 }, 1) -- the workers are up

local start = uv.hrtime()
local sum, seen = 0, 0
for value in pool:imap_unordered(square, count(), chunksize) do
  sum, seen = sum + value, seen + 1
end
local seconds = (uv.hrtime() - start) / 1e9
local right = sum == n * (n + 1) * (2 * n + 1) // 6
print(("%d %.6f %d"):format(n, seconds, right and seen or 0))
