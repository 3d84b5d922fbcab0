-- The calls of a pool and of its results, row by row: what other specs of the pool leave out.

local mooncrew = require "mooncrew"
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")

local Pool, CoroutinePool = mooncrew.Pool, mooncrew.CoroutinePool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function same(...) return ... end
local function fail(text) error(text, 0) end

describe("map_async", function()
  it("gives a result at once, and calls back with the list", function()
    local pool <close> = Pool(2)
    local gate, seen = mooncrew.Event(), nil
    local result = pool:map_async(function(x)
      gate:wait()
      return -x
    end, { 1, 2, 3 }, { callback = function(list) seen = list end })
    assert.is_false(result:ready())
    gate:set()
    assert.same({ -1, -2, -3 }, result:get())
    assert.is_true(result:successful())
    assert.same({ -1, -2, -3 }, seen)
  end)

  it("tells error_callback the first error, by index", function()
    local pool <close> = Pool(2)
    local seen
    local result = pool:map_async(fail, { "a", "b" }, {
      chunksize = 1, error_callback = function(err) seen = err end,
    })
    local err = fails("a", result.get, result)
    assert.equal(1, err.index)
    assert.equal(err, seen)
    assert.is_false(result:successful())
  end)
end)

describe("starmap", function()
  it("spreads each item, holes too; starmap_async does as well", function()
    local pool <close> = Pool(2)
    local function count(...) return select("#", ...) .. ":" .. tostring((select(2, ...))) end
    local list = { { 1, 2 }, {}, { n = 3 }, { 1, nil, 3, n = 3 } }
    local expected = { "2:2", "0:nil", "3:nil", "3:nil" }
    list[2].n = 2
    expected[2] = "2:nil"
    assert.same(expected, pool:starmap(count, list))
    assert.same(expected, pool:starmap(count, list, 1))
    assert.same(expected, pool:starmap_async(count, list):get())
  end)

  it("says which item is no list of arguments", function()
    local pool <close> = Pool(1)
    for _, name in ipairs{ "starmap", "starmap_async" } do
      local err = fails("starmap: a table of arguments expected, got number", function()
        local result = pool[name](pool, same, { { 1 }, 5 })
        if name == "starmap_async" then result:get() end
      end)
      assert.equal(2, err.index)
      fails(name .. ": list: a table expected, got 5", pool[name], pool, same, 5)
    end
  end)
end)

describe("imap_unordered", function()
  it("gives what is done first, first", function()
    local pool <close> = Pool(2)
    local gate = mooncrew.Event()
    local next_result = pool:imap_unordered(function(x)
      if x == 1 then gate:wait() end
      return x
    end, { 1, 2, 3 })
    assert.equal(2, next_result())
    assert.equal(3, next_result())
    gate:set()
    assert.equal(1, next_result())
    assert.is_nil(next_result())
    assert.is_nil(next_result())
  end)

  it("raises an error when it comes, and goes on", function()
    local pool <close> = Pool(1)
    local next_result = pool:imap_unordered(function(x)
      return x == 2 and fail("two") or x
    end, { 1, 2, 3 })
    assert.equal(1, next_result())
    fails("two", next_result)
    assert.equal(3, next_result())
    assert.is_nil(next_result())
  end)

  it("refuses what is no source, function or option", function()
    local pool <close> = Pool(1)
    for _, name in ipairs{ "imap", "imap_unordered" } do
      fails(name .. ": iterable: a table expected, got 5", pool[name], pool, same, 5)
      fails(name .. ": fn: a function expected, got nil", pool[name], pool, nil, {})
      fails(name .. ": buffer: a whole number from 1", pool[name], pool, same, {}, { buffer = 0 })
      fails(name .. ": unknown option 'callback'", pool[name], pool, same, {}, { callback = same })
    end
  end)
end)

