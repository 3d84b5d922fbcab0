local mooncrew = require "mooncrew"

describe("Manager", function()
  it("makes the objects of the module", function()
    local m = mooncrew.Manager()
    local d, l = m:dict{ a = 1 }, m:list{ 1, 2 }
    assert.equal(1, d.a)
    assert.equal(2, #l)
    assert.equal(5, m:Value(5).value)
    assert.equal(3, #m:Array("i32", 3))
    assert.is_true(m:Queue(1):put(1))
    assert.equal(7, m:Queue(7).maxsize)
    local n = m:Namespace()
    n.x = 1
    assert.equal(1, n.x)
    assert.equal("mooncrew.Manager", tostring(m))
  end)

  it("shares what it makes with processes", function()
    local m = mooncrew.Manager()
    local d, l = m:dict(), m:list()
    local child = mooncrew.Process{ target = function(manager)
      d.x = 1
      l:append(manager:list{ "made by the child" })
    end, args = { m } }:start()
    child:get()
    assert.equal(1, d.x)
    assert.equal("made by the child", l[1][1])
  end)

  it("is closed without effect", function()
    local d
    do
      local m <close> = mooncrew.Manager()
      m:start()
      d = m:dict{ a = 1 }
      m:shutdown()
    end
    assert.equal(1, d.a)
  end)

  it("has nothing else", function()
    local m = mooncrew.Manager()
    assert.is_nil(m.nothing)
    local ok, err = pcall(m.dict, { a = 1 })
    assert.is_false(ok)
    assert.matches("dict: self: a Manager expected, got table", err, 1, true)
  end)
end)
