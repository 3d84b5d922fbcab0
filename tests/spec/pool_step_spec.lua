-- What a pool gives and takes in one step of C: calls without options, items of a map with chunks
-- of one. They keep every promise of tasks.

local mooncrew = require "mooncrew"
local uv = require "luv"
local Pool = mooncrew.Pool

local function same(...) return ... end

local function die() uv.kill(uv.os_getpid(), "sigkill") end

local function kind_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return type(err) == "table" and err.kind or err
end

describe("Pool, a call without options", function()
  it("gives back all values, nil among them", function()
    local pool <close> = Pool(2)
    local function returned(...) return table.pack(pool:apply_async(same, ...):get()) end
    assert.same({ n = 0 }, returned())
    assert.same({ n = 0 }, returned{})
    assert.same({ 7, n = 1 }, returned{ 7 })
    assert.same({ nil, n = 1 }, returned{ n = 1 })
    assert.same({ nil, 2, nil, n = 3 }, returned{ nil, 2, nil, n = 3 })
    assert.same({ 1, n = 1 }, returned{ 1, 2, 3, n = 1 })
    local many = {}
    for i = 1, 150 do many[i] = i end
    assert.equal(150, returned(many).n)
    local squares = setmetatable({}, {
      __index = function(_, i) return math.type(i) and i * i end,
      __len = function() return 3 end,
    })
    assert.same({ 1, 4, 9, n = 3 }, returned(squares))
    local float = { 1, 2, n = 2.0 }
    assert.same({ 1, 2, n = 2 }, returned(float))
  end)

  it("tells what it can't send", function()
    local pool <close> = Pool(1)
    assert.matches("cannot send a FILE%* %(at args%[2%]%)",
      kind_of(pool.apply_async, pool, same, { 1, io.stdout }))
    assert.equal(0, pool:stats().queued)
    assert.equal(5, (pool:apply(same, { 5 })))
  end)

  it("raises, is lost, is tried again", function()
    local pool <close> = Pool{ processes = 2, retries = 2 }
    local tries = mooncrew.Value(0)
    local bad = pool:apply_async(error, { "no", 0 })
    local dead = pool:apply_async(die)
    local late = pool:apply_async(function()
      if tries:incr() < 3 then die() end
      return "at last"
    end)
    assert.equal("Error", kind_of(bad.get, bad))
    assert.equal("WorkerLost", kind_of(dead.get, dead))
    assert.equal("at last", late:get())
    assert.is_false(dead:successful())
    local stats = pool:stats()
    assert.same({ 1, 2, 4 }, { stats.done, stats.failed, stats.retried })
  end)

  it("is cancelled, at work or not", function()
    local pool <close> = Pool(1)
    local at_work = mooncrew.Event()
    local first = pool:apply_async(function()
      at_work:set()
      uv.sleep(60000)
    end)
    local second = pool:apply_async(same, { 2 })
    assert.is_true(at_work:wait(30))
    assert.is_true(second:cancel())
    assert.is_true(first:cancel(true))
    assert.same({ nil, mooncrew.Cancelled }, { first:get() })
    assert.same({ nil, mooncrew.Cancelled }, { second:get() })
    assert.equal(3, (pool:apply(same, { 3 })))
  end)

  it("is over its pool's time", function()
    local pool <close> = Pool{ processes = 1, task_timeout = 0.05 }
    assert.equal("Timeout", kind_of(pool.apply, pool, uv.sleep, { 60000 }))
  end)

  it("can be waited for by many", function()
    local pool <close> = Pool(2)
    local results, sum = {}, 0
    for i = 1, 100 do results[i] = pool:apply_async(same, { i }) end
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = mooncrew.spawn(function()
        local value = results[i]:get()
        sum = sum + value
      end)
    end
    for i = 1, 100 do tasks[i]:join() end
    assert.equal(5050, sum)
    local r = pool:apply_async(same, { 1 })
    assert.same({ r }, mooncrew.wait{ r })
  end)
end)

