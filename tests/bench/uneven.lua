-- A pool of two workers maps N tasks that wait: the first tenth 10 ms each, the others 0.1 ms.
--   mooncrew uneven.lua N
-- It shows how a map without a chunk size spreads uneven work.

local mooncrew = require "mooncrew"
local uv = require "luv"

local n = math.tointeger(arg[1])
local function wait(i)
  mooncrew.sleep(i <= n // 10 and 0.01 or 0.0001)
  return i
end

local list = {}
for i = 1, n do list[i] = i end
local pool <close> = mooncrew.Pool(2)
pool:map(function() end, { 1, 2, 3, 4 }, 1) -- the workers are up

local start = uv.hrtime()
local done = pool:map(wait, list)
local seconds = (uv.hrtime() - start) / 1e9
local right = 0
for i = 1, n do right = right + (done[i] == i and 1 or 0) end
print(("%d %.6f %d"):format(n, seconds, right))
