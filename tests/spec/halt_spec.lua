local mooncrew = require "mooncrew"
local halt = require "mooncrew.halt"
local uv = require "luv"

-- A pool of one process, so that tasks run one by one, in order.
local function pool_of_one(spec)
  return mooncrew.Pool{ processes = 1, halt = spec }
end

-- Numbers that are in `bad` raise, the others return.
local function task_of(bad)
  return function(x)
    if bad[x] then error("bad " .. x, 0) end
    return x
  end
end

describe("halt", function()
  it("reads specifications", function()
    assert.is_false(halt.parse("never"))
    assert.same({ when = "soon", what = "fail", number = 1, percent = false },
      halt.parse("soon,fail=1"))
    assert.same({ when = "now", what = "success", number = 12, percent = false },
      halt.parse("now,success=12"))
    assert.same({ when = "soon", what = "done", number = 100, percent = true },
      halt.parse("soon,done=100%"))
  end)

  it("refuses what is no specification", function()
    for _, bad in ipairs{
      "", "soon", "later,fail=1", "soon,fail", "soon,fail=", "soon,fail=0", "soon,fail=0%",
      "soon,fail=101%", "soon,fail=-1", "soon,fail=1.5", "soon,lost=1", "soon,fail=1x",
      " soon,fail=1", "never,fail=1", "soon,fail=99999999999999999999", 1, true, {},
    } do
      local ok, err = pcall(mooncrew.Pool, { processes = 1, halt = bad })
      assert.is_false(ok, tostring(bad))
      assert.matches('Pool: halt: "never", or "soon" or "now" with', err, 1, true)
    end
    local _, err = pcall(mooncrew.Pool, { halt = "soon" })
    assert.matches('got "soon"', err, 1, true)
  end)

  it("counts failures, successes, and both, in numbers and percent", function()
    local function reached(text, ...) return halt.reached(halt.parse(text), ...) end
    assert.is_false(reached("soon,fail=2", 1, 100))
    assert.is_true(reached("soon,fail=2", 2, 0))
    assert.is_false(reached("soon,success=2", 100, 1))
    assert.is_true(reached("soon,success=2", 0, 3))
    assert.is_true(reached("soon,done=3", 1, 2))
    assert.is_false(reached("soon,done=3", 1, 1))
    assert.is_false(reached("soon,fail=10%", 2, 0)) -- fewer than three say nothing
    assert.is_true(reached("soon,fail=10%", 3, 27))
    assert.is_false(reached("soon,fail=10%", 3, 28))
  end)

  it("never: every task is run, whatever fails", function()
    local pool <close> = pool_of_one("never")
    local results = {}
    for i = 1, 20 do results[i] = pool:apply_async(task_of{ true, true, true }, { i }) end
    for i = 1, 20 do assert.equal(i > 3, (pcall(results[i].get, results[i]))) end
    assert.equal(3, pool:stats().failed)
  end)

  it("soon: what runs ends well, nothing more is begun", function()
    local begun = mooncrew.Queue()
    local gate = mooncrew.Event()
    local pool <close> = mooncrew.Pool{ processes = 2, halt = "soon,fail=1" }
    local slow = pool:apply_async(function()
      begun:put("slow")
      gate:wait()
      return "well"
    end)
    assert.equal("slow", begun:get())
    local bad = pool:apply_async(function() error("no", 0) end)
    local rest = {}
    for i = 1, 50 do rest[i] = pool:apply_async(function(x) begun:put(x) end, { i }) end
    assert.is_false((pcall(bad.get, bad)))
    for i = 1, 50 do
      assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(rest[i]:get()))
    end
    gate:set()
    assert.equal("well", slow:get())
    assert.equal(0, begun:qsize())
    -- Later ones aren't begun either.
    assert.equal(mooncrew.Cancelled, select(2, pool:apply(function() begun:put(1) end)))
    assert.equal(0, begun:qsize())
    local stats = pool:stats()
    assert.same({ 1, 1 }, { stats.done, stats.failed })
  end)

  it("soon: workers stop by themselves, while the maker is busy with other things", function()
    local begun = mooncrew.Queue()
    local pool <close> = pool_of_one("soon,fail=1")
    local bad = pool:apply_async(function() error("no", 0) end)
    for i = 1, 50 do pool:apply_async(function(x) begun:put(x) end, { i }) end
    -- Until all are taken, and without the pool's methods, which would take results in.
    while pool.core:queued() > 0 do uv.sleep(1) end
    assert.equal(0, begun:qsize())
    assert.equal("pending", bad.state)
    assert.is_false((pcall(bad.get, bad)))
  end)

  it("now: what runs is ended, the rest is cancelled", function()
    local begun = mooncrew.Queue()
    local pool <close> = mooncrew.Pool{ processes = 3, halt = "now,fail=1", retries = 5 }
    local endless = {}
    for i = 1, 2 do
      endless[i] = pool:apply_async(function()
        begun:put(mooncrew.getpid())
        while true do end
      end)
    end
    begun:get()
    begun:get()
    local bad = pool:apply_async(function() error("no", 0) end)
    local waiting = pool:apply_async(function() return 1 end)
    local ok, err = pcall(bad.get, bad)
    assert.is_false(ok)
    assert.equal("no", err.message)
    for i = 1, 2 do assert.equal(mooncrew.Cancelled, select(2, endless[i]:get())) end
    assert.equal(mooncrew.Cancelled, select(2, waiting:get()))
    assert.equal(0, begun:qsize()) -- none was tried again
  end)

  it("a map raises its first failure; one that was stopped by a success has its results", function()
    local list = {}
    for i = 1, 2000 do list[i] = i end
    local failing <close> = pool_of_one("soon,fail=2")
    local bad = { [5] = true, [9] = true, [10] = true }
    local ok, err = pcall(failing.map, failing, task_of(bad), list)
    assert.is_false(ok)
    assert.equal("bad 5", err.message)
    assert.equal(5, err.index)
    assert.equal("5", err.task)
    assert.equal(2, failing:stats().failed)

    local succeeding <close> = pool_of_one("now,success=3")
    local out = succeeding:map(function(x) return x * 2 end, list)
    assert.equal(2000, #out)
    for i = 1, 3 do assert.equal(2 * i, out[i]) end
    for i = 4, 2000 do assert.equal(mooncrew.Cancelled, out[i]) end
  end)

  it("ends an imap behind what was run", function()
    local pool <close> = pool_of_one("soon,done=4")
    local n, seen = 0, {} -- the source has no end of its own
    for value in pool:imap(function(x) return x end, function()
      n = n + 1
      return n
    end, { buffer = 3 }) do
      seen[#seen + 1] = value
    end
    assert.same({ 1, 2, 3, 4 }, seen)
  end)

  it("counts tasks whose worker was lost, and late ones", function()
    local pool <close> = mooncrew.Pool{ processes = 1, halt = "soon,fail=2" }
    local lost = pool:apply_async(function() os.exit(9) end)
    local late = pool:apply_async(function() while true do end end, nil, { timeout = 0.05 })
    assert.equal("WorkerLost", select(2, pcall(lost.get, lost)).kind)
    assert.equal("Timeout", select(2, pcall(late.get, late)).kind)
    assert.equal(mooncrew.Cancelled, select(2, pool:apply(function() return 1 end)))
  end)

  it("takes a percentage of what has finished", function()
    local pool <close> = pool_of_one("soon,fail=50%")
    local ran, bad = {}, { [2] = true, [4] = true, [6] = true }
    for i = 1, 10 do
      local ok, value = pcall(pool.apply, pool, task_of(bad), { i })
      ran[i] = not ok and "failed" or value or "cancelled"
    end
    assert.same({ 1, "failed", 3, "failed", 5, "failed", "cancelled", "cancelled", "cancelled",
      "cancelled" }, ran)
  end)
end)