describe("Pool, a map with chunks of one", function()
  local list = {}
  for i = 1, 10000 do list[i] = i end

  it("has each result in its place, nil too", function()
    local pool <close> = Pool(2)
    local out = pool:map(function(x) return x % 3 > 0 and -x or nil end, list, 1)
    for i = 1, #list do assert.equal(i % 3 > 0 and -i or nil, out[i]) end
    local two = pool:starmap(math.max, { { 1, 2 }, { 5, 4, 3 } }, 1)
    assert.same({ 2, 5 }, two)
    assert.same({}, pool:map(same, {}, 1))
    assert.equal(#list + 2, pool:stats().done)
  end)

  it("mixes with calls and other maps", function()
    local pool <close> = Pool(2)
    local calls, maps = {}, {}
    for i = 1, 4 do
      maps[i] = pool:map_async(function(x) return x + i end, list, 1)
      for k = 1, 50 do calls[#calls + 1] = pool:apply_async(same, { i * 100 + k }) end
    end
    for i = 1, 4 do
      local out = maps[i]:get()
      for k = 1, #list do assert.equal(k + i, out[k]) end
      for k = 1, 50 do assert.equal(i * 100 + k, (calls[(i - 1) * 50 + k]:get())) end
    end
  end)

  it("raises the first error by index, when all is done", function()
    local pool <close> = Pool(2)
    local done = mooncrew.Value(0)
    local ok, err = pcall(pool.map, pool, function(x)
      done:incr()
      if x == 77 or x == 9999 then error("mine " .. x, 0) end
    end, list, 1)
    assert.is_false(ok)
    assert.same({ "mine 77", 77 }, { err.message, err.index })
    assert.equal(#list, done.value)
    local stats = pool:stats()
    assert.same({ #list - 2, 2 }, { stats.done, stats.failed })
  end)

  it("loses the item alone whose worker dies, or tries it again", function()
    local pool <close> = Pool(2)
    local tries = mooncrew.Value(0)
    local function once(x)
      if x == 500 and tries:incr() == 1 then die() end
      return x
    end
    local ok, err = pcall(pool.map, pool, once, list, 1)
    assert.is_false(ok)
    assert.same({ "WorkerLost", 500 }, { err.kind, err.index })
    tries.value = 0
    assert.same(list, pool:map(once, list, { chunksize = 1, retries = 1 }))
  end)

  it("can be cancelled, by terminate too", function()
    local pool <close> = Pool(1)
    local map = pool:map_async(uv.sleep, { 60000, 1, 1, 1 }, 1)
    assert.is_true(map:cancel(true))
    assert.same({ nil, mooncrew.Cancelled }, { map:get() })
    assert.same({ 4 }, pool:map(same, { 4 }, 1))
    local other = pool:map_async(uv.sleep, { 60000, 60000 }, 1)
    pool:terminate()
    assert.same({ nil, mooncrew.Cancelled }, { other:get() })
  end)

  it("is over its time, item by item", function()
    local pool <close> = Pool(2)
    local ok, err = pcall(pool.map, pool, function(x)
      if x == 3 then uv.sleep(60000) end
    end, { 1, 2, 3, 4 }, { chunksize = 1, timeout = 0.05 })
    assert.is_false(ok)
    assert.same({ "Timeout", 3 }, { err.kind, err.index })
  end)

  it("keeps what its items write", function()
    local pool <close> = Pool(2)
    local map = pool:map_async(print, { 1, 2, 3 }, { chunksize = 1, capture = true })
    map:wait()
    assert.equal("1\n2\n3\n", map.stdout)
  end)

  it("fails an item whose result can't be read here", function()
    local pool <close> = Pool(1)
    -- A module that the workers have alone crosses by its name, which leads nowhere here.
    local function own_module(x)
      package.loaded.only_there = package.loaded.only_there or { f = function() end }
      if x ~= 2 then return x end
      return { package.loaded.only_there, function() end }
    end
    local ok, err = pcall(pool.map, pool, own_module, { 1, 2, 3 }, 1)
    assert.is_false(ok)
    assert.matches("only_there", type(err) == "table" and err.message or err)
    assert.is_false((pcall(pool.apply, pool, own_module, { 2 })))
    assert.equal(3, (pool:apply(own_module, { 3 })))
    assert.equal(0, pool:stats().queued)
  end)
end)
