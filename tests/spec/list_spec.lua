local mooncrew = require "mooncrew"

local list, Process = mooncrew.list, mooncrew.Process

local function in_child(fn, ...)
  return Process{ target = fn, args = table.pack(...) }:start()
end

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

describe("list", function()
  it("is used as an array", function()
    local l = list{ 1, 2, 3 }
    assert.equal(3, #l)
    assert.equal(1, l[1])
    assert.equal(3, l[3])
    assert.equal(2, l[2.0])
    assert.is_nil(l[0])
    assert.is_nil(l[4])
    assert.is_nil(l[-1])
    assert.is_nil(l[math.mininteger])
    l[2] = "two"
    l[#l + 1] = 4.0
    assert.same({ 1, "two", 3, 4.0 }, l:copy())
    assert.equal("float", math.type(l[4]))
    local seen = {}
    for i, v in ipairs(l) do seen[i] = v end
    assert.same({ 1, "two", 3, 4.0 }, seen)
    assert.is_nil(l.nothing)
    assert.matches("mooncrew.list: 4 elements", tostring(l), 1, true)
    assert.equal(0, #list())
    assert.equal(0, #list{})
  end)

  it("appends and pops at both ends", function()
    local l = list()
    l:append("b")
    l:append(false)
    l:appendleft("a")
    l:appendleft({ "nested" })
    assert.same({ { "nested" }, "a", "b", false }, l:copy())
    assert.equal("nested", l:popleft()[1])
    assert.is_false(l:pop())
    assert.equal("b", l:pop())
    assert.equal("a", l:popleft())
    assert.same({ n = 2, nil, mooncrew.Empty }, table.pack(l:pop()))
    assert.same({ n = 2, nil, mooncrew.Empty }, table.pack(l:popleft()))
    assert.same({ n = 2, nil, mooncrew.Empty }, table.pack(l:pop(1)))
  end)

  it("inserts, pops and removes inside", function()
    local l = list{ "a", "c" }
    l:insert(2, "b")
    l:insert(1, "first")
    l:insert(5, "last")
    assert.same({ "first", "a", "b", "c", "last" }, l:copy())
    assert.equal("b", l:pop(3))
    assert.equal("first", l:pop(1))
    assert.equal("last", l:pop(3))
    assert.same({ "a", "c" }, l:copy())
    l:extend{ "a", "d", "a" }
    assert.is_true(l:remove("a"))
    assert.same({ "c", "a", "d", "a" }, l:copy())
    assert.is_false(l:remove("z"))
    assert.is_false(l:remove({}))
    assert.is_false(l:remove(nil))
    l:clear()
    assert.equal(0, #l)
  end)

  it("extends by tables and lists, as a whole", function()
    local l = list{ 1 }
    l:extend({ 2, { 3 } })
    l:extend({})
    local other = list{ 4, { 5 } }
    l:extend(other)
    assert.same({ 1, 2, { 3 }, 4, { 5 } }, l:copy())
    assert.equal(other[2], l[5])
    l:extend(l)
    assert.equal(10, #l)
    assert.equal(l[5], l[10])
    fails("cannot send a FILE* (at value[2].x)", l.extend, l, { 1, { x = io.stdout } })
    assert.equal(10, #l)
  end)

  it("finds and counts", function()
    local inner = list{ 1 }
    local l = list{ "a", 1, 1.0, true, "a", inner, print }
    assert.equal(1, l:index("a"))
    assert.equal(5, l:index("a", 2))
    assert.equal(2, l:index(1.0))
    assert.equal(4, l:index(true))
    assert.equal(6, l:index(inner))
    assert.equal(7, l:index(print))
    assert.is_nil(l:index("z"))
    assert.is_nil(l:index({ 1 }))
    assert.is_nil(l:index("a", 6))
    assert.equal(2, l:count("a"))
    assert.equal(2, l:count(1))
    assert.equal(0, l:count(nil))
  end)

  it("reverses and sorts", function()
    local l = list{ 3, 1, 2 }
    l:reverse()
    assert.same({ 2, 1, 3 }, l:copy())
    l:sort()
    assert.same({ 1, 2, 3 }, l:copy())
    l:sort(function(a, b) return a > b end)
    assert.same({ 3, 2, 1 }, l:copy())
    local people = list{ { name = "b" }, { name = "a" }, { name = "c" } }
    local first = people[1]
    people:sort(function(a, b) return a.name < b.name end)
    assert.same({ { name = "a" }, { name = "b" }, { name = "c" } }, people:copy())
    assert.equal(first, people[2])
    local many, plain = list(), {}
    for i = 1, 3000 do plain[i] = (i * 7919) % 3001 end
    many:extend(plain)
    table.sort(plain)
    many:sort()
    assert.same(plain, many:copy())
    list():sort()
    list():reverse()
  end)

  it("raises when it can't be sorted, and loses nothing", function()
    local l = list{ 1, "x", 2 }
    fails("compare", l.sort, l)
    fails("on purpose", l.sort, l, function() error("on purpose") end)
    assert.same({ 1, "x", 2 }, l:copy())
    -- Somebody writes meanwhile, once: it is sorted again.
    local numbers, n = list{ 3, 2, 1 }, 0
    numbers:sort(function(a, b)
      n = n + 1
      if n == 1 then numbers:append(0) end
      return a < b
    end)
    assert.same({ 0, 1, 2, 3 }, numbers:copy())
    -- All the time: it raises.
    fails("others write", numbers.sort, numbers, function(a, b)
      numbers[1] = numbers[1]
      return a > b
    end)
    assert.same({ 0, 1, 2, 3 }, numbers:copy())
  end)

  it("counts up", function()
    local l = list{ 1, "x" }
    assert.equal(2, l:incr(1))
    assert.equal(12, l:incr(1, 10))
    assert.equal(12.5, l:incr(1, 0.5))
    fails("not a number", l.incr, l, 2)
    fails("index 3 is outside of 1 ... 2", l.incr, l, 3)
    assert.same({ 12.5, "x" }, l:copy())
  end)

  it("is iterated over as it is at the beginning, whatever is written meanwhile", function()
    local l = list()
    for i = 1, 1000 do l:append({ i }) end
    local n = 0
    for i, v in pairs(l) do
      n = n + 1
      assert.equal(n, i)
      assert.equal(n, v[1])
      l:popleft()
      l:append("new")
    end
    assert.equal(1000, n)
    for i, v in l:items() do
      assert.equal("new", v)
      l:clear()
      n = i
    end
    assert.equal(1000, n)
    for _ in ipairs(l) do error("nothing is there") end
  end)

  it("is long", function()
    local l = list()
    for i = 1, 100000 do l[i] = i end
    assert.equal(100000, #l)
    for i = 1, 100000, 997 do assert.equal(i, l[i]) end
    l:insert(50000, "middle")
    assert.equal("middle", l[50000])
    assert.equal(50000, l[50001])
    for i = 1, 49999 do assert.equal(i, l:popleft()) end
    assert.equal("middle", l:popleft())
    for i = 100000, 50000, -1 do assert.equal(i, l:pop()) end
    assert.equal(0, #l)
  end)

  it("is shared by processes, one of which is killed", function()
    local l, done = list(), mooncrew.Queue()
    local children = {}
    for c = 1, 3 do
      children[c] = in_child(function()
        for i = 1, 4000 do l:append({ c, i }) end
        done:put(c)
        if c == 3 then
          while true do
            l:insert(2, "x")
            l:pop(2)
          end
        end
      end)
    end
    for _ = 1, 3 do done:get() end
    children[3]:kill()
    for _, child in ipairs(children) do child:join() end
    local last = { 0, 0, 0 }
    for i, v in pairs(l) do
      if v == "x" then
        assert.equal(2, i)
      else
        assert.equal(last[v[1]] + 1, v[2])
        last[v[1]] = v[2]
      end
    end
    assert.same({ 4000, 4000, 4000 }, last)
  end)

  it("gives its memory back", function()
    collectgarbage()
    collectgarbage()
    local before = mooncrew.shared_memory()
    for i = 1, 50 do
      local l = list{ { i }, { { i } }, "text", mooncrew.Queue() }
      for k = 1, 2000 do l:append(k % 2 == 0 and k or { k }) end
      l:sort(function() return false end)
      l:reverse()
      for _ = 1, 500 do l:popleft() end
    end
    collectgarbage()
    collectgarbage()
    local after = mooncrew.shared_memory()
    -- Less is fine: a child of an earlier test may have been about to let go of something.
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.in_use <= before.in_use)
  end)

  describe("refuses", function()
    local l = list{ 1, 2 }

    it("indices that are none", function()
      fails("list: index 4 is outside of 1 ... 3", function() l[4] = 1 end)
      fails("list: index 0 is outside of 1 ... 3", function() l[0] = 1 end)
      fails("a whole number expected as the index, got 1.5", function() l[1.5] = 1 end)
      fails("a whole number expected as the index, got x", function() l.x = 1 end)
      fails("got true", function() return l[true] end)
      fails("got 1.5", function() return l[1.5] end)
      fails("insert: index 4 is outside of 1 ... 3", l.insert, l, 4, 1)
      fails("insert: a whole number expected as the index, got x", l.insert, l, "x", 1)
      fails("pop: index 3 is outside of 1 ... 2", l.pop, l, 3)
      fails("pop: a whole number", l.pop, l, "1")
      assert.equal("Range", fails("index -1", l.pop, l, -1).kind)
    end)

    it("values that can't be in it", function()
      fails("a list has no holes", function() l[1] = nil end)
      fails("append: a list has no holes", l.append, l, nil)
      fails("a list has no holes", l.appendleft, l)
      fails("a list has no holes", l.insert, l, 1)
      fails("hole", list, { 1, nil, 3, 4 })
      fails("cannot send a FILE* (at value)", l.append, l, io.stdout)
      fails("cannot send a coroutine (at value[1])", l.append, l, { coroutine.create(print) })
      local cycle = {}
      cycle[1] = cycle
      fails("contains itself", l.append, l, cycle)
    end)

    it("arguments that are none", function()
      fails("mooncrew.list expected, got table", l.append, {}, 1)
      fails("table expected, got number", l.extend, l, 5)
      fails("sort: less: a function expected, got 5", l.sort, l, 5)
      fails("number expected, got string", l.incr, l, 1, "1")
      fails("value expected", l.remove, l)
      fails("plain table expected", list, 5)
      assert.same({ 1, 2 }, l:copy())
    end)
  end)
end)
