-- `get` waits for the result. Asked for at once, it lets only one task run at a time: a common
-- mistake. Submit all first and get the results afterwards, or use `map`.
--
--   mooncrew scripts/tutorial/07_pool_get.lua [seconds per task]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1

local function square(i)
  print("start", i)
  mooncrew.sleep(unit)
  print("end", i)
  return i * i
end

local pool = mooncrew.Pool(3)
for i = 1, 5 do
  local result = pool:apply_async(square, { i })
  print("result", result:get())
end
pool:close()
pool:join()
