-- Nothing grows: a million tasks through one pool leave the main process, the foreman, the workers
-- and shared memory as large as the first ten thousand did.

local mooncrew = require "mooncrew"
local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local FIRST, ALL = 10000, trial.full and 1000000 or 100000
local PROCESSES = 2
local MORE = 0.01  -- so much more is none
local NOISE = 256  -- KiB: nor is this, of a process's pages; the C allocator keeps some in hand

-- KiB of resident memory without the files and the shared memory that it has mapped.
local function resident(pid)
  local file <close> = assert(io.open(("/proc/%d/status"):format(pid)))
  return tonumber(file:read("a"):match("RssAnon:%s+(%d+) kB"))
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

local function picture(pool, foreman)
  local heaps = collect_in_workers(pool)
  collect()
  table.sort(heaps)
  local found = {
    foreman = resident(foreman),
    ["main process"] = resident(uv.os_getpid()),
    ["Lua of the main process"] = collectgarbage("count"),
  }
  local workers = trial.children(foreman)
  trial.expect(#workers == PROCESSES, "%d workers", #workers)
  table.sort(workers)
  for i, pid in ipairs(workers) do
    found["worker " .. i] = resident(pid)
    found["Lua of worker " .. i] = heaps[i]
  end
  local shared = mooncrew.shared_memory()
  found["shared memory"] = shared.in_use / 1024
  return found, shared.objects
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

for _, name in ipairs{ "apply_async", "imap", "map", "errors" } do
  trial.test(name, function()
    local pool <close> = mooncrew.Pool(PROCESSES)
    local foreman = pool:apply(mooncrew.getppid)
    ways[name](pool, FIRST)
    local before, objects = picture(pool, foreman)
    ways[name](pool, ALL - FIRST)
    local after, objects_after = picture(pool, foreman)
    local names, more = {}, {}
    for what in pairs(before) do names[#names + 1] = what end
    table.sort(names)
    for _, what in ipairs(names) do
      trial.note("%s: %.0f KiB after %d, %.0f after %d", what, before[what], FIRST, after[what],
        ALL)
      local noise = (what:find("^Lua") or what == "shared memory") and 4 or NOISE
      if after[what] > before[what] * (1 + MORE) + noise then more[#more + 1] = what end
    end
    trial.expect(objects == objects_after, "%d objects, then %d", objects, objects_after)
    trial.expect(#more == 0, "grew: %s", table.concat(more, ", "))
  end)
end

trial.finish()
