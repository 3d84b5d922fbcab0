local mooncrew = require "mooncrew"

local Pool = mooncrew.Pool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

describe("Pool", function()
  it("maps in order, with any chunk size", function()
    local pool <close> = Pool(2)
    local list, expected = {}, {}
    for i = 1, 1000 do list[i], expected[i] = i, i * i end
    local function square(x) return x * x end
    assert.same(expected, pool:map(square, list))
    assert.same(expected, pool:map(square, list, 1))
    assert.same(expected, pool:map(square, list, { chunksize = 7 }))
    assert.same(expected, pool:map(square, list, 5000))
    assert.same({}, pool:map(square, {}))
    assert.same({ 3, 7 }, pool:starmap(function(a, b) return a + b end, { { 1, 2 }, { 3, 4 } }))
    local holes = pool:map(function(x) if x % 2 == 0 then return x end end, { 1, 2, 3, 4 }, 2)
    assert.is_nil(holes[1])
    assert.equal(2, holes[2])
    assert.equal(4, holes[4])
    assert.same({ 2 }, pool:map_async(square, { 2 }):get() and { 2 })
  end)

  it("applies, and sends closures made after it", function()
    local pool <close> = Pool(1)
    local k = 10
    local function add(x) return x + k, nil, "third" end
    assert.same({ n = 3, 15, nil, "third" }, table.pack(pool:apply(add, { 5 })))
    k = 20
    assert.equal(25, (pool:apply(add, { 5 })))
    local function fact(n) return n <= 1 and 1 or n * fact(n - 1) end
    assert.equal(120, pool:apply(fact, { 5 }))
    assert.equal(0, pool:apply(function(...) return select("#", ...) end))
    assert.equal(3, pool:apply(function(...) return select("#", ...) end, { n = 3 }))
  end)

  it("raises the task's error with its traceback and process", function()
    local pool <close> = Pool{ processes = 1, name = "crew" }
    local function inner() error("deep down") end
    local r = pool:apply_async(function() inner() end)
    local ok, err = pcall(r.get, r)
    assert.is_false(ok)
    assert.matches("deep down", err.message, 1, true)
    assert.matches("inner", err.traceback, 1, true)
    assert.matches("^crew", err.process)
    assert.is_true(err.pid ~= mooncrew.getpid())
    assert.is_false(r:successful())
    err = select(2, pcall(pool.apply, pool, function() error({ code = 5 }) end))
    assert.equal(5, err.value.code)
  end)

  it("map raises the first error by index, when all is done", function()
    local pool <close> = Pool(2)
    local function f(x)
      if x == 30 or x == 70 then error("item " .. x, 0) end
      return x
    end
    local list = {}
    for i = 1, 100 do list[i] = i end
    for _, chunksize in ipairs{ 1, 9, 100 } do
      local _, err = pcall(pool.map, pool, f, list, chunksize)
      assert.equal("item 30", err.message)
      assert.equal(30, err.index)
    end
  end)

  it("calls callbacks in the submitting process, at the latest before join returns", function()
    local seen = {}
    local pool = Pool(2)
    for i = 1, 5 do
      pool:apply_async(function(x) return x, mooncrew.getpid() end, { i }, {
        callback = function(x) seen[x] = mooncrew.getpid() end,
      })
    end
    pool:apply_async(function() error("e", 0) end, nil, {
      error_callback = function(err) seen.err = err.message end,
    })
    pool:close()
    assert.is_true(pool:join())
    local me = mooncrew.getpid()
    assert.same({ me, me, me, me, me, err = "e" }, seen)
  end)

  it("loses only the task of a worker that dies, and replaces the worker", function()
    local pool <close> = Pool(2)
    local results = {}
    for i = 1, 20 do
      results[i] = pool:apply_async(function(x)
        if x == 7 then require("luv").kill(mooncrew.getpid(), "sigkill") end
        return x
      end, { i })
    end
    for i = 1, 20 do
      local ok, value = pcall(results[i].get, results[i])
      if i == 7 then
        assert.is_false(ok)
        assert.equal("WorkerLost", value.kind)
        assert.equal(-9, value.exitcode)
        assert.is_true(value.pid > 1)
      else
        assert.is_true(ok)
        assert.equal(i, value)
      end
    end
    local pids, both = {}, mooncrew.Barrier(2)
    for _, pid in ipairs(pool:map(function()
      both:wait()
      return mooncrew.getpid()
    end, { 1, 2, 3, 4, 5, 6 }, 1)) do
      pids[pid] = true
    end
    local n = 0
    for _ in pairs(pids) do n = n + 1 end
    assert.equal(2, n)
    local stats = pool:stats()
    assert.equal(1, stats.failed)
    assert.equal(25, stats.done)
    assert.is_true(stats.restarts >= 1)
    assert.equal(2, stats.workers)
  end)

  it("tries a lost task again", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool{ processes = 1, retries = 2 }
    local function twice(x)
      tries:put(1)
      if tries:qsize() < 3 then os.exit(9) end
      return x
    end
    assert.equal("ok", pool:apply(twice, { "ok" }))
    assert.equal(3, tries:qsize())
    assert.equal(2, pool:stats().retried)
    local err = select(2, pcall(pool.apply, pool, function() os.exit(9) end))
    assert.equal("WorkerLost", err.kind)
    assert.equal(9, err.exitcode)
  end)

  it("uses the initializer, and reports one that fails", function()
    local pool <close> = Pool{
      processes = 1,
      initializer = function(a, b) _G.sum_of_init = a + b end,
      initargs = { 1, 2 },
    }
    assert.equal(3, pool:apply(function() return rawget(_G, "sum_of_init") end))
    local broken = Pool{ processes = 2, initializer = function() error("can't start") end }
    fails("can't start", broken.apply, broken, print)
    broken:close()
    broken:join()
  end)

  it("replaces a worker after maxtasksperchild", function()
    local pool <close> = Pool{ processes = 1, maxtasksperchild = 2 }
    local pids = pool:map(function() return mooncrew.getpid() end, { 1, 2, 3, 4, 5, 6 }, 1)
    assert.equal(pids[1], pids[2])
    assert.is_true(pids[2] ~= pids[3])
    assert.equal(pids[3], pids[4])
    assert.is_true(pids[4] ~= pids[5])
  end)

  it("is left by an error as by terminate: unfinished results are cancelled", function()
    local r
    pcall(function()
      local pool <close> = Pool(1)
      r = pool:apply_async(mooncrew.sleep, { 100 })
      error("out")
    end)
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(r:get()))
  end)

  it("does not begin a task that was cancelled before", function()
    local pool <close> = Pool(1)
    local at_work, go_on, ran = mooncrew.Event(), mooncrew.Event(), mooncrew.Value(0)
    local first = pool:apply_async(function()
      at_work:set()
      go_on:wait()
    end)
    local function run() ran:incr() end
    local second, third = pool:apply_async(run), pool:apply_async(run, nil, { capture = true })
    local items, chunks = pool:map_async(run, { 1, 2, 3 }, 1), pool:map_async(run, { 1, 2, 3 }, 2)
    at_work:wait()
    for i, result in ipairs{ second, third, items, chunks } do
      assert.is_true(result:cancel(i % 2 == 0))
      assert.equal(mooncrew.Cancelled, select(2, result:get()))
    end
    go_on:set()
    first:get()
    assert.equal(4, (pool:apply(function() return 4 end)))
    assert.equal(0, ran.value)
    local stats = pool:stats()
    assert.same({ 0, 2, 0, 0 }, { stats.queued, stats.done, stats.failed, stats.restarts })
  end)

  it("has results that time out and are cancelled", function()
    local pool = Pool(1)
    local r = pool:apply_async(mooncrew.sleep, { 100 })
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(r:get(0.01)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(r:wait(0)))
    assert.is_false(r:ready())
    fails("not there yet", r.successful, r)
    assert.is_true(r:cancel())
    assert.equal(mooncrew.Cancelled, select(2, r:get()))
    pool:terminate()
    pool:terminate()
    assert.is_true(pool:join())
  end)

  it("works inside coroutine tasks", function()
    local pool <close> = Pool(2)
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = mooncrew.spawn(function()
        return pool:apply(function(x) return x * 2 end, { i })
      end)
    end
    for i = 1, 10 do assert.equal(2 * i, tasks[i]:get()) end
  end)

  it("works in a worker of another pool", function()
    local pool <close> = Pool(1)
    assert.equal(9, pool:apply(function()
      local inner <close> = mooncrew.Pool(1)
      return inner:apply(function(x) return x * x end, { 3 })
    end))
  end)

  it("ends a task that is over its time, and its worker alone", function()
    local pool <close> = Pool{ processes = 2, task_timeout = 0.1 }
    local endless = pool:apply_async(function() while true do end end)
    local other = pool:apply_async(function(x) return x end, { 1 })
    assert.equal(1, other:get())
    local ok, err = pcall(endless.get, endless)
    assert.is_false(ok)
    assert.equal("Timeout", err.kind)
    assert.is_true(err.pid > 1)
    assert.matches("longer than 0.1 s", tostring(err), 1, true)
    -- The time of a map's item starts with the item, in whatever chunk it comes.
    local times = {}
    for i = 1, 10 do times[i] = 0.03 end
    assert.equal(10, #pool:map(function(s)
      mooncrew.sleep(s)
      return s
    end, times, { chunksize = 10, timeout = 60 }))
    local tries = mooncrew.Queue()
    assert.equal(2, (pool:apply_async(function()
      tries:put(1)
      while tries:qsize() < 2 do end
      return tries:qsize()
    end, nil, { timeout = 0.1, retries = 3 }):get()))
    fails("timeout: a number of seconds above 0 expected, got 0", pool.apply_async, pool, print,
      {}, { timeout = 0 })
    fails("task_timeout", Pool, { task_timeout = "long" })
  end)

  it("cancels by force a task that runs", function()
    local pool <close> = Pool{ processes = 1, retries = 5 }
    local started = mooncrew.Queue()
    local endless = pool:apply_async(function()
      started:put(mooncrew.getpid())
      while true do end
    end)
    local pid = started:get()
    assert.is_true(endless:cancel(true))
    assert.equal(mooncrew.Cancelled, select(2, endless:get()))
    assert.is_true(pool:apply(mooncrew.getpid) ~= pid)
    assert.equal(0, started:qsize())
  end)

  it("imap takes lazily from a list, a function or a queue, in order", function()
    local pool <close> = Pool(2)
    local function double(x) return 2 * x end
    local function collect(iterator)
      local out = {}
      for value in iterator do out[#out + 1] = value end
      return out
    end
    assert.same({ 2, 4, 6, 8, 10 }, collect(pool:imap(double, { 1, 2, 3, 4, 5 })))
    assert.same({ 2, 4, 6, 8, 10 }, collect(pool:imap(double, { 1, 2, 3, 4, 5 }, 2)))
    local unordered = collect(pool:imap_unordered(double, { 1, 2, 3, 4, 5 }))
    table.sort(unordered)
    assert.same({ 2, 4, 6, 8, 10 }, unordered)
    assert.same({}, collect(pool:imap(double, {})))
    local pulled = 0
    local next_result = pool:imap(double, function()
      pulled = pulled + 1
      return pulled
    end, { buffer = 3 })
    for i = 1, 50 do
      assert.equal(2 * i, next_result())
      assert.is_true(pulled <= i + 3)
    end
    local q = mooncrew.Queue()
    q:put_many({ 1, 2, 3 })
    q:close()
    assert.same({ 2, 4, 6 }, collect(pool:imap(double, q:items())))
  end)

  it("imap raises a task's error in its place, and its source's error in the caller", function()
    local pool <close> = Pool(2)
    local next_result = pool:imap(function(x)
      if x == 2 then error("two", 0) end
      return x
    end, { 1, 2, 3 })
    assert.equal(1, next_result())
    assert.equal("two", select(2, pcall(next_result)).message)
    assert.equal(3, next_result())
    assert.is_nil(next_result())
    local n = 0
    local broken = pool:imap(function(x) return x end, function()
      n = n + 1
      if n == 2 then error("no source", 0) end
      return n
    end, { buffer = 1 })
    assert.equal(1, broken())
    assert.equal("no source", select(2, pcall(broken)))
    fails("iterable: a table expected", pool.imap, pool, print, 5)
    fails("unknown option 'bufer'", pool.imap, pool, print, {}, { bufer = 1 })
  end)

  it("survives a collection in its worker", function()
    local pool <close> = Pool(1)
    assert.equal(1, pool:apply(function()
      collectgarbage()
      collectgarbage()
      return 1
    end))
  end)

  it("belongs to its maker", function()
    local pool <close> = Pool(1)
    local p = mooncrew.Process{ target = function()
      return pcall(pool.apply, pool, print)
    end }:start()
    local ok, err = p:get()
    assert.is_false(ok)
    assert.matches("belongs to another process", tostring(err), 1, true)
    p:join()
  end)

  it("refuses wrong arguments and uses", function()
    fails("Pool: processes: a whole number from 1", Pool, 0)
    fails('Pool: processes: a whole number from 1 to 1024 expected, got "four"', Pool, "four")
    fails("got -1", Pool, -1)
    fails("got 1.5", Pool, 1.5)
    fails("unknown option 'proceses'", Pool, { proceses = 2 })
    fails("initializer: a function expected", Pool, { initializer = 1 })
    local pool <close> = Pool(1)
    fails("fn: a function expected, got 5", pool.apply, pool, 5)
    fails("args: a table expected", pool.apply, pool, print, 5)
    fails("list: a table expected", pool.map, pool, print, 5)
    fails("chunksize: a whole number from 1", pool.map, pool, print, { 1 }, 0)
    fails("cannot send a FILE*", pool.apply, pool, print, { io.stdout })
    local out = io.stdout
    fails("cannot send a FILE*", pool.apply, pool, function() return out end)
    fails("still open", pool.join, pool)
    fails("cannot send a FILE* (at result[1])", pool.apply, pool, function() return io.stdout end)
    assert.equal(1, pool:apply(function() return 1 end))
    pool:close()
    fails("is closed", pool.apply_async, pool, print)
  end)

  it("leaves nothing of 20 pools", function()
    collectgarbage()
    collectgarbage()
    local before = mooncrew.shared_memory()
    for i = 1, 20 do
      local pool <close> = Pool(2)
      assert.equal(i, pool:apply(function(x) return x end, { i }))
    end
    collectgarbage()
    collectgarbage()
    local after = mooncrew.shared_memory()
    assert.is_true(after.members <= before.members)
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.in_use <= before.in_use)
  end)
end)
