-- A list that is shared by processes.
--
--   mooncrew scripts/tutorial/13_manager_list.lua

local mooncrew = require "mooncrew"

local l = mooncrew.Manager():list() -- the same as mooncrew.list()

local function fill()
  l:append("first")
  l:append("second")
  l:append("third")
end

local p = mooncrew.Process{ target = fill }
p:start()
p:join()

print("items", #l)
for i = 1, #l do
  print(i, l[i])
end
