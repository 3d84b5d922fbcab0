local mooncrew = require "mooncrew"

local Process, Queue = mooncrew.Process, mooncrew.Queue

local function start(fn, ...)
  return Process{ target = fn, args = table.pack(...), daemon = true }:start()
end

-- A child that does fn and then stays until it is killed.
local function holder(fn)
  local ready = Queue()
  local child = start(function()
    fn()
    ready:put(true)
    mooncrew.sleep(1000)
  end)
  ready:get()
  return child
end

-- Lets the tasks that are ready run until they wait.
local function run_tasks() mooncrew.spawn(function() end):join() end

local function kill(child)
  child:kill()
  assert.is_true(child:join())
end

for _, class in ipairs{ "Lock", "RLock" } do
  describe(class, function()
    local make = mooncrew[class]

    it("is held by one", function()
      local lock = make()
      assert.is_false(lock:locked())
      assert.same({ n = 1, true }, table.pack(lock:acquire()))
      assert.is_true(lock:locked())
      local other = start(function()
        return lock:acquire(false), select("#", lock:acquire(false)), lock:acquire(true, 0.01)
      end)
      assert.same({ nil, 1, nil, mooncrew.Timeout }, { other:get() })
      lock:release()
      assert.is_false(lock:locked())
      assert.is_true(start(function() return (lock:acquire(true, 10)) end):get())
    end)

    it("keeps others out", function()
      local lock, count = make(), mooncrew.Value(0)
      local children = {}
      for i = 1, 4 do
        children[i] = start(function()
          for k = 1, 300 do
            local _ <close> = lock:hold()
            local n = count.value
            if k % 10 == 0 then mooncrew.sleep(0) end
            count.value = n + 1
          end
        end)
      end
      for _, child in ipairs(children) do child:get() end
      assert.equal(1200, count.value)
    end)

    it("is given back by hold, also after an error", function()
      local lock = make()
      do
        local _ <close> = lock:hold()
        assert.is_true(lock:locked())
      end
      assert.is_false(lock:locked())
      assert.is_false(pcall(function()
        local _ <close> = lock:hold(1)
        error("x")
      end))
      assert.is_false(lock:locked())
      local message = select(2, pcall(function()
        local _ <close> = lock:hold()
        lock:release()
      end))
      assert.matches("release: ", tostring(message), 1, true)
    end)

    it("of a dead process is free, and the next one is told", function()
      local lock = make()
      kill(holder(function() lock:acquire() end))
      assert.is_false(lock:locked())
      assert.same({ true, "abandoned" }, { lock:acquire() })
      lock:release()
      assert.same({ n = 1, true }, table.pack(lock:acquire()))
      lock:release()
      start(function() lock:acquire() os.exit(3) end):join()
      local held <close>, state = lock:hold()
      assert.equal("abandoned", state)
      assert.is_true(held ~= nil)
    end)

    it("wakes who waits for one that dies", function()
      local lock = make()
      local child = holder(function() lock:acquire() end)
      local waiting = Queue()
      local waiter = start(function()
        waiting:put(true)
        return lock:acquire()
      end)
      waiting:get()
      kill(child)
      assert.same({ true, "abandoned" }, { waiter:get() })
    end)

    it("loses no wake-up to waiters that die", function()
      local lock, out = make(), Queue()
      local children = {}
      for i = 1, 8 do
        children[i] = start(function()
          while true do
            local _ <close> = lock:hold()
            out:put(i)
          end
        end)
      end
      for i = 1, 7 do
        for _ = 1, 20 do out:get() end
        children[i]:kill()
      end
      for _, child in ipairs(children) do
        if child ~= children[8] then child:join() end
      end
      for _ = 1, out:qsize() do out:get() end -- what the dead had put is among these
      assert.equal(8, out:get(true, 20))
      kill(children[8])
    end)

    it("belongs to a task, not to its process", function()
      local lock, order, tried = make(), {}, mooncrew.Event()
      local first = mooncrew.spawn(function()
        local _ <close> = lock:hold()
        order[#order + 1] = "first"
        tried:wait()
        order[#order + 1] = "first again"
      end)
      local second = mooncrew.spawn(function()
        assert(lock:acquire(false) == nil)
        assert(select(2, lock:acquire(true, 0.001)) == mooncrew.Timeout)
        tried:set()
        local _ <close> = lock:hold()
        order[#order + 1] = "second"
      end)
      first:get()
      second:get()
      assert.same({ "first", "first again", "second" }, order)
    end)

    it("is given back by a task that is cancelled", function()
      local lock = make()
      local task = mooncrew.spawn(function()
        local _ <close> = lock:hold()
        mooncrew.sleep(1000)
      end)
      run_tasks()
      assert.is_true(lock:locked())
      task:cancel()
      task:join()
      assert.is_false(lock:locked())
    end)

    it("is passed on when a task that waits for it is cancelled", function()
      local lock = make()
      lock:acquire()
      local task = mooncrew.spawn(function() return lock:acquire() end)
      run_tasks()
      local other = mooncrew.spawn(function() return lock:acquire() end)
      run_tasks()
      task:cancel()
      lock:release()
      assert.is_true(other:get(10))
    end)

    it("can be sent, and is the same", function()
      local lock, queue = make(), Queue()
      queue:put(lock)
      assert.equal(lock, queue:get())
      start(function() queue:put{ make() } end):join()
      local foreign = queue:get()[1]
      assert.is_true(foreign:acquire())
      assert.matches("mooncrew." .. class .. ": held by this process", tostring(foreign), 1, true)
    end)

    it("refuses bad arguments", function()
      local lock = make()
      assert.error_matches(function() lock:acquire(1) end, "boolean expected, got number")
      assert.error_matches(function() lock:acquire(true, "x") end, "number expected, got string")
      assert.error_matches(function() lock:acquire(true, 0 / 0) end, "NaN")
      assert.error_matches(function() lock:hold("x") end,
        "hold: timeout: a number of seconds expected")
      assert.error_matches(function() lock.acquire(mooncrew.Queue()) end, "mooncrew.Lock expected")
      local _, err = pcall(lock.release, lock)
      assert.equal("NotHeld", err.kind)
      assert.equal("release: nobody holds it", err.message)
    end)
  end)
end

describe("Lock", function()
  it("says so when its holder would wait for itself", function()
    local lock = mooncrew.Lock()
    lock:acquire()
    local _, err = pcall(lock.acquire, lock)
    assert.equal("Deadlock", err.kind)
    assert.is_nil(lock:acquire(false))
    assert.equal(mooncrew.Timeout, select(2, lock:acquire(true, 0.01)))
    -- Another task may wait: the holder can still give it back.
    local task = mooncrew.spawn(function() return lock:acquire() end)
    run_tasks()
    lock:release()
    assert.is_true(task:get())
  end)

  it("may be released by another, as in Python", function()
    local lock = mooncrew.Lock()
    lock:acquire()
    start(function() lock:release() end):get()
    assert.is_false(lock:locked())
  end)
end)

describe("RLock", function()
  it("is taken again by its holder", function()
    local lock = mooncrew.RLock()
    for _ = 1, 3 do assert.is_true(lock:acquire()) end
    lock:release()
    lock:release()
    assert.is_nil(start(function() return lock:acquire(false) end):get())
    lock:release()
    assert.is_false(lock:locked())
  end)

  it("is released by its holder alone", function()
    local lock = mooncrew.RLock()
    lock:acquire()
    local kind = start(function() return select(2, pcall(lock.release, lock)).kind end):get()
    assert.equal("NotOwner", kind)
    assert.equal("NotOwner", mooncrew.spawn(function()
      return select(2, pcall(lock.release, lock)).kind
    end):get())
    lock:release()
  end)
end)
