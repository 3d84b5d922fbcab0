-- The command when standard streams are closed, as some who start programs leave them.

local standalone = dofile "tests/spec/support/standalone.lua"

local SCRIPT = [[
local uv = require "luv"
local file = io.open(arg[1], "w")
print "printed"
io.stderr:write "told"
local listener = uv.new_tcp()
listener:bind("127.0.0.1", 0)
listener:listen(1, function() end)
listener:close()
uv.run()
io.write("x")
local _, reason = io.stdout:flush()
local closed = os.execute("readlink /proc/$$/fd/0 >/dev/null") and "open" or "closed"
file:write(reason or "flushed", " ", closed)
file:close()
]]

describe("with closed streams", function()
  teardown(standalone.remove_folder)

  local function run(closing)
    local script = standalone.path("script.lua")
    local file <close> = assert(io.open(script, "w"))
    file:write(SCRIPT)
    file:close()
    local quote = standalone.quote
    local command = string.format("exec 2>/dev/null; %s %s %s %s; echo $?",
      quote(standalone.binary), quote(script), quote(standalone.path("out")), closing)
    local pipe = assert(io.popen(command))
    local said = pipe:read("a")
    pipe:close()
    return said, standalone.read("out")
  end

  it("no file gets their numbers, and libuv closes its own", function()
    for closing, outcome in pairs{
      [""] = { "printed\nx0\n", "flushed open" },
      ["<&-"] = { "printed\nx0\n", "flushed closed" },
      [">&-"] = { "0\n", "Bad file descriptor open" },
      ["2>&-"] = { "printed\nx0\n", "flushed open" },
      ["<&- >&- 2>&-"] = { "0\n", "Bad file descriptor closed" },
    } do
      local said, written = run(closing)
      assert.equal(outcome[1], said, closing)
      assert.equal(outcome[2], written, closing)
    end
  end)
end)
