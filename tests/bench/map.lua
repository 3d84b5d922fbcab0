-- A pool of two workers squares 1 … N.
--   mooncrew map.lua CHUNKSIZE|default N

local mooncrew = require "mooncrew"
local uv = require "luv"

local chunksize, n = math.tointeger(arg[1]), math.tointeger(arg[2])
local function square(x) return x * x end

local list = {}
for i = 1, n do list[i] = i end
local pool <close> = mooncrew.Pool(2)
pool:map(square, { 1, 2, 3, 4 }, 1) -- the workers are up

local start = uv.hrtime()
local squares = pool:map(square, list, chunksize)
local seconds = (uv.hrtime() - start) / 1e9
local sum = 0
for i = 1, n do sum = sum + (squares[i] == i * i and 1 or 0) end
print(("%d %.6f %d"):format(n, seconds, sum))
