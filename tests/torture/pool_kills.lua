-- SIGKILL of a pool's workers at random moments, while it has a long list of tasks. With retries
-- each result is there, right, once. Without, exactly the tasks whose worker was killed fail.
--
-- Each worker notes in a shared dict what it has in hand: `hand[pid]` is the task's number inside
-- of its function, and its negative when that is about to return. So one knows of each killed
-- worker what it took along: a task for certain when the number is positive.

local mooncrew = require "mooncrew"
local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local TASKS = trial.full and 10000 or 1000
local KILLS = TASKS // 10
local PROCESSES = 4
local NEVER = 1000000 -- tries: no task is killed so often

local hand = mooncrew.dict{}
local begun, kills = mooncrew.Value(0), mooncrew.Value(0)
local PACE = 8   -- a kill comes about once while so many tasks begin
local AHEAD = 80 -- tasks do not begin further ahead of the kills: the killer may be slow

local function expected(i) return ("%d "):format(i):rep(i % 50 * (i % 7 == 0 and 100 or 1) + 1) end

local function task(i)
  local pid = mooncrew.getpid()
  hand[pid] = i
  local number = begun:incr(1)
  while kills.value < KILLS and number > kills.value * PACE + AHEAD do uv.sleep(1) end
  local text = expected(i)
  uv.sleep(i % 3)
  hand[pid] = -i
  return text
end

-- A random worker that was not killed before; one that has begun nothing yet may be it.
local function choose(foreman, killed)
  local workers = trial.children(foreman)
  local pid = #workers > 0 and workers[math.random(#workers)]
  return not killed[pid] and pid
end

-- Kills a random worker KILLS times, at any moment; the pids go into a queue.
local function killer(foreman, pids, seed)
  math.randomseed(seed)
  local killed = {}
  for k = 1, KILLS do
    while begun.value < k * PACE do uv.sleep(1) end
    local at = uv.hrtime() + math.random(0, 2000000) -- ns: as long as the longest task
    repeat until uv.hrtime() >= at
    local pid
    repeat
      pid = choose(foreman, killed)
    until pid and uv.kill(pid, "sigkill") == 0
    killed[pid] = true
    pids:put(pid)
    kills:incr(1)
  end
end

-- Runs body(pool) while workers are killed → what it returned, and a set of the killed pids.
local function with_kills(options, body)
  mooncrew.dict.clear(hand)
  begun.value, kills.value = 0, 0
  options.processes = PROCESSES
  local pool <close> = mooncrew.Pool(options)
  local foreman = pool:apply(mooncrew.getppid)
  local killed = mooncrew.Queue()
  local p = mooncrew.Process{
    target = killer, args = { foreman, killed, math.random(1 << 30) }, daemon = true,
  }:start()
  local found = body(pool)
  p:kill()
  p:join()
  local pids, n = {}, killed:qsize()
  for pid in killed.get_nowait, killed do pids[pid] = true end
  trial.expect(n == KILLS, "only %d workers were killed", n)
  return found, pids, n, pool:stats()
end

local function numbers()
  local list = {}
  for i = 1, TASKS do list[i] = i end
  return list
end

-- The ways to have it done: each returns the results and the errors by their numbers.
local ways = {}

