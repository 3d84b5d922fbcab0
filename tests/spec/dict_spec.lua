local mooncrew = require "mooncrew"

local dict, Process = mooncrew.dict, mooncrew.Process

local function in_child(fn, ...)
  return Process{ target = fn, args = table.pack(...) }:start()
end

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

-- What a script prints that has only so much shared memory.
local function run_with_memory(limit, script)
  local binary = os.getenv("MOONCREW") or require("luv").exepath()
  local pipe <close> = assert(io.popen(("MOONCREW_SHARED_MEMORY=%s '%s' -e '%s' 2>&1")
    :format(limit, binary, script)))
  return pipe:read("a")
end

-- Everything that nobody holds any more is gone.
local function collect()
  collectgarbage()
  collectgarbage()
end

describe("dict", function()
  it("is used as a table", function()
    local d = dict{ hits = 0, name = "x" }
    assert.equal(0, d.hits)
    d.hits = d.hits + 1
    d["any key"] = true
    assert.equal(1, d.hits)
    assert.is_true(d["any key"])
    d.name = nil
    assert.is_nil(d.name)
    assert.is_nil(d.nothing)
    assert.is_false(dict.has(d, "name"))
    assert.equal(2, dict.size(d))
    assert.matches("mooncrew.dict: 2 entries", tostring(d), 1, true)
    fails("length", function() return #d end)
  end)

  it("keeps kinds of keys apart, as Lua does", function()
    local d = dict()
    d[1], d["1"], d[true], d[false], d[1.5], d[""] = "int", "text", "yes", "no", "float", "none"
    assert.equal("int", d[1])
    assert.equal("int", d[1.0])
    d[2.0] = "two"
    assert.equal("two", d[2])
    assert.equal("text", d["1"])
    assert.equal("yes", d[true])
    assert.equal("no", d[false])
    assert.equal("float", d[1.5])
    assert.equal("none", d[""])
    d[math.huge], d["a\0b"], d[math.mininteger] = 1, 2, 3
    assert.equal(1, d[math.huge])
    assert.equal(2, d["a\0b"])
    assert.is_nil(d["a"])
    assert.equal(3, d[math.mininteger])
    local integers, floats = 0, 0
    for k in pairs(d) do
      if math.type(k) == "integer" then integers = integers + 1 end
      if math.type(k) == "float" then floats = floats + 1 end
    end
    assert.equal(3, integers)
    assert.equal(2, floats)
  end)

  it("carries every kind of value", function()
    local d = dict()
    local values = { true, false, 1, 1.5, -0.0, math.huge, "", "\0\255", ("x"):rep(1 << 20),
      math.mininteger, mooncrew.Timeout }
    for i, v in ipairs(values) do
      d[i] = v
      assert.equal(v, d[i])
      assert.equal(math.type(v), math.type(d[i]))
    end
    assert.equal(-math.huge, 1 / d[5])
    d.nan = 0 / 0
    assert.is_true(d.nan ~= d.nan)
    local up = 5
    d.fn = function(x) return x + up end
    assert.equal(7, d.fn(2))
    local q = mooncrew.Queue()
    d.q = q
    assert.equal(q, d.q)
    d.print = print
    assert.equal(print, d.print)
  end)

  it("copies a table with a metatable, as a queue does", function()
    local class = { __name = "spec.Point" }
    class.__index = class
    function class:sum() return self.x + self.y end
    mooncrew.register_class("spec.Point", class)
    local d = dict()
    d.p = setmetatable({ x = 1, y = 2 }, class)
    assert.equal(3, d.p:sum())
    d.p.x = 100 -- a copy's
    assert.equal(1, d.p.x)
  end)

  it("makes plain tables in it shared ones", function()
    local d = dict{ user = { name = "x", tags = { "a", "b" } } }
    d.user.name = "y"
    assert.equal("y", d.user.name)
    assert.equal(2, #d.user.tags)
    d.user.tags:append("c")
    assert.equal("c", d.user.tags[3])
    d.empty, d.holes = {}, { 1, nil, 3 }
    d.empty.x = 1
    assert.equal(1, d.empty.x)
    assert.equal(3, d.holes[3])
    assert.same({ user = { name = "y", tags = { "a", "b", "c" } }, empty = { x = 1 },
      holes = { 1, [3] = 3 } }, dict.copy(d))
  end)

  it("makes one shared table of one that is there twice", function()
    local inner = { n = 1 }
    local d = dict{ a = inner, b = { c = inner } }
    assert.equal(d.a, d.b.c)
    d.a.n = 2
    assert.equal(2, d.b.c.n)
    local copy = dict.copy(d)
    assert.equal(copy.a, copy.b.c)
    assert.equal(1, inner.n)
  end)

  it("pops, sets defaults and gets them", function()
    local d = dict{ a = 1 }
    assert.equal(1, dict.get(d, "a"))
    assert.is_nil(dict.get(d, "b"))
    assert.equal("default", dict.get(d, "b", "default"))
    assert.equal(1, dict.setdefault(d, "a", 5))
    assert.equal(5, dict.setdefault(d, "b", 5))
    assert.equal(5, d.b)
    dict.setdefault(d, "l", { 1 }):append(2)
    dict.setdefault(d, "l", { 1 }):append(3)
    assert.same({ 1, 2, 3 }, d.l:copy())
    assert.equal(5, dict.pop(d, "b"))
    assert.is_nil(dict.pop(d, "b"))
    assert.equal("none", dict.pop(d, "b", "none"))
    dict.set(d, "c", false)
    assert.is_false(dict.get(d, "c", true))
    dict.set(d, "c", nil)
    assert.is_false(dict.has(d, "c"))
  end)

  it("counts up", function()
    local d = dict()
    assert.equal(1, dict.incr(d, "n"))
    assert.equal(4, dict.incr(d, "n", 3))
    assert.equal(99, dict.incr(d, "m", -1, 100))
    assert.equal("integer", math.type(dict.incr(d, "n")))
    assert.equal(5.5, dict.incr(d, "n", 0.5))
    d.text = "5"
    assert.equal("NotNumber", fails("not a number", dict.incr, d, "text").kind)
    assert.equal("5", d.text)
  end)

  it("compares and sets", function()
    local d = dict{ n = 1 }
    assert.is_false(dict.cas(d, "n", 2, 3))
    assert.is_true(dict.cas(d, "n", 1.0, "text"))
    assert.is_true(dict.cas(d, "n", "text", nil))
    assert.is_false(dict.has(d, "n"))
    assert.is_true(dict.cas(d, "n", nil, { 1 }))
    assert.is_false(dict.cas(d, "n", nil, 2))
    assert.is_false(dict.cas(d, "n", { 1 }, 2))
    assert.is_true(dict.cas(d, "n", d.n, true))
    assert.is_true(dict.cas(d, "n", true, false))
    assert.is_true(dict.cas(d, "n", false, print))
    assert.is_true(dict.cas(d, "n", print, pairs))
    assert.equal(pairs, d.n)
  end)

  it("modifies", function()
    local d = dict{ n = 1, t = { 1 } }
    assert.equal(11, dict.modify(d, "n", function(x) return x + 10 end))
    assert.equal("new", dict.modify(d, "x", function(x) return x or "new" end))
    dict.modify(d, "x", function() return nil end)
    assert.is_nil(d.x)
    fails("on purpose", dict.modify, d, "n", function() error("on purpose") end)
    assert.equal(11, d.n)
    -- Written meanwhile: called again with what is there then.
    local calls = 0
    dict.modify(d, "n", function(x)
      calls = calls + 1
      if calls < 6 then d.n = x + 1 end
      return x * 2
    end)
    assert.equal(6, calls)
    assert.equal((11 + 5) * 2, d.n)
    -- One inside another.
    dict.modify(d, "n", function(x)
      dict.modify(d, "m", function() return "inner" end)
      return x + 1
    end)
    assert.equal("inner", d.m)
    assert.equal(33, d.n)
  end)

  it("updates as a whole", function()
    local d = dict{ a = 1, b = 2 }
    dict.update(d, { b = 3, c = { 1, 2 }, [4] = "four" })
    assert.same({ a = 1, b = 3, c = { 1, 2 }, [4] = "four" }, dict.copy(d))
    dict.update(d, {})
    local other = dict{ a = "other", d = { x = 1 } }
    dict.update(d, other)
    assert.equal("other", d.a)
    assert.equal(other.d, d.d)
    fails("cannot send a FILE* (at value.z[1])", dict.update, d, { a = 5, z = { io.stdout } })
    assert.equal("other", d.a)
  end)

  it("gives keys, values and items", function()
    local d = dict{ a = 1, b = "two", c = { 3 } }
    local keys = dict.keys(d)
    table.sort(keys)
    assert.same({ "a", "b", "c" }, keys)
    assert.equal(3, #dict.values(d))
    local seen = {}
    for k, v in dict.items(d) do seen[k] = v end
    assert.equal(1, seen.a)
    assert.equal("two", seen.b)
    assert.equal(d.c, seen.c)
    dict.clear(d)
    assert.same({}, dict.keys(d))
    assert.is_nil(next(dict.copy(d)))
    for _ in pairs(d) do error("nothing is there") end
  end)

  it("iterates over what stays exactly once, whatever is written meanwhile", function()
    local d = dict()
    for i = 1, 2000 do d[i] = i % 3 == 0 and ("x"):rep(500) or { i } end
    local seen, n = {}, 0
    for k, v in pairs(d) do
      assert.is_not_nil(v)
      if type(k) == "number" then
        assert.is_nil(seen[k])
        seen[k] = true
        n = n + 1
        d["new" .. k] = k
        d["old" .. k] = nil
      end
    end
    assert.equal(2000, n)
    for k in pairs(d) do d[k] = nil end
    assert.equal(0, dict.size(d))
  end)

  it("is large", function()
    local d = dict()
    for i = 1, 200000 do d[i] = i end
    assert.equal(200000, dict.size(d))
    local sum = 0
    for k, v in pairs(d) do sum = sum + k + v end
    assert.equal(200000 * 200001, sum)
    for i = 1, 200000 do d[i] = nil end
    assert.equal(0, dict.size(d))
  end)

  it("is shared by processes, also by those that were started before it was made", function()
    local q = mooncrew.Queue()
    local child = in_child(function()
      local d = q:get()
      d.user.name = "child"
      d.list = { 1, 2 }
      for _ = 1, 10000 do dict.incr(d, "n") end
      for _ = 1, 300 do dict.modify(d, "m", function(m) return (m or 0) + 1 end) end
    end)
    local d = dict{ user = { name = "parent" } }
    q:put(d)
    for _ = 1, 10000 do dict.incr(d, "n") end
    for _ = 1, 300 do dict.modify(d, "m", function(m) return (m or 0) + 1 end) end
    child:get()
    assert.equal("child", d.user.name)
    assert.equal(20000, d.n)
    assert.equal(600, d.m)
    assert.equal(2, d.list[2])
  end)

  it("lets modifiers through beside many writers", function()
    local d = dict{ n = 0 }
    local stop = mooncrew.Value(false)
    local writer = in_child(function()
      local n = 0
      while not stop.value do
        dict.incr(d, "n")
        n = n + 1
      end
      return n
    end)
    local children = {}
    for i = 1, 3 do
      children[i] = in_child(function()
        for _ = 1, 30 do
          dict.modify(d, "n", function(x)
            for _ = 1, 5000 do x = x + 0 end
            return x + 1
          end)
        end
      end)
    end
    for _, child in ipairs(children) do child:get() end
    stop.value = true
    assert.equal(90 + writer:get(), d.n)
  end)

  it("survives writers that are killed", function()
    local d = dict()
    for round = 1, 8 do
      local go = mooncrew.Queue()
      local child = in_child(function()
        local n = 0
        while true do
          n = n + 1
          local all = {}
          for i = 1, 50 do all[i] = { n, tostring(n) } end
          dict.update(d, all)
          d["x" .. n % 100] = { n }
          if n == 2 then go:put(true) end
        end
      end)
      go:get()
      for _ = 1, round * 300 do dict.incr(d, "mine") end
      child:kill()
      child:join()
      local first = d[1][1]
      for i = 1, 50 do
        assert.equal(first, d[i][1])
        assert.equal(tostring(first), d[i][2])
      end
    end
    assert.equal(300 * 8 * 9 // 2, d.mine)
  end)

  it("may hold itself, until that is undone", function()
    local d = dict()
    d.self = d
    assert.equal(d, d.self.self.self)
    local copy = dict.copy(d)
    assert.equal(copy, copy.self)
    d.self = nil
    local a, b = dict(), dict()
    a.b, b.a = b, a
    assert.equal(a, a.b.a)
    a.b = nil
  end)

  it("gives its memory back", function()
    collect()
    local before = mooncrew.shared_memory()
    for i = 1, 50 do
      local d = dict{ a = { b = { c = { i } } } }
      for k = 1, 300 do d[k] = { tostring(k) } end
      dict.update(d, { x = { y = {} } })
      dict.clear(d)
      d.q = mooncrew.Queue()
    end
    local child = in_child(function()
      local d = dict{ a = { 1 } }
      os.exit(d.a[1] + 2)
    end)
    child:join()
    child:close()
    child = nil -- luacheck: ignore
    collect()
    local after = mooncrew.shared_memory()
    -- Less is fine: a child of an earlier test may have been about to let go of something.
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.in_use <= before.in_use)
  end)

  describe("refuses", function()
    local d = dict{ n = 1 }

    it("keys that are none", function()
      fails("a string, a number or a boolean expected as the key, got nil",
        function() d[nil] = 1 end)
      fails("got NaN", function() d[0 / 0] = 1 end)
      fails("got table", function() d[{}] = 1 end)
      fails("got function", function() d[print] = 1 end)
      fails("got userdata", function() d[d] = 1 end)
      fails("got nil", function() return d[nil] end)
      fails("got table", dict.get, d, {})
      fails("get: ", dict.get, d)
      fails("incr: ", dict.incr, d, {})
      fails("update: ", dict.update, d, { [print] = 1 })
      fails("got table", dict, { [{}] = 1 })
      assert.equal(1, dict.size(d))
    end)

    it("values that can't be shared, and says where they sit", function()
      fails("cannot send a FILE* (at value.log[2])",
        function() d.x = { log = { 1, io.stdout } } end)
      fails("cannot send a coroutine (at value)", dict.set, d, "x", coroutine.create(print))
      local cycle = { a = {} }
      cycle.a.b = cycle
      fails("contains itself", function() d.x = cycle end)
      local deep = {}
      for _ = 1, 1000 do deep = { deep } end
      fails("nested too deeply", dict, { deep = deep })
      assert.equal(1, dict.size(d))
    end)

    it("arguments that are none", function()
      fails("mooncrew.dict expected, got table", dict.get, {}, "x")
      fails("mooncrew.dict expected, got no value", dict.size)
      fails("table expected, got number", dict.update, d, 5)
      fails("number expected, got string", dict.incr, d, "n", "5")
      fails("number expected, got table", dict.incr, d, "new", 1, {})
      fails("function expected, got nil", dict.modify, d, "n")
      fails("value expected", dict.set, d, "n")
      fails("value expected", dict.cas, d, "n", 1)
      fails("plain table expected", dict, 5)
      fails("plain table expected", dict, d)
      assert.equal(1, d.n)
    end)
  end)

  it("updates all or nothing when the memory is full", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local d, filler = mooncrew.dict{ a = 1 }, mooncrew.dict()
      local n = 0
      while pcall(function() filler[n] = ("x"):rep(2000) end) do n = n + 1 end
      local all = {}
      for i = 1, 5000 do all["k" .. i] = "a text that takes some room " .. i end
      all.a = 2
      local ok, err = pcall(mooncrew.dict.update, d, all)
      assert(not ok and err.kind == "NoMemory", tostring(err))
      assert(mooncrew.dict.size(d) == 1 and d.a == 1)
      local set, why = pcall(function() d.big = ("x"):rep(1 << 16) end)
      assert(not set and why.kind == "NoMemory")
      mooncrew.dict.clear(filler)
      mooncrew.dict.update(d, all)
      assert(mooncrew.dict.size(d) == 5001 and d.a == 2)
      print("fine")
    ]]
    assert.equal("fine\n", run_with_memory("8M", script))
  end)
end)
