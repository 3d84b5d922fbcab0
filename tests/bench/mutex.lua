-- A lock is acquired and released N times by each of the workers.
--   mooncrew mutex.lua WORKERS N

local mooncrew = require "mooncrew"
local crew = dofile(arg[0]:match("^(.*/)") .. "support/crew.lua")

local workers, n = math.tointeger(arg[1]), math.tointeger(arg[2])
local lock = mooncrew.Lock()

crew.report(n * workers, crew.run(workers, function()
  local got = 0
  for _ = 1, n do
    if lock:acquire() then got = got + 1 end
    lock:release()
  end
  return got
end))
