-- Pools in trouble: stopped processes, memory that is too small, the wrong process, nesting.

local mooncrew = require "mooncrew"
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")

local Pool = mooncrew.Pool
local kill = require("luv").kill

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function same(...) return ... end

local function stop_self()
  kill(mooncrew.getpid(), "sigstop")
  return "went on"
end

describe("Pool: a stopped process", function()
  it("is ended by its task's time-out", function()
    local pool <close> = Pool{ processes = 1, task_timeout = 0.1 }
    local err = fails("longer than 0.1 s", pool.apply, pool, stop_self)
    assert.equal("Timeout", err.kind)
    assert.equal(1, (pool:apply(same, { 1 })))
    -- In a chunk, too, it is the one item.
    local next_result = pool:imap(function(x)
      return x == 2 and stop_self() or x
    end, { 1, 2, 3 }, { chunksize = 3 })
    assert.equal(1, next_result())
    assert.equal("Timeout", select(2, pcall(next_result)).kind)
    assert.equal(3, next_result())
  end)

  it("is ended by a cancel with force", function()
    local pool <close> = Pool(1)
    local started = mooncrew.Queue()
    local r = pool:apply_async(function()
      started:put(1)
      stop_self()
    end)
    started:get()
    assert.is_true(r:cancel(true))
    assert.equal(1, (pool:apply(same, { 1 })))
  end)

  it("is ended by terminate, be it a worker or the foreman", function()
    local pool = Pool(2)
    local held, lock = mooncrew.Queue(), mooncrew.Lock()
    local foreman = pool:apply(mooncrew.getppid)
    local stopped = pool:apply_async(function()
      lock:acquire()
      held:put(1)
      stop_self()
    end)
    held:get()
    pool:terminate()
    assert.equal(mooncrew.Cancelled, select(2, stopped:get()))
    assert.same({ true, "abandoned" }, { lock:acquire(true, 60) })
    lock:release()
    pool = Pool(2)
    local other = pool:apply(mooncrew.getppid)
    assert.is_true(other ~= foreman)
    local busy = pool:apply_async(function()
      lock:acquire()
      held:put(1)
      while true do end
    end)
    held:get()
    kill(other, "sigstop")
    pool:terminate()
    assert.equal(mooncrew.Cancelled, select(2, busy:get()))
    assert.same({ true, "abandoned" }, { lock:acquire(true, 60) })
  end)
end)

describe("Pool: a small shared memory", function()
  teardown(standalone.remove_folder)

  local function run(code)
    return standalone.run({ "-e", code }, { env = { MOONCREW_SHARED_MEMORY = "16M" } })
  end

  it("refuses a result and a task that can't fit, and goes on", function()
    local outcome = run([[
      local m = require "mooncrew"
      local pool <close> = m.Pool(2)
      local function big() return ("x"):rep(20 << 20) end
      local function kind(...) return select(2, pcall(...)).kind end
      print(kind(pool.apply, pool, big))
      print(kind(pool.map, pool, big, { 1, 2 }, 1))
      print(kind(pool.map, pool, big, { 1, 2 }, 2))
      print(kind(pool.apply, pool, print, { big() }))
      print(kind(pool.map, pool, print, { big() }))
      print(kind(pool.imap(pool, print, { big() })))
      local err = select(2, pcall(pool.apply, pool, function() error(big()) end))
      print(err.kind, #err.message < 5000)
      print(pool:apply(function(x) return #x end, { ("x"):rep(1 << 20) }))
      print(pool:stats().queued)]])
    assert.equal("", outcome.err)
    assert.equal(("NoMemory\n"):rep(6) .. "Error\ttrue\n1048576\n0\n", outcome.out)
  end)

  it("holds tasks and results that do not fit at one time", function()
    local outcome = run([[
      local m = require "mooncrew"
      local pool <close> = m.Pool(2)
      local list = {}
      for i = 1, 100 do list[i] = ("%d "):format(i):rep(1 << 18) end
      local n = 0
      for i, text in ipairs(pool:map(function(text) return text:upper() end, list, 1)) do
        assert(text == list[i])
        n = n + 1
      end
      local results = {}
      local function same(text) return text end
      for i = 1, 100 do results[i] = pool:apply_async(same, { list[i] }) end
      for i = 1, 100 do assert(results[i]:get() == list[i]) end
      print(n)]])
    assert.equal("", outcome.err)
    assert.equal("100\n", outcome.out)
  end)
end)

describe("Pool: the wrong process", function()
  it("is told so, whatever it asks for", function()
    local pool <close> = Pool(1)
    local under_way = pool:apply_async(same, { 1 })
    local calls = {
      apply = function() pool:apply(same) end,
      map = function() pool:map(same, { 1 }) end,
      imap = function() pool:imap(same, { 1 })() end,
      close = function() pool:close() end,
      terminate = function() pool:terminate() end,
      stats = function() pool:stats() end,
      get = function() under_way:get() end,
    }
    for name, call in pairs(calls) do
      local p = mooncrew.Process{ target = function() return select(2, pcall(call)) end }:start()
      assert.matches("belongs to another process", tostring(p:get()), 1, true, name)
      p:join()
    end
    assert.equal(1, under_way:get())
  end)
end)

describe("Pool: a pool in its worker", function()
  it("dies with it", function()
    local lock, held, busy = mooncrew.Lock(), mooncrew.Queue(), mooncrew.Queue()
    local pool <close> = Pool(1)
    local outer = pool:apply_async(function()
      local inner <close> = mooncrew.Pool(2)
      inner:apply_async(function()
        lock:acquire()
        held:put(mooncrew.getpid())
        while true do end
      end)
      busy:put(mooncrew.getpid())
      mooncrew.sleep(1000)
    end)
    local inner_worker, outer_worker = held:get(), busy:get()
    assert.is_true(inner_worker ~= outer_worker)
    kill(outer_worker, "sigkill")
    local err = fails("signal 9", outer.get, outer)
    assert.equal("WorkerLost", err.kind)
    assert.equal(outer_worker, err.pid)
    assert.same({ true, "abandoned" }, { lock:acquire(true, 60) })
  end)

  it("dies with it at terminate", function()
    local lock, held = mooncrew.Lock(), mooncrew.Queue()
    local pool = Pool(1)
    pool:apply_async(function()
      local inner <close> = mooncrew.Pool(1)
      inner:apply(function()
        lock:acquire()
        held:put(1)
        while true do end
      end)
    end)
    held:get()
    pool:terminate()
    assert.same({ true, "abandoned" }, { lock:acquire(true, 60) })
  end)
end)

describe("Pool: counts of workers", function()
  it("that are none are refused", function()
    for _, wrong in ipairs{ 0, -1, 1.5, 1025, 1 << 62, 0 / 0, 1 / 0, "two", false } do
      fails("Pool: processes: a whole number from 1 to 1024 expected", Pool, { processes = wrong })
    end
    local pool <close> = Pool(2.0)
    assert.equal(2, pool:stats().workers)
  end)
end)
