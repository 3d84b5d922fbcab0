-- A daemon does not keep the script alive: when the main process ends, it is ended too.
--
--   mooncrew scripts/tutorial/14_daemon.lua [seconds per step]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1

local function run()
  mooncrew.sleep(100 * unit)
  print("never printed")
end

local p = mooncrew.Process{ target = run, daemon = true }
p:start()
print("child", p.pid)

print("over")
