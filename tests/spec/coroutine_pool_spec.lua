local mooncrew = require "mooncrew"

local CoroutinePool, sleep = mooncrew.CoroutinePool, mooncrew.sleep

describe("CoroutinePool", function()
  it("runs up to n tasks at once", function()
    local pool = CoroutinePool(3)
    local now, most = 0, 0
    local function work(i)
      now = now + 1
      most = math.max(most, now)
      sleep(0.002)
      now = now - 1
      return i * i
    end
    assert.same({ 1, 4, 9, 16, 25, 36, 49, 64 }, pool:map(work, { 1, 2, 3, 4, 5, 6, 7, 8 }))
    assert.equal(3, most)
    assert.equal(8, pool:stats().done)
    pool:close()
    assert.is_true(pool:join())
  end)

  it("maps and iterates as Pool does", function()
    local pool <close> = CoroutinePool(4)
    local function later(x)
      sleep(0.001)
      return x + 1
    end
    assert.same({ 2, 3, 4 }, pool:map_async(later, { 1, 2, 3 }):get())
    assert.same({ 3 }, pool:starmap(function(a, b) return a + b end, { { 1, 2 } }))
    local out = {}
    for value in pool:imap(later, { 1, 2, 3 }) do out[#out + 1] = value end
    assert.same({ 2, 3, 4 }, out)
    out = {}
    for value in pool:imap_unordered(later, { 1, 2, 3 }, 2) do out[#out + 1] = value end
    table.sort(out)
    assert.same({ 2, 3, 4 }, out)
    local _, err = pcall(pool.map, pool, function(x) error("item " .. x, 0) end, { 1, 2 })
    assert.equal("item 1", err.message)
  end)

  it("gives results, errors and callbacks", function()
    local seen = {}
    do
      local pool <close> = CoroutinePool(2)
      local good = pool:submit(function(a, b)
        return a, b
      end, { 1, nil, n = 2 }, { callback = function(...) seen.values = table.pack(...) end })
      local bad = pool:apply_async(function() error("no") end, nil,
        { error_callback = function(err) seen.err = err end })
      assert.same({ n = 2, 1, nil }, table.pack(good:get()))
      assert.is_true(good:ready() and good:successful())
      local ok, err = pcall(bad.get, bad)
      assert.is_false(ok)
      assert.matches("no$", err.message)
      assert.equal(err, seen.err)
      assert.is_false(bad:successful())
    end
    assert.same({ n = 2, 1, nil }, seen.values)
  end)

  it("leaves its block with all tasks done, or cancelled after an error", function()
    local done, cancelled = 0, nil
    do
      local pool <close> = CoroutinePool(2)
      for _ = 1, 5 do
        pool:apply_async(function()
          sleep(0.001)
          done = done + 1
        end)
      end
    end
    assert.equal(5, done)
    pcall(function()
      local pool <close> = CoroutinePool(1)
      cancelled = pool:apply_async(sleep, { 100 })
      pool:apply_async(function() done = done + 1 end)
      sleep(0)
      error("out")
    end)
    assert.equal(mooncrew.Cancelled, select(2, cancelled:get()))
    assert.equal(5, done)
  end)

  it("cancels a task that runs and one that waits", function()
    local pool = CoroutinePool(1)
    local first = pool:apply_async(sleep, { 100 })
    local second = pool:apply_async(function() return 2 end)
    local third = pool:apply_async(function() return 3 end)
    assert.equal(mooncrew.Timeout, select(2, first:get(0.001)))
    assert.is_true(second:cancel())
    assert.is_true(first:cancel())
    assert.equal(3, third:get())
    assert.equal(mooncrew.Cancelled, select(2, first:get()))
    assert.equal(mooncrew.Cancelled, select(2, second:get()))
    assert.is_false(first:cancel())
    pool:close()
    assert.is_true(pool:join())
  end)

  it("lets others run between jobs that only compute", function()
    local pool <close> = CoroutinePool(1)
    local done = 0
    for _ = 1, 100 do pool:apply_async(function() done = done + 1 end) end
    local seen
    mooncrew.spawn(function()
      sleep(0)
      seen = done
    end)
    pool:close()
    pool:join()
    assert.equal(100, done)
    assert.is_true(seen < 100)
  end)

  it("has an outcome for arguments that are none", function()
    local pool = CoroutinePool(1)
    local function raises(message, result)
      local ok, err = pcall(result.get, result, 5)
      assert.is_false(ok)
      assert.equal(message, err.message)
    end
    local no_table = "starmap: a table of arguments expected, got "
    raises(no_table .. "number", pool:starmap_async(print, { 5 }))
    raises(no_table .. "nil", pool:starmap_async(select, { { 1 }, nil, { 1 }, n = 3 }, 3))
    raises("args.n: a number of arguments expected, got x",
      pool:starmap_async(print, { { n = "x" } }))
    raises("args.n: a number of arguments expected, got -1",
      pool:starmap_async(print, { { n = -1 } }))
    local broken = setmetatable({}, { __index = function() error("no such argument", 0) end })
    raises("no such argument", pool:starmap_async(print, { broken }))
    assert.equal(2, pool:apply(select, { "#", nil, nil, n = 3 }))
    pool:close()
    assert.is_true(pool:join(5))
  end)

  it("raises what comes of more results than can be handed on", function()
    local pool = CoroutinePool(1)
    local list = {}
    for i = 1, 600000 do list[i] = i end
    local result = pool:submit(table.unpack, { list })
    local ok, err = pcall(result.get, result, 5)
    assert.is_false(ok)
    assert.matches("stack overflow", err.message, 1, true)
    assert.same({ 0, 1 }, { pool:stats().done, pool:stats().failed })
    assert.equal("next", pool:apply(function() return "next" end))
    pool:close()
    assert.is_true(pool:join(5))
  end)

  it("cancels a task that does not wait any more, and not the next one in its place", function()
    local pool = CoroutinePool(1)
    local first, ran
    first = pool:submit(function() assert(first:cancel()) end)
    local second = pool:submit(function()
      sleep(0.001)
      return 2
    end)
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(first:get()))
    assert.equal(2, second:get())
    local third = pool:submit(function()
      pool:terminate()
      sleep(0.001)
      ran = true
    end)
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(third:get()))
    assert.is_true(pool:join(5))
    assert.is_nil(ran)
  end)

  it("keeps nothing of what was cancelled before it began", function()
    local pool = CoroutinePool(1)
    local slow = pool:submit(sleep, { 1000 })
    local kept = setmetatable({}, { __mode = "k" })
    for _ = 1, 10 do
      local held = {}
      kept[held] = true
      assert.is_true(pool:submit(function() return held end):cancel())
    end
    local last = pool:submit(function() return "last" end)
    assert.equal(1, pool:stats().queued)
    collectgarbage()
    assert.is_nil(next(kept))
    slow:cancel()
    assert.equal("last", last:get())
    assert.equal(0, pool:stats().queued)
    pool:close()
    assert.is_true(pool:join(5))
  end)

  it("has nothing under way in a child, which uses it as its own", function()
    local pool, called = CoroutinePool(1), 0
    local options = { error_callback = function() called = called + 1 end }
    local running = pool:submit(sleep, { 1000 }, options)
    local waiting = pool:submit(sleep, { 1000 }, options)
    local map = pool:map_async(sleep, { 1000, 1000 })
    sleep(0.001)
    local process = mooncrew.Process{ target = function()
      local messages = {}
      for i, result in ipairs{ running, waiting, map } do
        local _, err = pcall(result.get, result, 5)
        messages[i] = type(err) == "table" and err.message
      end
      local value = pool:apply(function() return "the child's" end)
      pool:close()
      return messages, called, value, pool:join(5)
    end }
    local theirs = "the task belongs to another process"
    assert.same({ { theirs, theirs, theirs }, 0, "the child's", true },
      { process:start():get(60) })
    assert.equal(1, pool:stats().busy)
    pool:terminate()
    assert.is_true(pool:join(5))
    assert.equal(2, called)
  end)

  -- A look at all that run, for each of them, would take minutes.
  it("cancels some of many", function()
    local pool, results = CoroutinePool(100000), {}
    for i = 1, 100000 do results[i] = pool:submit(sleep, { 1000 }) end
    sleep(0.001)
    for i = 1, 5000 do results[i]:cancel() end
    while pool:stats().busy > 95000 do sleep(0.001) end
    assert.equal(95000, pool:stats().busy)
    pool:terminate()
    assert.is_true(pool:join(60))
  end)

  it("refuses wrong arguments and uses", function()
    local function fails(message, fn, ...)
      local ok, err = pcall(fn, ...)
      assert.is_false(ok)
      assert.matches(message, tostring(err), 1, true)
    end
    fails("CoroutinePool: n: a whole number from 1", CoroutinePool, 0)
    fails('got "four"', CoroutinePool, "four")
    local pool = CoroutinePool(1)
    fails("fn: a function expected, got 5", pool.apply_async, pool, 5)
    fails("args: a table expected", pool.apply_async, pool, print, 5)
    fails("unknown option 'calback'", pool.apply_async, pool, print, {}, { calback = print })
    fails("still open", pool.join, pool)
    pool:close()
    fails("is closed", pool.apply_async, pool, print)
  end)
end)
