-- `start` doesn't wait: the time is printed at once, while both children are still at work.
-- The script ends when both have ended.
--
--   mooncrew scripts/tutorial/02_start.lua [seconds per step]

local mooncrew = require "mooncrew"
local uv = require "luv"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1

local function run(name, steps)
  for i = 1, steps do
    mooncrew.sleep(unit)
    print(name, i)
  end
  print(name, "done")
end

local start = uv.hrtime() -- nanoseconds

local p1 = mooncrew.Process{ target = run, args = { "p1", 7 } }
local p2 = mooncrew.Process{ target = run, args = { "p2", 5 } }
p1:start()
p2:start()

print(string.format("elapsed %.3f s", (uv.hrtime() - start) / 1e9))
