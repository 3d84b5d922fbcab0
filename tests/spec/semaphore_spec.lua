local mooncrew = require "mooncrew"

local Process, Queue = mooncrew.Process, mooncrew.Queue

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

for _, class in ipairs{ "Semaphore", "BoundedSemaphore" } do
  describe(class, function()
    local make = mooncrew[class]

    it("has permits", function()
      local s = make(2)
      assert.equal(2, s:get_value())
      assert.is_true(s:acquire())
      assert.is_true(s:acquire(true, 1))
      assert.same({ n = 1, nil }, table.pack(s:acquire(false)))
      assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(s:acquire(true, 0.01)))
      s:release()
      assert.equal(1, s:get_value())
      s:release()
      assert.equal(1, make():get_value())
    end)

    it("lets so many in at a time", function()
      local s, inside, most = make(2), mooncrew.Value(0), mooncrew.Value(0)
      local children = {}
      for i = 1, 5 do
        children[i] = start(function()
          for _ = 1, 100 do
            local _ <close> = s:hold()
            local n = inside:incr(1)
            if n > 2 then most.value = n end
            inside:incr(-1)
          end
        end)
      end
      for _, child in ipairs(children) do child:get() end
      assert.equal(0, most.value)
      assert.equal(2, s:get_value())
    end)

    it("takes permits back from the dead", function()
      local s, ready = make(3), Queue()
      local child = start(function()
        s:acquire()
        s:acquire()
        ready:put(true)
        mooncrew.sleep(1000)
      end)
      ready:get()
      assert.equal(1, s:get_value())
      local waiter = start(function()
        s:acquire()
        ready:put(true)
        return s:acquire()
      end)
      ready:get()
      child:kill()
      assert.is_true(waiter:get())
      waiter:join()
      assert.equal(3, s:get_value()) -- the waiter has ended too
    end)

    it("works between tasks", function()
      local s, order = make(1), {}
      local tasks = {}
      for i = 1, 3 do
        tasks[i] = mooncrew.spawn(function()
          local _ <close> = s:hold()
          order[#order + 1] = i
          mooncrew.sleep(0.001)
          order[#order + 1] = i
        end)
      end
      for _, task in ipairs(tasks) do task:get() end
      for i = 1, 6, 2 do assert.equal(order[i], order[i + 1]) end
    end)

    it("refuses bad arguments", function()
      assert.error_matches(function() make(-1) end, "not negative expected")
      assert.error_matches(function() make(1.5) end, "integer representation")
      assert.error_matches(function() make("x") end, "number expected, got string")
      assert.error_matches(function() make():release(0) end, "at least 1 expected")
      assert.error_matches(function() make():acquire("x") end, "boolean expected")
    end)
  end)
end

describe("Semaphore", function()
  it("made with none is for signals", function()
    local s = mooncrew.Semaphore(0)
    local child = start(function()
      for _ = 1, 3 do s:acquire() end
      return "three"
    end)
    s:release()
    s:release(2)
    assert.equal("three", child:get())
    child:join()
    assert.equal(0, s:get_value()) -- what was consumed does not come back
  end)

  it("may be released more often than it was acquired", function()
    local s = mooncrew.Semaphore(1)
    s:release(3)
    assert.equal(4, s:get_value())
  end)
end)

describe("BoundedSemaphore", function()
  it("may not", function()
    local s = mooncrew.BoundedSemaphore(2)
    s:acquire()
    local _, err = pcall(s.release, s, 2)
    assert.equal("TooMany", err.kind)
    assert.equal(1, s:get_value())
    s:release()
    assert.is_false(pcall(s.release, s))
  end)
end)
