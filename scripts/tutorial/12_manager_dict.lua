-- A table that is shared by processes: what the child writes, the parent sees.
--
--   mooncrew scripts/tutorial/12_manager_dict.lua

local mooncrew = require "mooncrew"

local d = mooncrew.Manager():dict() -- the same as mooncrew.dict()

local function fill()
  d.x = 1
  d.y = 2
  d.z = 3
end

local p = mooncrew.Process{ target = fill }
p:start()
p:join()

print("x", d.x)
print("y", d.y)
print("z", d.z)