describe("progress of a map", function()
  teardown(standalone.remove_folder)

  it("is written to stderr, with its label", function()
    local outcome = standalone.run{ "-e", [[
      local pool <close> = require "mooncrew".Pool(2)
      print(#pool:map(tostring, { 1, 2, 3, 4 }, { progress = "squares" }))
      print(#pool:map(tostring, { 1, 2 }, { progress = true }))
      print(#pool:map(tostring, { 1, 2 }, { progress = false }))]] }
    assert.equal("4\n2\n2\n", outcome.out)
    assert.matches("squares  4/4  100%", outcome.err, 1, true)
    assert.matches("\n2/2  100%", outcome.err, 1, true)
    assert.equal(2, select(2, outcome.err:gsub("\n", "")))
  end)

  it("comes to its end when items fail", function()
    local outcome = standalone.run{ "-e", [[
      local pool <close> = require "mooncrew".Pool(2)
      print(pcall(pool.map, pool, error, { {}, {} }, { progress = true }))]] }
    assert.matches("^false", outcome.out)
    assert.matches("2/2  100%", outcome.err, 1, true)
  end)

  it("is true, false or a label", function()
    local pool <close> = Pool(1)
    fails("map: progress: true, false or a label expected, got 5", pool.map, pool, same, { 1 },
      { progress = 5 })
  end)
end)

describe("a Result", function()
  it("of a task that was right", function()
    local pool <close> = Pool(1)
    local result = pool:apply_async(same, { 1, nil, 3, n = 3 }, { name = "one" })
    assert.is_true(result:wait())
    assert.is_true(result:wait(0))
    assert.is_true(result:ready())
    assert.is_true(result:successful())
    assert.same({ n = 3, 1, nil, 3 }, table.pack(result:get()))
    assert.same({ n = 3, 1, nil, 3 }, table.pack(result:get(0)))
    assert.is_false(result:cancel())
    assert.is_false(result:cancel(true))
    assert.matches("one", tostring(result))
  end)

  it("of a task that raised", function()
    local pool <close> = Pool(1)
    local result = pool:apply_async(fail, { "bad" })
    assert.is_true(result:wait(60))
    assert.is_false(result:successful())
    local err = fails("bad", result.get, result)
    assert.equal(err, fails("bad", result.get, result))
    assert.is_false(result:cancel())
  end)

  it("refuses what is no time", function()
    local expected = ": timeout: a number of seconds expected, got "
    for _, new in ipairs{ Pool, CoroutinePool } do
      local pool = new(1)
      local result = pool:apply_async(same)
      for _ = 1, 2 do -- before it is there, and after
        fails("get" .. expected, result.get, result, "soon")
        fails("get" .. expected .. "NaN", result.get, result, 0 / 0)
        fails("wait" .. expected .. "table", result.wait, result, {})
        result:get()
      end
      pool:close()
      fails("join" .. expected .. '"soon"', pool.join, pool, "soon")
      fails("join" .. expected .. "NaN", pool.join, pool, 0 / 0)
      assert.is_true(pool:join(1e300))
    end
  end)
end)

describe("a call", function()
  it("that is wrong is refused by its own name, at the line of the script", function()
    local function fails_here(message, fn)
      local line = debug.getinfo(fn, "S").linedefined
      fails(("pool_calls_spec.lua:%d: %s"):format(line, message), fn)
    end
    local no_count = ": args.n: a whole number from 0 to 1000000 expected, got "
    for _, new in ipairs{ Pool, CoroutinePool } do
      local pool <close> = new(1)
      for _, name in ipairs{ "apply", "apply_async" } do
        local function give(...) pool[name](pool, ...) end
        fails_here(name .. ": fn: a function expected, got 5", function() pool[name](pool, 5) end)
        local no_table = name .. ": args: a table expected, got 5"
        fails_here(no_table, function() pool[name](pool, same, 5) end)
        for got, n in pairs{ ['"x"'] = "x", [-1] = -1, [1.5] = 1.5, ["1e+18"] = 1e18 } do
          fails(name .. no_count .. got, give, same, { n = n })
        end
      end
    end
  end)
end)

describe("an option of a task", function()
  it("that is no function, no name, is refused before anything is done", function()
    for _, new in ipairs{ Pool, CoroutinePool } do
      local pool <close> = new(1)
      for _, name in ipairs{ "callback", "error_callback" } do
        local expected = ": " .. name .. ": a function expected, got 5"
        fails("apply_async" .. expected, pool.apply_async, pool, same, {}, { [name] = 5 })
        fails("map_async" .. expected, pool.map_async, pool, same, { 1 }, { [name] = 5 })
        fails("starmap_async" .. expected, pool.starmap_async, pool, same, {}, { [name] = 5 })
      end
      fails("apply_async: name: a string or a number expected, got table", pool.apply_async, pool,
        same, {}, { name = {} })
      fails("map: name: a function expected", pool.map, pool, same, { 1 }, { name = "x" })
      assert.equal(0, pool:stats().done)
      assert.equal(7, pool:apply_async(same, { 7 }, { name = 7 }):get())
    end
  end)
end)

describe("options of Pool", function()
  it("name, maxtasksperchild, initargs: wrong ones are refused", function()
    fails("Pool: name: a string expected, got 5", Pool, { name = 5 })
    fails("Pool: maxtasksperchild: a whole number from 1", Pool, { maxtasksperchild = 0 })
    fails("Pool: maxtasksperchild: a whole number from 1", Pool, { maxtasksperchild = 1.5 })
    fails("Pool: initargs: a table expected, got 5", Pool, { initargs = 5 })
    fails("Pool: initializer_timeout: a number of seconds", Pool, { initializer_timeout = 0 })
    for _, name in ipairs{ "", ("x"):rep(64), "a\0b" } do
      fails("Pool: name: a text of 1 to 63 bytes without zeros expected", Pool, { name = name })
    end
    local long = ("x"):rep(63)
    local pool <close> = Pool{ processes = 1, name = long }
    assert.equal(long .. "-1", pool:apply(function() return mooncrew.current_process().name end))
  end)

  it("are refused at the line of the script", function()
    for option, wrong in pairs{
      processes = 0, initializer = 1, initargs = 1, initializer_timeout = 0, name = "", resume = 1,
      maxtasksperchild = 0, max_memory = 0, limits = 1, sandbox = 1, task_timeout = 0,
      retries = -1, capture = -1, on_interrupt = 1, joblog = 1, halt = 1, unknown = 1,
    } do
      local _, err = pcall(function()
        local pool = Pool{ [option] = wrong }
        return pool
      end)
      assert.matches("^tests/spec/pool_calls_spec%.lua:%d+: Pool: ", err)
      assert.matches(option, err, 1, true)
    end
  end)
end)

describe("the end of a pool", function()
  it("close may come twice; then each call that gives a task is refused", function()
    local pool = Pool(1)
    local result = pool:apply_async(same, { 1 })
    pool:close()
    pool:close()
    for _, name in ipairs{ "apply", "apply_async", "submit", "map", "map_async", "starmap",
                           "starmap_async", "imap", "imap_unordered" } do
      local expected = (name == "submit" and "apply_async" or name) .. ": the pool is closed"
      fails(expected, pool[name], pool, same, {})
    end
    assert.equal(1, result:get())
    assert.is_true(pool:join())
    assert.is_true(pool:join())
  end)

  it("join waits no longer than it is told", function()
    local pool = Pool(1)
    local gate = mooncrew.Event()
    local result = pool:apply_async(function() gate:wait() end)
    pool:close()
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(pool:join(0)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(pool:join(0.01)))
    gate:set()
    assert.is_true(pool:join(60))
    assert.is_true(result:successful())
  end)

  it("is terminate, when the task that waits at the end of its block is cancelled", function()
    for _, new in ipairs{ Pool, CoroutinePool } do
      local pool, result
      local begun, never = mooncrew.Event(), mooncrew.Event()
      local task = mooncrew.spawn(function()
        local inner <close> = new(1)
        pool = inner
        result = inner:submit(function()
          begun:set()
          never:wait()
        end)
      end)
      begun:wait()
      task:cancel()
      assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(task:get(60)))
      assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(result:get(5)))
      assert.is_true(pool:join(60))
    end
  end)

  it("terminate is said to whoever goes on", function()
    local pool = Pool(1)
    pool:terminate()
    fails("map: the pool has been terminated", pool.map, pool, same, { 1 })
    assert.is_true(pool:join())
    assert.equal(0, pool:stats().busy)
  end)

  it("a block that is left in order waits for its tasks", function()
    local done, results = mooncrew.Value(0), {}
    do
      local pool <close> = Pool(2)
      results[1] = pool:map_async(function() done:incr() end, { 1, 2, 3, 4, 5 }, 1)
    end
    assert.equal(5, done.value)
    assert.is_true(results[1]:ready())
  end)
end)

describe("stats", function()
  it("counts workers, what is at work, what waits, and how it ended", function()
    local pool <close> = Pool{ processes = 2, retries = 0 }
    local gate, at_work = mooncrew.Event(), mooncrew.Queue()
    local results = {}
    for i = 1, 5 do
      results[i] = pool:apply_async(function()
        at_work:put(true)
        gate:wait()
        if i == 5 then error("five") end
      end)
    end
    at_work:get()
    at_work:get()
    local stats = pool:stats()
    assert.same({ 2, 2, 3, 0, 0 },
      { stats.workers, stats.busy, stats.queued, stats.done, stats.failed })
    gate:set()
    for i = 1, 5 do results[i]:wait() end
    fails("status 3", pool.apply, pool, os.exit, { 3 })
    assert.equal(1, pool:apply(same, { 1 }))
    stats = pool:stats()
    assert.same({ 0, 0, 5, 2, 0 },
      { stats.busy, stats.queued, stats.done, stats.failed, stats.retried })
  end)
end)
