-- Bars on a terminal: tests/spec/support/screen.py says what is left on it.

local command = dofile "tests/spec/support/command.lua"

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs Lua code in a terminal. Rows, the exit status, and what screen.py says of the way there.
local function run(widths, code, environment)
  local folder = command.folder()
  command.write_file(folder .. "/script.lua",
    "local mooncrew = require 'mooncrew'\nlocal progress = mooncrew.progress\n" .. code)
  local words = {
    "env -u NO_COLOR", environment or "", "python3",
    quote(command.root .. "/tests/spec/support/screen.py"), widths,
    environment and "env " .. environment or "", quote(command.binary()),
    quote(folder .. "/script.lua"), "2>" .. quote(folder .. "/said"),
  }
  local pipe = assert(io.popen(table.concat(words, " ")))
  local text = pipe:read("a")
  local _, _, status = pipe:close()
  local said = command.read_file(folder .. "/said")
  assert.truthy(said:find("wrapped", 1, true), said)
  local rows = {}
  for row in text:gmatch("([^\n]*)\n") do rows[#rows + 1] = row end
  return rows, status, said, text
end

local THREE = [[
  local labels = { "日本語のラベル", "e\u{301}\u{200B}x\27[2J\n\xFF", string.rep("long ", 40) }
  local bars = {}
  for i, label in ipairs(labels) do
    bars[i] = progress(40, { label = label, interval = 0, unit = i == 2 and "bytes" or nil })
    bars[i].note = "の note"
  end
  for i = 1, 40 do
    for _, bar in ipairs(bars) do bar:step() end
  end
  for _, bar in ipairs(bars) do bar:close() end
]]

-- Each row is of somebody who counts them: "spam1 1", "spam1 2", … Returns the last numbers.
local function assert_counted(rows)
  local last = {}
  for _, row in ipairs(rows) do
    local who, i = row:match("^(%l+%d*) (%d+)$")
    assert.equal((last[who or row] or 0) + 1, tonumber(i), row)
    last[who] = tonumber(i)
  end
  return last
end

describe("bars on a terminal", function()
  after_each(command.clean_up)

  it("are one line each at any width", function()
    for _, width in ipairs{ 1, 2, 3, 4, 7, 13, 20, 33, 50, 80, 132, 400 } do
      local rows, status, said = run(width, THREE)
      assert.equal(0, status)
      assert.equal(0, tonumber(said:match("^%d+")), width .. ": " .. said)
      if width > 20 then
        assert.equal(3, #rows, table.concat(rows, "\n"))
        for i, row in ipairs(rows) do
          assert.truthy(row:find(i == 2 and "40 B/40 B  100%" or "40/40  100%", 1, true), row)
        end
      end
      if width == 400 then
        assert.truthy(rows[1]:find("^日本語のラベル  %[####################%]"), rows[1])
        assert.truthy(rows[2]:find("^e\u{301}\u{200B}x%?%[2J%?%?  "), rows[2])
        assert.truthy(rows[3]:find("^" .. ("long "):rep(26) .. "%.%.%.  "), rows[3])
      end
    end
  end)

  it("stay one line each when the terminal changes its width under them", function()
    for _, widths in ipairs{ "80,7,200,3,40", "r80,30,120,25,60,7" } do
      local rows, status, said = run(widths, THREE)
      assert.equal(0, status)
      assert.equal(0, tonumber(said:match("^%d+")), said)
      -- What a row ends with is open: the last drawing may have been for the width before.
      assert.equal(3, #rows, widths .. "\n" .. table.concat(rows, "\n"))
    end
  end)

  -- Every process writes lines, by all ways that there are, while there are four bars.
  local CROWD = [[
    local pool <close> = mooncrew.Pool(2)
    local function say(who, i)
      local name = who .. i
      if i % 4 == 0 then print(name) end
      if i % 4 == 1 then io.stdout:write(name, "\n") end
      if i % 4 == 2 then io.stderr:write(name:sub(1, 2), name:sub(3), "\n") end
      if i % 4 == 3 then mooncrew.log.info(name) end
    end
    local function child(who)
      local bar <close> = progress(60, { label = who, interval = 0 })
      for i = 1, 60 do
        bar:step()
        say(who, i)
        mooncrew.sleep(0.001)
      end
      io.stdout:write("no line end of " .. who)
    end
    local early = mooncrew.Process{ target = child, args = { "early" } }:start()
    local bars = { progress(100, { label = "tasks", interval = 0 }),
      progress(100, { label = "double", interval = 0 }) }
    local late = mooncrew.Process{ target = child, args = { "late" } }:start()
    local task = mooncrew.spawn(function()
      for i = 1, 30 do
        mooncrew.sleep(0.001)
        bars[2]:step(2)
        say("coroutine", i)
      end
    end)
    local list = {}
    for i = 1, 100 do list[i] = i end
    for i in pool:imap_unordered(function(i) say("worker", i) return i end, list) do
      bars[1]:step()
      say("main", i)
    end
    task:get()
    early:join()
    late:join()
    for _, bar in ipairs(bars) do bar:close() end
  ]]

  it("are never torn by lines of workers, children, tasks, and tear none", function()
    local rows, status, said = run("100", CROWD)
    assert.equal(0, status)
    assert.equal(0, tonumber(said:match("^%d+")), said)
    local count, others = {}, {}
    for _, row in ipairs(rows) do
      local name = row:gsub("^%d+%-%d+%-%S+ INFO  %S+ ", "")
      if name:find("^%l+%d+$") then
        count[name] = (count[name] or 0) + 1
      else
        others[#others + 1] = row
      end
    end
    for who, n in pairs{ early = 60, late = 60, coroutine = 30, worker = 100, main = 100 } do
      for i = 1, n do assert.equal(1, count[who .. i], who .. i) end
    end
    table.sort(others)
    assert.equal(6, #others, table.concat(others, "\n"))
    for i, start in ipairs{ "double  [####", "early  [####", "late  [####", "no line end of early",
      "no line end of late", "tasks  [####" } do
      assert.equal(start, others[i]:sub(1, #start))
    end
  end)

  it("stay in the order in which they are finished, or go", function()
    local rows = run("60", [[
      local a, b, c = progress(1, { label = "a" }), progress(1, { label = "b", keep = false }),
        progress(1, { label = "c" })
      for _, bar in ipairs{ a, b, c } do
        bar.interval = 0
        bar:step()
      end
      c:close()
      b:close()
      a:close()
      print("end")
    ]])
    assert.equal(3, #rows)
    assert.equal("c a end", (table.concat(rows, " "):gsub("  %[.-0:00", "")))
  end)

  it("show as many as there is room for", function()
    local rows, status, said = run("60", [[
      local bars = {}
      for i = 1, 50 do
        bars[i] = progress(2, { label = "bar " .. i, interval = 0 })
        bars[i]:step()
      end
      for i = 50, 1, -1 do
        bars[i]:step()
        bars[i]:close()
      end
    ]])
    assert.equal(0, status)
    assert.equal(0, tonumber(said:match("^%d+")))
    assert.equal(50, #rows, table.concat(rows, "\n"))
    for i = 1, 50 do assert.equal("bar " .. 51 - i .. "  [", rows[i]:match("^bar %d+  %[")) end
  end)

  it("of a process that was killed go", function()
    local rows = run("60", [[
      local ready = mooncrew.Event()
      local child = mooncrew.Process{ target = function()
        progress(9, { label = "child", interval = 0 }):step()
        ready:set()
        mooncrew.sleep(60)
      end }:start()
      ready:wait()
      child:kill()
      child:join()
      local bar <close> = progress(1, { label = "main", interval = 0 })
      bar:step()
    ]])
    assert.equal(1, #rows, table.concat(rows, "\n"))
    assert.truthy(rows[1]:find("^main  %["))
  end)

  -- A child shows a bar until it is told to end it; its parent never has one.
  local CHILD = [[
    local shown, enough = mooncrew.Event(), mooncrew.Event()
    local child = mooncrew.Process{ target = function()
      local bar <close> = progress(2, { label = "child", interval = 0 })
      bar:step()
      shown:set()
      enough:wait()
    end }:start()
    shown:wait()
  ]]

  it("of others go with their process, where the writer has none", function()
    local rows = run("60", CHILD .. [[
      print("above")
      child:kill()
      child:join()
      io.write("no line end")
    ]])
    assert.same({ "above", "no line end" }, rows)
  end)

  it("of others let all by that a main process without one writes", function()
    local rows, status, said = run("200", CHILD .. [[
      print("print")
      io.write("wri", "te\n")
      io.stdout:write("io", ".stdout\n")
      io.stderr:write("io", ".stderr\n")
      io.output():write("io.output\n")
      mooncrew.log.info("log")
      warn("@on")
      warn("a ", "warning")
      mooncrew.Process{ name = "bad", target = function() error("oh", 0) end }:start():join()
      local pool <close> = mooncrew.Pool(1)
      pool:apply(print, { "worker" })
      io.write("no line end")
      enough:set()
      child:join()
      error("uncaught", 0)
    ]])
    assert.equal(1, status)
    assert.equal(0, tonumber(said:match("^%d+")), said)
    local expected = {
      "print", "write", "io.stdout", "io.stderr", "io.output", "INFO  log",
      "Lua warning: a warning", "Process bad:", "oh", "worker",
      "child  [##########----------]  1/2  50%", "uncaught", "no line end",
    }
    local got = {}
    for _, row in ipairs(rows) do
      row = row:gsub("^%d+%-%d+%-%S+ ", ""):gsub("MainProcess%[%d+%] ", "")
        :gsub("^%S+mooncrew: ", ""):gsub("50%%  .*", "50%%")
      local is_traceback = row:find("^stack traceback:") or row:find("^\t")
      if not is_traceback then got[#got + 1] = row end
    end
    assert.same(expected, got)
  end)

  it("leave a main process its way to buffer", function()
    local rows = run("60", [[
      io.stdout:setvbuf("full")
      print("first")
    ]] .. CHILD .. [[
      io.write("kept back\n") -- print would flush it
      io.stderr:write("meanwhile\n")
      io.stdout:flush()
      child:kill()
    ]])
    assert.same({ "first", "meanwhile", "kept back" }, rows)
  end)

  -- A line or a drawing of who is killed comes whole, by who writes next.
  it("outlive processes that are killed while they draw and write", function()
    local rows, status, said = run("60", [[
      local bar <close> = progress(20, { label = "kills", interval = 0 })
      local function spam(who)
        local own = progress(nil, { label = who, interval = 0 })
        for i = 1, math.huge do
          print(who .. " " .. i)
          own:step()
        end
      end
      for i = 1, 20 do
        local pair = {}
        for k = 1, 2 do
          pair[k] = mooncrew.Process{ target = spam, args = { "spam" .. 2 * i + k } }:start()
        end
        mooncrew.sleep(0.001 * i)
        for _, child in ipairs(pair) do child:kill() end
        for _, child in ipairs(pair) do child:join() end
        bar:step()
      end
    ]])
    assert.equal(0, status)
    assert.equal(0, tonumber(said:match("^%d+")), said)
    assert.truthy(table.remove(rows):find("^kills  %[####################%]  20/20  100%%"))
    assert_counted(rows)
  end)

  -- One that is stopped in the middle of a line keeps the others for a second.
  it("are in order when processes are stopped while they draw and write, and go on", function()
    local rows, status, said = run("60", [[
      local uv = require "luv"
      local function spam(who, enough)
        local own <close> = progress(nil, { label = who, interval = 0, keep = false })
        for i = 1, math.huge do
          if enough:is_set() then return end
          print(who .. " " .. i)
          own:step()
        end
      end
      local bar <close> = progress(3, { label = "stops", interval = 0 })
      local enough, children = mooncrew.Event(), {}
      for i = 1, 3 do
        children[i] = mooncrew.Process{ target = spam, args = { "spam" .. i, enough } }:start()
        mooncrew.sleep(0.003 * i)
        uv.kill(children[i].pid, "sigstop")
        print("main " .. i)
        bar:step()
      end
      enough:set()
      for _, child in ipairs(children) do uv.kill(child.pid, "sigcont") end
      for _, child in ipairs(children) do child:join() end
    ]])
    assert.equal(0, status)
    assert.equal(0, tonumber(said:match("^%d+")), said)
    assert.truthy(table.remove(rows):find("^stops  %[####################%]  3/3  100%%"))
    assert.equal(3, assert_counted(rows).main)
  end)

  it("leave the terminal in order, however the script ends", function()
    for code, status in pairs{ ["os.exit(3)"] = 3, ["error 'wrong'"] = 1 } do
      local rows, got = run("60", [[
        local bar = progress(4, { label = "left", interval = 0 })
        bar:step()
        io.write("no line end")
        ]] .. code)
      assert.equal(status, got)
      local text = table.concat(rows, "\n")
      assert.truthy(text:find("left  [#####---------------]  1/4  25%", 1, true), text)
      assert.truthy(text:find("\nno line end", 1, true), text)
      assert.equal(status == 1, text:find("wrong\n", 1, true) ~= nil, text)
    end
    local rows = run("60", [[
      local bar <close> = progress(1, { label = "main", interval = 0 })
      bar:step()
      mooncrew.Process{ name = "bad", target = function() error("oh\nno", 0) end }:start():join()
    ]])
    assert.equal("Process bad:", rows[1])
    assert.equal("oh", rows[2])
  end)

  it("have colours unless they are not wanted", function()
    local code = "local bar <close> = progress(2, { interval = 0 %s }) bar:step()"
    local function colors(option, environment)
      local _, _, said = run("60", code:format(option), environment)
      return said:match("colours: (.*)\n")
    end
    assert.equal("0 2 32", colors(""))
    assert.equal("0 2 32", colors("", "NO_COLOR="))
    assert.equal("", colors("", "NO_COLOR=1"))
    assert.equal("0 2 32", colors(", color = true", "NO_COLOR=1"))
    assert.equal("", colors(", color = false"))
  end)

  it("are plain lines where one can't go back", function()
    local rows = run("60", [[
      local bar <close> = progress(2, { label = "plain", interval = 0 })
      bar:step()
    ]], "TERM=dumb")
    assert.equal(2, #rows)
    assert.truthy(rows[1]:find("^plain  1/2  50%%  "), rows[1])
    assert.truthy(rows[2]:find("^plain  1/2  50%%  "), rows[2])
  end)

  it("are their process's own", function()
    local rows = run("60", [[
      local bar <close> = progress(2, { label = "main", interval = 0 })
      local child = mooncrew.Process{ target = function()
        return pcall(bar.step, bar)
      end }:start()
      print(select(2, child:get()))
    ]])
    assert.equal("step: the progress bar is of the process that made it",
      (rows[1]:gsub("^%S+:%d+: ", "")))
  end)
end)

describe("columns", function()
  local columns = require "mooncrew.columns"

  it("are counted as Python's tables say", function()
    local path = command.folder() .. "/widths.py"
    command.write_file(path, [[
import unicodedata as u
for c in range(0x20, 0x30000):
    kind = u.category(chr(c))
    if kind in ("Cn", "Cs", "Cc", "Cf", "Co", "Zl", "Zp") or 0x1160 <= c <= 0x11ff or c == 0xfe0f:
        continue
    wide = 2 if u.east_asian_width(chr(c)) in "WF" else 1
    print(c, 0 if kind in ("Mn", "Me") else wide)
]])
    local wrong, n = {}, 0
    for line in io.popen("python3 " .. quote(path)):lines() do
      local code, width = line:match("(%d+) (%d)")
      n = n + 1
      if columns.width(utf8.char(tonumber(code))) ~= tonumber(width) then
        wrong[#wrong + 1] = string.format("%x", tonumber(code))
      end
    end
    command.clean_up()
    assert.is_true(n > 100000)
    -- A newer Python knows marks that this table does not.
    assert.is_true(#wrong < n // 100, table.concat(wrong, " "))
  end)

  it("cut where a character fits no more", function()
    assert.same({ "日", 2 }, { columns.cut("日本", 3) })
    assert.same({ "e\u{301}", 1 }, { columns.cut("e\u{301}日", 2) })
    assert.same({ "", 0 }, { columns.cut("日", 1) })
    assert.equal(3, columns.width("\u{2764}\u{FE0F}!"))
  end)

  it("are safe: nothing moves the cursor, and all is UTF-8", function()
    assert.equal("a?[2Jb?c?d? e", columns.clean("a\27[2Jb\nc\xFFd\u{202E} e"))
    assert.equal("日本?", columns.clean("日本\xE6"))
    assert.equal("??", columns.clean("\u{9B}\u{2028}"))
    assert.equal("plain", columns.clean("plain"))
  end)
end)
