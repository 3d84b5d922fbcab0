-- A parameter sweep that can be broken off and resumed. How long do the customers of a shop wait,
-- for each load and each number of tills?
--
--   mooncrew scripts/cookbook/sweep.lua --loads 0.5,0.8 --tills 1,2,4 \
--     --out waits.csv --joblog sweep.log --resume
--
-- Each point is a task. Its line is in the file before it is in the joblog: no result is lost,
-- whatever is killed and when. At worst a point is there twice, with the same result.

local command = require "mooncrew.command"
local mooncrew = require "mooncrew"

-- Makes a list of "1,2,4": a converter for argparse.
local function list_of(convert)
  return function(text)
    local list = {}
    for word in (text .. ","):gmatch("([^,]*),") do
      local value, reason = convert(word)
      if not value then return nil, reason end
      list[#list + 1] = value
    end
    return list
  end
end

local function load(text)
  local n = tonumber(text)
  if n and n > 0 and n < 1 then return n end
  return nil, ("expected a load between 0 and 1, got '%s'"):format(text)
end

-- All points, as an iterator: a sweep may be larger than memory.
local function points(options)
  if not options.dry_run then
    local goes_on = options.resume or options.resume_failed
    local file, err = io.open(options.out, goes_on and "a" or "w")
    if not file then return nil, err end
    if file:seek("end") == 0 then assert(file:write("load,tills,seed,mean wait\n")) end
    file:close()
  end
  return coroutine.wrap(function()
    for _, busy in ipairs(options.loads) do
      for _, tills in ipairs(options.tills) do
        for seed = 1, options.seeds do
          coroutine.yield{ load = busy, tills = tills, seed = seed }
        end
      end
    end
  end)
end

local function name_of(point)
  return ("load=%g tills=%d seed=%d"):format(point.load, point.tills, point.seed)
end

-- Customers come at random times and go to the till that is free first.
local function simulate(point, customers)
  math.randomseed(point.seed) -- so the same point always gives the same
  local function random_time(mean) return -mean * math.log(1 - math.random()) end
  local free_at, now, waited = {}, 0, 0
  for till = 1, point.tills do free_at[till] = 0 end
  for _ = 1, customers do
    now = now + random_time(1 / (point.load * point.tills))
    local first = 1
    for till = 2, point.tills do
      if free_at[till] < free_at[first] then first = till end
    end
    local start = math.max(now, free_at[first])
    waited = waited + start - now
    free_at[first] = start + random_time(1)
  end
  return waited / customers
end

-- Runs in a worker. The line is one write to a file open for appending: lines stay whole.
local function run(point, options)
  local wait = simulate(point, options.customers)
  local file <close> = assert(io.open(options.out, "a"))
  assert(file:write(("%g,%d,%d,%.4f\n"):format(point.load, point.tills, point.seed, wait)))
  assert(file:flush())
end

mooncrew.main{
  name = "sweep",
  description = "Simulates a shop for each load and number of tills.",
  options = function(parser)
    parser:option("--loads", "how busy the tills are"):convert(list_of(load))
      :default("0.5,0.8,0.95"):argname("LIST")
    parser:option("--tills", "how many there are"):convert(list_of(command.whole(1, 1000)))
      :default("1,2,4"):argname("LIST")
    parser:option("--seeds", "runs of each point"):convert(command.whole(1)):default("3")
      :argname("N")
    parser:option("--customers", "of each run"):convert(command.whole(1)):default("100000")
      :argname("N")
    parser:option("-o --out", "a table in CSV"):default("waits.csv"):argname("FILE")
  end,
  tasks = points,
  task_name = name_of,
  task = run,
}
