-- Lost and late tasks of a pool: what is tried again, when, and who is not lost with them.

local mooncrew = require "mooncrew"

local Pool = mooncrew.Pool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

-- A task that dies at once, after saying so.
local function die(tries)
  tries:put(mooncrew.getpid())
  os.exit(9)
end

-- A function for the items of a list: ends its worker at an item of `bad`, each time anew.
local function killer(bad, seen)
  return function(item)
    seen:put(item)
    if bad[item] then require("luv").kill(mooncrew.getpid(), "sigkill") end
    return 10 * item
  end
end

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function counts_of(seen)
  local counts = {}
  while true do
    local item = seen:get(false)
    if type(item) ~= "number" then return counts end
    counts[item] = (counts[item] or 0) + 1
  end
end

describe("Pool retries", function()
  it("ends a poison task as WorkerLost after its tries", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool(2)
    local poison = pool:apply_async(die, { tries }, { retries = 3 })
    local others = {}
    for i = 1, 20 do others[i] = pool:apply_async(function(x) return x end, { i }) end
    local err = fails("in try 4", poison.get, poison)
    assert.equal("WorkerLost", err.kind)
    assert.equal(9, err.exitcode)
    for i = 1, 20 do assert.equal(i, others[i]:get()) end
    local pids = {}
    assert.equal(4, tries:qsize())
    for _ = 1, 4 do pids[tries:get()] = true end
    assert.is_true(pids[err.pid])
    assert.equal(3, pool:stats().retried)
    assert.equal(1, pool:stats().failed)
  end)

  it("waits longer before each try, and works meanwhile", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool{
      processes = 1, retries = { max = 3, delay = 0.05, backoff = 3 },
    }
    local poison = pool:apply_async(function()
      tries:put(require("luv").hrtime())
      os.exit(9)
    end)
    assert.equal(1, (pool:apply(function() return 1 end)))
    fails("in try 4", poison.get, poison)
    local times = tries:get_many(4)
    assert.equal(4, #times)
    -- Not sooner than the delay; how much later is the machine's affair.
    for i, least in ipairs{ 0.05, 0.15, 0.45 } do
      assert.is_true((times[i + 1] - times[i]) / 1e9 >= least)
    end
  end)

  it("has a longest wait, and cuts it at random when asked", function()
    local retry = require "mooncrew.retry"
    local policy = retry.check("f", { max = 9, delay = 1, max_delay = 5 })
    local waits = {}
    for i = 1, 5 do waits[i] = retry.delay(policy, i) end
    assert.same({ 1, 2, 4, 5, 5 }, waits)
    assert.equal(5, retry.delay(policy, 5000))
    policy = retry.check("f", { max = 9, delay = 8, jitter = true })
    local different = {}
    for _ = 1, 100 do
      local wait = retry.delay(policy, 1)
      assert.is_true(wait > 4 and wait <= 8)
      different[wait] = true
    end
    assert.is_true(next(different, next(different)) ~= nil)
    assert.equal(0, retry.delay(retry.check("f", 7), 3))
  end)

  it("orders the tasks that wait by their time", function()
    local retry = require "mooncrew.retry"
    local line, taken = {}, {}
    for _, due in ipairs{ 5, 1, 4, 2, 3, 2 } do retry.wait(line, due, due) end
    assert.equal(1, retry.next_due(line))
    assert.is_nil(retry.take_due(line, 0.5))
    for i = 1, 6 do taken[i] = retry.take_due(line, 9) end
    assert.same({ 1, 2, 2, 3, 4, 5 }, taken)
    assert.is_nil(retry.next_due(line))
  end)

  it("are awaited by get with a time-out, by wait, join and imap", function()
    local pool = Pool{ processes = 1, retries = { max = 1, delay = 0.05 } }
    local gate = mooncrew.Queue()
    local function second_time(value)
      if gate:get(false) == nil then
        gate:put(1)
        os.exit(9)
      end
      return value
    end
    local r = pool:apply_async(second_time, { "waited" })
    assert.equal("waited", r:get(60))
    r = pool:apply_async(second_time, { "ready" })
    assert.same({ r }, mooncrew.wait({ r }, 60))
    assert.equal("ready", r:get())
    for value in pool:imap(second_time, { "imap" }) do assert.equal("imap", value) end
    local seen
    r = pool:apply_async(second_time, { "joined" }, { callback = function(v) seen = v end })
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(r:get(0)))
    pool:close()
    assert.is_true(pool:join())
    assert.equal("joined", seen)
  end)

  it("do not outlive a cancelled task or a terminated pool", function()
    local tries = mooncrew.Queue()
    local pool = Pool{ processes = 1, retries = { max = 5, delay = 1000 } }
    local first = pool:apply_async(die, { tries })
    local second = pool:apply_async(die, { tries })
    tries:get_many(1)
    tries:get_many(1)
    while pool:stats().retried < 2 do pool:apply(function() end) end
    assert.is_true(first:cancel())
    assert.equal(mooncrew.Cancelled, select(2, first:get()))
    pool:terminate()
    assert.equal(mooncrew.Cancelled, select(2, second:get()))
    assert.is_true(pool:join())
    assert.equal(0, tries:qsize())
  end)

  it("try late tasks again as well", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool{ processes = 1, task_timeout = 0.05, retries = { max = 1 } }
    local err = fails("longer than 0.05 s", pool.apply, pool, function()
      tries:put(1)
      while true do end
    end)
    assert.equal("Timeout", err.kind)
    assert.equal(2, tries:qsize())
  end)

  it("are not for errors that a task raises", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool{ processes = 1, retries = 3 }
    fails("no", pool.apply, pool, function()
      tries:put(1)
      error("no", 0)
    end)
    assert.equal(1, tries:qsize())
  end)

  it("refuse what is no number of tries", function()
    fails("Pool: retries: a whole number from 0", Pool, { retries = -1 })
    fails("Pool: retries: a whole number from 0", Pool, { retries = "two" })
    fails("Pool: retries.max: a whole number from 0", Pool, { retries = {} })
    fails("Pool: retries: unknown option 'backof'", Pool, { retries = { max = 1, backof = 2 } })
    fails("Pool: retries.delay: a number from 0 to 1e+09 expected, got -1", Pool,
      { retries = { max = 1, delay = -1 } })
    fails("retries.backoff: a number from 1", Pool, { retries = { max = 1, backoff = 0.5 } })
    fails("retries.jitter: a boolean expected", Pool, { retries = { max = 1, jitter = 1 } })
    local pool <close> = Pool(1)
    fails("apply_async: retries: a whole number", pool.apply_async, pool, print, {},
      { retries = 0.5 })
    fails("map: retries.max: a whole number", pool.map, pool, print, {}, { retries = {} })
    local _, err = pcall(function() return (pool:imap(print, {}, { retries = {} })) end)
    assert.matches("pool_retry_spec.lua", err, 1, true)
    _, err = pcall(function() return (Pool{ retries = { max = 1, delay = "long" } }) end)
    assert.matches("pool_retry_spec.lua", err, 1, true)
    _, err = pcall(function() return (Pool{ processes = 0 }) end)
    assert.matches("pool_retry_spec.lua", err, 1, true)
  end)
end)

