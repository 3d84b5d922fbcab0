-- Workers that can't get ready for work: the pool says so, to everybody who waits for it.

local mooncrew = require "mooncrew"

local Pool = mooncrew.Pool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function kill_self(signal) require("luv").kill(mooncrew.getpid(), signal) end

describe("Pool initializer", function()
  it("that raises fails every task with its error", function()
    local pool = Pool{ processes = 2, initializer = function() error("can't start", 0) end }
    local results = {}
    for i = 1, 3 do results[i] = pool:apply_async(print) end
    for i = 1, 3 do
      local err = fails("can't start", results[i].get, results[i])
      assert.equal("can't start", err.message)
    end
    fails("can't start", pool.map, pool, print, { 1, 2, 3 })
    fails("can't start", pool.apply, pool, print)
    pool:close()
    assert.is_true(pool:join())
  end)

  it("that kills its worker is given up after a few", function()
    local started = mooncrew.Queue()
    local pool = Pool{ processes = 2, initializer = function()
      started:put(1)
      kill_self("sigusr1")
    end }
    local first, second = pool:apply_async(print), pool:apply_async(print)
    local err = fails("die before they begin a task", first.get, first)
    assert.equal("WorkerLost", err.kind)
    assert.equal(-10, err.exitcode)
    assert.is_true(err.pid > 1)
    fails("with signal 10", second.get, second)
    fails("with signal 10", pool.apply, pool, print)
    -- Those that were under way when the last one was counted have started too.
    assert.is_true(started:qsize() >= 5 and started:qsize() <= 7)
    pool:close()
    assert.is_true(pool:join())
  end)

  it("whose worker is killed is called in others, for longer", function()
    local started = mooncrew.Value(0)
    local pool <close> = Pool{ processes = 1, initializer = function()
      if started:incr(1) <= 7 then kill_self "sigkill" end
    end }
    assert.equal(8, (pool:apply(function() return started.value end)))
    assert.equal(7, pool:stats().restarts)
  end)

  it("that leaves its worker, with whatever status, is given up too", function()
    for _, status in ipairs{ 3, 70 } do
      local pool <close> = Pool{ processes = 1, initializer = os.exit, initargs = { status } }
      fails(("with status %d"):format(status), pool.apply, pool, print)
    end
  end)

  it("that hangs ends the pool after its time", function()
    local pool = Pool{
      processes = 2, initializer = function() while true do end end, initializer_timeout = 0.1,
    }
    local err = fails("took longer than 0.1 s", pool.apply, pool, print)
    assert.equal("Timeout", err.kind)
    assert.is_true(err.pid > 1)
    fails("took longer than 0.1 s", pool.apply, pool, print)
    pool:close()
    assert.is_true(pool:join())
    fails("initializer_timeout: a number of seconds above 0", Pool, { initializer_timeout = 0 })
  end)

  it("that hangs, without a time, is ended by terminate", function()
    local pool = Pool{ processes = 2, initializer = function() while true do end end }
    local r = pool:apply_async(print)
    assert.equal(mooncrew.Timeout, select(2, r:get(0.01)))
    pool:terminate()
    assert.equal(mooncrew.Cancelled, select(2, r:get()))
    assert.is_true(pool:join())
  end)

  it("that is in time is not ended later", function()
    local pool <close> = Pool{
      processes = 1, initializer = mooncrew.sleep, initargs = { 0.001 }, initializer_timeout = 0.2,
    }
    assert.equal(1, (pool:apply(function()
      mooncrew.sleep(0.3) -- the time is the test: longer than an initializer may take
      return 1
    end)))
    assert.equal(0, pool:stats().restarts)
  end)
end)

describe("Pool workers", function()
  it("that die in many tasks are replaced for ever", function()
    local pool <close> = Pool(1)
    for _ = 1, 15 do
      local err = fails("took its task along", pool.apply, pool, kill_self, { "sigkill" })
      assert.equal(-9, err.exitcode)
    end
    fails("with status 70", pool.apply, pool, os.exit, { 70 })
    assert.equal(7, (pool:apply(function() return 7 end)))
    assert.equal(16, pool:stats().restarts)
  end)

  it("fail all that wait when their foreman is killed", function()
    local pool = Pool(2)
    local foreman = pool:apply(mooncrew.getppid)
    local waiting = pool:apply_async(mooncrew.sleep, { 1000 })
    local queued = pool:map_async(mooncrew.sleep, { 1000, 1000, 1000 }, 1)
    require("luv").kill(foreman, "sigkill")
    local err = fails("has no workers any more", waiting.get, waiting)
    assert.equal("WorkerLost", err.kind)
    fails("has no workers any more", queued.get, queued)
    fails("has no workers any more", pool.apply, pool, print)
    pool:close()
    assert.is_true(pool:join())
  end)
end)
