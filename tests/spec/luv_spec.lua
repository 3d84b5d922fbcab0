-- luv's callbacks run on the loop of whoever waits; their errors and a Ctrl-C in them are raised
-- there.

local command = dofile "tests/spec/support/command.lua"

-- Runs a script of this text; `ready` is called once it has printed its first line.
local function run(text, ready)
  local path = command.folder() .. "/script.lua"
  command.write_file(path, text)
  local child = command.start(path)
  if ready then
    assert.equal("ready", child:line())
    ready(child)
  end
  return child:finish()
end

local HEAD = [[
  io.stdout:setvbuf "line"
  local mooncrew, uv = require "mooncrew", require "luv"
  local timer = uv.new_timer()
]]

local waits = {
  ["a wait"] = "mooncrew.sleep(1000)",
  ["a wait in a task"] = "mooncrew.spawn(mooncrew.sleep, 1000):join()",
  ["uv.run"] = "uv.run()",
}

describe("luv", function()
  after_each(command.clean_up)

  for name, wait in pairs(waits) do
    it("has Ctrl-C in a callback raised from " .. name, function()
      local outcome = run(HEAD .. [[
        timer:start(0, 0, function()
          print "ready"
          while true do end
        end)
        local _ <close> = setmetatable({}, { __close = function() print "closed" end })
      ]] .. wait, function(child) child:signal("sigint") end)
      assert.equal(130, outcome.status)
      assert.equal("closed\n", outcome.out)
      assert.equal(1, #command.lines(outcome.err), outcome.err)
    end)

    it("has an error in a callback raised from " .. name, function()
      local outcome = run(HEAD .. [[
        timer:start(0, 0, function() error("in a callback") end)
        local function wait()
      ]] .. wait .. [[ end
        local ok, err = pcall(wait)
        print(ok, err:match("^[^\n]*:%d+: (in a callback)\nstack traceback:"))
        timer:start(0, 0, function() error({ code = 5 }) end)
        ok, err = pcall(wait)
        print(ok, err.code)
        timer:start(0, 0, function()
          print "goes on"
          os.exit(3)
        end)
        wait()
      ]])
      assert.equal("", outcome.err)
      assert.equal("false\tin a callback\nfalse\t5\ngoes on\n", outcome.out)
      assert.equal(3, outcome.status)
    end)
  end

  it("ends the script like any other error when nobody catches it", function()
    local outcome = run(HEAD .. [[
      timer:start(0, 0, function() error("in a callback") end)
      mooncrew.sleep(1000)
    ]])
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("in a callback", 1, true))
    assert.falsy(outcome.err:find("Uncaught", 1, true))
  end)
end)
