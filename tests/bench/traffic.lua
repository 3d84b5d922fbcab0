-- One process puts N items of a kind, another gets them.
--   mooncrew traffic.lua integer|string|table|megabyte N
-- The check is a sum over what arrived: of the integers, of the lengths, of a field.

local mooncrew = require "mooncrew"
local uv = require "luv"

local kind, n = arg[1], math.tointeger(arg[2])
local long = ("x"):rep(1 << 20)
local hundred = ("x"):rep(100)

local items = {
  integer = function(i) return i end,
  string = function() return hundred end,
  table = function(i) return { id = i, name = "image", size = 1.5 } end,
  megabyte = function() return long end,
}
local weights = {
  integer = function(item) return item end,
  string = function(item) return #item end,
  table = function(item) return item.id end,
  megabyte = function(item) return #item end,
}
local make, weigh = items[kind], weights[kind]

local queue, answers = mooncrew.Queue(), mooncrew.Queue()

local consumer = mooncrew.Process{ target = function()
  answers:put("ready")
  local sum = 0
  for _ = 1, n do sum = sum + weigh(queue:get()) end
  answers:put(sum)
end }:start()

answers:get()
local start = uv.hrtime()
for i = 1, n do queue:put(make(i)) end
local sum = answers:get()
local seconds = (uv.hrtime() - start) / 1e9
consumer:join()
print(("%d %.6f %d"):format(n, seconds, sum))
