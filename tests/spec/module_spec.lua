local mooncrew = require "mooncrew"
local standalone = dofile "tests/spec/support/standalone.lua"

-- mooncrew.so of the build whose binary is under test
local folder = standalone.binary:match("^(.*)/") .. "/lib/lua/5.4"

local function stock(script)
  local outcome = standalone.run_binary(standalone.lua, { standalone.write("stock.lua", script) },
    { env = standalone.stock(folder .. "/?.so;;") })
  return outcome.out .. outcome.err, outcome.status
end

describe("the module", function()
  teardown(standalone.remove_folder)

  it("loads in a stock lua5.4", function()
    local out, status = stock[[
      local mooncrew = require "mooncrew"
      local p = mooncrew.Process{ target = function(x) return x + 1 end, args = { 1 } }:start()
      print(p:get(), p:join())
      local pool <close> = mooncrew.Pool(2)
      print(table.concat(pool:map(function(x) return x * 2 end, { 1, 2, 3 }), " "))
      print(mooncrew.spawn(function()
        mooncrew.sleep(0.001)
        return require("mooncrew.fs").basename("a/b")
      end):get())
    ]]
    assert.equal("2\ttrue\n2 4 6\nb\n", out)
    assert.equal(0, status)
  end)

  it("is one table, with modules that load when they are first used", function()
    assert.equal(mooncrew, package.loaded.mooncrew)
    assert.matches("^mooncrew %d", mooncrew._VERSION)
    for _, name in ipairs{ "http", "html", "fs", "log", "progress" } do
      assert.equal(require("mooncrew." .. name), mooncrew[name])
    end
    assert.is_nil(mooncrew.no_such_thing)
  end)

  it("has constants that are equal only to themselves, in every process", function()
    for _, name in ipairs{ "Empty", "Full", "Closed", "Timeout", "Cancelled" } do
      local constant = mooncrew[name]
      assert.equal(name, constant.kind)
      assert.equal(constant.message, tostring(constant))
      local p = mooncrew.Process{ target = function(c)
        return c, c == mooncrew[name]
      end, args = { constant } }:start()
      local back, same = p:get()
      assert.equal(constant, back)
      assert.is_true(same)
      p:join()
      assert.equal(constant, select(2, pcall(_G.assert, nil, constant)))
    end
  end)

  it("lets own classes cross by name", function()
    local Point = { __name = "Point" }
    Point.__index = Point
    function Point:sum() return self.x + self.y end
    mooncrew.register_class("Point", Point)
    local q = mooncrew.Queue()
    q:put(setmetatable({ x = 1, y = 2 }, Point))
    local got = q:get()
    assert.equal(Point, getmetatable(got))
    assert.equal(3, got:sum())
    assert.has_error(function() mooncrew.register_class("Point", 5) end)
    assert.has_error(function() mooncrew.register_class(nil, {}) end)
  end)

  it("tells how much shared memory there is, and refuses a size that is none", function()
    local stats = mooncrew.shared_memory()
    assert.is_true(stats.in_use <= stats.carved and stats.carved <= stats.limit)
    local outcome = standalone.run({ "-e", "print(require('mooncrew').shared_memory().limit)" },
      { env = { MOONCREW_SHARED_MEMORY = "64M" } })
    assert.equal("67108864\n", outcome.out)
    outcome = standalone.run({ "-e", "require 'mooncrew'" },
      { env = { MOONCREW_SHARED_MEMORY = "plenty" } })
    assert.equal(1, outcome.status)
    assert.matches("MOONCREW_SHARED_MEMORY", outcome.err, 1, true)
  end)
end)
