local mooncrew = require "mooncrew"

local Process, Queue, Event = mooncrew.Process, mooncrew.Queue, mooncrew.Event

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

-- Lets the tasks that are ready run until they wait.
local function run_tasks() mooncrew.spawn(function() end):join() end

describe("Event", function()
  it("is set and cleared", function()
    local e = Event()
    assert.is_false(e:is_set())
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(e:wait(0.01)))
    e:set()
    e:set()
    assert.is_true(e:is_set())
    assert.is_true(e:wait())
    assert.is_true(e:wait(0))
    e:clear()
    assert.is_false(e:is_set())
    assert.equal(mooncrew.Timeout, select(2, e:wait(0)))
    assert.equal("mooncrew.Event: clear", tostring(e))
  end)

  it("wakes all who wait, in all processes and tasks", function()
    local e, ready = Event(), Queue()
    local waiting = {}
    for i = 1, 4 do
      waiting[i] = start(function()
        local task = mooncrew.spawn(function() return e:wait() end)
        ready:put(i)
        return e:wait(), task:get()
      end)
    end
    for _ = 1, 4 do ready:get() end
    local task = mooncrew.spawn(function() return e:wait() end)
    e:set()
    for _, child in ipairs(waiting) do assert.same({ true, true }, { child:get() }) end
    assert.is_true(task:get())
  end)

  it("reaches who waits even when it is cleared at once", function()
    local e, ready = Event(), Queue()
    local child = start(function()
      local n = 0
      local task = mooncrew.spawn(function()
        e:wait()
        n = n + 1
      end)
      run_tasks()
      ready:put(true)
      task:join()
      return n
    end)
    ready:get()
    e:set()
    e:clear()
    assert.equal(1, child:get(20))
  end)

  it("outlives who sets it and who waits", function()
    local e, ready = Event(), Queue()
    local waiter = start(function() ready:put(true) e:wait() return "woken" end)
    local dead = start(function() ready:put(true) e:wait() end)
    ready:get()
    ready:get()
    dead:kill()
    dead:join()
    start(function()
      e:set()
      mooncrew.sleep(1000)
    end)
    assert.equal("woken", waiter:get())
  end)

  it("refuses bad arguments", function()
    local e = Event()
    assert.error_matches(function() e:wait("x") end, "number expected, got string")
    assert.error_matches(function() e.set(Queue()) end, "mooncrew.Event expected")
  end)
end)
