-- Trees of processes: who is whose child, and what goes when somebody goes.
--
-- Every process of a script has the script's stdout, so its end of file says that all are gone.

local uv = require "luv"
local mooncrew = require "mooncrew"
local standalone = dofile "tests/spec/support/standalone.lua"

local Process, Queue = mooncrew.Process, mooncrew.Queue

local function start(fn, ...)
  return Process{ target = fn, args = table.pack(...) }:start()
end

-- A script that says "ready" when its whole tree is there: main, a daemon with a child and a
-- grandchild, a plain process with a daemon. Some compute, some wait, some ignore SIGTERM.
local TREE = [[
  local mooncrew = require "mooncrew"
  local uv = require "luv"
  local Process, ready = mooncrew.Process, mooncrew.Queue()
  local function compute()
    local stubborn = uv.new_signal()
    stubborn:start("sigterm", function() end)
    ready:put(mooncrew.getpid())
    while true do end
  end
  local function wait()
    ready:put(mooncrew.getpid())
    mooncrew.sleep(600)
  end
  local function with(child, daemon)
    return function()
      Process{ target = child, daemon = daemon }:start()
      wait()
    end
  end
  local daemon = Process{ target = with(with(compute)), daemon = true }:start()
  local plain = Process{ target = with(compute, true) }:start()
  local pool = mooncrew.Pool(1)
  pool:apply_async(compute)
  for _ = 1, 6 do ready:get() end
  print("ready", mooncrew.getpid(), daemon.pid)
  io.stdout:flush()
  ]]

local function run_tree(ending)
  local path = standalone.write("tree.lua", TREE .. ending)
  local pipe = assert(io.popen(("exec '%s' '%s' 2>&1 </dev/null"):format(standalone.binary, path)))
  local line = pipe:read("l")
  local main, daemon = line:match("^ready\t(%d+)\t(%d+)$")
  assert.is_string(main, line)
  return pipe, math.tointeger(tonumber(main)), math.tointeger(tonumber(daemon))
end

-- Reads on until every process of the tree is gone.
local function finish(pipe)
  local out = pipe:read("a")
  local _, how, status = pipe:close()
  return out, how == "signal" and -status or status
end

