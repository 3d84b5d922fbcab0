-- limits of a process and of the workers of a pool, and a pool's max_memory.

local uv = require "luv"
local mooncrew = require "mooncrew"
local standalone = dofile "tests/spec/support/standalone.lua"

local Process, Pool = mooncrew.Process, mooncrew.Pool

local MIB = 1 << 20

before_each(function()
  collectgarbage()
  collectgarbage() -- a child could use what is free in it besides
end)

local function start(limits, fn, ...)
  return Process{ target = fn, args = table.pack(...), limits = limits }:start()
end

local function inside(limits, fn, ...)
  local p = start(limits, fn, ...)
  local values = table.pack(p:get())
  p:join()
  return table.unpack(values, 1, values.n)
end

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

-- The MiB that this process can still have, up to `most`; and what stopped it.
local function take_memory(most)
  local held = {}
  local _, err = pcall(function()
    while #held < most do held[#held + 1] = ("x"):rep(MIB) end
  end)
  return #held, err
end

-- The descriptors that this process can still open; and what stopped it.
local function take_files()
  local held = {}
  local file, message = io.open("/dev/null")
  while file do
    held[#held + 1] = file
    file, message = io.open("/dev/null")
  end
  local n = #held
  for _, open in ipairs(held) do open:close() end
  return n, message
end

-- AddressSanitizer takes a lot of a process's memory, and holds back what is freed.
local sanitized = assert(io.open("/proc/self/maps")):read("a"):find("libasan", 1, true) ~= nil

-- Whether so much was had under a limit: a bit less for what the process needs itself, a bit more
-- where a piece of the memory that it was born with was free.
local function is_about(mib, got)
  return got <= mib + 5 and (sanitized or got >= mib - 5)
end

local function compute()
  while true do end
end

describe("limits.memory", function()
  it("bounds what a process takes on top of what it has", function()
    local had = {} -- 60 MiB that the children have from their parent
    for i = 1, 60 do had[i] = ("x"):rep(MIB) end
    for given, mib in pairs{ ["24M"] = 24, [96 * MIB] = 96 } do
      local n, err = inside({ memory = given }, take_memory, 200)
      assert.is_true(is_about(mib, n), n)
      assert.equal("not enough memory", err)
    end
    assert.equal(200, (take_memory(200))) -- it is the child's alone
    assert.equal(60, #had)
  end)

  it("leaves what fits alone", function()
    assert.equal(30, (inside({ memory = "64M" }, take_memory, 30)))
    assert.equal(2, inside({ memory = "1M" }, function() return 2 end))
  end)

  it("is an error that can be caught, and memory that is given back can be had again", function()
    local first, second = inside({ memory = "32M" }, function()
      local n = take_memory(200)
      collectgarbage()
      return n, (take_memory(200))
    end)
    assert.is_true(sanitized or second >= first - 2, second)
  end)

  it("is an error of kind NoMemory when nobody catches it", function()
    local outcome = standalone.run{ "-e", [[
      local mooncrew = require "mooncrew"
      local p = mooncrew.Process{ name = "big", limits = { memory = "16M" }, target = function()
        KEPT = {} -- what fills the memory is not garbage afterwards
        while true do KEPT[#KEPT + 1] = { #KEPT } end
      end }:start()
      local ok, err = pcall(p.get, p)
      p:join()
      print(ok, err.kind, err, err.process, err.pid == p.pid, p.exitcode)]] }
    assert.equal("false\tNoMemory\tnot enough memory\tbig\ttrue\t1\n", outcome.out)
    assert.equal("Process big:\nnot enough memory\n", outcome.err)
  end)

  it("does not count shared memory", function()
    local queue, dict = mooncrew.Queue(), mooncrew.dict()
    assert.equal(40, inside({ memory = "8M" }, function()
      local text = ("x"):rep(MIB)
      for i = 1, 40 do
        queue:put(text)
        dict[i] = i
      end
      return mooncrew.dict.size(dict)
    end))
    for _ = 1, 40 do assert.equal(MIB, #queue:get()) end
  end)

  it("holds each process that comes from it", function()
    local n, nested = inside({ memory = "24M" }, function()
      local child = Process{ target = take_memory, args = { 200 } }:start()
      local lower = Process{ target = take_memory, args = { 200 }, limits = { memory = "8M" } }
      return child:get(), lower:start():get()
    end)
    assert.is_true(is_about(24, n), n)
    assert.is_true(is_about(8, nested), nested)
  end)
end)

describe("limits.cpu", function()
  it("ends a process by SIGXCPU", function()
    local p = start({ cpu = 0.5 }, compute)
    assert.is_true(p:join())
    assert.equal(-24, p.exitcode)
    local err = fails("ended with signal 24", p.get, p)
    assert.equal("WorkerLost", err.kind)
    assert.equal(-24, err.exitcode)
  end)

  it("counts computing, not waiting", function()
    assert.equal("done", inside({ cpu = 1 }, function()
      mooncrew.sleep(1.2)
      return "done"
    end))
  end)
end)

describe("limits.files", function()
  it("bounds what a process opens on top of what is open", function()
    local held = {}
    for i = 1, 20 do held[i] = assert(io.open("/dev/null")) end
    assert.is_true(held[5]:close()) -- a hole
    for given, n in pairs{ [0] = 0, [1] = 1, [37] = 37 } do
      assert.same({ n, "/dev/null: Too many open files" },
        { inside({ files = given }, take_files) })
    end
    for i = 1, 20 do if i ~= 5 then held[i]:close() end end
  end)

  it("the runtime has what it needs: it waits in its loop, and wakes others", function()
    local queue, answers = mooncrew.Queue(), mooncrew.Queue()
    local p = start({ files = 0 }, function()
      local task = mooncrew.spawn(function() return queue:get() end)
      answers:put(task:get())
      return take_files()
    end)
    local sleeper = mooncrew.spawn(function() return answers:get() end)
    queue:put("x")
    assert.equal("x", sleeper:get())
    assert.equal(0, (p:get()))
    p:join()
  end)

  it("children can be had, limited ones as well", function()
    -- Their loops need a few, and the pipe that tells how the limits went two.
    assert.same({ 4, "not enough memory" }, { inside({ files = 12 }, function()
      local plain = Process{ target = function() return 4 end }:start()
      return plain:get(), select(2, start({ memory = "8M" }, take_memory, 200):get())
    end) })
    local kind, message, n = inside({ files = 1 }, function()
      local p = Process{ target = print, limits = { cpu = 1 } }
      local err = select(2, pcall(p.start, p))
      return err.kind, err.message, #mooncrew.active_children()
    end)
    assert.same({ "OSError", "start: Too many open files", 0 }, { kind, message, n })
  end)
end)

describe("limits", function()
  it("wrong ones name what is wrong", function()
    local memory = 'limits.memory: a size of 1M or more, such as "256M", expected, got '
    local cpu = "limits.cpu: a number of seconds above 0 expected, got "
    local files = "limits.files: a whole number from 0 to 1048576 expected, got "
    for _, case in ipairs{
      { 5, "limits: a table expected, got 5" },
      { { memmory = 1 }, "limits: unknown option 'memmory'" },
      { { "256M" }, "limits: unknown option '1'" },
      { { memory = "lots" }, memory .. "'lots'" },
      { { memory = "1K" }, memory .. "'1K'" },
      { { memory = -1 }, memory .. "-1" },
      { { memory = 0 }, memory .. "0" },
      { { memory = 2000000.5 }, memory .. "2000000.5" },
      { { memory = {} }, memory .. "table" },
      { { memory = "1000T" }, memory .. "'1000T'" },
      { { cpu = 0 }, cpu .. "0" },
      { { cpu = -1 }, cpu .. "-1" },
      { { cpu = 0 / 0 }, cpu },
      { { cpu = math.huge }, cpu .. "inf" },
      { { cpu = "1" }, cpu .. "'1'" },
      { { files = -1 }, files .. "-1" },
      { { files = 1.5 }, files .. "1.5" },
      { { files = "3" }, files .. "'3'" },
      { { files = 1 << 21 }, files .. "2097152" },
    } do
      fails(case[2], Process, { target = print, limits = case[1] })
      fails("Pool: " .. case[2], Pool, { limits = case[1] })
    end
  end)

  it("are applied all together", function()
    local files, memory = inside({ memory = "24M", cpu = 30, files = 3 }, function()
      return take_files(), (take_memory(200))
    end)
    assert.equal(3, files)
    assert.is_true(is_about(24, memory), memory)
  end)
end)

describe("limits of a pool", function()
  it("a task that takes too much fails alone: 50 over the limit, neighbours right", function()
    local pool <close> = Pool{ processes = 50, limits = { memory = "16M" } }
    local results = {}
    for i = 1, 100 do
      results[i] = pool:apply_async(function(x)
        if x % 2 == 0 then
          KEPT = { rawget(_G, "KEPT") } -- luacheck: ignore 111
          while true do KEPT[#KEPT + 1] = ("x"):rep(MIB) end -- luacheck: ignore 112 113
        end
        return x * x
      end, { i })
    end
    for i = 1, 100 do
      local ok, value = pcall(results[i].get, results[i])
      if i % 2 == 0 then
        assert.is_false(ok)
        assert.equal("NoMemory", value.kind)
        assert.matches("^Pool%-%d+%-%d+$", value.process)
      else
        assert.is_true(ok, tostring(value))
        assert.equal(i * i, value)
      end
    end
    assert.equal(50, pool:stats().failed)
    -- Each worker that ran full is replaced, so nobody inherits what it kept.
    repeat
      assert.is_true(pool:apply(function() return rawget(_G, "KEPT") == nil end))
    until pool:stats().restarts >= 50
    assert.equal(50, pool:stats().restarts)
  end)

  it("a map's item that takes too much is the map's error, at its index", function()
    local pool <close> = Pool{ processes = 2, limits = { memory = "16M" } }
    local err = fails("not enough memory", pool.map, pool, function(n)
      return #("x"):rep(n * MIB)
    end, { 1, 1, 50, 1 }, 1)
    assert.equal("NoMemory", err.kind)
    assert.same({ MIB, MIB }, pool:map(function(n) return #("x"):rep(n * MIB) end, { 1, 1 }))
  end)

  it("a task that computes too long is lost with its worker", function()
    local pool <close> = Pool{ processes = 1, limits = { cpu = 1 } }
    local err = fails("signal 24", pool.apply, pool, compute)
    assert.equal("WorkerLost", err.kind)
    assert.equal(-24, err.exitcode)
    assert.equal(5, pool:apply(function() return 5 end))
  end)

  it("descriptors are each worker's own", function()
    local pool <close> = Pool{ processes = 2, limits = { files = 9 } }
    assert.same({ 9, 9, 9, 9 }, pool:map(take_files, { 1, 2, 3, 4 }, 1))
  end)

  it("an initializer that takes too much is reported", function()
    local pool = Pool{ processes = 2, limits = { memory = "8M" }, initializer = take_memory,
      initargs = { 1 } }
    assert.equal(1, pool:apply(function() return 1 end))
    pool:terminate()
    local broken = Pool{ processes = 2, limits = { memory = "8M" },
      initializer = function() return ("x"):rep(50 * MIB) end }
    assert.equal("NoMemory", fails("not enough memory", broken.apply, broken, compute).kind)
    broken:terminate()
  end)
end)

describe("max_memory", function()
  local function keep(mib)
    KEPT = ("x"):rep(mib * MIB) -- luacheck: ignore 111
    return mooncrew.getpid()
  end

  it("replaces a worker that has got bigger, and keeps its task's result", function()
    local had = ("x"):rep(80 * MIB) -- what workers have from their parent is not theirs
    local pool <close> = Pool{ processes = 1, max_memory = "60M" }
    local first = pool:apply(keep, { 1 })
    assert.equal(first, pool:apply(keep, { 10 }))
    assert.equal(first, pool:apply(keep, { 70 })) -- over it, but the result counts
    local second = pool:apply(keep, { 1 })
    assert.is_true(second ~= first)
    assert.equal(second, pool:apply(keep, { 1 }))
    assert.equal(1, pool:stats().restarts)
    assert.equal(5, pool:stats().done)
    assert.equal(0, pool:stats().failed)
    assert.equal(80 * MIB, #had)
  end)

  it("holds in a sandbox too", function()
    local pool <close> = Pool{ processes = 1, max_memory = 60 * MIB,
      sandbox = { best_effort = true } }
    local first = pool:apply(keep, { 70 })
    assert.is_true(first ~= pool:apply(keep, { 1 }))
  end)

  it("a worker that can't know its memory does not work without the limit", function()
    local p = Process{ sandbox = { best_effort = true }, target = function()
      local readable = io.open("/proc/self/statm") ~= nil
      local pool <close> = Pool{ processes = 1, max_memory = "60M" }
      return readable, pcall(pool.apply, pool, function() return 1 end)
    end }:start()
    local readable, ok, value = p:get()
    p:join()
    assert.equal(readable, ok)
    if readable then return assert.equal(1, value) end -- a kernel without Landlock
    assert.equal("Pool: max_memory: /proc/self/statm: Permission denied", tostring(value))
  end)

  it("wrong ones name what is wrong", function()
    local text = 'Pool: max_memory: a number of bytes or a size such as "256M" expected, got '
    for _, case in ipairs{ { "much", '"much"' }, { 0, "0" }, { -5, "-5" }, { 1.5, "1.5" },
      { {}, "table" }, { true, "true" } } do
      fails(text .. case[2], Pool, { max_memory = case[1] })
    end
  end)
end)

describe("no process to be had", function()
  -- Root is not held to a number of processes, so the script runs as somebody without rights.
  if uv.getuid() ~= 0 then return end
  teardown(standalone.remove_folder)

  it("is a clear error of a limited or sandboxed process as well", function()
    local user = 66000 + uv.os_getpid() % 5000
    for _, option in ipairs{ "limits = { memory = '64M' }", "sandbox = { best_effort = true }" } do
      local script = standalone.write("script.lua", ([[
        local mooncrew = require "mooncrew"
        local held = {}
        for i = 1, 9 do
          local p = mooncrew.Process{ target = mooncrew.sleep, args = { 60 }, daemon = true, %s }
          local ok, err = pcall(p.start, p)
          if not ok then return print(err.kind, err, #mooncrew.active_children() == i - 1) end
        end]]):format(option))
      local line = ("setpriv --reuid=%d --clear-groups --inh-caps=-all,+dac_override "
        .. "--ambient-caps=-all,+dac_override prlimit --nproc=4 '%s' '%s' 2>&1"):format(
        user, standalone.binary, script)
      local pipe <close> = assert(io.popen(line))
      assert.equal("OSError\tstart: no further process can be had (see ulimit -u)\ttrue\n",
        pipe:read("a"))
    end
  end)
end)
