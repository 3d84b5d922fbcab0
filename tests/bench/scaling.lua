-- What one operation costs as something grows: N items of it.
--   mooncrew scaling.lua WHAT N
-- Prints what tests/bench/support/scaling.py reads: N, seconds, a check of N.

local mooncrew = require "mooncrew"
local now = require "mooncrew.parts".now

local what, n = arg[1], math.tointeger(arg[2])

-- Small things are done over and over: a clock sees no hundred microseconds.
local AT_LEAST = 200000

-- Calls body() until enough was done: seconds for one time, and its last answer. prepare() is not
-- in the time.
local function timed(prepare, body)
  local seconds, times, answer = 0, 0
  repeat
    local thing = prepare()
    collectgarbage()
    local start = now()
    answer = body(thing)
    seconds = seconds + now() - start
    times = times + 1
  until times * n >= AT_LEAST
  return seconds / times, answer
end

local function full_queue()
  local queue = mooncrew.Queue()
  for i = 1, n do queue:put(i) end
  return queue
end

local function full_dict()
  local dict = mooncrew.dict()
  for i = 1, n do dict[i] = i end
  return dict
end

local function full_list()
  local list = mooncrew.list()
  for i = 1, n do list:append(i) end
  return list
end

-- Keys in an order that no cache foresees: i * STEP modulo n visits all, since n is a power of ten.
local STEP = 7919

local cases = {
  put = { mooncrew.Queue, function(queue)
    for i = 1, n do queue:put(i) end
    return queue:qsize()
  end },
  get = { full_queue, function(queue)
    local got = 0
    for i = 1, n do
      if queue:get() == i then got = got + 1 end
    end
    return got
  end },
  insert = { mooncrew.dict, function(dict)
    for i = 1, n do dict[i * STEP % n] = i end
    return mooncrew.dict.size(dict)
  end },
  read = { full_dict, function(dict)
    local found = 0
    for i = 1, n do
      if dict[i * STEP % n + 1] then found = found + 1 end
    end
    return found
  end },
  append = { mooncrew.list, function(list)
    for i = 1, n do list:append(i) end
    return #list
  end },
  index = { full_list, function(list)
    local found = 0
    for i = 1, n do
      if list[i * STEP % n + 1] then found = found + 1 end
    end
    return found
  end },
}

-- A pool's tasks: all are given before one is done with.
local function square(x) return x * x end

local function pool_case(chunksize)
  local list = {}
  for i = 1, n do list[i] = i end
  local pool <close> = mooncrew.Pool(2)
  pool:map(square, { 1, 2, 3, 4 }, 1) -- the workers are up
  return timed(function() end, function()
    local right = 0
    for i, value in ipairs(pool:map(square, list, chunksize)) do
      right = right + (value == i * i and 1 or 0)
    end
    return right
  end)
end

local function async_case()
  local pool <close> = mooncrew.Pool(2)
  pool:map(square, { 1, 2, 3, 4 }, 1)
  return timed(function() end, function()
    local results, right = {}, 0
    for i = 1, n do results[i] = pool:apply_async(square, { i }) end
    for i = 1, n do
      if results[i]:get() == i * i then right = right + 1 end
    end
    return right
  end)
end

local pools = {
  map = function() return pool_case(1) end,
  map_default = function() return pool_case() end,
  apply_async = async_case,
}

local seconds, answer
if pools[what] then
  seconds, answer = pools[what]()
else
  seconds, answer = timed(table.unpack(cases[what]))
end
print(("%d %.9f %d"):format(n, seconds, answer))