local function by_map(chunksize)
  return function(pool)
    local found = pool:map(task, numbers(), chunksize)
    trial.expect(#found == TASKS, "%d results", #found)
    return { found = found, errors = {} }
  end
end

ways["map, chunk size 1"] = by_map(1)
ways["map, chunk size 16"] = by_map(16)
ways["map, default"] = by_map(nil)

ways["imap"] = function(pool)
  local found, errors, n = {}, {}, 0
  local next_result = pool:imap(task, numbers(), { chunksize = 7 })
  while true do
    local ok, value = pcall(next_result)
    if ok and value == nil then break end
    n = n + 1
    if ok then found[n] = value else errors[n] = value end
  end
  trial.expect(n == TASKS, "%d results", n)
  return { found = found, errors = errors }
end

ways["imap_unordered"] = function(pool)
  local found, errors, n, failed = {}, {}, 0, 0
  local next_result = pool:imap_unordered(task, numbers())
  while true do
    local ok, value = pcall(next_result)
    if ok and value == nil then break end
    n = n + 1
    if ok then
      local i = math.tointeger(tonumber(value:match("^%d+")))
      trial.expect(not found[i], "task %d came twice", i)
      found[i] = value
    else
      -- Which task it was is not told; by its worker it is known.
      failed = failed + 1
      errors[-failed] = value
    end
  end
  trial.expect(n == TASKS, "%d results", n)
  return { found = found, errors = errors }
end

ways["apply_async"] = function(pool)
  local results, calls, found, errors = {}, {}, {}, {}
  for i = 1, TASKS do
    local function count() calls[i] = (calls[i] or 0) + 1 end
    results[i] = pool:apply_async(task, { i }, { callback = count, error_callback = count })
  end
  for i = 1, TASKS do
    local ok, value = pcall(results[i].get, results[i])
    if ok then found[i] = value else errors[i] = value end
    trial.expect(calls[i] == 1, "%s calls of task %d's callback", calls[i], i)
  end
  return { found = found, errors = errors }
end

local function check_results(found)
  for i, value in pairs(found) do
    trial.expect(value == expected(i), "task %d: another result: %s", i, tostring(value))
  end
end

local order = {}
for name in pairs(ways) do order[#order + 1] = name end
table.sort(order)

for _, name in ipairs(order) do
  trial.test("retries, " .. name, function()
    local outcome, _, n, stats = with_kills({ retries = NEVER }, ways[name])
    local failed, err = next(outcome.errors)
    trial.expect(failed == nil, "task %s failed: %s", failed, err)
    for i = 1, TASKS do trial.expect(outcome.found[i], "task %d has no result", i) end
    check_results(outcome.found)
    trial.expect(stats.failed == 0, "%d failed", stats.failed)
    trial.expect(stats.done == TASKS + 1, "%d done", stats.done)
    trial.note("%d tasks, %d workers killed, %d tasks tried again, %d restarts", TASKS, n,
      stats.retried, stats.restarts)
  end)
end

-- Without retries: who fails is who was in a killed worker's hand.
local function check_errors(outcome, pids)
  local blamed, failed, beside = {}, 0, 0
  for i, err in pairs(outcome.errors) do
    trial.expect(type(err) == "table" and err.kind == "WorkerLost", "task %d: %s", i, tostring(err))
    trial.expect(err.exitcode == -9, "task %d: exit code %s", i, err.exitcode)
    trial.expect(pids[err.pid], "task %d: nobody killed %s", i, err.pid)
    trial.expect(not blamed[err.pid], "%d took two tasks along", err.pid)
    blamed[err.pid] = i
    failed = failed + 1
  end
  for pid in pairs(pids) do
    local i = hand[pid]
    local known = i and i > 0
    if known then
      -- It was in its hand for certain, so it failed.
      trial.expect(blamed[pid], "%d was killed in task %d; no error says so", pid, i)
      trial.expect(not outcome.found[i], "%d was killed in task %d, which has a result", pid, i)
      -- The errors of imap_unordered do not say whose they are.
      trial.expect(blamed[pid] < 0 or blamed[pid] == i, "%d was killed in task %d; task %d failed",
        pid, i, blamed[pid])
    elseif blamed[pid] then
      beside = beside + 1
    end
  end
  return failed, beside
end

for _, name in ipairs{ "apply_async", "imap", "imap_unordered" } do
  trial.test("no retries, " .. name, function()
    local outcome, pids, n, stats = with_kills({}, ways[name])
    check_results(outcome.found)
    local failed, beside = check_errors(outcome, pids)
    local right = 0
    for _ in pairs(outcome.found) do right = right + 1 end
    trial.expect(right + failed == TASKS, "%d results and %d errors", right, failed)
    trial.expect(stats.failed == failed, "the pool says %d failed", stats.failed)
    trial.note("%d tasks, %d workers killed, %d tasks failed, %d of them beside their function",
      TASKS, n, failed, beside)
  end)
end

trial.test("no retries, map", function()
  local outcome, pids = with_kills({}, function(pool)
    local ok, err = pcall(pool.map, pool, task, numbers())
    trial.expect(not ok, "no error")
    return { found = {}, errors = { [err.index] = err } }
  end)
  for i, err in pairs(outcome.errors) do
    trial.expect(err.kind == "WorkerLost" and err.exitcode == -9, "%s", tostring(err))
    trial.expect(pids[err.pid], "item %d: nobody killed %s", i, err.pid)
    trial.expect(math.abs(hand[err.pid]) == i or hand[err.pid] < 0, "item %d is blamed, %d had %d",
      i, err.pid, hand[err.pid])
  end
end)

-- Somebody kills each worker before it begins: that is waited for to pass, and not for ever.
trial.test("before they begin", function()
  local function run(seconds)
    local fine = uv.hrtime() + seconds * 1000000000
    local pool <close> = mooncrew.Pool{ processes = 2, initializer = function()
      if uv.hrtime() < fine then uv.kill(mooncrew.getpid(), "sigkill") end
    end }
    local ok, value = pcall(pool.apply, pool, mooncrew.getpid)
    return ok, value, pool:stats().restarts
  end
  local ok, err, n = run(3)
  trial.expect(ok, "given up after %d: %s", n, err)
  trial.note("killed for 3 s: %d workers", n)
  trial.expect(n < 60, "%d workers in 3 s", n)
  ok, err, n = run(60)
  trial.expect(not ok and err.kind == "WorkerLost" and err.exitcode == -9, "%s", err)
  trial.note("given up after %d workers", n)
end)

trial.finish()
