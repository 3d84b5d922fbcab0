--- mooncrew.main: a whole command out of a list of tasks.

local command = dofile "tests/spec/support/command.lua"
local mooncrew = require "mooncrew"

local folder, script

-- Writes a script around a main{…} whose fields are given as Lua text.
local function write_script(fields)
  script = folder .. "/job.lua"
  command.write_file(script, ([[
    local mooncrew = require "mooncrew"
    io.stdout:setvbuf "line"
    local summary = mooncrew.main{ %s }
    print("end", summary.done, summary.failed, summary.skipped, summary.not_run)
  ]]):format(fields))
end

local function run(...) return command.run(script, ...) end

local function sorted_lines(text)
  local lines = command.lines(text)
  table.sort(lines)
  return lines
end

-- One that squares numbers, and fails for those in --bad.
local SQUARES = [[
  description = "Squares numbers.",
  options = function(parser)
    parser:option("--count"):default("5"):convert(tonumber)
    parser:option("--bad"):default("")
  end,
  tasks = function(options)
    local list = {}
    for i = 1, options.count do list[i] = i end
    return list
  end,
  task = function(x, options)
    if (" " .. options.bad .. " "):find(" " .. x .. " ", 1, true) then error("bad number", 0) end
    return x * x
  end,
  result = function(value, item) print(item .. "^2", value) end,
]]

