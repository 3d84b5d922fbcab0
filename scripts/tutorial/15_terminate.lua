-- `terminate` ends a child at once; `exitcode` then says by which signal: -15 is SIGTERM.
--
--   mooncrew scripts/tutorial/15_terminate.lua [seconds per step]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1

local function run()
  mooncrew.sleep(100 * unit)
  print("never printed")
end

local p = mooncrew.Process{ target = run }
p:start()
print("child", p.pid, "alive", p:is_alive())

p:terminate()
p:join()
print("exitcode", p.exitcode, "alive", p:is_alive())
