-- Callbacks of a pool, and what else of the caller's runs while results are taken in.

local mooncrew = require "mooncrew"

local Pool = mooncrew.Pool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function same(...) return ... end

for name, new in pairs{ Pool = Pool, CoroutinePool = mooncrew.CoroutinePool } do
  describe("callbacks of a " .. name, function()
    it("that raise lose no result, and join raises the first error", function()
      local pool = new(2)
      local seen, results = {}, {}
      for i = 1, 10 do
        results[i] = pool:apply_async(same, { i }, { callback = function(value)
          seen[#seen + 1] = value
          if value % 3 == 0 then error("callback " .. value, 0) end
        end })
      end
      for i = 1, 10 do assert.equal(i, results[i]:get()) end
      assert.same({ 2, 4 }, pool:map(function(x) return 2 * x end, { 1, 2 }))
      table.sort(seen)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, seen)
      assert.equal(3, pool:stats().callback_errors)
      assert.equal(0, pool:stats().failed)
      pool:close()
      local err = fails("callback ", pool.join, pool)
      assert.matches("pool_callback_spec", err.traceback, 1, true)
      assert.is_true(pool:join()) -- it was said
    end)

    it("that raise are told at the end of the block", function()
      local function run(fails_at)
        local pool <close> = new(1)
        pool:apply_async(same, { 1 }, { callback = function() error("at the end", 0) end })
        if fails_at then error(fails_at, 0) end
      end
      assert.equal("at the end", select(2, pcall(run)).message)
      assert.equal("before", select(2, pcall(run, "before")))
    end)

    it("of errors may raise too", function()
      local pool = new(1)
      local r = pool:apply_async(error, { "task", 0 }, { error_callback = function(err)
        error("about " .. err.message, 0)
      end })
      assert.equal("task", fails("task", r.get, r).message)
      pool:close()
      fails("about task", pool.join, pool)
    end)

    it("may get, apply, map and give tasks", function()
      local pool = new(2)
      local log, done = {}, mooncrew.Queue()
      local last = pool:apply_async(same, { "last" })
      local given
      pool:apply_async(same, { 1 }, { callback = function(value)
        log[1] = last:get()
        log[2] = pool:apply(same, { value + 1 })
        log[3] = pool:map(same, { 3 })[1]
        for item in pool:imap(same, { 4 }) do log[4] = item end
        given = pool:apply_async(same, { 5 }, { callback = function(item) log[5] = item end })
        done:put(1)
      end }):wait()
      done:get()
      assert.equal(5, given:get())
      pool:close()
      assert.is_true(pool:join())
      assert.same({ "last", 2, 3, 4, 5 }, log)
    end)

    it("come one at a time, however many wait in one", function()
      local pool = new(2)
      local depth, deepest, order, done = 0, 0, {}, mooncrew.Queue()
      local n = 500 -- nested, they would not fit into the stack
      for i = 1, n do
        pool:apply_async(same, { i }, { callback = function(value)
          depth = depth + 1
          deepest = math.max(depth, deepest)
          order[#order + 1] = pool:apply(same, { value })
          depth = depth - 1
          if #order == n then done:put(1) end
        end })
      end
      pool:apply_async(same, { 0 }, { callback = same }):wait()
      pool:map(same, { 1, 2, 3 })
      while done:qsize() == 0 do pool:apply(same) end
      pool:close()
      assert.is_true(pool:join())
      assert.equal(1, deepest)
      assert.equal(n, #order)
    end)

    it("that wait in a task are awaited by join", function()
      local pool = new(1)
      local begun, go, done = mooncrew.Event(), mooncrew.Event(), nil
      local task = mooncrew.spawn(function()
        pool:apply_async(same, { 1 }, { callback = function()
          begun:set()
          go:wait()
          done = true
        end }):wait()
      end)
      begun:wait()
      pool:close()
      mooncrew.spawn(function() go:set() end) -- begins when join waits
      assert.is_true(pool:join())
      assert.is_true(done)
      task:join()
    end)

    it("may join and terminate", function()
      local pool = new(2)
      local joined = mooncrew.Queue()
      pool:apply_async(same, { 1 }, { callback = function()
        pool:close()
        joined:put(pool:join())
      end }):wait()
      assert.is_true(joined:get())
      pool = new(2)
      local other = pool:apply_async(mooncrew.sleep, { 1000 })
      pool:apply_async(same, { 1 }, { callback = function() pool:terminate() end }):wait()
      assert.equal(mooncrew.Cancelled, select(2, other:get()))
      assert.is_true(pool:join())
    end)
  end)
end

describe("Pool", function()
  it("that ends lets a callback wait for others that end with it", function()
    for _, way in ipairs{ "terminate", "kill" } do
      local pool = Pool(1)
      local foreman = pool:apply(mooncrew.getppid)
      local seen, second = {}, nil
      local first = pool:apply_async(mooncrew.sleep, { 1000 }, {
        error_callback = function(err)
          seen[1] = err.kind
          seen[2] = select(2, pcall(function() return select(2, second:get()) end)).kind
        end,
      })
      second = pool:apply_async(mooncrew.sleep, { 1000 })
      if way == "kill" then require("luv").kill(foreman, "sigkill") else pool:terminate() end
      first:wait()
      local kind = way == "kill" and "WorkerLost" or "Cancelled"
      assert.same({ kind, kind }, seen)
      pool:close()
      pool:join()
    end
  end)

  it("tells a map of an item that can't be sent, not whoever waits", function()
    local pool <close> = Pool(2)
    local list = {}
    for i = 1, 9000 do list[i] = i end
    list[8500] = io.stdout
    local map = pool:map_async(same, list, 1)
    assert.equal(7, (pool:apply(same, { 7 })))
    map:wait()
    assert.equal(8, (pool:apply(same, { 8 })))
    fails("cannot send a FILE*", map.get, map)
    fails("cannot send a FILE*", pool.map, pool, same, { io.stdout }, 1)
    fails("cannot send a FILE*", pool.map, pool, same, { 1, io.stdout }, 2)
    assert.equal(0, pool:stats().queued)
    assert.same({ 1, 2 }, pool:map(same, { 1, 2 }))
  end)

  it("goes on after an item of imap that can't be sent", function()
    local pool <close> = Pool(2)
    local next_result = pool:imap(same, { 1, io.stdout, 3 })
    assert.equal(1, next_result())
    fails("cannot send a FILE*", next_result)
    assert.equal(3, next_result())
    assert.is_nil(next_result())
  end)

  it("gives the results before imap's source raised, then its error", function()
    local pool <close> = Pool(2)
    local ways = { { chunksize = 1 }, { chunksize = 3 }, { chunksize = 2, buffer = 9 } }
    for _, options in ipairs(ways) do
      for _, imap in ipairs{ pool.imap, pool.imap_unordered } do
        local n, seen = 0, 0
        local next_result = imap(pool, same, function()
          n = n + 1
          if n == 5 then error("dry", 0) end
          return n
        end, options)
        for _ = 1, 4 do seen = seen + next_result() end
        assert.equal(10, seen)
        assert.equal("dry", select(2, pcall(next_result)))
        assert.is_nil(next_result())
      end
    end
    assert.equal(1, (pool:apply(same, { 1 })))
  end)
end)