describe("Pool: a chunk whose worker dies", function()
  for _, bad in ipairs{ 1, 7, 20 } do
    it("loses item " .. bad .. " alone", function()
      local seen = mooncrew.Queue()
      local pool <close> = Pool(1)
      local results = pool:map_async(killer({ [bad] = true }, seen), numbers(20), 20)
      local err = fails("signal 9", results.get, results)
      assert.equal("WorkerLost", err.kind)
      assert.equal(bad, err.index)
      local counts = counts_of(seen)
      assert.equal(1, counts[bad])
      for i = 1, 20 do assert.is_true(counts[i] >= 1) end
    end)
  end

  it("has the right results of all others", function()
    local seen = mooncrew.Queue()
    local pool <close> = Pool(2)
    local out, errors = {}, {}
    local next_result = pool:imap(killer({ [3] = true, [8] = true, [9] = true }, seen), numbers(10),
      { chunksize = 10 })
    for i = 1, 10 do
      local ok, value = pcall(next_result)
      if ok then out[i] = value else errors[i] = value.kind end
    end
    assert.is_nil(next_result())
    local lost = "WorkerLost"
    assert.same({ [3] = lost, [8] = lost, [9] = lost }, errors)
    assert.same({ 10, 20, nil, 40, 50, 60, 70, nil, nil, 100 }, out)
  end)

  it("is whole after its lost item was tried again", function()
    local seen = mooncrew.Queue()
    local pool <close> = Pool{ processes = 2, retries = 2 }
    local function twice(item)
      if item == 4 then
        seen:put(item)
        if seen:qsize() < 3 then os.exit(9) end
      end
      return 10 * item
    end
    local expected = {}
    for i = 1, 10 do expected[i] = 10 * i end
    assert.same(expected, pool:map(twice, numbers(10), 10))
    assert.equal(2, pool:stats().retried)
    counts_of(seen)
    local pairs_of = {}
    for i = 1, 10 do pairs_of[i] = { i } end
    assert.same(expected, pool:starmap(twice, pairs_of, 5))
  end)

  it("that is late loses the late item alone", function()
    local pool <close> = Pool(1)
    local next_result = pool:imap(function(item)
      while item == 2 do end
      return item
    end, numbers(4), { chunksize = 4, timeout = 0.1 })
    assert.equal(1, next_result())
    assert.equal("Timeout", select(2, pcall(next_result)).kind)
    assert.equal(3, next_result())
    assert.equal(4, next_result())
    assert.is_nil(next_result())
  end)

  it("between its items is done item by item", function()
    local split = require "mooncrew.split"
    local task = { mode = 1, first = 4, last = 6 }
    function task:take_out(first, last) return { mode = self.mode, first = first, last = last } end
    local parts, culprit = split.lost(task, 0)
    assert.is_nil(culprit)
    assert.equal(3, #parts)
    for i, part in ipairs(parts) do
      assert.is_false(split.is_chunk(part))
      assert.equal(3 + i, part.first)
    end
  end)
end)
