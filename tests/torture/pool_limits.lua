-- Tasks over their memory and over their time, among others: those alone fail, each for its own
-- reason, and the late ones are ended soon after their time.

local mooncrew = require "mooncrew"
local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local GREEDY, LATE, OTHERS = 50, 100, 300
local TIME = 0.1  -- seconds that a task may take
local SOON = 0.2  -- so much later it should be dead
local LIMIT = 20  -- how much later is a failure, however busy the machine is
local ROUNDS = trial.full and 10 or 1

local MIB = 1 << 20

-- What is too much: in Lua's memory, in one piece or many; each of them more than the limit.
local greedy = {
  function() return #("x"):rep(100 * MIB) end,
  function()
    local all = {}
    while #all < math.huge do all[#all + 1] = ("x"):rep(MIB // 16) .. #all end
  end,
  function()
    local all = {}
    while #all < math.huge do all[#all + 1] = { #all } end
  end,
}

-- Endless, in whatever way.
local late = {
  function() while true do end end,
  function() return (("a"):rep(60)):find(("a?"):rep(60) .. ("a"):rep(60)) end,
  function() uv.sleep(1000000) end,
  function() mooncrew.Queue():get() end,
  function() uv.kill(mooncrew.getpid(), "sigstop") end,
  function()
    local signal = uv.new_signal()
    uv.signal_start(signal, "sigterm", function() end)
    mooncrew.sleep(1000)
  end,
  function() os.execute("exec sleep 1") while true do end end,
  function() pcall(function() while true do end end) while true do end end,
}

local starts = mooncrew.Array("f64", LATE)

local function be_late(i)
  starts[i] = uv.hrtime() / 1e9
  late[i % #late + 1]()
end

-- A neighbour: its result is known, and it is not quite done at once.
local function work(i)
  local text = ("%d,"):format(i):rep(1000)
  uv.sleep(i % 4)
  return i, #text
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local k = math.random(i)
    list[i], list[k] = list[k], list[i]
  end
end

local function plan()
  local list = {}
  for i = 1, GREEDY do list[#list + 1] = { "greedy", i } end
  for i = 1, LATE do list[#list + 1] = { "late", i } end
  for i = 1, OTHERS do list[#list + 1] = { "other", i } end
  shuffle(list)
  return list
end

local check = {}

function check.greedy(ok, err)
  trial.expect(not ok and type(err) == "table", "a greedy one: %s", err)
  trial.expect(err.kind == "NoMemory", "a greedy one: %s", err)
end

function check.late(ok, err)
  trial.expect(not ok and type(err) == "table" and err.kind == "Timeout", "a late one: %s", err)
end

function check.other(ok, first, length, i)
  trial.expect(ok, "another: %s", first)
  trial.expect(first == i and length == #("%d,"):format(i) * 1000, "another: %s, %s", first, length)
end

-- Seconds from the end of each late task's time to when its death was told.
local function round()
  local delays, results = {}, {}
  local pool <close> = mooncrew.Pool{ processes = 8, limits = { memory = "32M" } }
  for n, case in ipairs(plan()) do
    local kind, i = table.unpack(case)
    local options
    if kind == "late" then
      options = { timeout = TIME, error_callback = function()
        delays[#delays + 1] = uv.hrtime() / 1e9 - starts[i] - TIME
      end }
    end
    local fn = kind == "late" and be_late or kind == "other" and work or greedy[i % #greedy + 1]
    results[n] = { kind, i, pool:apply_async(fn, { i }, options) }
  end
  for _, case in ipairs(results) do
    local kind, i, result = table.unpack(case)
    local outcome = table.pack(pcall(result.get, result))
    check[kind](outcome[1], outcome[2], outcome[3], i)
  end
  local stats = pool:stats()
  trial.expect(stats.failed == GREEDY + LATE, "%d failed", stats.failed)
  trial.expect(stats.done == OTHERS, "%d done", stats.done)
  trial.expect(#delays == LATE, "%d were late", #delays)
  return delays
end

trial.test(("%d tasks over their memory and %d over their time among %d others"):format(GREEDY,
  LATE, OTHERS), function()
  local all, in_time = {}, 0
  for _ = 1, ROUNDS do
    local delays = round()
    table.move(delays, 1, #delays, #all + 1, all)
  end
  table.sort(all)
  for _, delay in ipairs(all) do
    if delay <= SOON then in_time = in_time + 1 end
  end
  trial.note("%d late tasks: told dead %.1f ms after their time in the middle, %.1f at most;"
    .. " %d within %g ms", #all, all[#all // 2] * 1000, all[#all] * 1000, in_time, SOON * 1000)
  trial.expect(all[#all] < LIMIT, "one was dead only after %.1f s", all[#all])
end)

trial.finish()
