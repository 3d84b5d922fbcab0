-- The same with a table: it is copied too, with all that is in it. (See 12 and 13 for tables
-- that are shared.)
--
--   mooncrew scripts/tutorial/05_global_table.lua

-- luacheck: globals words
local mooncrew = require "mooncrew"

words = {}

local function run()
  table.insert(words, "from the child")
  print("child", #words)
end

local p = mooncrew.Process{ target = run }
p:start()
p:join()

print("parent", #words)
