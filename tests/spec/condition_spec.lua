local mooncrew = require "mooncrew"

local Process, Queue, Condition = mooncrew.Process, mooncrew.Queue, mooncrew.Condition

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

-- A child that waits; returns when it does for certain: it has let go of the lock.
local function waiter(c, timeout, after)
  local ready = Queue()
  local child = start(function()
    local _ <close> = c:hold()
    ready:put(true)
    local ok, state = c:wait(timeout)
    if after then after() end
    return ok, state
  end)
  ready:get()
  c:acquire()
  c:release()
  return child
end

local function notify(c, n)
  local _ <close> = c:hold()
  c:notify(n)
end

-- Lets the tasks that are ready run until they wait.
local function run_tasks() mooncrew.spawn(function() end):join() end

describe("Condition", function()
  it("wakes one who waits, or some, or all", function()
    local c, out = Condition(), Queue()
    local children = {}
    for i = 1, 6 do children[i] = waiter(c, nil, function() out:put(i) end) end
    notify(c)
    assert.equal(1, out:get())
    notify(c, 2)
    assert.same({ [2] = true, [3] = true }, { [out:get()] = true, [out:get()] = true })
    do
      local _ <close> = c:hold()
      c:notify_all()
      c:notify_all()
    end
    for _, child in ipairs(children) do assert.is_true(child:get()) end
    notify(c, 5) -- nobody is there
    assert.equal("mooncrew.Condition: 0 waiting", tostring(c))
  end)

  it("times out", function()
    local c = Condition()
    local _ <close> = c:hold()
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(c:wait(0.01)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(c:wait(0)))
    assert.error_matches(function() c:wait("x") end, "wait: timeout: a number of seconds expected")
    c:notify() -- the lock is held again
  end)

  it("lets go of all levels of its lock, and takes them again", function()
    local lock = mooncrew.RLock()
    local c = Condition(lock)
    c:acquire()
    lock:acquire()
    local child = start(function()
      local _ <close> = c:hold()
      c:notify()
    end)
    assert.is_true(c:wait())
    child:get()
    lock:release()
    assert.is_true(lock:locked())
    c:release()
    assert.is_false(lock:locked())
  end)

  it("works with a plain lock, between tasks", function()
    local c, items, got = Condition(mooncrew.Lock()), {}, {}
    local consumer = mooncrew.spawn(function()
      while #got < 20 do
        local _ <close> = c:hold()
        c:wait_for(function() return #items > 0 end)
        got[#got + 1] = table.remove(items, 1)
      end
    end)
    for i = 1, 20 do
      local _ <close> = c:hold()
      items[#items + 1] = i
      c:notify()
    end
    consumer:get()
    assert.equal(20, #got)
  end)

  it("waits for a predicate", function()
    local c, n = Condition(), mooncrew.Value(0)
    local child = start(function()
      local _ <close> = c:hold()
      return c:wait_for(function() return n.value >= 3 and n.value end)
    end)
    for _ = 1, 3 do
      local _ <close> = c:hold()
      n:incr(1)
      c:notify_all()
    end
    assert.equal(3, child:get())
    local _ <close> = c:hold()
    assert.same({ nil, mooncrew.Timeout },
      { c:wait_for(function() return false end, 0.01) })
    assert.error_matches(function() c:wait_for(function() error("bad", 0) end) end, "bad")
    assert.error_matches(function() c:wait_for(1) end, "wait_for: predicate: a function expected")
  end)

  it("does not spend a notification on the dead", function()
    local c = Condition()
    local first, second, third = waiter(c), waiter(c), waiter(c)
    first:kill()
    first:join()
    notify(c)
    assert.is_true(second:get(20))
    -- One that dies after it was notified, before it has the lock again.
    local fourth = waiter(c)
    do
      local _ <close> = c:hold()
      c:notify()
      third:kill()
      third:join()
    end
    assert.is_true(fourth:get(20))
  end)

  it("does not spend it on a task that is cancelled", function()
    local c = Condition()
    local function wait()
      local _ <close> = c:hold()
      return c:wait()
    end
    local first = mooncrew.spawn(wait)
    run_tasks()
    local second = mooncrew.spawn(wait)
    run_tasks()
    c:acquire()
    c:notify()
    first:cancel()
    c:release()
    assert.equal(mooncrew.Cancelled, select(2, first:get()))
    assert.is_true(second:get(20))
  end)

  it("tells who wakes that the notifier died with the lock", function()
    local c, ready = Condition(), Queue()
    local child = waiter(c)
    local notifier = start(function()
      c:acquire()
      c:notify()
      ready:put(true)
      mooncrew.sleep(1000)
    end)
    ready:get()
    notifier:kill()
    assert.same({ true, "abandoned" }, { child:get(20) })
  end)

  it("refuses to be used without its lock", function()
    local c = Condition()
    for _, name in ipairs{ "wait", "notify", "notify_all" } do
      assert.error_matches(function() c[name](c) end, name .. ": the caller does not hold")
    end
    assert.error_matches(function() c:wait_for(print) end, "wait_for: the caller does not hold")
    assert.error_matches(function() c:release() end, "nobody holds it")
    assert.error_matches(function() Condition(1) end, "mooncrew.Lock expected, got number")
    assert.error_matches(function() Condition(Queue()) end, "mooncrew.Lock expected")
    local _ <close> = c:hold()
    assert.error_matches(function() c:notify(0) end, "notify: n: a whole number from 1")
  end)

  it("can be sent with its lock", function()
    local queue, lock = Queue(), mooncrew.Lock()
    queue:put(Condition(lock))
    local c = queue:get()
    local _ <close> = c:hold()
    assert.is_true(lock:locked())
  end)
end)
