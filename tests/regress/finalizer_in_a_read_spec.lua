-- Reading a value that has to be decoded made a userdata first. When that ran a finalizer which
-- read something shared, the bytes of the one were decoded as those of the other.

local mooncrew = require "mooncrew"

describe("A finalizer that reads what is shared", function()
  it("leaves the read alone that it runs in", function()
    local shared, runs = mooncrew.dict{ number = 5 }, 0
    mooncrew.dict.set(shared, "fn", function() return "called" end)
    local finalizer = {
      __gc = function()
        assert(shared.number == 5)
        runs = runs + 1
      end,
    }
    local mode = collectgarbage("generational")
    for _ = 1, 50 do
      collectgarbage("stop")
      setmetatable({}, finalizer)
      collectgarbage("restart") -- at once: what allocates next collects
      local fn = shared.fn
      assert(fn() == "called")
    end
    collectgarbage(mode)
    assert.is_true(runs > 40)
  end)
end)
