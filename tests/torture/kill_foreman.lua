-- SIGKILL of a pool's foreman at random moments: whoever waits for the pool is told at once, its
-- workers are gone, and another pool works.

local mooncrew = require "mooncrew"
local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local ROUNDS = trial.full and 50 or 4 -- of each way to wait
local LONG = 1000  -- seconds
local SOON = 1     -- second: what is promised
local LIMIT = 20   -- seconds: what takes longer is a failure, however busy the machine is

local killed_at = mooncrew.Value(0) -- uv.hrtime() of the kill

-- Another process, since the main chunk may be busy. Returns the workers that there were.
local function killer(foreman, watcher, ms)
  uv.sleep(ms)
  local workers = trial.children(foreman)
  killed_at.value = uv.hrtime()
  if watcher then uv.kill(watcher, "sigkill") end
  uv.kill(foreman, "sigkill")
  return workers
end

-- The process that watches for deaths: the child of this one that is no foreman.
local function find_watcher(foreman)
  local others = {}
  for _, pid in ipairs(trial.children(uv.os_getpid())) do
    if pid ~= foreman then others[#others + 1] = pid end
  end
  trial.expect(#others == 1, "%d children beside the foreman", #others)
  return others[1]
end

local function nap(i)
  uv.sleep(1)
  return i
end

local function endless()
  local i = 0
  return function()
    i = i + 1
    return i
  end
end

local function until_killed()
  while killed_at.value == 0 do end
end

-- What must come of a task whose pool is gone.
local function is_lost(ok, err)
  trial.expect(not ok, "it returned %s", err)
  trial.expect(type(err) == "table" and err.kind == "WorkerLost", "it raised %s", err)
  trial.expect(err.message:find("has no workers any more", 1, true), "it raised %s", err)
end

local function get_lost(result) is_lost(pcall(result.get, result)) end

local function collect(next_result, check)
  local seen = 0
  is_lost(pcall(function()
    for value in next_result do
      seen = seen + 1
      check(value, seen)
    end
  end))
end

local ways = {}

function ways.get(pool) get_lost(pool:apply_async(uv.sleep, { LONG * 1000 })) end

function ways.apply(pool) is_lost(pcall(pool.apply, pool, mooncrew.sleep, { LONG })) end

function ways.map(pool)
  local list = {}
  for i = 1, 200000 do list[i] = i end
  is_lost(pcall(pool.map, pool, nap, list))
end

function ways.imap(pool)
  collect(pool:imap(nap, endless()), function(value, i)
    trial.expect(value == i, "result %d is %s", i, value)
  end)
end

function ways.imap_unordered(pool)
  local there = {}
  collect(pool:imap_unordered(nap, endless(), 5), function(value)
    trial.expect(not there[value], "%d came twice", value)
    there[value] = true
  end)
end

function ways.join(pool)
  local results = {}
  for i = 1, 100 do results[i] = pool:apply_async(mooncrew.sleep, { LONG }) end
  pool:close()
  trial.expect(pool:join() == true, "it does not join")
  for i = 1, 100 do get_lost(results[i]) end
end

function ways.wait(pool)
  local result = pool:map_async(mooncrew.sleep, { LONG, LONG, LONG, LONG })
  trial.expect(mooncrew.wait({ result })[1] == result, "another one is ready")
  get_lost(result)
end

function ways.ready(pool)
  local result = pool:apply_async(mooncrew.sleep, { LONG })
  while not result:ready() do result:wait(0.01) end
  get_lost(result)
end

function ways.callback(pool)
  local told
  pool:apply_async(mooncrew.sleep, { LONG }, { error_callback = function(err) told = err end })
  pool:close()
  pool:join()
  is_lost(told == nil, told)
end

function ways.compute(pool)
  local result = pool:apply_async(mooncrew.sleep, { LONG })
  local done = pool:apply_async(nap, { 5 })
  until_killed()
  local until_when = killed_at.value + 100000000
  while uv.hrtime() < until_when do end
  get_lost(result)
  -- What came before the kill, counts.
  local ok, value = pcall(done.get, done)
  if ok then trial.expect(value == 5, "it returned %s", value) else is_lost(ok, value) end
  is_lost(pcall(pool.apply, pool, nap, { 1 }))
end

-- The end of the block waits for its pool.
function ways.block(pool)
  do
    local inner <close> = pool
    inner:apply_async(mooncrew.sleep, { LONG })
  end
  trial.expect(killed_at.value ~= 0, "it did not wait")
end

function ways.terminate(pool)
  local result = pool:apply_async(mooncrew.sleep, { LONG })
  until_killed()
  pool:terminate()
  trial.expect(select(2, result:get()) == mooncrew.Cancelled, "it was not cancelled")
end

-- All that can be done in tasks, at once, while the main chunk waits for them.
function ways.tasks(pool)
  local tasks = {}
  for _, name in ipairs{ "get", "apply", "imap", "imap_unordered", "wait", "ready" } do
    tasks[#tasks + 1] = mooncrew.spawn(ways[name], pool)
  end
  for _, task in ipairs(tasks) do task:get() end
end

-- Seconds from the kill until the one who waits was told. Without the watcher, sleepers find out
-- by themselves.
local function round(way, with_watcher)
  killed_at.value = 0
  local pool = mooncrew.Pool(3)
  local foreman = pool:apply(mooncrew.getppid)
  local watcher = with_watcher and find_watcher(foreman) or nil
  local p = mooncrew.Process{
    target = killer, args = { foreman, watcher, math.random(0, 30), n = 3 },
  }:start()
  way(pool)
  local seconds = (uv.hrtime() - killed_at.value) / 1e9
  local workers = p:get()
  p:join()
  for _, pid in ipairs(workers) do
    local begin = uv.hrtime()
    while trial.is_running(pid) do
      trial.expect(uv.hrtime() < begin + LIMIT * 1e9, "worker %d is left", pid)
      uv.sleep(1)
    end
  end
  return seconds
end

local order, only = {}, arg[1]
for name in pairs(ways) do
  if not only or name == only then order[#order + 1] = name end
end
table.sort(order)

for _, name in ipairs(order) do
  for _, with_watcher in ipairs{ false, true } do
    trial.test(name .. (with_watcher and ", and nobody watches" or ""), function()
      local longest, slow = 0, 0
      local rounds = with_watcher and ROUNDS // 4 or ROUNDS
      for _ = 1, rounds do
        local seconds = round(ways[name], with_watcher)
        trial.expect(seconds < LIMIT, "%.1f s until it was told", seconds)
        longest = math.max(longest, seconds)
        if seconds > SOON then slow = slow + 1 end
      end
      trial.note("%d kills, told within %.3f s; %d times it took more than a second", rounds,
        longest, slow)
    end)
  end
end

trial.finish()