describe("a tree of processes", function()
  teardown(standalone.remove_folder)

  it("goes with its root, when that is killed", function()
    for _ = 1, 5 do
      local pipe, main = run_tree("mooncrew.sleep(600)")
      uv.kill(main, "sigkill")
      local out, status = finish(pipe)
      assert.equal("", out)
      assert.equal(-9, status)
    end
  end)

  it("goes with its root, when that computes and is killed", function()
    local pipe, main = run_tree("while true do end")
    uv.kill(main, "sigkill")
    assert.equal(-9, select(2, finish(pipe)))
  end)

  it("goes with its root at os.exit", function()
    local out, status = finish((run_tree("os.exit(3)")))
    assert.equal("", out)
    assert.equal(3, status)
  end)

  it("loses its daemons at the end of the main chunk, their subtrees with them", function()
    local out, status = finish((run_tree("plain:kill() pool:terminate() print('end')")))
    assert.equal("end\n", out)
    assert.equal(0, status)
  end)

  it("loses them as well when the main chunk ends by an error", function()
    local out, status = finish((run_tree("plain:kill() pool:terminate() error('broken', 0)")))
    assert.matches("broken", out, 1, true)
    assert.equal(1, status)
  end)

  it("loses the subtree of a daemon that is killed, and nothing else", function()
    local pipe, _, daemon = run_tree([[
      daemon:join()
      print(daemon.exitcode, plain:is_alive(), #mooncrew.active_children())
      plain:kill()
      pool:terminate()]])
    uv.kill(daemon, "sigkill")
    assert.equal("-9\ttrue\t1\n", (finish(pipe)))
  end)

  it("waits for those that are no daemons, at the end of an error too", function()
    local outcome = standalone.run{ "-e", ([[
      local mooncrew = require "mooncrew"
      local last, go = mooncrew.Event(), mooncrew.Event()
      mooncrew.Process{ target = function()
        mooncrew.Process{ target = function() go:wait() print("grandchild") end }:start()
        print("child")
      end }:start()
      mooncrew.Process{ target = function()
        last:wait()
        %s(mooncrew.getppid())
        go:set()
      end }:start()
      last:set()
      error("broken", 0)]]):format(standalone.await_sleep) }
    assert.equal("child\ngrandchild\n", outcome.out)
    assert.matches("broken", outcome.err, 1, true)
    assert.equal(1, outcome.status)
  end)
end)

describe("relations", function()
  it("are told to each generation", function()
    local function identity(of) return { of.name, of.pid, of.daemon } end
    local family = Process{ name = "middle", daemon = true, target = function()
      local below = Process{ target = function()
        return identity(mooncrew.current_process()), identity(mooncrew.parent_process()),
          mooncrew.getppid()
      end }:start()
      local self, parent, ppid = below:get()
      return identity(mooncrew.current_process()), identity(mooncrew.parent_process()), self,
        parent, ppid, below.pid
    end }:start()
    local middle, top, self, parent, ppid, below = family:get()
    assert.same({ "middle", family.pid, true }, middle)
    assert.same({ "MainProcess", mooncrew.getpid(), false }, top)
    assert.same({ "middle:1", below, true }, self) -- daemons have daemons, unless they say else
    assert.same(middle, parent)
    assert.equal(family.pid, ppid)
    family:join()
    assert.is_nil(mooncrew.parent_process())
    assert.same({ "MainProcess", mooncrew.getpid(), false },
      identity(mooncrew.current_process()))
  end)

  it("a daemon's child need not be one", function()
    local p = Process{ daemon = true, target = function()
      return Process{ daemon = false, target = function()
        return mooncrew.current_process().daemon
      end }:start():get()
    end }:start()
    assert.is_false(p:get())
    p:join()
  end)

  it("active_children are those that were started here and live", function()
    local go = Queue()
    local unstarted = Process{ target = print }
    local one, two = start(go.get, go), start(go.get, go)
    local inherited = start(function() return #mooncrew.active_children() end)
    assert.equal(0, inherited:get())
    inherited:join()
    local found = {}
    for _, p in ipairs(mooncrew.active_children()) do found[p] = true end
    assert.same({ [one] = true, [two] = true }, found)
    one:kill()
    one:join()
    assert.same({ two }, mooncrew.active_children())
    assert.is_false(unstarted:is_alive())
    go:put(true)
    two:get()
    two:join()
    assert.same({}, mooncrew.active_children())
  end)

  it("a process that nobody holds runs on", function()
    local queue = Queue()
    do
      start(function() queue:put(queue:get() + 1) end)
    end
    collectgarbage()
    collectgarbage()
    local children = mooncrew.active_children()
    assert.equal(1, #children)
    queue:put(1)
    assert.is_true(children[1]:join())
    assert.equal(2, queue:get())
  end)

  it("a handle means nothing in a process that did not start it", function()
    local p = start(mooncrew.sleep, 600)
    local values = table.pack(start(function()
      local errors = {}
      for i, method in ipairs{ "join", "get", "terminate", "kill", "interrupt" } do
        errors[i] = tostring(select(2, pcall(p[method], p)))
      end
      return p:is_alive(), p.exitcode, p.pid, table.unpack(errors)
    end):get())
    assert.same({ false, nil, p.pid }, { values[1], values[2], values[3] })
    assert.equal(8, values.n)
    for i = 4, 8 do assert.matches("is a child of another process", values[i], 1, true) end
    p:kill()
    p:join()
  end)
end)

describe("cpu_count", function()
  setup(function() os.execute("mkdir -p '" .. standalone.folder .. "'") end)
  teardown(standalone.remove_folder)

  local function count(before)
    local pipe <close> = assert(io.popen(("%s '%s' -e '%s' 2>&1"):format(before, standalone.binary,
      'print(require "mooncrew".cpu_count())')))
    return pipe:read("a")
  end

  it("is at least one, and follows the affinity", function()
    local n = mooncrew.cpu_count()
    assert.is_true(math.type(n) == "integer" and n >= 1)
    assert.equal("1\n", count("taskset -c $(taskset -cp $$ | grep -o '[0-9]*$')"))
  end)

  -- What each version of control groups calls this process's group.
  local function group(controller)
    for line in io.lines("/proc/self/cgroup") do
      local controllers, path = line:match("^%d+:([^:]*):(.*)$")
      if controllers == controller then return path == "/" and "" or path end
    end
  end

  -- The count where the folders of the groups hold these files, in a namespace of its own.
  local function count_with(files)
    local lines = { "mount -t tmpfs none /sys/fs/cgroup || exit" }
    for path, text in pairs(files) do
      local full = "/sys/fs/cgroup" .. path
      lines[#lines + 1] = ("mkdir -p '%s' && echo '%s' >'%s'"):format(
        full:match("^(.*)/"), text, full)
    end
    lines[#lines + 1] = 'exec "$@"'
    local script = standalone.write("groups.sh", table.concat(lines, "\n"))
    return count(("unshare -m sh '%s'"):format(script))
  end

  local these = uv.getuid() == 0 and it or function() end

  these("follows the quota of its control group, and of those above", function()
    local own, cpu = group(""), group("cpu") or group("cpu,cpuacct")
    local all = count("")
    assert.equal(all, count_with{})
    if own then
      assert.equal("1\n", count_with{ [own .. "/cpu.max"] = "100000 100000" })
      assert.equal("1\n", count_with{ [own .. "/cpu.max"] = "5000 100000" })
      assert.equal(all, count_with{ [own .. "/cpu.max"] = "max 100000" })
      assert.equal(all, count_with{ [own .. "/cpu.max"] = "99900000 100000" })
      assert.equal("1\n", count_with{ [own .. "/cpu.max"] = "max 100000",
        ["/cpu.max"] = "50000 100000" })
      assert.equal("1\n", count_with{ ["/unified" .. own .. "/cpu.max"] = "100000 100000" })
    end
    if cpu then
      assert.equal("1\n", count_with{ ["/cpu" .. cpu .. "/cpu.cfs_quota_us"] = "150",
        ["/cpu" .. cpu .. "/cpu.cfs_period_us"] = "150" })
      assert.equal(all, count_with{ ["/cpu" .. cpu .. "/cpu.cfs_quota_us"] = "-1",
        ["/cpu" .. cpu .. "/cpu.cfs_period_us"] = "100000" })
      assert.equal(all, count_with{ ["/cpu" .. cpu .. "/cpu.cfs_quota_us"] = "100" })
    end
    assert.is_true(own ~= nil or cpu ~= nil)
  end)
end)
