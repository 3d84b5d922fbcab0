--- Ctrl-C: SIGINT raises `interrupted!` in the main chunk, and ends an unwilling command.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local background = dofile(here .. "support/background.lua")
local standalone = background.standalone
local quote = standalone.quote
local start, interrupt = background.start, background.signal
local processor_time, status_of = background.processor_time, background.status_of

describe("interrupt", function()
  teardown(standalone.remove_folder)

  local waits = {
    ["of a busy loop"] = "while true do end",
    ["of a busy function"] = "local function f() while true do end end f()",
    ["of a busy loop of calls"] = "while true do string.rep('a', 10) end",
  }
  for what, code in pairs(waits) do
    it(what .. " ends the command with 130 and one line", function()
      local pipe, pid = start{ "-e", "print'ready' io.stdout:flush() " .. code }
      assert.equal("ready", pipe:read("l"))
      assert.is_true(interrupt(pid))
      assert.equal(130, (status_of(pipe)))
      assert.equal("lua: interrupted!\n", standalone.read("stderr"))
    end)
  end

  it("of a sleeping system call ends the command too", function()
    assert(os.execute("mkfifo " .. quote(standalone.path("fifo"))))
    local pipe, pid = start{ "-e", [[
      local fifo = io.open('fifo', 'r+')
      print'ready' io.stdout:flush()
      fifo:read()]] }
    assert.equal("ready", pipe:read("l"))
    background.await_sleep(pid)
    interrupt(pid)
    assert.equal(130, (status_of(pipe)))
    assert.equal("lua: interrupted!\n", standalone.read("stderr"))
  end)

  it("works in LUA_INIT, in modules and in scripts", function()
    local code = "print'ready' io.stdout:flush() while true do end"
    standalone.write("endless.lua", code)
    local ways = {
      { {}, { env = { LUA_INIT = code } } }, { { "-l", "endless" } }, { { "endless.lua" } },
    }
    for _, way in ipairs(ways) do
      local pipe, pid = start(way[1], way[2])
      assert.equal("ready", pipe:read("l"))
      interrupt(pid)
      assert.equal(130, (status_of(pipe)))
      assert.equal("lua: interrupted!\n", standalone.read("stderr"))
    end
  end)

  it("can be caught, each time anew", function()
    local pipe, pid = start{ "-e", [[
      for i = 1, 3 do
        print(pcall(function() print(i) io.stdout:flush() while true do end end))
        io.stdout:flush()
      end]] }
    for i = 1, 3 do
      assert.equal(tostring(i), pipe:read("l"))
      interrupt(pid)
      assert.matches("^false\t.*interrupted!$", pipe:read("l"))
    end
    assert.equal(0, (status_of(pipe)))
  end)

  it("runs to-be-closed values and finalizers on its way", function()
    local pipe, pid = start{ "-e", [[
      local a <close> = setmetatable({}, { __close = function() print'closed' end })
      b = setmetatable({}, { __gc = function() print'collected' end })
      print'ready' io.stdout:flush()
      while true do end]] }
    assert.equal("ready", pipe:read("l"))
    interrupt(pid)
    assert.equal("closed", pipe:read("l"))
    assert.equal("collected", pipe:read("l"))
    assert.equal(130, (status_of(pipe)))
  end)

  it("that was caught and became another error is that error", function()
    local pipe, pid = start{ "-e", [[
      pcall(function() print'ready' io.stdout:flush() while true do end end)
      error("gave up", 0)]] }
    assert.equal("ready", pipe:read("l"))
    interrupt(pid)
    assert.equal(1, (status_of(pipe)))
    assert.matches("^lua: gave up\nstack traceback:\n", standalone.read("stderr"))
  end)

  it("needs a signal: the words alone are an error like any other", function()
    local outcome = standalone.same{ "-e", "error('interrupted!', 0)" }
    assert.equal(1, outcome.status)
    assert.matches("stack traceback", outcome.err)
  end)

  it("twice ends a command that is deaf", function()
    local pipe, pid = start{ "-e", [[
      local text = string.rep('a', 400000)
      print'ready' io.stdout:flush()
      string.find(text, '.*b')]] }
    assert.equal("ready", pipe:read("l"))
    local begun = processor_time(pid)
    repeat until processor_time(pid) > begun + 3 -- so it is inside string.find
    local kills = 0
    -- two signals may become one while the first is on its way, so until it is gone
    while interrupt(pid) do
      kills = kills + 1
    end
    assert.equal(130, (status_of(pipe))) -- 128 + SIGINT
    assert.is_true(kills >= 2)
    assert.equal("", standalone.read("stderr")) -- by the signal, not by an error
  end)

  it("is not left to children as ignored", function()
    local outcome = standalone.same{ "-e", "print(os.execute('kill -s INT $$'))" }
    assert.equal("nil\tsignal\t2\n", outcome.out)
  end)

  describe("by SIGTERM", function()
    it("ends the command with 143 and one line, in order", function()
      for what, code in pairs(waits) do
        local pipe, pid = start{ "-e", [[
          local a <close> = setmetatable({}, { __close = function() print'closed' end })
          print'ready' io.stdout:flush() ]] .. code }
        assert.equal("ready", pipe:read("l"))
        assert.is_true(interrupt(pid, "TERM"))
        assert.same({ 143, "closed\n" }, { status_of(pipe) }, what)
        assert.equal("lua: terminated!\n", standalone.read("stderr"))
      end
    end)

    it("that was caught comes through at the second one, at once", function()
      local pipe, pid = start{ "-e", [[
        print(pcall(function() print'ready' io.stdout:flush() while true do end end))
        io.stdout:flush()
        while true do end]] }
      assert.equal("ready", pipe:read("l"))
      interrupt(pid, "TERM")
      assert.matches("^false\t.*terminated!$", pipe:read("l"))
      interrupt(pid, "TERM")
      assert.equal(143, (status_of(pipe)))
      assert.equal("", standalone.read("stderr")) -- by the signal, not by an error
    end)

    it("stays ignored where it was", function()
      local sent = standalone.path("sent")
      local pipe, pid = start({ "-e", ([[
        print'ready' io.stdout:flush()
        while not io.open(%q) do require'mooncrew'.sleep(0.001) end
        print'done']]):format(sent) }, { limit = "trap '' TERM" })
      assert.equal("ready", pipe:read("l"))
      interrupt(pid, "TERM")
      io.open(sent, "w"):close()
      assert.same({ 0, "done\n" }, { status_of(pipe) })
    end)

    it("ends its processes", function()
      local pool = "m.Pool(1):map(m.sleep, { 1000 })"
      for _, code in ipairs{ "", "p:join()", pool, "while true do end" } do
        local pipe, pid = start{ "-e", [[
          local m = require "mooncrew"
          local p = m.Process{ target = function()
            print(m.getpid()) io.stdout:flush()
            m.sleep(1000)
          end }
          p:start() ]] .. code }
        local child = math.tointeger(pipe:read("n", "l"))
        interrupt(pid, "TERM")
        assert.equal(143, (status_of(pipe)))
        assert.equal("lua: terminated!\n", standalone.read("stderr"))
        assert.is_false(interrupt(child))
      end
    end)
  end)

  describe("with processes", function()
    local ends = {
      ["at the end of the main chunk"] = "",
      ["in a join"] = "p:join()",
      ["in a sleep"] = "m.sleep(1000)",
      ["in a get"] = "m.Queue():get()",
      ["in a busy loop"] = "while true do end",
      ["in a pool"] = "m.Pool(1):map(m.sleep, { 1000 })",
      ["in a task"] = "m.spawn(m.sleep, 1000)",
    }
    for what, code in pairs(ends) do
      it(what .. " ends them all, quietly", function()
        local pipe, pid = start{ "-e", [[
          local m = require "mooncrew"
          local p = m.Process{ target = function()
            print(m.getpid()) io.stdout:flush()
            m.sleep(1000)
          end }
          p:start() ]] .. code }
        local child = math.tointeger(pipe:read("n", "l"))
        interrupt(pid)
        assert.equal(130, (status_of(pipe)))
        assert.equal("lua: interrupted!\n", standalone.read("stderr"))
        assert.is_false(interrupt(child))
      end)
    end

    it("goes to all of them in a terminal, with one line to be seen", function()
      local screen, status = standalone.type_into(standalone.binary, { "-e", [[
        local m = require "mooncrew"
        for i = 1, 3 do
          m.Process{ target = function() print'ready' io.stdout:flush() m.sleep(1000) end }:start()
        end]] }, { "ready", "", "ready", "", "ready", "\\x03" })
      assert.equal("ready\nready\nready\n^Clua: interrupted!\n", screen)
      assert.equal(130, status)
    end)

    it("an error of the main chunk waits for them", function()
      local outcome = standalone.run{ "-e", ([[
        local m = require "mooncrew"
        local last = m.Event()
        m.Process{ target = function()
          last:wait()
          %s(m.getppid())
          print'done'
        end }:start()
        last:set()
        error("bad", 0)]]):format(standalone.await_sleep) }
      assert.equal("done\n", outcome.out)
      assert.matches("^lua: bad\n", outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("an error of a task that nobody looks at is the command's", function()
      local outcome = standalone.run{ "-e", [[
        require"mooncrew".spawn(function() error("lost", 0) end) print'main']] }
      assert.equal("main\n", outcome.out)
      assert.matches("lost", outcome.err)
      assert.equal(1, outcome.status)
    end)
  end)

  describe("in the prompt", function()
    it("comes back to the prompt", function()
      for _, binary in ipairs{ standalone.lua, standalone.binary } do
        local screen, status = standalone.type_into(binary, {}, {
          "> ", "print'ready' while true do end\\r", "ready\\r\\n", "\\x03",
          "interrupted!", "", "> ", "6 * 7\\r", "\\n42\\r\\n> ", "\\x04",
        })
        assert.matches("interrupted!\nstack traceback:\n", screen, 1, true)
        assert.equal(0, status)
      end
    end)

    it("comes back time and again", function()
      local steps = { "> ", "" }
      for _ = 1, 3 do
        for _, step in ipairs{ "", "print'ready' while true do end\\r", "ready\\r\\n", "\\x03",
                               "interrupted!", "", "> ", "" } do
          table.insert(steps, step)
        end
      end
      table.insert(steps, "")
      table.insert(steps, "\\x04")
      local _, status = standalone.type_into(standalone.binary, {}, steps)
      assert.equal(0, status)
    end)

    it("ends the command while a line is being typed, as lua does", function()
      for _, binary in ipairs{ standalone.lua, standalone.binary } do
        local _, status = standalone.type_into(binary, {}, { "> ", "abc", "abc", "\\x03" })
        assert.equal(130, status)
      end
    end)
  end)
end)
