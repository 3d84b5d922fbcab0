-- The members of a Process, row by row: what other specs of processes leave out.

local mooncrew = require "mooncrew"

local Process = mooncrew.Process

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
end

describe("a Process that was not started", function()
  it("has no pid and no exit code, and can't be waited for or signalled", function()
    local p = Process{ target = print }
    assert.is_nil(p.pid)
    assert.is_nil(p.exitcode)
    assert.is_false(p:is_alive())
    for _, name in ipairs{ "join", "get", "terminate", "kill", "interrupt" } do
      fails("has not been started", p[name], p)
    end
  end)
end)

describe("a Process that lives", function()
  it("has a pid, no exit code, and waits that end in time", function()
    local p = Process{ target = mooncrew.sleep, args = { 1000 } }:start()
    assert.is_true(p:is_alive())
    assert.is_true(p.pid > 1)
    assert.is_nil(p.exitcode)
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:get(0)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:get(0.01)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:join(0.01)))
    fails("number", p.join, p, "soon")
    fails("number", p.get, p, {})
    fails("process", p.close, p)
    p:interrupt()
    assert.is_true(p:join())
    assert.equal(-2, p.exitcode)
    assert.is_false(p:is_alive())
    fails("signal 2", p.get, p)
    p:close()
  end)
end)

describe("after_fork", function()
  it("takes functions alone", function()
    fails("after_fork' (function expected, got number)", mooncrew.after_fork, 5)
    fails("after_fork' (function expected, got no value)", mooncrew.after_fork)
  end)
end)
