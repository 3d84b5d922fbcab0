local mooncrew = require "mooncrew"

local Process, Queue, wait = mooncrew.Process, mooncrew.Queue, mooncrew.wait

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

describe("wait", function()
  it("returns those that are ready, in order", function()
    local a, b, e = Queue(), Queue(), mooncrew.Event()
    assert.same({ nil, mooncrew.Timeout }, { wait({ a, b, e }, 0) })
    assert.same({ nil, mooncrew.Timeout }, { wait({ a, b, e }, 0.01) })
    e:set()
    a:put(1)
    local ready = wait({ a, b, e })
    assert.equal(2, #ready)
    assert.equal(a, ready[1])
    assert.equal(e, ready[2])
    assert.equal(1, #wait{ a, a })
    b:close()
    assert.equal(b, wait({ b })[1])
    assert.same({}, wait({}))
  end)

  it("waits for every kind of thing", function()
    local lock, semaphore = mooncrew.Lock(), mooncrew.Semaphore(1)
    local a, b = mooncrew.Pipe()
    local things = {
      queue = { Queue(), function(q) q:put(1) end },
      event = { mooncrew.Event(), function(e) e:set() end },
      connection = { a, function() b:send(1) end },
      lock = { lock, function() lock:release() end },
      semaphore = { semaphore, function() semaphore:release() end },
    }
    lock:acquire()
    semaphore:acquire()
    for name, thing in pairs(things) do
      local object, make_ready = table.unpack(thing)
      assert.same({ nil, mooncrew.Timeout }, { wait({ object }, 0) })
      start(function() make_ready(object) end)
      local ready = wait({ Queue(), object }, 20)
      assert.equal(object, ready and ready[1], name)
    end
  end)

  it("waits for processes", function()
    local q = Queue()
    local slow = start(function() mooncrew.sleep(1000) end)
    local quick = start(function() q:get() end)
    assert.is_nil(wait({ slow, quick }, 0))
    q:put(true)
    assert.same({ quick }, wait({ slow, quick }))
    slow:kill()
    assert.same({ slow }, wait({ slow }))
  end)

  it("waits for results and tasks", function()
    local pool <close> = mooncrew.Pool(2)
    local q = Queue()
    local blocked = pool:apply_async(function() return q:get() end)
    local quick = pool:apply_async(function() return 7 end)
    assert.same({ quick }, wait({ blocked, quick }))
    assert.equal(7, quick:get())
    assert.is_nil(wait({ blocked }, 0.01))
    local task = mooncrew.spawn(function()
      mooncrew.sleep(0.01)
      q:put("x")
    end)
    local ready = wait({ blocked, task })
    assert.equal(task, ready[#ready]) -- and what the task has put may have come back already
    assert.same({ blocked }, wait({ blocked }))
    assert.equal("x", blocked:get())
    local coroutines = mooncrew.CoroutinePool(2)
    local result = coroutines:apply_async(mooncrew.sleep, { 0.01 })
    assert.same({ result }, wait({ result, Queue() }))
  end)

  it("tells of a worker that is lost", function()
    local pool <close> = mooncrew.Pool(1)
    local result = pool:apply_async(function() os.exit(9) end)
    assert.same({ result }, wait({ result, Queue() }, 20))
    assert.equal("WorkerLost", select(2, pcall(result.get, result)).kind)
  end)

  it("suspends a task alone", function()
    local a, b, n = Queue(), Queue(), 0
    local task = mooncrew.spawn(function()
      while true do
        local ready = wait({ a, b })
        for _, q in ipairs(ready) do
          local item = q:get()
          if item == "end" then return n end
          n = n + item
        end
      end
    end)
    for i = 1, 10 do
      (i % 2 == 0 and a or b):put(i)
      mooncrew.sleep(0)
    end
    b:put("end")
    assert.equal(55, task:get(20))
  end)

  it("takes hundreds of objects", function()
    local queues = {}
    for i = 1, 300 do queues[i] = Queue() end
    local child = start(function()
      for _ = 1, 20 do
        local ready = wait(queues)
        for _, q in ipairs(ready) do q:get() end
      end
    end)
    for i = 1, 20 do
      queues[i * 15]:put(i)
      while not queues[i * 15]:empty() do mooncrew.sleep(0.0001) end
    end
    child:get()
  end)

  it("loses nothing among many who wait for the same queues", function()
    local queues, out = { Queue(), Queue(), Queue() }, Queue()
    local children = {}
    for i = 1, 6 do
      children[i] = start(function()
        while true do
          for _, q in ipairs(wait(queues)) do
            local item, err = q:get(false)
            if err == mooncrew.Closed then return end
            if not err then out:put(item) end
          end
        end
      end)
    end
    for i = 1, 600 do queues[i % 3 + 1]:put(i) end
    children[1]:kill()
    local sum = 0
    -- A killed one may have taken an item and not passed it on.
    for _ = 1, 599 do sum = sum + out:get(true, 20) end
    assert.is_true(sum >= 600 * 601 // 2 - 600)
    for _, q in ipairs(queues) do q:close() end
    for _, child in ipairs(children) do child:join() end
  end)

  it("refuses what can't be waited for", function()
    assert.error_matches(function() wait(1) end, "wait: objects: a table expected, got 1")
    assert.error_matches(function() wait({ Queue(), 1 }) end, "wait: objects%[2%]: a queue.*got 1")
    assert.error_matches(function() wait({ {} }) end, "wait: objects%[1%]: .*got table")
    assert.error_matches(function() wait({ io.stdout }) end, "objects%[1%]")
    assert.error_matches(function() wait({ mooncrew.Condition() }) end, "objects%[1%]")
    local no_time = "wait: timeout: a number of seconds expected, got "
    assert.error_matches(function() wait({ Queue() }, "x") end, no_time .. '"x"')
    assert.error_matches(function() wait({ Queue() }, 0 / 0) end, no_time .. "NaN")
    assert.error_matches(function() wait({}, 0 / 0) end, no_time .. "NaN")
    local _, err = pcall(function() wait({ 5 }) end)
    assert.matches("^tests/spec/wait_spec.lua:%d+: wait: objects", err)
    local p = Process{ target = print, name = "P" }
    assert.error_matches(function() wait({ p }) end, "wait: process 'P' has not been started")
    assert.error_matches(function()
      local task
      task = mooncrew.spawn(function() wait({ task }) end)
      task:get()
    end, "a task can't wait for itself")
  end)
end)
