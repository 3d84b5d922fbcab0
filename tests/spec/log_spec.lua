local json = require "dkjson"
local log = require "mooncrew.log"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"

-- Writes long and short lines from several processes to stderr, or to a file of that name.
local MANY = [[
  local mooncrew = require "mooncrew"
  local log = mooncrew.log
  if arg[1] then log.stream = io.open(arg[1], "a") end
  log.format = "json"
  local function write(i)
    for k = 1, 60 do
      log.info("%d %d", i, k, { filler = ("x"):rep(({ 90000, 30000, 9 })[k % 3 + 1]) })
    end
  end
  local writers = {}
  for i = 1, 4 do writers[i] = mooncrew.Process{ target = write, args = { i } }:start() end
  local pool <close> = mooncrew.Pool(2)
  pool:map(write, { 5, 6 }, 1)
  for _, writer in ipairs(writers) do writer:join() end
]]

describe("log", function()
  local written

  before_each(function()
    written = {}
    log.stream = {
      write = function(_, text) written[#written + 1] = text end,
      flush = function() end,
    }
  end)

  after_each(function()
    log.level, log.format, log.stream, log.slow_task = "info", "text", io.stderr, 1
  end)

  -- A text line without its time, which is checked here.
  local function body(line)
    local time, rest = line:match("^(%S+) (.*)\n$")
    assert.truthy(time:match("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"))
    return (rest:gsub("^(%u+ +)%S+%[(%d+)%] ", function(level, pid)
      assert.equal(uv.os_getpid(), tonumber(pid))
      return level
    end))
  end

  it("writes a line in one piece, with time, level, process and message", function()
    log.info("copied %d files", 3)
    log.warn("slow")
    assert.equal(2, #written)
    assert.equal("INFO  copied 3 files", body(written[1]))
    assert.equal("WARN  slow", body(written[2]))
  end)

  it("writes to whatever has a write", function()
    log.stream = { write = function(_, text) written[#written + 1] = text end }
    log.info("x")
    assert.equal("INFO  x", body(written[1]))
  end)

  it("names the process", function()
    local mooncrew = require "mooncrew"
    log.info("x")
    local name = mooncrew.current_process().name
    assert.truthy(written[1]:find(string.format(" %s[%d] ", name, uv.os_getpid()), 1, true))
  end)

  it("leaves out what is below the level", function()
    log.debug("no")
    log.level = "error"
    log.warn("no")
    log.error("yes")
    log.level = "off"
    log.error("no")
    log.level = "debug"
    log.debug("yes too")
    assert.equal(2, #written)
    assert.equal("ERROR yes", body(written[1]))
    assert.equal("DEBUG yes too", body(written[2]))
  end)

  it("shows a table at the end as fields, sorted", function()
    log.info("copied %s", "a", { to = "/b c", from = "/a", n = 3, empty = "" })
    assert.equal('INFO  copied a  empty=""  from=/a  n=3  to="/b c"', body(written[1]))
  end)

  it("takes values that are no strings, and percent signs in a lone message", function()
    log.info(12)
    log.info("100%d")
    log.info(setmetatable({}, { __tostring = function() return "an object" end }))
    assert.equal("INFO  12", body(written[1]))
    assert.equal("INFO  100%d", body(written[2]))
    assert.equal("INFO  an object", body(written[3]))
  end)

  it("lets no message forge a line or send control sequences", function()
    log.info("one\n2026-01-01T00:00:00.000Z ERROR main[1] forged\27[2J", { ["a\nb"] = "c\nd" })
    local lines = {}
    for line in written[1]:gmatch("[^\n]+") do lines[#lines + 1] = line end
    for i = 2, #lines do assert.equal("    ", lines[i]:sub(1, 4)) end
    assert.falsy(written[1]:find("\27", 1, true))
    -- What a terminal obeys, and what turns or ends a line, beyond ASCII; bytes that are no text.
    local odd = "\u{85}\u{9B}31m|\u{2028}\u{202E}\u{2066}|\x9B\xFF|\u{E9}\u{2027}"
    log.info(odd, { a = odd })
    assert.equal("INFO  \\u0085\\u009b31m|\\u2028\\u202e\\u2066|\\x9b\\xff|\u{E9}\u{2027}"
      .. "  a=\\u0085\\u009b31m|\\u2028\\u202e\\u2066|\\x9b\\xff|\u{E9}\u{2027}", body(written[2]))
    log.format = "json"
    log.info(odd)
    assert.falsy(written[3]:find("\u{9B}", 1, true) or written[3]:find("\u{202E}", 1, true))
    assert.equal("\u{85}\u{9B}31m|\u{2028}\u{202E}\u{2066}|\u{FFFD}\u{FFFD}|\u{E9}\u{2027}",
      json.decode(written[3]).message)
  end)

  it("quotes names and values that could be taken for more", function()
    log.info("x", { ["a b=c"] = 1, [""] = "", ["a\nb"] = "c\nd", [2] = '"' })
    assert.equal([[INFO  x  ""=""  2="\""  "a\nb"="c\nd"  "a b=c"=1]], body(written[1]))
  end)

  it("writes JSON lines that a JSON reader reads back", function()
    log.format = "json"
    log.error('a "quoted"\n\\ \1 text', {
      list = { 1, 2.5, true }, map = { x = "y" }, message = "another", nan = 0 / 0,
    })
    assert.equal(1, select(2, written[1]:gsub("\n", "\n")))
    local line = json.decode(written[1])
    assert.equal("error", line.level)
    assert.equal('a "quoted"\n\\ \1 text', line.message)
    assert.equal("another", line._message)
    assert.equal(uv.os_getpid(), line.pid)
    assert.same({ 1, 2.5, true }, line.list)
    assert.same({ x = "y" }, line.map)
    assert.is_nil(line.nan)
    log.info("holes", { list = { 1, nil, 3 }, pairs = { { nil, 2 } } })
    assert.matches('"list":[1,null,3],"pairs":[[null,2]]', written[2], 1, true)
    assert.equal(3, json.decode(written[2]).list[3])
  end)

  it("writes valid UTF-8 whatever the bytes", function()
    log.format = "json"
    log.info("a\xFFb\xC3")
    assert.truthy(utf8.len(written[1]))
    assert.equal("a\u{FFFD}b\u{FFFD}", json.decode(written[1]).message)
  end)

  it("survives a table that holds itself", function()
    local t = {}
    t.t = t
    log.format = "json"
    log.info("x", { t = t })
    assert.truthy(json.decode(written[1]).t)
  end)

  it("refuses wrong settings, and keeps the old ones", function()
    local cases = {
      { "level", "loud",
        'log.level: expected "debug", "info", "warn", "error" or "off", got "loud"' },
      { "format", 3, 'log.format: expected "text" or "json", got 3' },
      { "stream", "x", 'log.stream: expected an open file, got "x"' },
      { "colour", true, "log: no setting is named colour" },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() log[case[1]] = case[2] end, case[3])
    end
    assert.equal("info", log.level)
    assert.equal("text", log.format)
  end)

  it("says that its stream is closed", function()
    local file = io.tmpfile()
    log.stream = file
    file:close()
    assert.has_error(function() log.warn("x") end,
      "log.warn: log.stream: an open file expected, got a closed one")
  end)

  it("refuses values that do not fit the format", function()
    local ok, err = pcall(function() log.info("%d", "x") end)
    assert.is_false(ok)
    assert.truthy(err:find('log.info: the values do not fit the format "%d"', 1, true))
    assert.equal(0, #written)
  end)

  it("keeps lines of several processes whole, and names who wrote them", function()
    local mooncrew = require "mooncrew"
    local path = os.tmpname()
    finally(function() os.remove(path) end)
    local file = assert(io.open(path, "a"))
    log.stream, log.format, log.level = file, "json", "debug"
    local writers = {}
    for i = 1, 4 do
      writers[i] = mooncrew.Process{ name = "writer-" .. i, target = function()
        for k = 1, 100 do log.debug("line %d of %d", k, i, { filler = string.rep("x", 10 * k) }) end
      end }:start()
    end
    for _, writer in ipairs(writers) do writer:join() end
    file:close()
    local count = {}
    for line in io.lines(path) do
      local entry = assert(json.decode(line))
      local i = tonumber(entry.process:match("^writer%-(%d)$"))
      count[i] = (count[i] or 0) + 1
      assert.equal(("line %d of %d"):format(count[i], i), entry.message)
      assert.equal(writers[i].pid, entry.pid)
      assert.equal("debug", entry.level)
      assert.equal(10 * count[i], #entry.filler)
    end
    assert.same({ 100, 100, 100, 100 }, count)
  end)

  it("keeps lines of any length whole, in pipes and files", function()
    finally(command.clean_up)
    local folder = command.folder()
    local script, path = folder .. "/many.lua", folder .. "/log"
    command.write_file(script, MANY)
    local run = ("'%s' '%s'"):format(command.binary(), script)
    local logs = {
      pipe = run .. " 2>&1 | cat", appended = run .. " 2>>" .. path .. " ; cat " .. path,
      file = ("%s %s.own ; cat %s.own"):format(run, path, path),
    }
    for how, line in pairs(logs) do
      local count = {}
      for text in io.popen(line):lines() do
        local entry = assert(json.decode(text), how)
        local i, k = entry.message:match("^(%d) (%d+)$")
        count[i] = (count[i] or 0) + 1
        assert.equal(count[i], tonumber(k), how)
        assert.matches("^x+$", entry.filler)
      end
      assert.same({ ["1"] = 60, ["2"] = 60, ["3"] = 60, ["4"] = 60, ["5"] = 60, ["6"] = 60 }, count)
    end
  end)

  describe("and coroutine tasks", function()
    local mooncrew = require "mooncrew"

    -- Computes for at least so long, without a wait.
    local function block(seconds)
      local stop = uv.hrtime() + seconds * 1e9
      repeat until uv.hrtime() >= stop
    end

    local function records()
      local list = {}
      for i, line in ipairs(written) do list[i] = assert(json.decode(line)) end
      return list
    end

    it("names the task that writes", function()
      local task = mooncrew.spawn(function()
        log.info("one")
        mooncrew.sleep(0)
        mooncrew.current_task():set_name("fetch a\nb")
        log.info("two")
        log.format = "json"
        log.info("three", { task = "a field" })
      end)
      local name = task:get_name()
      task:get()
      log.info("four")
      local process = mooncrew.current_process().name
      local said = ("%s/%s[%d] one\n"):format(process, name, uv.os_getpid())
      assert.matches(" " .. said, written[1], 1, true)
      assert.matches("/fetch a\n    b[", written[2], 1, true)
      local three, four = json.decode(written[3]), json.decode(written[4])
      assert.same({ "fetch a\nb", "a field" }, { three.task, three._task })
      assert.is_nil(four.task)
    end)

    it("names a task that keeps the others waiting, however it goes on", function()
      log.format, log.slow_task = "json", 0.05
      local function waits()
        block(0.06)
        mooncrew.sleep(0)
      end
      local function fails()
        block(0.06)
        error("no")
      end
      local function ends() block(0.06) end
      local tasks = {}
      for i, fn in ipairs{ waits, fails, ends } do tasks[i] = mooncrew.spawn(fn) end
      tasks[3]:set_name("the last")
      for _, task in ipairs(tasks) do pcall(task.get, task) end
      local got = records()
      assert.equal(3, #got)
      for i, fn in ipairs{ waits, fails } do
        local place = debug.getinfo(fn, "S")
        assert.equal(("%s:%d"):format(place.short_src, place.linedefined), got[i].at)
        assert.equal("warn", got[i].level)
        assert.matches(("^task %s kept the others waiting for 0%%.%%d+ s$"):format(
          tasks[i]:get_name():gsub("%-", "%%-")), got[i].message)
        assert.is_nil(got[i].task) -- the process says it, not the task
      end
      assert.matches("^task the last kept", got[3].message)
    end)

    it("names a CoroutinePool's by the name or the function that it was given", function()
      log.format, log.slow_task = "json", 0.02
      local pool <close> = mooncrew.CoroutinePool(1)
      pool:apply_async(block, { 0.03 }, { name = "slow one" })
      pool:apply_async(block, { 0.03 }, { name = 7 })
      pool:map(block, { 0.03 })
      local got = records()
      assert.equal(3, #got)
      assert.matches("^task slow one kept", got[1].message)
      assert.matches("^task 7 kept", got[2].message)
      assert.matches("log_spec.lua:%d+$", got[3].at)
    end)

    it("does not name one that waits, or when it is told not to", function()
      log.slow_task = 0.05
      local event = mooncrew.Event()
      local task = mooncrew.spawn(function()
        mooncrew.sleep(0.1)
        event:wait()
      end)
      assert.is_nil(task:join(0.2))
      event:set()
      task:get()
      log.slow_task = math.huge
      mooncrew.spawn(block, 0.1):get()
      log.slow_task, log.level = 0.05, "error"
      mooncrew.spawn(block, 0.1):get()
      assert.same({}, written)
    end)

    it("goes on when the log can't be written", function()
      log.slow_task = 0.02
      local tries = 0
      log.stream = {
        write = function()
          tries = tries + 1
          error("full")
        end,
      }
      assert.equal(5, mooncrew.spawn(function()
        block(0.03)
        mooncrew.sleep(0)
        return 5
      end):get())
      assert.equal(1, tries)
    end)
  end)
end)
