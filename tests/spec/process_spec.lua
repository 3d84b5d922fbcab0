local mooncrew = require "mooncrew"
local standalone = dofile "tests/spec/support/standalone.lua"

local Process, Queue = mooncrew.Process, mooncrew.Queue

local function start(fn, ...)
  return Process{ target = fn, args = table.pack(...) }:start()
end

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
end

describe("Process", function()
  teardown(standalone.remove_folder)

  it("runs its target on a copy of the whole state", function()
    local up = { 1 }
    local p = Process{
      target = function(a, b, c)
        up[1] = up[1] + 1
        return up[1], a, b, c, mooncrew.current_process().name
      end,
      args = { "a", nil, "c", n = 3 },
      name = "worker",
    }
    assert.is_nil(p.pid)
    assert.is_nil(p.exitcode)
    assert.is_false(p:is_alive())
    assert.equal(p, p:start())
    assert.same({ n = 5, 2, "a", nil, "c", "worker" }, table.pack(p:get()))
    assert.same({ n = 5, 2, "a", nil, "c", "worker" }, table.pack(p:get()))
    assert.equal(1, up[1])
    assert.is_true(p:join())
    assert.equal(0, p.exitcode)
    assert.equal("worker", p.name)
    assert.is_false(p.daemon)
    p:close()
    fails("is closed", function() return p:join() end)
  end)

  it("raises the error of its target, with the remote traceback", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local function deep() error("broken") end
      local p = mooncrew.Process{ target = function() deep() end, name = "bad" }:start()
      local ok, err = pcall(p.get, p)
      print(ok, err.kind, err.message, err.process, err.pid == p.pid)
      print(err.traceback:find("'deep'") ~= nil, p:join(), p.exitcode)
      local q = mooncrew.Process{ target = function() error({ code = 7 }) end }:start()
      local _, e = pcall(q.get, q)
      print(e.value.code)
    ]]
    local outcome = standalone.run{ "-e", script }
    assert.equal("false\tError\t(command line):2: broken\tbad\ttrue\n"
      .. "true\ttrue\t1\n7\n", outcome.out)
    assert.matches("Process bad:\n(command line):2: broken\nstack traceback:", outcome.err, 1, true)
    assert.is_nil(outcome.err:find("'start'", 1, true)) -- the parent's frames are not shown
  end)

  it("has Python's exit codes", function()
    local function code(fn)
      local p = start(fn)
      p:join()
      return p.exitcode, p
    end
    assert.equal(0, (code(function() end)))
    assert.equal(3, (code(function() os.exit(3) end)))
    assert.equal(1, (code(function() os.exit(false) end)))
    local killed, p = code(function()
      require("luv").kill(mooncrew.getpid(), "sigkill")
      mooncrew.sleep(100)
    end)
    assert.equal(-9, killed)
    local ok, err = pcall(p.get, p)
    assert.is_false(ok)
    assert.equal("WorkerLost", err.kind)
    assert.equal(-9, err.exitcode)
    assert.equal(p.pid, err.pid)
  end)

  it("os.exit ends it from anywhere, and leaves no result", function()
    local function code(...)
      local p = start(...)
      p:join()
      local err = select(2, pcall(p.get, p))
      assert.equal("WorkerLost", err.kind)
      assert.equal(p.exitcode, err.exitcode)
      return p.exitcode
    end
    assert.equal(0, code(os.exit, nil)) -- lint: allow, it is what a child runs
    assert.equal(0, code(os.exit, true)) -- lint: allow
    assert.equal(255, code(os.exit, -1))
    assert.equal(4, code(os.exit, 260))
    assert.equal(5, code(function() pcall(coroutine.wrap(function() os.exit(5) end)) end))
    assert.equal(6, code(function()
      mooncrew.spawn(function()
        local guard <close> = setmetatable({}, { __close = function() os.exit(7) end })
        os.exit(6, guard ~= nil)
      end):join()
    end))
    assert.equal(8, code(function()
      start(os.exit, 9):join() -- a child's exit is its own
      os.exit(8)
    end))
  end)

  it("collects no garbage until it has made as much as there was", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local heap = {}
      for i = 1, 1e5 do heap[i] = { i } end
      local size = collectgarbage("count")
      local p = mooncrew.Process{ target = function()
        local collected = false
        setmetatable({}, { __gc = function() collected = true end })
        local function make(kibibytes)
          for _ = 1, kibibytes // 4 do local _ = ("x"):rep(4000) .. math.random(0) end
          return collected
        end
        return make(size * 0.4), make(size * 3)
      end }:start()
      print((p:get()), #heap)
      print(select(2, p:get()))
    ]]
    for _, mode in ipairs{ "generational", "incremental" } do
      local code = ("collectgarbage(%q)"):format(mode) .. script
      assert.equal("false\t100000\ntrue\n", standalone.run{ "-e", code }.out)
    end
  end)

  it("leaves os.exit as it is for its parent", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local p = mooncrew.Process{ target = function() os.exit(3) end }:start()
      print(p:join(), p.exitcode)
      local closed = setmetatable({}, { __gc = function() print("closed") end })
      os.exit(closed and 4, true)
    ]]
    local outcome = standalone.run{ "-e", script }
    assert.equal("true\t3\nclosed\n", outcome.out)
    assert.equal(4, outcome.status)
    script = [[
      local mooncrew = require "mooncrew"
      os.exit = nil
      local p = mooncrew.Process{ target = function() return os.exit end }:start()
      print(p:get(), os.exit)
    ]]
    assert.equal("nil\tnil\n", standalone.run{ "-e", script }.out)
  end)

  it("that returns nothing has a result, again and again", function()
    local p = start(function() end)
    assert.equal(0, select("#", p:get()))
    assert.equal(0, select("#", p:get()))
    p:join()
    assert.equal(0, select("#", p:get()))
    p:close()
    p = start(function() mooncrew.sleep(100) end)
    local nothing, why = p:get(0)
    assert.is_nil(nothing)
    assert.equal(mooncrew.Timeout, why)
    p:kill()
  end)

  it("waits inside coroutine tasks without holding up the others", function()
    local queue = Queue()
    local p = start(function() return queue:get() end)
    local joined = mooncrew.spawn(function() return p:join(), p.exitcode end)
    local got = mooncrew.spawn(function() return p:get() end)
    local timed = mooncrew.spawn(function() return p:join(0.001) end)
    local started = mooncrew.spawn(function()
      return start(function(x) return x + 1 end, 1):get()
    end)
    assert.equal(2, started:get())
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(timed:get()))
    queue:put("x")
    assert.equal("x", got:get())
    assert.same({ true, 0 }, { joined:get() })
  end)

  it("lives while it is stopped", function()
    local uv = require "luv"
    local queue = Queue()
    local p = start(function() return queue:get() end)
    uv.kill(p.pid, "sigstop")
    queue:put(1)
    assert.is_true(p:is_alive())
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:join(0.02)))
    fails("is still alive", p.close, p)
    uv.kill(p.pid, "sigcont")
    assert.equal(1, p:get())
    assert.is_true(p:join())
    assert.equal(0, p.exitcode)
  end)

  it("is closed once it has ended, or when it was never started", function()
    local never = Process{ target = print, name = "never" }
    assert.equal("mooncrew.Process: never (not started)", tostring(never))
    never:close()
    never:close()
    assert.equal("mooncrew.Process: never (closed)", tostring(never))
    fails("'never' is closed", never.start, never)
    local queue = Queue()
    local p = start(function() return queue:get() end)
    assert.equal("alive", tostring(p):match("%((.-)%)"))
    queue:put(1)
    p:join()
    assert.equal("ended", tostring(p):match("%((.-)%)"))
    p:close()
    for _, method in ipairs{ "start", "join", "get", "terminate", "kill", "interrupt" } do
      fails("is closed", p[method], p)
    end
    fails("is closed", p.is_alive, p)
    fails("is closed", function() return p.exitcode end)
    fails("is closed", function() p.name = "x" end)
    fails("is closed", mooncrew.wait, { p })
  end)

  it("is terminated, killed and interrupted; an ended one is left alone", function()
    for method, number in pairs{ terminate = 15, kill = 9, interrupt = 2 } do
      local ready = Queue()
      local p = start(function()
        ready:put(true)
        mooncrew.sleep(100)
      end)
      ready:get()
      assert.is_true(p:is_alive())
      p[method](p)
      assert.is_true(p:join())
      assert.equal(-number, p.exitcode)
      assert.is_false(p:is_alive())
      p[method](p)
    end
  end)

  it("waits with a time-out", function()
    local p = start(function() mooncrew.sleep(100) end)
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:join(0.01)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(p:get(0)))
    fails("still alive", p.close, p)
    p:kill()
    p:join()
    p:close()
  end)

  it("tells who is who", function()
    local main = mooncrew.getpid()
    local p = Process{ target = function()
      return mooncrew.getpid(), mooncrew.getppid(), mooncrew.parent_process().pid,
        #mooncrew.active_children()
    end }
    p:start()
    local pid, ppid, parent, children = p:get()
    assert.equal(p.pid, pid)
    assert.equal(main, ppid)
    assert.equal(main, parent)
    assert.equal(0, children)
    p:join()
    local sleeper = start(function() mooncrew.sleep(100) end)
    assert.same({ sleeper }, mooncrew.active_children())
    sleeper:kill()
    sleeper:join()
    assert.same({}, mooncrew.active_children())
    assert.equal("MainProcess", mooncrew.current_process().name)
    assert.is_nil(mooncrew.parent_process())
    assert.is_true(mooncrew.cpu_count() >= 1)
  end)

  it("has children of its own", function()
    local p = start(function()
      local inner = start(function(x) return x * 2 end, 21)
      return inner:get()
    end)
    assert.equal(42, p:get())
  end)

  it("seeds math.random anew, and calls what after_fork was given, in order", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local log = {}
      mooncrew.after_fork(function() log[#log + 1] = 1 end)
      mooncrew.after_fork(function() log[#log + 1] = 2 end)
      local function target() return math.random(0), log[1], log[2] end
      local a = mooncrew.Process{ target = target }:start()
      local b = mooncrew.Process{ target = target }:start()
      local x, one, two = a:get()
      print(x ~= b:get(), one, two, #log)
    ]]
    assert.equal("true\t1\t2\t0\n", standalone.run{ "-e", script }.out)
  end)

  it("ends with 1 when a function given to after_fork raises, before its target", function()
    local script = [[
      local mooncrew = require "mooncrew"
      mooncrew.after_fork(function() error("not today", 0) end)
      mooncrew.after_fork(function() print("the second") end)
      local p = mooncrew.Process{ target = print, args = { "target" }, name = "p" }:start()
      print(select(2, pcall(p.get, p)).message, p:join(), p.exitcode)
      print(select(2, pcall(mooncrew.after_fork, 5)))
    ]]
    local outcome = standalone.run{ "-e", script }
    assert.equal("not today\ttrue\t1\n"
      .. "bad argument #1 to '?' (function expected, got number)\n",
      (outcome.out:gsub("to '[%w_.]*after_fork'", "to '?'")))
    assert.matches("^Process p:\nnot today\n", outcome.err)
  end)

  it("flushes stdio once, and runs no finalizer of its parent", function()
    local script = [[
      local mooncrew = require "mooncrew"
      io.stdout:setvbuf("full")
      io.write("parent;")
      local guard <close> = setmetatable({}, { __close = function() io.write("closed;") end })
      guarded = setmetatable({}, { __gc = function() io.write("collected;") end })
      mooncrew.Process{ target = function() io.write("child;") end }:start():join()
      mooncrew.Process{ target = function() io.write("exit;") os.exit(0, true) end }:start():join()
    ]]
    assert.equal("parent;child;exit;closed;collected;", standalone.run{ "-e", script }.out)
  end)

  it("joins what is left at the end of the main chunk, and ends daemons", function()
    local script = [[
      local mooncrew = require "mooncrew"
      mooncrew.Process{ target = function() mooncrew.sleep(100) end, daemon = true }:start()
      local last = mooncrew.Event()
      mooncrew.Process{ target = function()
        last:wait()
        %s(mooncrew.getppid())
        print("child")
      end }:start()
      print("end")
      last:set()
    ]]
    local outcome = standalone.run{ "-e", script:format(standalone.await_sleep) }
    assert.equal("end\nchild\n", outcome.out)
    assert.equal(0, outcome.status)
  end)

  it("a result that can't be sent is an error of get alone", function()
    local p = start(function() return io.stdout end)
    fails("cannot send a FILE* (at result[1])", p.get, p)
    p:join()
    assert.equal(0, p.exitcode)
  end)

  describe("refuses", function()
    it("what is no target, no table, no name", function()
      fails("target: function expected, got number", Process, { target = 5 })
      fails("target: function expected, got nil", Process, {})
      fails("args: table expected, got string", Process, { target = print, args = "x" })
      fails("daemon: boolean expected, got number", Process, { target = print, daemon = 1 })
      fails("unknown option 'nmae'", Process, { target = print, nmae = "x" })
      fails("table expected", Process, print)
      local name = "name: a text of 1 to 99 bytes without zeros expected, got "
      fails(name .. "number", Process, { target = print, name = 5 })
      fails(name .. "''", Process, { target = print, name = "" })
      fails(name, Process, { target = print, name = ("x"):rep(100) })
      fails(name, Process, { target = print, name = "a\0b" })
      local p = Process{ target = print, name = ("x"):rep(99) }
      assert.equal(99, #p.name)
      fails(name .. "boolean", function() p.name = true end)
      fails("no field 'pid' that can be set", function() p.pid = 5 end)
      fails("boolean expected, got number", function() p.daemon = 5 end)
      p.name, p.daemon = "y", true
      assert.same({ "y", true }, { p.name, p.daemon })
    end)

    it("a second start, and a wait for what was not started", function()
      local p = Process{ target = function() end }
      fails("has not been started", p.join, p)
      fails("has not been started", p.terminate, p)
      p:start()
      fails("has been started already", p.start, p)
      fails("its daemon can't be set", function() p.daemon = true end)
      p:join()
    end)

    it("another process's child", function()
      local p = start(function() mooncrew.sleep(100) end)
      local other = start(function() return pcall(p.join, p) end)
      local ok, message = other:get()
      assert.is_false(ok)
      assert.matches("child of another process", message, 1, true)
      p:kill()
      p:join()
    end)
  end)

  it("leaves nothing of 300 processes", function()
    local before = mooncrew.shared_memory()
    for i = 1, 300 do
      local p = start(function(x) return x end, i)
      assert.equal(i, p:get())
      p:join()
      p:close()
    end
    local after = mooncrew.shared_memory()
    -- Less is right as well: what was killed above is reaped meanwhile.
    assert.is_true(after.members <= before.members)
    assert.is_true(after.objects <= before.objects)
    assert.is_true(after.in_use <= before.in_use)
  end)
end)
