-- Nothing grows: a million tasks through one pool leave the main process, the foreman, the workers
-- and shared memory as large as the first ten thousand did.

local mooncrew = require "mooncrew"
local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local FIRST, ALL = 10000, trial.full and 1000000 or 100000
local PROCESSES = 2
local MORE = 0.01  -- so much more is none

-- KiB of its own, in memory or not, that a process has (heap, stacks, mappings), and how many of
-- them are in memory.
local function private(pid)
  local file <close> = assert(io.open(("/proc/%d/status"):format(pid)))
  local text = file:read("a")
  local function kib(field) return tonumber(text:match(field .. ":%s+(%d+) kB")) end
  return kib "VmData" + kib "VmStk", kib "RssAnon"
end

local function collect()
  collectgarbage()
  collectgarbage()
end

-- Each worker collects once: all of them are in the task at one time.
local function collect_in_workers(pool)
  local all_here = mooncrew.Barrier(PROCESSES)
  return pool:map(function()
    all_here:wait()
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
  end, { 1, 2 }, 1)
end

-- What there is, in KiB by name, what of it is in memory, and how many objects are shared.
local function picture(pool, foreman)
  local heaps = collect_in_workers(pool)
  collect()
  table.sort(heaps)
  local found, resident = { ["Lua of the main process"] = collectgarbage("count") }, {}
  local function look(name, pid) found[name], resident[name] = private(pid) end
  look("main process", uv.os_getpid())
  look("foreman", foreman)
  local workers = trial.children(foreman)
  trial.expect(#workers == PROCESSES, "%d workers", #workers)
  table.sort(workers)
  for i, pid in ipairs(workers) do
    look("worker " .. i, pid)
    found["Lua of worker " .. i] = heaps[i]
  end
  local shared = mooncrew.shared_memory()
  found["shared memory"] = shared.in_use / 1024
  return found, resident, shared.objects
end

local function task(i) return { i, tostring(i) } end

local function check_result(value, i)
  trial.expect(value[1] == i and value[2] == tostring(i), "task %d: another result", i)
end

local ways = {}

function ways.apply_async(pool, n)
  local results = {}
  for i = 1, n do
    results[i % 500] = pool:apply_async(task, { i })
    local before = results[(i + 1) % 500]
    if before then check_result(before:get(), i - 499) end
  end
  for i = math.max(1, n - 498), n do check_result(results[i % 500]:get(), i) end
end

function ways.imap(pool, n)
  local i, seen = 0, 0
  for value in pool:imap(task, function()
    i = i + 1
    return i <= n and i or nil
  end, { chunksize = 5, buffer = 1000 }) do
    seen = seen + 1
    check_result(value, seen)
  end
  trial.expect(seen == n, "%d results", seen)
end

function ways.map(pool, n)
  for first = 1, n, 1000 do
    local list = {}
    for i = 1, 1000 do list[i] = first + i - 1 end
    for i, value in ipairs(pool:map(task, list)) do check_result(value, first + i - 1) end
  end
end

-- One in a hundred fails.
function ways.errors(pool, n)
  local function fail(i)
    if i % 100 == 0 then error(("no %d"):format(i), 0) end
    return i
  end
  for i = 1, n // 10 do
    local ok, value = pcall(pool.apply, pool, fail, { i })
    trial.expect(ok == (i % 100 ~= 0), "task %d: %s", i, value)
  end
end

-- How large it may be: a worker as large as any of them was, since one may have done so few tasks
-- at first that it has not all yet that a task takes.
local function bound(before, what)
  local most = before[what]
  if what:find("^Lua of worker") then
    for i = 1, PROCESSES do most = math.max(most, before["Lua of worker " .. i]) end
  end
  return most * (1 + MORE)
end

-- Nothing grows. What is in memory of a process may come closer to what it had from the start: the
-- C allocator keeps a heap that does not grow, and some of its pages are written late for the first
-- time. It can't be more than that.
local function compare(before, after, resident, resident_after)
  local names, more = {}, {}
  for what in pairs(before) do names[#names + 1] = what end
  table.sort(names)
  for _, what in ipairs(names) do
    local least = resident[what] and 0 or 4 -- KiB: a page of a Lua heap, of shared memory
    trial.note("%s: %.0f KiB after %d, %.0f after %d", what, before[what], FIRST, after[what], ALL)
    if after[what] > bound(before, what) + least then more[#more + 1] = what end
    if resident[what] then
      trial.note("  of it in memory: %d KiB, then %d", resident[what], resident_after[what])
      if resident_after[what] > before[what] then more[#more + 1] = what .. " in memory" end
    end
  end
  trial.expect(#more == 0, "grew: %s", table.concat(more, ", "))
end

for _, name in ipairs{ "apply_async", "imap", "map", "errors" } do
  trial.test(name, function()
    local pool <close> = mooncrew.Pool(PROCESSES)
    local foreman = pool:apply(mooncrew.getppid)
    ways[name](pool, FIRST)
    local before, resident, objects = picture(pool, foreman)
    ways[name](pool, ALL - FIRST)
    local after, resident_after, objects_after = picture(pool, foreman)
    trial.expect(objects == objects_after, "%d objects, then %d", objects, objects_after)
    compare(before, after, resident, resident_after)
  end)
end

trial.finish()
