-- A pool of two workers is given N tasks: each result is fetched before the next task is given,
-- or all of them at the end.
--   mooncrew apply.lua each|all N

local mooncrew = require "mooncrew"
local uv = require "luv"

local when, n = arg[1], math.tointeger(arg[2])
local function square(x) return x * x end

local pool <close> = mooncrew.Pool(2)
pool:map(square, { 1, 2, 3, 4 }, 1) -- the workers are up

local start = uv.hrtime()
local right = 0
if when == "each" then
  for i = 1, n do
    right = right + (pool:apply_async(square, { i }):get() == i * i and 1 or 0)
  end
else
  local results = {}
  for i = 1, n do results[i] = pool:apply_async(square, { i }) end
  for i = 1, n do right = right + (results[i]:get() == i * i and 1 or 0) end
end
local seconds = (uv.hrtime() - start) / 1e9
print(("%d %.6f %d"):format(n, seconds, right))
