-- A process has its own copy of every variable: what the child changes, the parent doesn't see.
--
--   mooncrew scripts/tutorial/04_global_number.lua

-- luacheck: globals number
local mooncrew = require "mooncrew"

number = 10

local function run()
  number = number + 1
  print("child", number)
end

local p = mooncrew.Process{ target = run }
p:start()
p:join()

print("parent", number)
