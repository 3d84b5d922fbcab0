--- mooncrew each: a command for each line.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")
local command = dofile(here .. "support/command.lua")
local uv = require "luv"

local folder, list

-- Runs `each` with these lines in a file.
local function each(lines, ...)
  command.write_file(list, lines)
  return command.run("each.lua", "-a", list, ...)
end

local function sorted_lines(text)
  local lines = command.lines(text)
  table.sort(lines)
  return lines
end

local function is_gone(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  local state = file and file:read("a"):match("%) (%a)")
  if file then file:close() end
  return state == nil or state == "Z"
end

-- Waits until a file has a whole line that is a number, and gives it.
local function wait_for_number(path)
  while true do
    local n = (command.read_file(path) or ""):match("^(%d+)\n")
    if n then return math.tointeger(n) end
    uv.sleep(1)
  end
end

-- The exit values in the log, by task.
local function logged(path)
  local exits = {}
  for line in command.read_file(path):gmatch("[^\n]+") do
    local exitval, task = line:match("^%d+\t[%d.]+\t[%d.]+\t(%d+)\t%d+\t(.*)$")
    if task then
      assert.is_nil(exits[task], task)
      exits[task] = math.tointeger(exitval)
    end
  end
  return exits
end

describe("mooncrew each", function()
  before_each(function()
    folder = command.folder()
    list = folder .. "/list"
  end)
  after_each(command.clean_up)
  teardown(standalone.remove_folder)

  it("puts the line in place of {}, or behind the last word", function()
    local outcome = each("a\nb\nc\n", "-q", "--", "echo", "<{}>", "{}{}")
    assert.same({ 0, "" }, { outcome.status, outcome.err })
    assert.same({ "<a> aa", "<b> bb", "<c> cc" }, sorted_lines(outcome.out))
    outcome = each("a\nb", "-j", 1, "--", "echo", "the", "line")
    assert.equal("the line a\nthe line b\n", outcome.out)
    assert.matches("^each: 2 done, 0 failed, 0 skipped, 0 not run", outcome.err)
  end)

  it("reads stdin", function()
    local outcome = standalone.run({ command.root .. "/scripts/each.lua", "-q", "-j", "1", "--",
      "echo" }, { stdin = "one\n\n\ntwo\n" })
    assert.equal("one\ntwo\n", outcome.out)
    assert.equal("", outcome.err)
  end)

  it("keeps a line one argument, whatever is in it", function()
    local evil = folder .. "/evil"
    local lines = { "a  b", "$(touch " .. evil .. ")", "`touch " .. evil .. "`", "'", '"', "%1",
      "; touch " .. evil, "*", "\\n", "é\xFF" }
    local outcome = each(table.concat(lines, "\n"), "-q", "-j", 1, "--", "printf", "[%s]\\n")
    assert.equal("[" .. table.concat(lines, "]\n[") .. "]\n", outcome.out)
    outcome = each(table.concat(lines, "\n"), "-q", "-j", 1, "--", "printf", "<%s>\\n", "x{}y")
    assert.equal("<x" .. table.concat(lines, "y>\n<x") .. "y>\n", outcome.out)
    assert.is_nil(uv.fs_stat(evil))
  end)

  it("splits at NUL bytes when asked", function()
    local records = { "a\nb", "c" }
    for i = 1, 30 do records[#records + 1] = ("long %d "):format(i):rep(500) end
    local outcome = each(table.concat(records, "\0") .. "\0\0", "-0q", "-j", 1, "--", "printf",
      "%s|")
    assert.equal(table.concat(records, "|") .. "|", outcome.out)
    assert.equal("x|", each("x", "-0q", "--", "printf", "%s|").out)
  end)

  it("shows what a command prints in one piece", function()
    local lines = {}
    for i = 1, 12 do lines[i] = tostring(i) end
    local outcome = each(table.concat(lines, "\n"), "-q", "-j", 4, "--", "sh", "-c",
      'echo $1 first; seq 20000; echo $1 last; echo $1 err >&2', "sh")
    for i = 1, 20000 do lines[i] = tostring(i) end
    local n, expected = 0, table.concat(lines, "\n") .. "\n"
    for first, numbers, last in outcome.out:gmatch("(%d+) first\n([%d\n]-)(%d+) last\n") do
      assert.equal(first, last)
      assert.is_true(numbers == expected)
      n = n + 1
    end
    assert.equal(12, n)
    assert.equal(12, #sorted_lines(outcome.err))
  end)

  it("fails with its commands, and logs their statuses", function()
    local log = folder .. "/log"
    local outcome = each("good\nbad\nkilled\n", "-q", "--joblog", log, "--", "sh", "-c",
      'case $1 in bad) exit 7;; killed) kill -9 $$;; esac', "sh")
    assert.equal(1, outcome.status)
    assert.same({ "each: bad: exit status 7", "each: killed: signal 9" },
      sorted_lines(outcome.err))
    assert.same({ good = 0, bad = 7, killed = 137 }, logged(log))
    outcome = each("a\n", "-q", "--", folder .. "/none")
    assert.equal(1, outcome.status)
    assert.matches("none: No such file or directory", outcome.err, 1, true)
    assert.matches("each: a: exit status 127\n$", outcome.err)
  end)

  it("ends the command of a task that is over its time", function()
    local outcome = each("x\n", "-q", "--timeout", 2, "--", "sh", "-c",
      'echo $$ >"$0"; exec sleep 1000', folder .. "/pid")
    assert.equal(1, outcome.status)
    assert.matches("each: x: a task of pool 'Pool-1' took longer than 2 s", outcome.err, 1, true)
    local pid = wait_for_number(folder .. "/pid")
    while not is_gone(pid) do uv.sleep(1) end
  end)

  it("that is killed takes its commands along, and goes on later", function()
    local log = folder .. "/log"
    command.write_file(list, "1\n2\n3\n4\n")
    local arguments = { "-q", "-j", 1, "-a", list, "--joblog", log, "--resume", "--", "sh", "-c",
      'echo $1; test $1 != 3 || test -e "$0" || { echo $$ >"$0"; exec sleep 1000; }',
      folder .. "/pid" }
    local child = command.start("each.lua", table.unpack(arguments))
    local pid = wait_for_number(folder .. "/pid")
    child:signal("sigkill")
    child:finish()
    while not is_gone(pid) do uv.sleep(1) end
    assert.same({ ["1"] = 0, ["2"] = 0 }, logged(log))
    local outcome = command.run("each.lua", table.unpack(arguments))
    assert.same({ 0, "3\n4\n", "" }, { outcome.status, outcome.out, outcome.err })
    assert.same({ ["1"] = 0, ["2"] = 0, ["3"] = 0, ["4"] = 0 }, logged(log))
  end)

  it("is ended by Ctrl-C with 130, quietly", function()
    command.write_file(list, "1\n2\n")
    local child = command.start("each.lua", "-j", 2, "-a", list, "--", "sh", "-c",
      'echo $$ >"$0.$1"; exec sleep 1000', folder .. "/pid")
    local pids = { wait_for_number(folder .. "/pid.1"), wait_for_number(folder .. "/pid.2") }
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true))
    for _, pid in ipairs(pids) do
      while not is_gone(pid) do uv.sleep(1) end
    end
  end)

  it("ends with 2 for bad usage, and says what file it can't read", function()
    assert.matches("missing argument 'command'", each("a\n").err, 1, true)
    assert.equal(2, each("a\n").status)
    local outcome = command.run("each.lua", "-a", folder .. "/none", "--", "true")
    assert.equal(1, outcome.status)
    assert.equal(("each: %s/none: No such file or directory\n"):format(folder), outcome.err)
    outcome = each("", "--", "true")
    assert.equal(0, outcome.status)
    assert.matches("^each: 0 done", outcome.err)
  end)
end)
