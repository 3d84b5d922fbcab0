-- Processes share nothing, but they can talk: through a queue. First in, first out.
--
--   mooncrew scripts/tutorial/10_queue.lua

local mooncrew = require "mooncrew"

local q = mooncrew.Queue()

local function child()
  q:put{ "from", "the", "child" } -- the child's q is the same queue, not a copy
end

q:put{ "from", "the", "parent" }

local p = mooncrew.Process{ target = child }
p:start()
p:join()

print(table.concat(q:get(), " "))
print(table.concat(q:get(), " "))
