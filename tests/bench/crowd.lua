-- What a number of processes do in all: N operations each.
--   mooncrew crowd.lua WHAT PROCESSES N

local mooncrew = require "mooncrew"
local crew = dofile(arg[0]:match("^(.*/)") .. "support/crew.lua")
local now = require "mooncrew.parts".now

local what, processes, n = arg[1], math.tointeger(arg[2]), math.tointeger(arg[3])
local queue, dict = mooncrew.Queue(), mooncrew.dict{ hits = 0 }
for i = 1, 1000 do dict[i] = i end
local lock, list = mooncrew.Lock(), mooncrew.list()
local hundred, batch = ("x"):rep(100), {}
for i = 1, 16 do batch[i] = hundred end

-- What is put is got again, by whichever of them.
local function through_queue(item)
  local got = 0
  for _ = 1, n do
    queue:put(item)
    if queue:get() == item then got = got + 1 end
  end
  return got
end

-- What each of them does.
local bodies = {
  integer = function() return through_queue(1000) end,
  string = function() return through_queue(hundred) end,
  batch = function()
    local got = 0
    for _ = 1, n // #batch do
      queue:put_many(batch)
      local missing = #batch
      while missing > 0 do missing = missing - #queue:get_many(missing) end
      got = got + #batch
    end
    return got + n % #batch -- those that fill no batch
  end,
  get = function(worker)
    local found = 0
    for i = 1, n do
      if dict[(i + worker * 31) % 1000 + 1] then found = found + 1 end
    end
    return found
  end,
  set = function(worker)
    for i = 1, n do dict[(i + worker * 31) % 1000 + 1] = i end
    return n
  end,
  incr = function()
    local incr = mooncrew.dict.incr
    for _ = 1, n do incr(dict, "hits") end
    return n
  end,
  append = function()
    for i = 1, n do list:append(i) end
    return n
  end,
  lock = function()
    local got = 0
    for _ = 1, n do
      if lock:acquire() then got = got + 1 end
      lock:release()
    end
    return got
  end,
}

-- A pool of so many workers maps that many items for each.
local function map(chunksize)
  local items = {}
  for i = 1, n * processes do items[i] = i end
  local pool <close> = mooncrew.Pool(processes)
  local function square(x) return x * x end
  pool:map(square, items, 1000) -- the workers are up
  local start, right = now(), 0
  for i, value in ipairs(pool:map(square, items, chunksize)) do
    right = right + (value == i * i and 1 or 0)
  end
  return now() - start, right
end

-- So many are started, then joined.
local function start()
  local begin, ended = now(), 0
  for _ = 1, n do
    local crowd = {}
    for i = 1, processes do crowd[i] = mooncrew.Process{ target = function() end }:start() end
    for _, process in ipairs(crowd) do
      process:join()
      ended = ended + (process.exitcode == 0 and 1 or 0)
    end
  end
  return now() - begin, ended
end

-- So many pairs play ping-pong.
local function pong()
  local answers, crowd = mooncrew.Queue(), {}
  local go = mooncrew.Event()
  for _ = 1, processes do
    local there, back = mooncrew.Queue(), mooncrew.Queue()
    crowd[#crowd + 1] = mooncrew.Process{ target = function()
      for _ = 1, n do back:put(there:get() + 1) end
    end }:start()
    crowd[#crowd + 1] = mooncrew.Process{ target = function()
      answers:put("ready")
      go:wait()
      local value = 0
      for _ = 1, n do
        there:put(value)
        value = back:get()
      end
      answers:put(value)
    end }:start()
  end
  for _ = 1, processes do answers:get() end
  local begin, sum = now(), 0
  go:set()
  for _ = 1, processes do sum = sum + answers:get() end
  local seconds = now() - begin
  for _, process in ipairs(crowd) do process:join() end
  return seconds, sum
end

local whole = {
  map = function() return map(1) end, map_default = function() return map() end,
  start = start, pong = pong,
}
local seconds, sum
if whole[what] then
  seconds, sum = whole[what]()
else
  seconds, sum = crew.run(processes, bodies[what])
end
crew.report(n * processes, seconds, sum)
