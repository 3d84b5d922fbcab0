local json = require "dkjson"
local log = require "mooncrew.log"
local uv = require "luv"

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
    log.level, log.format, log.stream = "info", "text", io.stderr
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
      { "format", 3, 'log.format: expected "text" or "json", got number' },
      { "stream", "x", 'log.stream: expected an open file, got "x"' },
      { "colour", true, "log: no setting is named colour" },
    }
    for _, case in ipairs(cases) do
      assert.has_error(function() log[case[1]] = case[2] end, case[3])
    end
    assert.equal("info", log.level)
    assert.equal("text", log.format)
  end)

  it("refuses values that do not fit the format", function()
    local ok, err = pcall(function() log.info("%d", "x") end)
    assert.is_false(ok)
    assert.truthy(err:find('log.info: the values do not fit the format "%d"', 1, true))
    assert.equal(0, #written)
  end)
end)
