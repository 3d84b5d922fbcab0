local mooncrew = require "mooncrew"

local Value, Array, Process = mooncrew.Value, mooncrew.Array, mooncrew.Process

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

describe("Value", function()
  it("holds one value", function()
    local v = Value(5)
    assert.equal(5, v.value)
    v.value = "text"
    assert.equal("text", v.value)
    assert.equal("text", v:get())
    v:set({ 1, 2 })
    assert.equal(2, v.value[2])
    v.value = nil
    assert.is_nil(v.value)
    assert.is_nil(Value().value)
    assert.equal("mooncrew.Value: 1.5", tostring(Value(1.5)))
  end)

  it("counts up, compares and sets", function()
    local v = Value(1)
    assert.equal(2, v:incr())
    assert.equal(2.5, v:incr(0.5))
    assert.is_false(v:cas(1, 2))
    assert.is_true(v:cas(2.5, "x"))
    assert.is_true(v:cas("x", nil))
    assert.is_true(v:cas(nil, print))
    assert.is_true(v:cas(print, pairs))
    assert.is_false(v:cas({}, 1))
    assert.equal(pairs, v.value)
    fails("not a number", v.incr, v)
  end)

  it("is shared by processes", function()
    local v, children = Value(0), {}
    for i = 1, 3 do
      children[i] = Process{ target = function()
        for _ = 1, 5000 do v:incr() end
      end }:start()
    end
    for _, child in ipairs(children) do child:get() end
    assert.equal(15000, v.value)
  end)

  it("refuses what is wrong", function()
    local v = Value(1)
    fails("only 'value'", function() v.val = 2 end)
    fails("number expected, got string", v.incr, v, "2")
    fails("cannot send a FILE*", function() v.value = io.stdout end)
    fails("value expected", v.set, v)
    fails("mooncrew.Value expected", v.get, {})
    assert.is_nil(v.val)
    assert.equal(1, v.value)
  end)
end)

describe("Array", function()
  it("holds numbers of a kind", function()
    local limits = { i8 = { -128, 127 }, u8 = { 0, 255 }, i16 = { -32768, 32767 },
      u16 = { 0, 65535 }, i32 = { -2147483648, 2147483647 }, u32 = { 0, 4294967295 },
      i64 = { math.mininteger, math.maxinteger }, f32 = { -0.5, 1024.25 },
      f64 = { -1e300, math.pi } }
    for kind, pair in pairs(limits) do
      local a = Array(kind, 3)
      assert.equal(3, #a)
      assert.equal(kind, a.kind)
      assert.equal(0, a[2])
      a[1], a[3] = pair[1], pair[2]
      assert.equal(pair[1], a[1])
      assert.equal(pair[2], a[3])
      assert.equal(kind:sub(1, 1) == "f" and "float" or "integer", math.type(a[1]))
      assert.is_nil(a[0])
      assert.is_nil(a[4])
    end
  end)

  it("reads and writes slices", function()
    local a = Array("i16", { 1, 2, 3, 4, 5 })
    assert.same({ 1, 2, 3, 4, 5 }, a:get())
    assert.same({ 4, 5 }, a:get(4))
    assert.same({ 2, 3 }, a:get(2, 3))
    assert.same({}, a:get(3, 2))
    assert.same({}, a:get(6))
    a:set(2, { 20, 30 })
    a:set(6, {})
    assert.same({ 1, 20, 30, 4, 5 }, a:get())
    local sum = 0
    for _, v in ipairs(a) do sum = sum + v end
    assert.equal(60, sum)
    fails("set: index 6 is outside of 1 ... 5", a.set, a, 5, { 1, 2 })
    fails("does not fit", a.set, a, 1, { 1, 40000 })
    fails("number expected, got nil", a.set, a, 1, { 1, nil, 3 })
    assert.same({ 1, 20, 30, 4, 5 }, a:get())
    assert.matches("5 elements of kind i16", tostring(a), 1, true)
    assert.equal(0, #Array("f64", 0))
  end)

  it("counts up beside other processes", function()
    local a, children = Array("u32", 10), {}
    for i = 1, 3 do
      children[i] = Process{ target = function()
        for n = 1, 5000 do a:incr(n % 10 + 1, 2) end
      end }:start()
    end
    for _, child in ipairs(children) do child:get() end
    for i = 1, 10 do assert.equal(3000, a[i]) end
    fails("does not fit", a.incr, a, 1, -3001)
    assert.equal(3000, a[1])
  end)

  it("refuses what is wrong", function()
    local a = Array("i8", 2)
    fails("index 3 is outside of 1 ... 2", function() a[3] = 1 end)
    fails("128 does not fit an element of kind i8", function() a[1] = 128 end)
    fails("0.5 does not fit", function() a[1] = 0.5 end)
    fails("number expected, got string", function() a[1] = "1" end)
    fails("number expected, got nil", function() a[1] = nil end)
    fails("a whole number expected as the index, got x", function() a.x = 1 end)
    fails("get: index 4", a.get, a, 4)
    fails("get: index 3", a.get, a, 1, 3)
    fails("incr: index 3", a.incr, a, 3)
    fails("invalid option 'i7'", Array, "i7", 1)
    fails("at least 0", Array, "i8", -1)
    fails("number expected", Array, "i8", "many")
    assert.equal("NoMemory", fails("too big", Array, "f64", 1 << 40).kind)
    assert.same({ 0, 0 }, a:get())
  end)

  it("gives its memory back", function()
    collectgarbage()
    collectgarbage()
    local before = mooncrew.shared_memory()
    for _ = 1, 20 do
      local a = Array("f64", 10000)
      a:set(1, { 1, 2, 3 })
      Value({ 1, { 2 } }).value = { a }
    end
    collectgarbage()
    collectgarbage()
    local after = mooncrew.shared_memory()
    -- Less is fine: a child of an earlier test may have been about to let go of something.
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.in_use <= before.in_use)
  end)
end)
