local mooncrew = require "mooncrew"

local Process, Queue = mooncrew.Process, mooncrew.Queue

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

describe("Queue", function()
  it("is joined when each item is marked done", function()
    local q = Queue()
    assert.is_true(q:join())
    for i = 1, 20 do q:put(i) end
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(q:join(0.01)))
    local children = {}
    for i = 1, 3 do
      children[i] = start(function()
        for _ in q:items() do q:task_done() end
      end)
    end
    assert.is_true(q:join())
    q:put("one more")
    assert.is_true(q:join(20))
    q:close()
    for _, child in ipairs(children) do child:get() end
  end)

  it("is joined by tasks and by several processes at once", function()
    local q = Queue()
    q:put(1)
    local ready = Queue()
    local child = start(function()
      ready:put(true)
      return q:join()
    end)
    ready:get()
    local task = mooncrew.spawn(function() return q:join() end)
    mooncrew.sleep(0)
    q:get()
    assert.is_true(child:is_alive())
    q:task_done()
    assert.is_true(task:get(20))
    assert.is_true(child:get(20))
  end)

  it("takes one task_done for each item", function()
    local q = Queue()
    q:put(1)
    local _, err = pcall(q.task_done, q)
    assert.equal("TooMany", err.kind)
    assert.equal("task_done: called more often than items were taken", err.message)
    q:get()
    q:task_done()
    assert.is_false(pcall(q.task_done, q))
    assert.error_matches(function() q:join("x") end, "number expected, got string")
  end)
end)

describe("Queue that redelivers", function()
  it("gives back what a dead consumer had not marked done, in order", function()
    local q, ready = Queue{ redeliver = true, maxsize = 100 }, Queue()
    for i = 1, 10 do q:put(i) end
    local child = start(function()
      for _ = 1, 5 do q:get() end
      q:task_done()
      q:task_done()
      ready:put(true)
      mooncrew.sleep(1000)
    end)
    ready:get()
    assert.equal(5, q:qsize())
    child:kill()
    child:join()
    local got = {}
    while #got < 8 do got[#got + 1] = q:get(true, 20) end
    table.sort(got)
    assert.same({ 3, 4, 5, 6, 7, 8, 9, 10 }, got)
    for _ = 1, 8 do q:task_done() end
    assert.is_true(q:join())
  end)

  it("loses nothing however many consumers are killed", function()
    local q, seen = Queue{ redeliver = true }, mooncrew.dict{}
    local function consume()
      for item in q:items() do
        mooncrew.dict.incr(seen, item)
        q:task_done()
      end
    end
    local children = {}
    for i = 1, 4 do children[i] = start(consume) end
    for i = 1, 600 do
      q:put(i)
      if i % 60 == 0 then
        local k = i // 60 % 4 + 1
        children[k]:kill()
        children[k] = start(consume)
      end
    end
    assert.is_true(q:join(60))
    for i = 1, 600 do assert.is_true(seen[i] >= 1) end
  end)

  it("gives back what a process that ends has not marked done", function()
    local q = Queue{ redeliver = true }
    q:put_many{ "a", "b", "c" }
    start(function() return q:get_many(2) end):join()
    assert.same({ "a", "b", "c" }, { q:get(), q:get(), q:get() })
    for _ = 1, 3 do q:task_done() end
  end)

  it("gives back what a process has not marked done that lets go of the queue", function()
    local q, other = Queue{ redeliver = true }, Queue()
    q:put("item")
    other:put(q)
    local child = start(function()
      local asked = mooncrew.Event()
      do
        local again = other:get()
        asked:set()
        again:get()
      end
      return asked:is_set()
    end)
    assert.is_true(child:get())
    child:join()
    assert.equal("item", q:get(true, 20))
    q:task_done()
  end)

  it("has one task_done for each item of this very process", function()
    local q = Queue{ redeliver = true }
    q:put(1)
    start(function() q:get() q:task_done() end):get()
    assert.error_matches(function() q:task_done() end, "more often than items were taken by this")
  end)

  it("says when too many are not marked done", function()
    local q = Queue{ redeliver = true }
    for i = 1, 300 do q:put(i) end
    local items = q:get_many(1000)
    assert.equal(192, #items)
    local _, err = pcall(q.get, q, false)
    assert.equal("TooMany", err.kind)
    assert.matches("192 items .* call task_done%(%) first", err.message)
    local other = Queue() -- others are not in the way
    other:put(1)
    assert.equal(1, other:get())
    q:task_done()
    assert.equal(193, q:get())
    for _ = 1, 192 do q:task_done() end
    assert.equal(107, #q:get_many(1000))
  end)

  it("counts what can't be received as done", function()
    local q = Queue{ redeliver = true }
    start(function()
      package.loaded["only.here"] = { rep = string.rep }
      rawset(string, "rep", nil)
      q:put(package.loaded["only.here"].rep)
    end):get()
    assert.is_false(pcall(q.get, q))
    assert.is_true(q:join(0))
    assert.is_false(pcall(q.task_done, q))
  end)

  it("refuses bad options", function()
    assert.error_matches(function() Queue{ redeliver = 1 } end, "redeliver: a boolean expected")
    assert.error_matches(function() Queue{ redelivers = true } end, "unknown option 'redelivers'")
  end)
end)
