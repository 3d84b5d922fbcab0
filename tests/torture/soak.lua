-- Nothing piles up: processes and pools, made and ended many times over, leave no descriptor, no
-- zombie, no object, member or byte of shared memory behind.

local mooncrew = require "mooncrew"
local uv = require "luv"

io.stdout:setvbuf("line")
local full = os.getenv("MOONCREW_TORTURE") == "full"
local PROCESSES, POOLS, POOLS_DROPPED = 500, 20, 5
if full then PROCESSES, POOLS, POOLS_DROPPED = 10000, 200, 50 end

local function entries(path)
  local count, listing = 0, assert(uv.fs_scandir(path))
  for _ in uv.fs_scandir_next, listing do count = count + 1 end
  return count
end

-- Children of this process, zombies included.
local function children()
  local count, me = 0, uv.os_getpid()
  local listing = assert(uv.fs_scandir("/proc"))
  for name in uv.fs_scandir_next, listing do
    local file = name:match("^%d+$") and io.open("/proc/" .. name .. "/stat")
    local stat = file and file:read("a")
    if file then file:close() end
    if stat and math.tointeger(stat:match("^.*%) %S+ (%d+)")) == me then count = count + 1 end
  end
  return count
end

local function picture()
  collectgarbage()
  collectgarbage()
  local memory = mooncrew.shared_memory()
  return {
    descriptors = entries("/proc/self/fd"),
    children = children(),
    ["bytes of shared memory"] = memory.in_use,
    objects = memory.objects,
    members = memory.members,
  }
end

local failed = false

local function check(name, before, after)
  local more = {}
  for what, count in pairs(after) do
    if count > before[what] then
      more[#more + 1] = ("%s: %d before, %d after"):format(what, before[what], count)
    end
  end
  table.sort(more)
  if #more > 0 then failed = true end
  print(#more == 0 and "PASS " .. name or ("FAIL %s: %s"):format(name, table.concat(more, "; ")))
end

-- Runs body(i) once to warm up, then n times.
local function soak(name, n, body)
  body(0)
  local before, start = picture(), uv.hrtime()
  for i = 1, n do body(i) end
  check(name, before, picture())
  print(("  %d times, %.1f s"):format(n, (uv.hrtime() - start) / 1e9))
end

local function expect(what, found, expected)
  if found ~= expected then
    error(("%s: expected %s, found %s"):format(what, expected, found), 2)
  end
end

soak("processes, started and joined", PROCESSES, function(i)
  local p = mooncrew.Process{ target = function() return i end }:start()
  expect("result", p:get(), i)
  p:join()
  expect("exit code", p.exitcode, 0)
end)

soak("processes, killed", PROCESSES // 10, function()
  local p = mooncrew.Process{ target = function() while true do mooncrew.sleep(60) end end }:start()
  p:kill()
  p:join()
  expect("exit code", p.exitcode, -9)
end)

soak("pools, closed and joined", POOLS, function(i)
  local pool = mooncrew.Pool(2)
  expect("results", #pool:map(function(x) return x + i end, { 1, 2, 3 }, 1), 3)
  pool:close()
  pool:join()
end)

soak("pools, terminated at work", POOLS_DROPPED, function()
  local pool = mooncrew.Pool(2)
  local result = pool:apply_async(function() while true do mooncrew.sleep(60) end end)
  pool:terminate()
  expect("outcome", select(2, result:get()), mooncrew.Cancelled)
end)

soak("pools, whose workers die", POOLS_DROPPED, function()
  local pool <close> = mooncrew.Pool(2)
  local ok, err = pcall(pool.apply, pool, function() os.exit(3) end)
  expect("raised", ok, false)
  expect("kind", err.kind, "WorkerLost")
end)

soak("queues with items, dropped", PROCESSES, function(i)
  local queue = mooncrew.Queue()
  queue:put(("x"):rep(i))
  queue:put{ i, queue }
  expect("item", #queue:get(), i)
  queue:get()
end)

os.exit(not failed, true)