describe("main", function()
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  it("does the tasks, gives the results, tells how it went", function()
    write_script(SQUARES)
    local outcome = run("-j", 2)
    assert.equal(0, outcome.status, outcome.err)
    assert.same({ "1^2\t1", "2^2\t4", "3^2\t9", "4^2\t16", "5^2\t25", "end\t5\t0\t0\t0" },
      sorted_lines(outcome.out))
    assert.matches("^job: 5 done, 0 failed, 0 skipped, 0 not run, %d+%.%d%d s, 2 processes\n$",
      outcome.err)
    assert.equal("", run("-q").err)
  end)

  it("reports each failure and ends with 1", function()
    write_script(SQUARES)
    local outcome = run("--bad", "2 4", "-j", 1)
    assert.equal(1, outcome.status)
    local lines = command.lines(outcome.err)
    assert.same({ "job: 2: bad number", "job: 4: bad number" }, { lines[1], lines[2] })
    assert.matches("^job: 3 done, 2 failed, 0 skipped, 0 not run, .* 1 process$", lines[3])
    assert.equal("1^2\t1\n3^2\t9\n5^2\t25\n", outcome.out)
    assert.equal("job: 2: bad number\n", run("-q", "--bad", "2").err)
  end)

  it("takes a plain list, with other items than names, and any results", function()
    write_script[[
      name = "things",
      tasks = { { path = "a" }, { path = "b" }, { path = "c" } },
      task_name = function(item, index) return item.path .. index end,
      task = function(item)
        if item.path == "b" then error({ exitcode = 3 }) end
        if item.path == "c" then return nil end
        return item.path
      end,
      result = function(value, item) print(item.path, value) end,
      done = function(summary, options)
        print("done", summary.done, summary.failed, options.jobs)
      end,
    ]]
    local outcome = run("-j", 1)
    assert.equal(1, outcome.status)
    assert.equal("a\ta\nc\tnil\ndone\t2\t1\t1\n", outcome.out)
    assert.matches("^things: b2: table: 0x", outcome.err)
  end)

  it("takes from an iterator as the work goes on", function()
    write_script[[
      tasks = function()
        local n = 0
        return function()
          n = n + 1
          if n <= 1000 then return n end
        end
      end,
      task = function(x) return x end,
      result = function(value) if value == 1000 then print "the last" end end,
    ]]
    local outcome = run("-q", "-j", 2)
    assert.equal("the last\nend\t1000\t0\t0\t0\n", outcome.out)
    -- The source's own error is the script's.
    write_script[[ tasks = function() return function() error("no source", 0) end end,
      task = print ]]
    outcome = run()
    assert.equal(1, outcome.status)
    assert.matches("no source", outcome.err, 1, true)
    write_script[[ tasks = function() return nil, "nothing to be had" end, task = print ]]
    outcome = run()
    assert.equal(1, outcome.status)
    assert.equal("job: nothing to be had\n", outcome.err)
    write_script[[ tasks = {}, task = print ]]
    assert.equal("end\t0\t0\t0\t0\n", run("-q").out)
  end)

  it("goes on where it was", function()
    write_script(SQUARES)
    local log = folder .. "/log"
    assert.equal(1, run("-q", "--joblog", log, "--bad", "2").status)
    local outcome = run("--joblog", log, "--resume", "--count", 6)
    assert.equal(0, outcome.status)
    assert.equal("6^2\t36\nend\t1\t0\t5\t0\n", outcome.out)
    assert.matches("1 done, 0 failed, 5 skipped, 0 not run", outcome.err, 1, true)
    outcome = run("-q", "--joblog", log, "--resume-failed", "--count", 6)
    assert.equal("2^2\t4\nend\t1\t0\t5\t0\n", outcome.out)
    assert.equal("end\t0\t0\t6\t0\n", run("-q", "--joblog", log, "--resume", "--count", 6).out)
    assert.equal(1 + 5 + 1 + 1, #command.lines(command.read_file(log)))
  end)

  it("shows what it would do, and changes nothing", function()
    write_script(SQUARES)
    local log = folder .. "/log"
    assert.equal("1\n2\n3\nend\t0\t0\t0\t0\n", run("--dry-run", "--count", 3).out)
    assert.equal("1\n2\nend\t0\t0\t0\t0\n",
      run("--dry-run", "--count", 2, "--joblog", log, "--resume").out)
    assert.is_nil(command.read_file(log))
    run("-q", "--joblog", log, "--bad", "2", "--count", 3)
    local before = command.read_file(log)
    assert.equal("4\nend\t0\t0\t0\t0\n",
      run("--dry-run", "--joblog", log, "--resume", "--count", 4).out)
    assert.equal("2\n4\nend\t0\t0\t0\t0\n",
      run("--dry-run", "--joblog", log, "--resume-failed", "--count", 4).out)
    assert.equal("1\n2\nend\t0\t0\t0\t0\n", run("--dry-run", "--joblog", log, "--count", 2).out)
    assert.equal(before, command.read_file(log))
  end)

  it("stops when it is told to", function()
    write_script(SQUARES)
    local outcome = run("-j", 1, "--count", 500, "--bad", "2", "--halt", "soon,fail=1")
    assert.equal(1, outcome.status)
    assert.matches("1 done, 1 failed, 0 skipped, 498 not run", outcome.err, 1, true)
    -- A success was what it was after.
    outcome = run("-j", 1, "--count", 500, "--bad", "1", "--halt", "now,success=1")
    assert.equal(0, outcome.status)
    assert.matches("1 done, 1 failed, 0 skipped, 498 not run", outcome.err, 1, true)
  end)

  it("bounds a task's time, and repeats what was lost", function()
    local tries = folder .. "/tries"
    write_script(([[
      tasks = { "endless", "dies" },
      task = function(name)
        local file = io.open(%q, "a")
        file:write(name, "\n")
        file:close()
        if name == "dies" then os.exit(9) end
        while true do end
      end,
    ]]):format(tries))
    local outcome = run("--timeout", 0.1, "--retries", 2, "-j", 2)
    assert.equal(1, outcome.status)
    assert.matches("job: endless: a task of pool 'Pool-1' took longer than 0.1 s", outcome.err, 1,
      true)
    assert.matches("job: dies: a worker of pool 'Pool-1'", outcome.err, 1, true)
    assert.same({ "dies", "dies", "dies", "endless", "endless", "endless" },
      sorted_lines(command.read_file(tries)))
  end)

  it("draws progress when asked, skipped tasks included", function()
    write_script(SQUARES)
    local log = folder .. "/log"
    run("-q", "--joblog", log, "--count", 3)
    local outcome = run("--progress", "--joblog", log, "--resume")
    assert.matches("job  5/5  100%", outcome.err, 1, true)
  end)

  it("says what is wrong with its options, and ends with 2", function()
    write_script(SQUARES)
    local cases = {
      { "--resume needs a --joblog", "--resume" },
      { "--resume needs a --joblog", "--resume-failed" },
      { "can not be used", "--resume", "--resume-failed", "--joblog", "x" },
      { 'expected "never", or "soon" or "now"', "--halt", "sometimes" },
      { "expected a whole number from 1 to 1000, got '0'", "-j", "0" },
      { "expected seconds, more than 0, got '0'", "--timeout", "0" },
      { "expected a whole number of at least 0, got 'x'", "--retries", "x" },
      { "unknown option '--nonsense'", "--nonsense" },
      { "can not be used", "-q", "--progress" },
    }
    for _, case in ipairs(cases) do
      local outcome = run(table.unpack(case, 2))
      assert.equal(2, outcome.status, case[1])
      assert.matches(case[1], outcome.err, 1, true)
      assert.equal("", outcome.out)
    end
    local help = run("--help")
    assert.equal(0, help.status)
    assert.matches("Squares numbers.", help.out, 1, true)
    for _, option in ipairs{
      "--jobs", "--joblog", "--resume", "--resume-failed", "--halt", "--timeout", "--retries",
      "--dry-run", "--progress", "--quiet", "--count",
    } do
      assert.matches(option, help.out, 1, true)
    end
  end)

  it("says in one line that a log can't be had", function()
    write_script(SQUARES)
    local path = folder .. "/none/log"
    local outcome = run("--joblog", path)
    assert.equal(1, outcome.status)
    assert.equal(("job: joblog: %s: no such file or directory\n"):format(path), outcome.err)
    path = folder .. "/thesis"
    command.write_file(path, "my thesis\n")
    assert.equal(("job: joblog: %s: this file is no joblog\n"):format(path),
      run("--joblog", path, "--resume").err)
    assert.equal("my thesis\n", command.read_file(path))
  end)

  it("is ended by Ctrl-C with 130, and goes on later", function()
    local log = folder .. "/log"
    write_script[[
      tasks = { 1, 2, 3, 4, 5, 6 },
      task = function(x, options)
        if x > 2 and not options.fast then mooncrew.sleep(1000) end
        return x
      end,
      options = function(parser) parser:flag("--fast") end,
      result = function(value) print(value) end,
    ]]
    local child = command.start(script, "--joblog", log, "-j", 2)
    local seen = { child:line(), child:line() }
    table.sort(seen)
    assert.same({ "1", "2" }, seen)
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true))
    assert.is_false(child:has_processes())
    assert.same({ "3", "4", "5", "6", "end\t4\t0\t2\t0" },
      sorted_lines(run("--joblog", log, "--resume", "--fast", "-q").out))
  end)

  it("passes options on to its pool, and takes its arguments from elsewhere", function()
    write_script[[
      pool = { processes = 1, initializer = function() _G.base = 40 end },
      tasks = { 2 },
      task = function(x) return rawget(_G, "base") + x end,
      result = function(value) print(value) end,
      arguments = { "-q" },
    ]]
    local outcome = run("--nonsense")
    assert.equal("42\nend\t1\t0\t0\t0\n", outcome.out)
    assert.equal("", outcome.err)
  end)

  it("refuses wrong fields", function()
    local function refused(message, fields)
      local ok, err = pcall(mooncrew.main, fields)
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
    end
    local function task() end
    refused("main: options: a table expected, got nil", nil)
    refused("main: task: a function expected, got nil", { tasks = {} })
    refused("main: tasks: a table expected, got nil", { task = task })
    refused("main: tasks: a table expected, got 5", { task = task, tasks = 5 })
    refused("main: unknown option 'taks'", { task = task, taks = {} })
    refused("main: done: a function expected, got 1", { task = task, tasks = {}, done = 1 })
    refused("main: pool: a table expected, got 4", { task = task, tasks = {}, pool = 4 })
  end)
end)
