-- One integer goes to another process and comes back, N times.
--   mooncrew pingpong.lua N

local mooncrew = require "mooncrew"
local uv = require "luv"

local n = math.tointeger(arg[1])
local there, back = mooncrew.Queue(), mooncrew.Queue()

local peer = mooncrew.Process{ target = function()
  back:put("ready")
  for _ = 1, n do back:put(there:get() + 1) end
end }:start()

back:get()
local value = 0
local start = uv.hrtime()
for _ = 1, n do
  there:put(value)
  value = back:get()
end
local seconds = (uv.hrtime() - start) / 1e9
peer:join()
print(("%d %.6f %d"):format(n, seconds, value))
