-- One process puts N strings of 100 bytes, 16 at a time, another gets them, as many at a time.
--   mooncrew batch.lua N

local mooncrew = require "mooncrew"
local uv = require "luv"

local SIZE = 16
local n = math.tointeger(arg[1])
local batch = {}
for i = 1, SIZE do batch[i] = ("x"):rep(100) end

local queue, answers = mooncrew.Queue(), mooncrew.Queue()
local consumer = mooncrew.Process{ target = function()
  answers:put("ready")
  local sum, got = 0, 0
  while got < n do
    local items = queue:get_many(SIZE)
    for i = 1, #items do sum = sum + #items[i] end
    got = got + #items
  end
  answers:put(sum)
end }:start()

answers:get()
local start = uv.hrtime()
for _ = 1, n // SIZE do queue:put_many(batch) end
for _ = 1, n % SIZE do queue:put(batch[1]) end
local sum = answers:get()
local seconds = (uv.hrtime() - start) / 1e9
consumer:join()
print(("%d %.6f %d"):format(n, seconds, sum))
