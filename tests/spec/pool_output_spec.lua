-- What workers write to the streams that all share: lines stay whole, and none comes late.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")

describe("Pool output", function()
  teardown(standalone.remove_folder)

  -- Lines of many lengths, from four workers at once, in pieces; each says how long it is.
  local code = [[
    local m = require "mooncrew"
    local pool <close> = m.Pool(4)
    pool:map(function(i)
      for k = 1, 40 do
        local n = (i * 7919 + k * 104729) % 4000
        if k % 2 == 0 then
          print(n, ("x"):rep(n) .. "$")
        else
          io.write(n)
          io.write("\t", ("x"):rep(n), "$")
          io.write("\n")
        end
        io.stderr:write(n, "\t", ("x"):rep(n % 3000), "$\n")
      end
    end, (function() local t = {} for i = 1, 30 do t[i] = i end return t end)(), 1)]]

  local function check(text, most)
    local n = 0
    for line in text:gmatch("([^\n]*)\n") do
      local length, body = line:match("^(%d+)\t(x*)%$$")
      assert.is_truthy(length, line:sub(1, 100))
      assert.equal(most and tonumber(length) % most or tonumber(length), #body)
      n = n + 1
    end
    assert.equal(1200, n)
  end

  it("keeps lines whole in a file", function()
    local outcome = standalone.run{ "-e", code }
    check(outcome.out)
    check(outcome.err, 3000)
  end)

  it("keeps lines whole in a pipe", function()
    local command = standalone.command(standalone.binary, { "-e", code })
    for _, stream in ipairs{ "2>/dev/null", "2>&1 >/dev/null" } do
      local pipe <close> = assert(io.popen(command .. " " .. stream .. " | cat"))
      check(pipe:read("a"), stream ~= "2>/dev/null" and 3000 or nil)
    end
  end)

  it("keeps lines whole in a terminal", function()
    local screen, status = standalone.type_into(standalone.binary, { "-e", code }, {})
    assert.equal(0, status)
    local n = 0
    for line in screen:gmatch("([^\n]*)\n") do
      local length, body = line:match("^(%d+)\t(x*)%$$")
      assert.is_truthy(length, line:sub(1, 100))
      assert.is_true(tonumber(length) == #body or tonumber(length) % 3000 == #body)
      n = n + 1
    end
    assert.equal(2400, n)
  end)

  it("is out when the task is done, whole line or not", function()
    local outcome = standalone.run{ "-e", [[
      local m = require "mooncrew"
      local pool <close> = m.Pool(1)
      pool:apply(function() io.write("from the worker, ") end)
      os.execute("printf 'from a program, '")
      io.write("from the main chunk\n")]] }
    assert.equal("from the worker, from a program, from the main chunk\n", outcome.out)
  end)
end)
