-- Does one thing N times, for tests/bench/instructions to count.
--   mooncrew hotpaths.lua PATH N

local mooncrew = require "mooncrew"

local path, n = arg[1], math.tointeger(arg[2])

-- A value goes through a queue of this process.
local function through_queue(value)
  local queue = mooncrew.Queue()
  for _ = 1, n do
    queue:put(value)
    queue:get()
  end
end

local function through_queue_many(value)
  local queue, batch = mooncrew.Queue(), {}
  for i = 1, 16 do batch[i] = value end
  for _ = 1, n do
    queue:put_many(batch)
    queue:get_many(16)
  end
end

local function map(chunksize)
  local list = {}
  for i = 1, n do list[i] = i end
  local pool <close> = mooncrew.Pool(1)
  pool:map(function(x) return x * x end, list, chunksize)
end

local paths = {
  queue_integer = function() through_queue(1000) end,
  queue_string = function() through_queue(("x"):rep(100)) end,
  queue_table = function() through_queue{ id = 1000, name = "x", tags = { 1, 2, 3 } } end,
  queue_kilobytes = function() through_queue(("x"):rep(10000)) end,
  queue_many = function() through_queue_many(("x"):rep(100)) end,
  dict_set = function()
    local dict = mooncrew.dict()
    for i = 1, n do dict.key = i end
  end,
  dict_get = function()
    local dict = mooncrew.dict{ key = 1000 }
    for _ = 1, n do local _ = dict.key end
  end,
  dict_incr = function()
    local dict, incr = mooncrew.dict{ key = 0 }, mooncrew.dict.incr
    for _ = 1, n do incr(dict, "key") end
  end,
  dict_insert = function()
    local dict = mooncrew.dict()
    for i = 1, n do dict[i] = i end
  end,
  list_append = function()
    local list = mooncrew.list()
    for i = 1, n do list:append(i) end
  end,
  list_get = function()
    local list = mooncrew.list{ 1000 }
    for _ = 1, n do local _ = list[1] end
  end,
  value_incr = function()
    local value = mooncrew.Value(0)
    for _ = 1, n do value:incr(1) end
  end,
  lock = function()
    local lock = mooncrew.Lock()
    for _ = 1, n do
      lock:acquire()
      lock:release()
    end
  end,
  map_single = function() map(1) end,
  map_default = function() map(nil) end,
}

paths[path]()
