-- How a pool cuts lists into chunks, and that nobody notices.

local mooncrew = require "mooncrew"
local Pool = mooncrew.Pool

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

-- Chunks have grown to thousands of items when the slow one comes.
local MANY = 60000

describe("a map without a chunk size", function()
  it("gives each item its place", function()
    local pool <close> = Pool(2)
    local out = pool:map(function(x) return x * 2 end, numbers(MANY))
    assert.equal(MANY, #out)
    for i = 1, MANY do assert.equal(2 * i, out[i]) end
  end)

  it("does not let a slow item hold back what was packed with it", function()
    local pool <close> = Pool(2)
    local done = mooncrew.Value(0)
    local slow = 40000
    local out = pool:map(function(x)
      if x ~= slow then return done:incr() end
      -- It is done when all others are: those of its chunk among them.
      for _ = 1, 60000 do
        if done.value == MANY - 1 then return "last" end
        mooncrew.sleep(0.001)
      end
      return "the others never came"
    end, numbers(MANY))
    assert.equal("last", out[slow])
  end)

  it("survives several slow items at once", function()
    local pool <close> = Pool(3)
    local done = mooncrew.Value(0)
    local out = pool:map(function(x)
      if x % 30000 ~= 0 then return done:incr() and 0 end
      for _ = 1, 60000 do
        if done.value == MANY - 2 then return x end
        mooncrew.sleep(0.001)
      end
      return -1
    end, numbers(MANY))
    assert.equal(30000, out[30000])
    assert.equal(60000, out[60000])
  end)

  it("raises the first error by index, and runs all other items", function()
    local pool <close> = Pool(2)
    local done = mooncrew.Value(0)
    local ok, err = pcall(pool.map, pool, function(x)
      if x % 10000 == 0 then error("bad " .. x, 0) end
      done:incr()
    end, numbers(MANY))
    assert.is_false(ok)
    assert.equal("bad 10000", err.message)
    assert.equal(10000, err.index)
    assert.equal(MANY - MANY // 10000, done.value)
    local stats = pool:stats()
    assert.equal(MANY - MANY // 10000, stats.done)
    assert.equal(MANY // 10000, stats.failed)
  end)

  it("keeps items apart that share a table", function()
    local pool <close> = Pool(2)
    local shared = { 1 }
    local list = {}
    for i = 1, 5000 do list[i] = { shared = shared, i = i } end
    local out = pool:map(function(item) return { item.i, item.shared } end, list)
    for i = 1, 5000 do assert.same({ i, { 1 } }, out[i]) end
  end)

  it("takes nil for a result", function()
    local pool <close> = Pool(2)
    local out = pool:map(function(x) return x % 2 == 0 and x or nil end, numbers(5000))
    for i = 1, 5000 do assert.equal(i % 2 == 0 and i or nil, out[i]) end
  end)
end)

describe("a chunk", function()
  it("has an error for a result that can't be sent, and results for the others", function()
    local pool <close> = Pool(1)
    local next_result = pool:imap(function(x) return x == 2 and io.stdout or x end, numbers(4),
      { chunksize = 4 })
    assert.equal(1, next_result())
    local ok, err = pcall(next_result)
    assert.is_false(ok)
    assert.matches("cannot send a FILE%* %(at result%[2%]%)", err.message)
    assert.equal(3, next_result())
    assert.equal(4, next_result())
    assert.is_nil(next_result())
  end)

  it("has the text of an error value that can't be sent", function()
    local pool <close> = Pool(1)
    local ok, err = pcall(pool.map, pool, function(x)
      if x == 3 then error(io.stdout) end
      return x
    end, numbers(4), 4)
    assert.is_false(ok)
    assert.matches("file %(0x", err.message)
    assert.equal(3, err.index)
  end)

  it("of arguments says which item is none", function()
    local pool <close> = Pool(1)
    local ok, err = pcall(pool.starmap, pool, math.max, { { 1, 2 }, 3, { 4 } }, 3)
    assert.is_false(ok)
    assert.equal(2, err.index)
    assert.matches("table", err.message)
  end)

  it("whose item can't be sent raises where the map was called", function()
    local pool <close> = Pool(1)
    local ok, err = pcall(pool.map, pool, tostring, { 1, 2, io.stdout, 4 }, 2)
    assert.is_false(ok)
    assert.matches("cannot send a FILE%* %(at list%[3%]%)", tostring(err))
    assert.same({ "1" }, pool:map(tostring, { 1 }))
  end)
end)
