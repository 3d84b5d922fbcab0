-- A map whose pool had lost its foreman failed item by item to its end, for seconds when the list
-- was long, instead of at once.

local mooncrew = require "mooncrew"

describe("A map whose pool is gone", function()
  it("is over at once, whatever it has not given yet", function()
    local pool = mooncrew.Pool(1)
    local foreman = pool:apply(mooncrew.getppid)
    local list = {}
    for i = 1, 20000 do list[i] = 1000 end
    local result = pool:map_async(mooncrew.sleep, list, 1)
    require("luv").kill(foreman, "sigkill")
    local ok, err = pcall(result.get, result)
    assert.is_false(ok)
    assert.equal("WorkerLost", err.kind)
    assert.equal(1, err.index)
    assert.is_true(pool:stats().failed < #list)
    pool:close()
    assert.is_true(pool:join())
  end)
end)
