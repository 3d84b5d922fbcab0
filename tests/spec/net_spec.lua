--- What a start maps, and the shared object of mooncrew.http and mooncrew.html.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")
local path, quote = standalone.path, standalone.quote

local BUILD = standalone.binary:match("^(.*)/")
local BUILT = BUILD .. "/lib/lua/5.4/"

-- Prints which of the dear libraries are mapped.
local MAPPED = [[
  local seen = {}
  for line in io.lines("/proc/self/maps") do
    for _, name in ipairs{ "libcurl", "libxml2", "libreadline", "liblua5.4" } do
      if line:find("/" .. name, 1, true) then seen[name] = true end
    end
  end
  local names = {}
  for name in pairs(seen) do names[#names + 1] = name end
  table.sort(names)
  print(table.concat(names, " "))
]]

-- Uses both modules for real: a refused connection is an outcome of libcurl's.
local USE = [[
  local mooncrew = require "mooncrew"
  local answer, err = mooncrew.http.get("http://127.0.0.1:1/", { proxy = "" })
  local doc = mooncrew.html.parse("<p>a<b>b</b>")
  print(answer, err.kind, err.code, doc:xpath("//b")[1]:text())
]]
local USED = "nil\tHttp\tCONNECT\tb\n"

local function shell(...)
  assert(os.execute((...):format(table.unpack({ ... }, 2))))
end

--- The binary alone in a folder of its own, and where its net.so would be.
---@return string binary, string object
local function lonely()
  local folder = path("lonely")
  shell("rm -rf %s && mkdir -p %s/bin %s/lib/lua/5.4/mooncrew && cp %s %s/bin", quote(folder),
    quote(folder), quote(folder), quote(standalone.binary), quote(folder))
  return folder .. "/bin/mooncrew", folder .. "/lib/lua/5.4/mooncrew/net.so"
end

---@param binary string
---@param code string
---@param env? table<string, string>
local function evaluate(binary, code, env)
  return standalone.run_binary(binary, { "-e", code }, { env = env })
end

--- The message of the error that the use of a module raises.
local function failure(binary, module, env)
  local outcome = evaluate(binary,
    ("print(select(2, pcall(function() return require'mooncrew'.%s end)))"):format(module), env)
  assert.equal("", outcome.err)
  assert.equal(0, outcome.status)
  return outcome.out
end

teardown(standalone.remove_folder)

describe("a start", function()
  it("maps no library that it does not need", function()
    assert.equal("\n", evaluate(standalone.binary, MAPPED).out)
    local used = [[local mooncrew = require "mooncrew"
      assert(mooncrew.fs.stat(".") and mooncrew.Pool(1):apply(function() return 1 end))]]
    assert.equal("\n", evaluate(standalone.binary, used .. MAPPED).out)
  end)

  it("maps them for the modules that do", function()
    local function with(module) return evaluate(standalone.binary, module .. MAPPED).out end
    assert.matches("libcurl", with'require "mooncrew.http"')
    assert.matches("libxml2", with'require "mooncrew".html.parse("")')
    assert.equal("liblua5.4\n", with'require "luv"')
  end)
end)

describe("http and html", function()
  it("work from an installed prefix", function()
    local prefix = path("a prefix")
    shell("cmake --install %s --component command --prefix %s >%s", quote(BUILD), quote(prefix),
      quote(path("install.log")))
    local outcome = evaluate(prefix .. "/bin/mooncrew", USE)
    assert.equal("", outcome.err)
    assert.equal(USED, outcome.out)
    outcome = evaluate(standalone.lua, USE, standalone.stock(prefix .. "/lib/lua/5.4/?.so"))
    assert.equal("", outcome.err)
    assert.equal(USED, outcome.out)
  end)

  it("wait in a task of a stock lua5.4", function()
    local outcome = evaluate(standalone.lua, [[
      local mooncrew = require "mooncrew"
      local order = {}
      local slow = mooncrew.spawn(function()
        local _, err = mooncrew.http.get("http://127.0.0.1:1/", { proxy = "", retries = 1,
          backoff = 0.05 })
        order[#order + 1] = err.code
      end)
      mooncrew.spawn(function() order[#order + 1] = "fast" end):join()
      slow:join()
      print(table.concat(order, " "))
      print(mooncrew.Process{ target = function()
        return select(2, mooncrew.http.get("http://127.0.0.1:1/", { proxy = "" })).code
      end }:start():get())
    ]], standalone.stock(BUILT .. "?.so"))
    assert.equal("", outcome.err)
    assert.equal("fast CONNECT\nCONNECT\n", outcome.out)
  end)

  it("are found through package.cpath when they are not beside the binary", function()
    local binary = lonely()
    local outcome = evaluate(binary, USE, { LUA_CPATH = BUILT .. "?.so" })
    assert.equal("", outcome.err)
    assert.equal(USED, outcome.out)
  end)

  it("say where they were looked for, and leave the rest of the module alone", function()
    local binary, object = lonely()
    local env = { LUA_CPATH = "/nowhere/?.so" }
    for _, module in ipairs{ "http", "html" } do
      local message = failure(binary, module, env)
      assert.matches(("^mooncrew.%s: its part mooncrew/net.so is not there:\n"):format(module),
        message)
      assert.matches("bin/../lib/lua/5.4/mooncrew/net.so'", message, 1, true)
      assert.matches("no file '/nowhere/mooncrew/net.so'", message, 1, true)
    end
    assert.equal("b\n", evaluate(binary, "print(require'mooncrew'.fs.basename('a/b'))").out)
    assert.is_nil(io.open(object))
  end)

  it("say what is wrong with a broken part", function()
    local binary, object = lonely()
    standalone.write(object:sub(#standalone.folder + 2), "this is no shared object")
    assert.matches("^mooncrew.http: cannot load its part: .*net.so", failure(binary, "http"))
    shell("cp %s %s", quote(BUILT .. "mooncrew.so"), quote(object))
    assert.matches("^mooncrew.html: cannot use its part .*net.so: expected mooncrew %d",
      failure(binary, "html"))
  end)

  it("refuse a part of another version", function()
    local binary, object = lonely()
    local file <close> = assert(io.open(BUILT .. "mooncrew/net.so", "rb"))
    local version = require("mooncrew")._VERSION:match("%S+$")
    local other = file:read("a"):gsub(version:gsub("%p", "%%%0") .. "\0",
      ("9"):rep(#version) .. "\0")
    standalone.write(object:sub(#standalone.folder + 2), other)
    assert.matches("expected mooncrew %d+%.%d+%.%d+, got 99999", failure(binary, "http"))
  end)

  it("work once the part is there", function()
    local binary, object = lonely()
    local outcome = evaluate(binary, ([[
      local mooncrew = require "mooncrew"
      print(pcall(require, "mooncrew.http") or pcall(function() return mooncrew.http end))
      assert(os.execute("cp '%s' '%s'"))
      %s]]):format(BUILT .. "mooncrew/net.so", object, USE), { LUA_CPATH = "/nowhere/?.so" })
    assert.equal("", outcome.err)
    assert.equal("false", outcome.out:match("^%a+"))
    assert.equal(USED, outcome.out:match("[^\n]*\n$"))
  end)
end)
