local command = dofile "tests/spec/support/command.lua"
local mooncrew = require "mooncrew"
local uv = require "luv"

local HEADER = "Seq\tStarttime\tJobRuntime\tExitval\tSignal\tTask"

local path

-- The lines of the log as tables, in the order of the file. Demands that all are whole.
local function entries()
  local text = command.read_file(path)
  assert.equal(HEADER .. "\n", text:sub(1, #HEADER + 1))
  assert.equal("\n", text:sub(-1))
  local list = {}
  for line in text:sub(#HEADER + 2):gmatch("([^\n]*)\n") do
    local seq, start, runtime, exitval, signal, task =
      line:match("^(%d+)\t(%d+%.%d%d%d)\t(%d+%.%d%d%d)\t(%d+)\t(%d+)\t([^\t]+)$")
    assert.is_truthy(seq, line)
    list[#list + 1] = {
      seq = math.tointeger(seq), start = tonumber(start), runtime = tonumber(runtime),
      exitval = math.tointeger(exitval), signal = math.tointeger(signal), task = task,
    }
  end
  return list
end

-- The same by task; each at most once.
local function by_task()
  local map = {}
  for _, entry in ipairs(entries()) do
    assert.is_nil(map[entry.task], entry.task)
    map[entry.task] = entry
  end
  return map
end

local function new_pool(options)
  options.joblog = options.joblog or path
  options.processes = options.processes or 2
  return mooncrew.Pool(options)
end

local function close(pool)
  pool:close()
  assert.is_true(pool:join())
end

local function refused(message, options)
  local ok, err = pcall(mooncrew.Pool, options)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function open_files()
  local n = 0
  for _ in uv.fs_scandir_next, assert(uv.fs_scandir("/proc/self/fd")) do n = n + 1 end
  return n
end

describe("joblog", function()
  before_each(function() path = command.folder() .. "/log" end)
  after_each(command.clean_up)

  it("has a line for each task: when it began, how long it took, how it ended", function()
    local before = uv.gettimeofday()
    local pool <close> = new_pool{}
    pool:map(function(x) if x == "slow" then mooncrew.sleep(0.05) end end, { "a", "slow", 3, 2.5 })
    assert.is_false((pcall(pool.apply, pool, function() error("no") end)))
    pool:apply_async(function() end, nil, { name = "by name" }):wait()
    local seqs, log = {}, by_task()
    for task, entry in pairs(log) do
      seqs[entry.seq] = task
      assert.is_true(entry.start >= before and entry.start <= uv.gettimeofday() + 1)
      assert.equal(0, entry.signal)
    end
    assert.same({ "a", "slow", "3", "2.5", "5", "by name" }, seqs)
    assert.is_true(log.slow.runtime >= 0.05)
    assert.is_true(log.a.runtime < log.slow.runtime)
    assert.same({ 0, 0, 1, 0 },
      { log.a.exitval, log.slow.exitval, log["5"].exitval, log["by name"].exitval })
  end)

  it("names tasks by their index, or as a function says; second ones are told apart", function()
    local pool <close> = new_pool{}
    pool:map(function() end, { { "x" }, { "y" } })
    pool:map(function() end, { { "x" }, { "y" } }, {
      name = function(item, i) return item[1] .. i end,
    })
    pool:starmap(function() end, { { 1, 2 } }, { name = function(item) return item[2] * 100 end })
    for _ in pool:imap(function() return 1 end, { "same", "same", "same~2", "same" }) do end
    local function name(item, i) return item .. i end
    for _ in pool:imap_unordered(function() return 1 end, { "i", "j" }, { name = name }) do end
    local log = by_task()
    for _, task in ipairs{
      "1", "2", "x1", "y2", "200", "same", "same~2", "same~2~2", "same~3", "i1", "j2",
    } do
      assert.is_truthy(log[task], task)
    end
  end)

  it("keeps names of any bytes in one field of one line", function()
    local name = "a\tb\nc\\d\0\r\27é"
    local pool <close> = new_pool{}
    pool:apply_async(function() end, nil, { name = name }):wait()
    assert.equal("a\\tb\\nc\\\\d\\x00\\r\\x1bé", entries()[1].task)
    close(pool)
    local again <close> = new_pool{ resume = true }
    local result = again:apply_async(function() return 1 end, nil, { name = name })
    assert.same({ n = 2, nil, mooncrew.Skipped }, table.pack(result:get()))
  end)

  it("shows the worker's signal or status, lateness, and the status an error names", function()
    local pool <close> = new_pool{ retries = 1 }
    local tasks = {
      killed = { function() uv.kill(mooncrew.getpid(), "sigkill") end, 137, 9 },
      left = { function() os.exit(7) end, 7, 0 },
      ["left well"] = { function() os.exit(tonumber("0")) end, 1, 0 },
      late = { function() while true do end end, 124, 9 },
      status = { function() error({ exitcode = 42 }) end, 42, 0 },
      ["no status"] = { function() error({ exitcode = 0 }) end, 1, 0 },
      unsendable = { function() return io.stdout end, 1, 0 },
    }
    for name, task in pairs(tasks) do
      local result = pool:apply_async(task[1], nil,
        { name = name, timeout = name == "late" and 0.1 or nil })
      local ok, err = pcall(result.get, result)
      assert.is_false(ok)
      assert.equal(name, err.task)
      assert.equal(task[2], err.exitval)
    end
    close(pool)
    local last = {}
    for _, entry in ipairs(entries()) do last[entry.task] = entry end
    for name, task in pairs(tasks) do
      assert.same({ name, task[2], task[3] }, { name, last[name].exitval, last[name].signal })
    end
    assert.is_true(last.late.runtime >= 0.1)
    assert.is_true(last.killed.start > 1e9)
  end)

  it("has one line for a task that was tried again", function()
    local tries = mooncrew.Queue()
    local pool <close> = new_pool{ processes = 1, retries = 5 }
    pool:apply_async(function()
      tries:put(1)
      if tries:qsize() < 4 then uv.kill(mooncrew.getpid(), "sigkill") end
    end, nil, { name = "stubborn" }):get()
    close(pool)
    assert.equal(4, tries:qsize())
    assert.equal(1, #entries())
    assert.equal(0, entries()[1].exitval)
  end)

  it("has no line for what was given up or never begun", function()
    local pool <close> = new_pool{ processes = 1 }
    local started = mooncrew.Event()
    local endless = pool:apply_async(function()
      started:set()
      while true do end
    end)
    started:wait()
    local queued = pool:apply_async(function() end)
    endless:cancel(true)
    queued:wait()
    pool:apply(function() end)
    pool:terminate()
    assert.same({ 2, 3 }, { entries()[1].seq, entries()[2].seq })
    assert.equal(2, #entries())
    local broken = new_pool{ initializer = function() error("unfit") end }
    assert.is_false((pcall(broken.apply, broken, print)))
    broken:terminate()
    assert.equal(0, #entries())
  end)

  it("starts anew without resume, and goes on with it", function()
    local ran = mooncrew.Queue()
    local function work(x)
      ran:put(x)
      return x .. "!"
    end
    close((function()
      local pool = new_pool{}
      assert.same({ "a!", "b!" }, pool:map(work, { "a", "b" }))
      return pool
    end)())
    local pool = new_pool{ resume = true }
    local out = pool:map(work, { "a", "b", "c" })
    assert.same({ mooncrew.Skipped, mooncrew.Skipped, "c!" }, out)
    assert.equal(2, pool:stats().skipped)
    close(pool)
    assert.equal(3, #entries())
    assert.equal(3, ran:qsize())
    pool = new_pool{}
    assert.same({ "a!" }, pool:map(work, { "a" }))
    close(pool)
    assert.equal(1, #entries())
  end)

  it("what is skipped: nil and Skipped, no callback, nothing in an imap", function()
    close((function()
      local pool = new_pool{}
      pool:map(function() end, { 1, 2, 4 })
      return pool
    end)())
    local pool <close> = new_pool{ resume = true }
    local called = false
    local function callback() called = true end
    local result = pool:apply_async(function() return 5 end, nil,
      { name = "1", callback = callback, error_callback = callback })
    assert.same({ n = 2, nil, mooncrew.Skipped }, table.pack(result:get()))
    assert.is_true(result:ready() and result:successful())
    assert.is_false(called)
    assert.equal("Skipped", mooncrew.Skipped.kind)
    local seen = {}
    for x in pool:imap(function(x) return x end, { 2, 3, 4, 5 }) do seen[#seen + 1] = x end
    assert.same({ 3, 5 }, seen)
  end)

  it("failed tasks are run again by resume = \"failed\" alone", function()
    local function work(x)
      if x == 2 then error("no", 0) end
      return x
    end
    close((function()
      local pool = new_pool{}
      assert.is_false((pcall(pool.map, pool, work, { 1, 2, 3 })))
      return pool
    end)())
    local pool = new_pool{ resume = true }
    assert.same({ mooncrew.Skipped, mooncrew.Skipped, mooncrew.Skipped, 4 },
      pool:map(work, { 1, 2, 3, 4 }))
    close(pool)
    pool = new_pool{ resume = "failed" }
    local ran = mooncrew.Queue()
    local out = pool:map(function(x)
      ran:put(x)
      return x
    end, { 1, 2, 3, 4 })
    assert.same({ mooncrew.Skipped, 2, mooncrew.Skipped, mooncrew.Skipped }, out)
    assert.equal(1, ran:qsize())
    close(pool)
    pool = new_pool{ resume = "failed" } -- the last line of a task counts
    assert.equal(mooncrew.Skipped, pool:map(work, { 1, 2 })[2])
    close(pool)
  end)

  it("a line that was cut off is dropped, and its task is run again", function()
    command.write_file(path, HEADER .. "\n1\t1.000\t0.000\t0\t0\ta\n2\t1.000\t0.000\t0\t0\tb")
    local pool = new_pool{ resume = true }
    assert.same({ mooncrew.Skipped, "b" }, pool:map(function(x) return x end, { "a", "b" }))
    close(pool)
    local log = by_task()
    assert.equal(1, log.a.start)
    assert.is_true(log.b.start > 1)
    -- Of the very first line as well.
    command.write_file(path, HEADER:sub(1, 10))
    pool = new_pool{ resume = true }
    pool:map(function() end, { "a" })
    close(pool)
    assert.equal("a", entries()[1].task)
  end)

  it("reads a log of many blocks", function()
    local lines = { HEADER }
    for i = 1, 20000 do lines[#lines + 1] = ("%d\t1.000\t0.000\t0\t0\ttask %d"):format(i, i) end
    command.write_file(path, table.concat(lines, "\n") .. "\n")
    local names = {}
    for i = 1, 20001 do names[i] = "task " .. i end
    local pool = new_pool{ resume = true }
    local out = pool:map(function(x) return x end, names)
    assert.equal(20000, pool:stats().skipped)
    assert.equal("task 20001", out[20001])
    close(pool)
    assert.equal(20001, #entries())
  end)

  it("refuses what can't be a log, and does not overwrite it", function()
    local folder = path:match("^(.*)/")
    refused("no/such/log: no such file or directory", { joblog = folder .. "/no/such/log" })
    refused("illegal operation on a directory", { joblog = folder })
    refused("not a regular file", { joblog = "/dev/null" })
    for _, resume in ipairs{ true, false } do
      for _, text in ipairs{ "my thesis\n", HEADER .. "\tHost\n", "\n", "short" } do
        command.write_file(path, text)
        local err = refused(path .. ": this file is no joblog", { joblog = path, resume = resume })
        assert.equal("Joblog", err.kind)
        assert.equal(text, command.read_file(path))
      end
      local text = HEADER .. "\n1\t1.000\t0.000\t0\t0\ta\nrubbish\n"
      command.write_file(path, text)
      refused(path .. ": line 3 is not one of a joblog", { joblog = path, resume = resume })
      assert.equal(text, command.read_file(path))
    end
  end)

  it("refuses wrong arguments", function()
    refused("Pool: resume: a joblog is needed", { resume = true })
    refused('Pool: resume: true, false or "failed" expected, got "all"',
      { joblog = path, resume = "all" })
    refused("Pool: joblog: a string expected, got 5", { joblog = 5 })
    local pool <close> = new_pool{}
    local function raises(message, ...)
      local ok, err = pcall(...)
      assert.is_false(ok)
      assert.matches(message, tostring(err), 1, true)
      assert.matches("joblog_spec.lua", tostring(err), 1, true)
    end
    raises("map: chunksize: 1, as the pool has a joblog or a halt, expected, got 5",
      function() pool:map(print, { 1 }, 5) end)
    raises("imap: chunksize: 1, as", function() pool:imap(print, { 1 }, 2) end)
    raises("map_async: chunksize: 1, as", function() pool:map_async(print, { 1 }, 2) end)
    raises("map: name: a function expected", function() pool:map(print, { 1 }, { name = "x" }) end)
    raises("starmap: list[2]: a table expected", function() pool:starmap(print, { {}, 2 }) end)
    assert.is_false((pcall(pool.apply, pool, print, { io.stdout })))
    close(pool)
    assert.equal(0, #entries())
  end)

  it("is used by one run at a time, and by the next when the first is closed", function()
    local pool = new_pool{}
    local begin = uv.hrtime()
    refused("another run is using it", { joblog = path, resume = true })
    assert.is_true(uv.hrtime() > begin)
    pool:map(function() end, { "a" })
    assert.equal(1, #entries()) -- it was left alone
    -- A child that has the open file, but nothing to do with it, does not keep it.
    local gate = mooncrew.Event()
    local child = mooncrew.Process{ target = function() gate:wait() end }:start()
    close(pool)
    local second = new_pool{ resume = true }
    assert.equal(mooncrew.Skipped, second:map(print, { "a" })[1])
    second:terminate()
    close(new_pool{ resume = true })
    gate:set()
    child:join()
  end)

  it("knows of a task whose worker died behind its line", function()
    -- In this worker each line is followed by death.
    local function die_behind_a_line()
      local joblog = require "mooncrew.joblog"
      local append = joblog.append
      function joblog.append(...)
        append(...)
        uv.kill(mooncrew.getpid(), "sigkill")
      end
    end
    local ran = mooncrew.Queue()
    local pool = new_pool{ processes = 1, retries = 3, initializer = die_behind_a_line }
    local done = pool:apply_async(function() ran:put(1) end, nil, { name = "done" })
    assert.same({ n = 2, nil, mooncrew.Skipped }, table.pack(done:get()))
    local failed = pool:apply_async(function() error({ exitcode = 3 }) end, nil,
      { name = "failed" })
    local ok, err = pcall(failed.get, failed)
    assert.is_false(ok)
    assert.same({ "WorkerLost", 3 }, { err.kind, err.exitval })
    pool:terminate()
    assert.equal(1, ran:qsize())
    local log = by_task()
    assert.same({ 0, 3 }, { log.done.exitval, log.failed.exitval })
  end)

  it("a line that can't be written is an error of its task", function()
    local pool = new_pool{ processes = 1, initializer = function()
      require("luv").fs_write = function() return nil, "ENOSPC: no space left on device" end
    end }
    local result = pool:apply_async(function() return 1 end)
    local ok, err = pcall(result.get, result)
    assert.is_false(ok)
    assert.equal("Joblog", err.kind)
    assert.equal("joblog: cannot write: no space left on device", err.message)
    pool:terminate()
    assert.equal(0, #entries())
  end)

  it("works in a worker of another pool and in a coroutine task", function()
    local outer <close> = mooncrew.Pool(1)
    local log = path
    assert.same({ 1, 4 }, outer:apply(function()
      local inner <close> = mooncrew.Pool{ processes = 1, joblog = log }
      return inner:map(function(x) return x * x end, { 1, 2 })
    end))
    assert.equal(2, #entries())
    local task = mooncrew.spawn(function()
      local pool <close> = new_pool{ resume = true }
      return pool:map(function(x) return x end, { 1, 2, 3 })
    end)
    assert.same({ mooncrew.Skipped, mooncrew.Skipped, 3 }, task:get())
    assert.equal(3, #entries())
  end)

  it("leaves no open file and no shared object", function()
    close(new_pool{})
    collectgarbage()
    collectgarbage()
    local files, before = open_files(), mooncrew.shared_memory()
    for i = 1, 10 do
      local pool <close> = new_pool{ resume = i % 2 == 0, halt = "soon,fail=1" }
      pool:map(function() end, { i })
    end
    for _ = 1, 5 do
      refused("got \"x\"", { joblog = path, halt = "x" })
      refused("not a regular file", { joblog = "/dev/null" })
    end
    new_pool{} -- nobody holds it
    collectgarbage()
    collectgarbage()
    local after = mooncrew.shared_memory()
    assert.equal(files, open_files())
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.members <= before.members)
  end)
end)
