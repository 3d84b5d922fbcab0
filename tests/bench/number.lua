-- A shared number is incremented N times by each of the workers.
--   mooncrew number.lua WORKERS N

local mooncrew = require "mooncrew"
local crew = dofile(arg[0]:match("^(.*/)") .. "support/crew.lua")

local workers, n = math.tointeger(arg[1]), math.tointeger(arg[2])
local number = mooncrew.Value(0)

local seconds = crew.run(workers, function()
  for _ = 1, n do number:incr(1) end
  return n
end)
crew.report(n * workers, seconds, number.value)
