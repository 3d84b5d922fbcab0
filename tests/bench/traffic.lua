-- PAIRS processes put N items of a kind each, as many others get them.
--   mooncrew traffic.lua integer|string|table|megabyte PAIRS N
-- The check is a sum over what arrived: of the integers, of the lengths, of a field.

local mooncrew = require "mooncrew"
local uv = require "luv"

local kind, pairs_of, n = arg[1], math.tointeger(arg[2]), math.tointeger(arg[3])
local long = ("x"):rep(1 << 20)
local hundred = ("x"):rep(100)

local items = {
  integer = function(i) return i end,
  string = function() return hundred end,
  table = function(i) return { id = i, name = "x", tags = { 1, 2, 3 } } end,
  megabyte = function() return long end,
}
local weights = {
  integer = function(item) return item end,
  string = function(item) return #item end,
  table = function(item) return item.id end,
  megabyte = function(item) return #item end,
}
local make, weigh = items[kind], weights[kind]

local queue, answers, go = mooncrew.Queue(), mooncrew.Queue(), mooncrew.Queue()

local function consume()
  answers:put("ready")
  local sum = 0
  for _ = 1, n do sum = sum + weigh(queue:get()) end
  answers:put(sum)
end

local function produce()
  for i = 1, n do queue:put(make(i)) end
end

local crowd = {}
local function start(target) crowd[#crowd + 1] = mooncrew.Process{ target = target }:start() end
for _ = 1, pairs_of do start(consume) end
for _ = 2, pairs_of do -- the first producer is this process
  start(function()
    answers:put("ready")
    go:get()
    produce()
  end)
end
for _ = 1, #crowd do answers:get() end

local begin = uv.hrtime()
for _ = 2, pairs_of do go:put(true) end
produce()
local sum = 0
for _ = 1, pairs_of do sum = sum + answers:get() end
local seconds = (uv.hrtime() - begin) / 1e9
for _, process in ipairs(crowd) do process:join() end
print(("%d %.6f %d"):format(n * pairs_of, seconds, sum))
