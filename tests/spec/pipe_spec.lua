local mooncrew = require "mooncrew"

local Process, Pipe = mooncrew.Process, mooncrew.Pipe

local function start(fn, ...)
  return Process{ target = fn, args = table.pack(...), daemon = true }:start()
end

describe("Pipe", function()
  it("has two ends, and both send and receive", function()
    local a, b = Pipe()
    local child = start(function()
      while true do
        local item, err = b:recv()
        if err then return tostring(err) end
        b:send{ item, item }
      end
    end)
    for i = 1, 100 do
      assert.is_true(a:send(i))
      assert.same({ i, i }, a:recv())
    end
    a:close()
    assert.equal("closed", child:get())
  end)

  it("carries nil", function()
    local a, b = Pipe()
    a:send(nil)
    assert.same({ n = 1, nil }, table.pack(b:recv()))
  end)

  it("is drained after it is closed, at both ends", function()
    local a, b = Pipe()
    a:send(1)
    b:send(2)
    a:close()
    assert.equal(mooncrew.Closed, select(2, a:send(3)))
    assert.equal(mooncrew.Closed, select(2, b:send(3)))
    assert.equal(1, b:recv())
    assert.is_true(b:poll())
    assert.equal(mooncrew.Closed, select(2, b:recv()))
    assert.equal(2, a:recv())
    assert.equal(mooncrew.Closed, select(2, a:recv(1)))
    a:close()
  end)

  it("wakes the other end when it is closed", function()
    local a, b = Pipe()
    local child = start(function() return select(2, b:recv()) end)
    a:close()
    assert.equal(mooncrew.Closed, child:get())
  end)

  it("polls, and times out", function()
    local a, b = Pipe()
    assert.is_false(b:poll())
    assert.is_false(b:poll(0.01))
    assert.same({ nil, mooncrew.Timeout }, { b:recv(0.01) })
    assert.same({ nil, mooncrew.Timeout }, { b:recv(0) })
    start(function() a:send("x") end)
    assert.is_true(b:poll(20))
    assert.equal("x", b:recv(0))
  end)

  it("goes one way when that is asked for", function()
    local reads, writes = Pipe(false)
    writes:send("x")
    assert.equal("x", reads:recv())
    assert.error_matches(function() reads:send(1) end, "send: the connection only receives")
    assert.error_matches(function() writes:recv() end, "recv: the connection only sends")
    assert.error_matches(function() writes:poll() end, "poll: the connection only sends")
    assert.error_matches(function() mooncrew.wait({ writes }, 0) end, "only writes")
    assert.equal("mooncrew.Connection: reads", tostring(reads))
    reads:close()
    assert.equal(mooncrew.Closed, select(2, writes:send(1)))
  end)

  it("is sent through queues and through pipes", function()
    local a, b = Pipe()
    local c, d = Pipe()
    a:send(d)
    local got = b:recv()
    assert.equal(d, got)
    local child = start(function(end_) end_:send("from afar") end, got)
    assert.equal("from afar", c:recv())
    child:get()
  end)

  it("keeps what a dead process has sent", function()
    local a, b = Pipe()
    local child = start(function()
      for i = 1, 10 do b:send(i) end
      mooncrew.sleep(1000)
    end)
    assert.equal(1, a:recv())
    while a:poll() ~= true do end
    child:kill()
    child:join()
    local n = 1
    while a:poll() do
      n = n + 1
      assert.equal(n, a:recv())
    end
    assert.equal(mooncrew.Timeout, select(2, a:recv(0)))
  end)

  it("refuses bad arguments", function()
    assert.error_matches(function() Pipe(1) end, "Pipe: duplex: a boolean expected, got 1")
    local a = Pipe()
    assert.error_matches(function() a:recv("x") end, "recv: timeout: a number of seconds expected")
    assert.error_matches(function() a:poll({}) end, "poll: timeout: a number of seconds expected")
    assert.error_matches(function() a:send(io.stdout) end, "cannot send")
  end)
end)
