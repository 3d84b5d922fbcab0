-- Processes use one lock, semaphore, event, condition and barrier all at once while others of them
-- are killed, wherever they are. Nobody may wait for the dead, and what they held must come back.

local mooncrew = require "mooncrew"

local WORKERS, PERMITS, ROUNDS = 6, 3, 60

describe("Locks in a storm", function()
  it("never keep anybody waiting for the dead", function()
    local lock, semaphore = mooncrew.RLock(), mooncrew.BoundedSemaphore(PERMITS)
    local event, condition, barrier = mooncrew.Event(), mooncrew.Condition(), mooncrew.Barrier(2)
    local inside, left, right = mooncrew.Value(0), mooncrew.Value(0), mooncrew.Value(0)
    local beats, stop = mooncrew.dict{}, mooncrew.Event()

    -- Both counters are the same whenever nobody is inside; who finds them abandoned repairs them.
    local function with_lock()
      local _ <close>, state = lock:hold()
      if state == "abandoned" then
        inside.value = 0
        right.value = left.value
      end
      assert(inside.value == 0 and left.value == right.value)
      inside.value = 1
      left:incr(1)
      right:incr(1)
      inside.value = 0
    end

    local actions = {
      with_lock,
      function() local _ <close> = semaphore:hold() end,
      function() event:set() event:clear() end,
      function() event:wait(0.002) end,
      function()
        local _ <close> = condition:hold()
        condition:notify(math.random(3))
      end,
      function()
        local _ <close> = condition:hold()
        condition:wait(0.002)
      end,
      function()
        if not pcall(barrier.wait, barrier, 0.002) then barrier:reset() end
      end,
    }

    local function work(number)
      while not stop:is_set() do
        actions[math.random(#actions)]()
        mooncrew.dict.incr(beats, number)
      end
    end

    local workers = {}
    local function start(i)
      workers[i] = mooncrew.Process{ target = work, args = { i }, daemon = true }:start()
    end
    for i = 1, WORKERS do start(i) end
    for round = 1, ROUNDS do
      local i = math.random(WORKERS)
      workers[i]:kill()
      start(i)
      -- Everyone goes on: each has done something since.
      if round % 10 == 0 then
        local before = mooncrew.dict.copy(beats)
        for k = 1, WORKERS do
          local deadline = os.time() + 60
          while (beats[k] or 0) == (before[k] or 0) do
            assert(os.time() < deadline, "a worker is stuck")
            mooncrew.sleep(0.001)
          end
        end
      end
    end
    stop:set()
    for _, worker in ipairs(workers) do
      assert.is_true(worker:join())
      assert.equal(0, worker.exitcode)
    end
    assert.equal(PERMITS, semaphore:get_value())
    assert.is_false(lock:locked())
    assert.equal(0, barrier.n_waiting)
    assert.equal("mooncrew.Condition: 0 waiting", tostring(condition))
    with_lock()
  end)
end)
