local mooncrew = require "mooncrew"

local Process, Queue, Barrier = mooncrew.Process, mooncrew.Queue, mooncrew.Barrier

local function start(fn)
  return Process{ target = fn, daemon = true }:start()
end

-- A child that comes to the barrier and returns what it gets, or the kind of the error.
local function party(barrier, timeout)
  return start(function()
    local ok, index, err = pcall(barrier.wait, barrier, timeout)
    if not ok then return index.kind end
    return index, err
  end)
end

local function await_waiting(barrier, n)
  while barrier.n_waiting ~= n do mooncrew.sleep(0.001) end
end

describe("Barrier", function()
  it("opens when all have come, again and again", function()
    local b, out = Barrier(3), Queue()
    assert.equal(3, b.parties)
    local children = {}
    for i = 1, 3 do
      children[i] = start(function()
        for round = 1, 50 do
          local index = b:wait()
          out:put{ round, index }
        end
      end)
    end
    for _, child in ipairs(children) do child:get() end
    local seen = {}
    for _ = 1, 150 do
      local round, index = table.unpack(out:get())
      seen[round] = (seen[round] or 0) + (1 << 8 * index)
    end
    for round = 1, 50 do assert.equal(0x01010100, seen[round]) end
    assert.equal(0, b.n_waiting)
  end)

  it("is for tasks too", function()
    local b, indexes = Barrier(3), {}
    local tasks = {}
    for i = 1, 2 do
      tasks[i] = mooncrew.spawn(function() indexes[b:wait()] = true end)
    end
    indexes[b:wait()] = true
    for _, task in ipairs(tasks) do task:get() end
    assert.same({ true, true, true }, indexes)
  end)

  it("has the last one act before anybody goes on", function()
    local n = mooncrew.Value(0)
    local b = Barrier(2, function() n:incr(1) end)
    for round = 1, 3 do
      local child = start(function()
        b:wait()
        return n.value
      end)
      b:wait()
      assert.equal(round, n.value)
      assert.equal(round, child:get())
    end
  end)

  it("breaks when the action fails, with the action's error", function()
    local b = Barrier(2, function() error("no action", 0) end)
    local child = party(b)
    await_waiting(b, 1)
    assert.error_matches(function() b:wait() end, "no action")
    assert.equal("BrokenBarrier", child:get())
    assert.is_true(b.broken)
  end)

  it("breaks when one who waits dies", function()
    local b = Barrier(3)
    local first, second = party(b), party(b)
    await_waiting(b, 2)
    first:kill()
    assert.equal("BrokenBarrier", second:get(20))
    assert.equal("BrokenBarrier", party(b):get(20))
    assert.is_true(b.broken)
    b:reset()
    assert.is_false(b.broken)
    first, second = party(b), party(b)
    assert.equal(6, b:wait() + first:get() + second:get())
  end)

  it("breaks when the one who acts dies", function()
    local acting = Queue()
    local b = Barrier(2, function()
      acting:put(true)
      mooncrew.sleep(1000)
    end)
    local first = party(b)
    await_waiting(b, 1)
    local last = party(b)
    acting:get()
    local next_one = party(b, 20) -- waits for the end of the action
    last:kill()
    assert.equal("BrokenBarrier", first:get(20))
    assert.equal("BrokenBarrier", next_one:get(20))
  end)

  it("breaks when one times out, or is cancelled", function()
    local b = Barrier(3)
    local child = party(b)
    await_waiting(b, 1)
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(b:wait(0.01)))
    assert.equal("BrokenBarrier", child:get(20))
    b:reset()
    child = party(b)
    local task = mooncrew.spawn(function() b:wait() end)
    await_waiting(b, 2)
    task:cancel()
    assert.equal("BrokenBarrier", child:get(20))
  end)

  it("breaks when it is aborted, or reset while they wait", function()
    local b = Barrier(2)
    for _, method in ipairs{ "abort", "reset" } do
      local child = party(b)
      await_waiting(b, 1)
      b[method](b)
      assert.equal("BrokenBarrier", child:get(20))
      assert.equal(method == "abort", b.broken)
      b:reset()
    end
    assert.equal("mooncrew.Barrier: 0 of 2", tostring(b))
  end)

  it("goes through queues with its action", function()
    local queue, n = Queue(), mooncrew.Value(0)
    start(function() queue:put(Barrier(1, function() n:incr(5) end)) mooncrew.sleep(1000) end)
    local b = queue:get()
    assert.equal(1, b:wait())
    assert.equal(5, n.value)
  end)

  it("refuses bad arguments", function()
    assert.error_matches(function() Barrier() end, "Barrier: parties: a whole number from 1")
    assert.error_matches(function() Barrier(0) end, "parties")
    assert.error_matches(function() Barrier(1.5) end, "parties")
    assert.error_matches(function() Barrier(1, 2) end, "Barrier: action: a function expected")
    assert.error_matches(function() Barrier(2):wait("x") end,
      "wait: timeout: a number of seconds expected")
    assert.error_matches(function() Barrier(2):wait(0 / 0) end, "wait: timeout: .* got NaN")
    local file = io.stdout
    assert.error_matches(function() Barrier(1, function() return file end) end, "cannot send")
    assert.is_nil(Barrier(1).nonsense)
  end)
end)
