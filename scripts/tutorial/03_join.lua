-- `join` waits for a child to end, so the time that is printed is that of the longer one.
--
--   mooncrew scripts/tutorial/03_join.lua [seconds per step]

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

local start = uv.hrtime()

local p1 = mooncrew.Process{ target = run, args = { "p1", 7 } }
local p2 = mooncrew.Process{ target = run, args = { "p2", 5 } }
p1:start()
p2:start()
p1:join()
p2:join()

print(string.format("elapsed %.3f s", (uv.hrtime() - start) / 1e9))
