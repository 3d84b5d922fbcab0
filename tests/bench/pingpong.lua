-- One integer goes to another process and comes back, N times; BUSY others compute meanwhile.
--   mooncrew pingpong.lua BUSY N

local mooncrew = require "mooncrew"
local uv = require "luv"

local busy, n = math.tointeger(arg[1]), math.tointeger(arg[2])
local there, back = mooncrew.Queue(), mooncrew.Queue()

local crowd = {}
for i = 1, busy do
  crowd[i] = mooncrew.Process{ daemon = true, target = function()
    back:put("ready")
    while true do end
  end }:start()
end
local peer = mooncrew.Process{ target = function()
  back:put("ready")
  for _ = 1, n do back:put(there:get() + 1) end
end }:start()

for _ = 1, busy + 1 do back:get() end
local value = 0
local start = uv.hrtime()
for _ = 1, n do
  there:put(value)
  value = back:get()
end
local seconds = (uv.hrtime() - start) / 1e9
peer:join()
for _, process in ipairs(crowd) do process:kill() end
print(("%d %.6f %d"):format(n, seconds, value))
