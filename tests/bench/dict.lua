-- Operations on a shared dict: N by each of the workers.
--   mooncrew dict.lua set|get|incr|iterate WORKERS N

local mooncrew = require "mooncrew"
local crew = dofile(arg[0]:match("^(.*/)") .. "support/crew.lua")

local what, workers, n = arg[1], math.tointeger(arg[2]), math.tointeger(arg[3])
local shared = mooncrew.dict{ hits = 0 }

local bodies = {
  set = function(worker)
    local key = "k" .. worker
    for i = 1, n do shared[key] = i end
    return shared[key]
  end,
  get = function(worker)
    local key, sum = "k" .. worker, 0
    shared[key] = 1
    for _ = 1, n do sum = sum + shared[key] end
    return sum
  end,
  incr = function()
    local incr = mooncrew.dict.incr
    for _ = 1, n do incr(shared, "hits") end
    return n
  end,
  iterate = function()
    local count = 0
    for _ in pairs(shared) do count = count + 1 end
    return count
  end,
}

if what == "iterate" then
  shared.hits = nil
  for i = 1, n do shared[i] = i end
end
local seconds, sum = crew.run(workers, bodies[what])
if what == "incr" then sum = shared.hits end
crew.report(what == "iterate" and n or n * workers, seconds, sum)
