-- A child that SIGSTOP hit before it was a member of the shared memory: who signalled it waited,
-- at full speed, for it to become one.

local uv = require "luv"
local mooncrew = require "mooncrew"

local function start_stopped()
  local p = mooncrew.Process{ target = mooncrew.sleep, args = { 600 } }:start()
  uv.kill(p.pid, "sigstop") -- most of the time that early; later it is right as well
  return p
end

describe("a stopped child", function()
  it("is killed", function()
    for _ = 1, 100 do
      local p = start_stopped()
      p:kill()
      assert.is_true(p:join())
      assert.equal(-9, p.exitcode)
    end
  end)

  it("gets other signals when it goes on", function()
    for _ = 1, 100 do
      local p = start_stopped()
      p:terminate()
      uv.kill(p.pid, "sigcont")
      assert.is_true(p:join())
      assert.equal(-15, p.exitcode)
    end
  end)
end)
