-- A producer and a consumer. The consumer never ends by itself, so it is terminated once the
-- producer has ended. Closing the queue would be the kinder way: see the end of this file.
--
--   mooncrew scripts/tutorial/16_producer_consumer.lua [seconds per step]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1

local q = mooncrew.Queue()

local function producer()
  for _, word in ipairs{ "one", "two", "three", "four" } do
    print("put", word)
    q:put(word)
    mooncrew.sleep(2 * unit)
  end
end

local function consumer()
  while true do
    print("got", q:get())
  end
end

local p = mooncrew.Process{ target = producer }
local c = mooncrew.Process{ target = consumer }
p:start()
c:start()
p:join()
c:terminate()
c:join()

print("over")

-- With `for item in q:items() do … end` in the consumer, the parent can say `q:close()` instead of
-- `c:terminate()`: the consumer takes what is left, and its loop ends.
