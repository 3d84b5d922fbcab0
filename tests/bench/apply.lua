-- A pool of two workers is given N tasks; then each result is fetched.
--   mooncrew apply.lua N

local mooncrew = require "mooncrew"
local uv = require "luv"

local n = math.tointeger(arg[1])
local function square(x) return x * x end

local pool <close> = mooncrew.Pool(2)
pool:map(square, { 1, 2, 3, 4 }, 1) -- the workers are up

local start = uv.hrtime()
local results = {}
for i = 1, n do results[i] = pool:apply_async(square, { i }) end
local right = 0
for i = 1, n do right = right + (results[i]:get() == i * i and 1 or 0) end
local seconds = (uv.hrtime() - start) / 1e9
print(("%d %.6f %d"):format(n, seconds, right))
