-- What a sandboxed process can open and what not. What the kernel has is asked of the kernel, not
-- of the library; one that lacks something is this one behind a filter (support/kernel.py).

local uv = require "luv"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"

local KERNEL = command.root .. "/tests/spec/support/kernel.py"

local function abi()
  local pipe <close> = assert(io.popen("python3 '" .. KERNEL .. "' abi"))
  return math.tointeger(pipe:read("n"))
end

local ABI = abi()
local with_landlock = ABI > 0 and it or function() end
local without_landlock = ABI == 0 and it or function() end

-- What a process in this sandbox returns.
local function inside(sandbox, fn, ...)
  local p = mooncrew.Process{ target = fn, args = table.pack(...), sandbox = sandbox }:start()
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

-- Nil, or why the file could not be opened.
local function refusal(path, mode)
  local file, message, code = io.open(path, mode)
  if file then file:close() end
  return not file and code or nil, message
end

local EACCES, ENOENT = 13, 2

describe("sandbox", function()
  local folder, open, hidden

  before_each(function()
    folder = command.folder()
    open, hidden = folder .. "/open", folder .. "/hidden"
    assert(uv.fs_mkdir(open, tonumber("755", 8)))
    assert(uv.fs_mkdir(hidden, tonumber("755", 8)))
    command.write_file(open .. "/file", "open")
    command.write_file(hidden .. "/file", "hidden")
  end)
  after_each(command.clean_up)

  with_landlock("opens what is listed in read, and that for reading alone", function()
    assert.same({ n = 4, "open", EACCES, EACCES, EACCES }, table.pack(inside({ read = { open } },
      function()
        local file <close> = assert(io.open(open .. "/file"))
        return file:read("a"), refusal(open .. "/file", "w"), (refusal(open .. "/new", "w")),
          (refusal(hidden .. "/file"))
      end)))
    assert.equal("open", command.read_file(open .. "/file"))
  end)

  with_landlock("makes, changes, reads and removes what is listed in write", function()
    local made, removed, code = inside({ write = { open } }, function()
      local new = open .. "/new"
      local file = assert(io.open(new, "w"))
      file:write("new")
      file:close()
      assert(os.rename(new, open .. "/other"))
      return assert(io.open(open .. "/other")):read("a"), os.remove(open .. "/file"),
        (refusal(hidden .. "/new", "w"))
    end)
    assert.same({ "new", true, EACCES }, { made, removed, code })
    assert.same({ "other" }, command.names(open))
    assert.same({ "file" }, command.names(hidden))
  end)

  with_landlock("moves nothing in or out", function()
    assert.same({ EACCES, EACCES }, { inside({ write = { open } }, function()
      local _, _, out = os.rename(open .. "/file", hidden .. "/moved")
      local _, _, into = os.rename(hidden .. "/file", open .. "/moved")
      return out, into
    end) })
  end)

  with_landlock("takes single files, and links for what they point to", function()
    assert(uv.fs_symlink(hidden .. "/file", open .. "/link"))
    assert.same({ true, true, EACCES }, { inside({ read = { open .. "/link" } }, function()
      return refusal(open .. "/link") == nil, refusal(hidden .. "/file") == nil,
        (refusal(open .. "/file"))
    end) })
    assert.equal(EACCES, inside({ read = { open } }, function()
      return (refusal(open .. "/link")) -- it leads out of what is listed
    end))
  end)

  with_landlock("an empty one opens nothing; what is open already stays open", function()
    local file = assert(io.open(hidden .. "/file"))
    assert.same({ "hidden", EACCES, EACCES }, { inside({}, function()
      return file:read("a"), (refusal(hidden .. "/file")), (refusal("/"))
    end) })
    file:close()
  end)

  with_landlock("relative paths count from where start() is called", function()
    local before = uv.cwd()
    local p = mooncrew.Process{ target = refusal, args = { open .. "/file" },
      sandbox = { read = { "open" } } }
    fails("sandbox: open: No such file or directory", p.start, p)
    assert.is_nil(p.pid)
    assert(uv.chdir(folder))
    p:start() -- the one that failed left it as it was
    assert(uv.chdir(before))
    assert.is_nil((p:get()))
    p:join()
  end)

  with_landlock("holds children and programs as well", function()
    local readable = { open, "/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache" }
    local child, listing = inside({ read = readable }, function()
      local grandchild = mooncrew.Process{ target = refusal, args = { hidden .. "/file" } }:start()
      local pipe = assert(io.popen("cat " .. open .. "/file " .. hidden .. "/file 2>&1"))
      return grandchild:get(), pipe:read("a")
    end)
    assert.equal(EACCES, child)
    assert.matches("^opencat: .*/hidden/file: Permission denied", listing)
    assert.is_nil(inside({ read = { open } }, function() return (os.execute("true")) end))
  end)

  with_landlock("one inside another takes more away", function()
    assert.same({ EACCES, EACCES }, { inside({ read = { open } }, function()
      return mooncrew.Process{
        target = function() return (refusal(open .. "/file")), (refusal(hidden .. "/file")) end,
        sandbox = { read = { hidden } },
      }:start():get()
    end) })
  end)

  with_landlock("the runtime works: queues, dicts, locks, tasks, children, pools", function()
    local queue, lock, dict = mooncrew.Queue(), mooncrew.Lock(), mooncrew.dict()
    local p = mooncrew.Process{ sandbox = {}, target = function()
      local _ <close> = lock:hold()
      local task = mooncrew.spawn(function()
        mooncrew.sleep(0.001) -- in the loop: the bell rings below
        return queue:get() + 1
      end)
      dict.ready = true
      local sum = task:get()
      local pool <close> = mooncrew.Pool(2)
      for _, x in ipairs(pool:map(function(x) return x * x end, { 1, 2, 3 })) do sum = sum + x end
      return sum, os.date("%H") ~= nil
    end }:start()
    queue:put(1)
    assert.same({ 16, true }, { p:get() })
    assert.is_true(dict.ready)
    p:join()
    assert.equal(0, p.exitcode)
  end)

  with_landlock("without a network http says that there are no sockets", function()
    local err = inside({ read = { "/" } }, function()
      local _, err = mooncrew.http.get("http://127.0.0.1:1/", { proxy = "" })
      return err
    end)
    assert.equal("OSError", err.kind)
    assert.matches("can't open a socket: ", err.message, 1, true)
  end)

  with_landlock("without a network there are no sockets, with one there are", function()
    local server <close> = setmetatable({ tcp = uv.new_tcp() },
      { __close = function(self) self.tcp:close() end })
    assert(server.tcp:bind("127.0.0.1", 0))
    local function ways()
      local tcp, udp, pipe = uv.new_tcp(), uv.new_udp(), uv.new_pipe(false)
      local results = {}
      results[1] = select(2, tcp:bind("127.0.0.1", 0))
      results[2] = select(2, udp:bind("::1", 0))
      results[3] = select(2, pipe:bind(open .. "/socket"))
      return table.unpack(results, 1, 3)
    end
    local tcp, udp, pipe = inside({ write = { open } }, ways)
    for _, message in ipairs{ tcp, udp, pipe } do assert.matches("^EACCES", message) end
    assert.equal(3, #{ tcp, udp, pipe })
    assert.same({ n = 3 }, table.pack(inside({ write = { open }, network = true }, ways)))
    if ABI >= 4 then -- from then on a socket that is there already can't be bound either
      local socket = uv.new_tcp("inet")
      assert.matches("EACCES", inside({}, function()
        return (select(2, socket:bind("127.0.0.1", 0)))
      end), 1, true)
      socket:close()
    end
  end)

  with_landlock("require says what may hide a module", function()
    command.write_file(open .. "/sandboxed_module.lua", "return 'loaded'")
    local function load_it()
      package.path = open .. "/?.lua"
      return require "sandboxed_module"
    end
    assert.equal("loaded", inside({ read = { open } }, load_it))
    local err = fails("module 'sandboxed_module' not found", inside, {}, load_it)
    assert.matches("the sandbox of process 'Process%-%d+' may hide its file: list the folder in "
      .. "sandbox.read, or require the module before the process is started", err.message)
    assert.equal("table", inside({}, function() return type(require "mooncrew.log") end))
  end)

  with_landlock("a path that is not there fails start(), or is left out", function()
    local missing = folder .. "/missing"
    local p = mooncrew.Process{ target = print, sandbox = { read = { open, missing } } }
    local err = fails("start: sandbox: " .. missing .. ": No such file or directory", p.start, p)
    assert.equal("OSError", err.kind)
    assert.is_nil(p.pid)
    assert.same({}, mooncrew.active_children())
    assert.same({ n = 2, nil, EACCES }, table.pack(inside(
      { read = { open, missing }, best_effort = true },
      function() return (refusal(open .. "/file")), (refusal(hidden .. "/file")) end)))
  end)

  with_landlock("privileges can't be gained", function()
    assert.equal("1", inside({ read = { "/proc" } }, function()
      for line in io.lines("/proc/self/status") do
        local value = line:match("^NoNewPrivs:%s*(%d)")
        if value then return value end
      end
    end))
  end)

  with_landlock("a child that can't enter is an error of start()", function()
    -- The kernel takes 16 in each other.
    local function nest(depth)
      if depth == 0 then return "no end" end
      local p = mooncrew.Process{ target = nest, args = { depth - 1 }, sandbox = {} }
      local ok, err = pcall(p.start, p)
      if not ok then return tostring(err), #mooncrew.active_children() end
      return p:get()
    end
    assert.same({ "start: sandbox: Argument list too long", 0 }, { nest(30) })
  end)

  with_landlock("workers of a pool are held before the initializer runs", function()
    local pool <close> = mooncrew.Pool{
      processes = 2,
      sandbox = { read = { open } },
      initializer = function() _G.at_first = refusal(hidden .. "/file") end,
    }
    local function look() return { rawget(_G, "at_first"), (refusal(open .. "/file")) or 0 } end
    assert.same({ EACCES, 0 }, pool:apply(look))
    pcall(pool.apply, pool, os.exit, { 9 })
    assert.same({ EACCES, 0 }, pool:apply(look)) -- a worker that was replaced as well
    fails("not found", pool.apply, pool, function() require "no_such_module" end)
    fails("Pool: sandbox: " .. hidden .. "/no: No such file or directory", mooncrew.Pool,
      { sandbox = { read = { hidden .. "/no" } } })
  end)

  describe("where the kernel lacks", function()
    local script = [[
      local mooncrew = require "mooncrew"
      local function try(sandbox)
        local p = mooncrew.Process{ sandbox = sandbox, target = function()
          return io.open("/etc/passwd") ~= nil, (require("luv").new_tcp():bind("127.0.0.1", 0))
        end }
        local ok, err = pcall(p.start, p)
        if not ok then return print(err.kind, err, p.pid, #mooncrew.active_children()) end
        print(p:get())
      end
      require "luv"
      try{}
      try{ best_effort = true }
      print(pcall(mooncrew.Pool, { sandbox = {} }))]]

    local function run(...)
      command.write_file(folder .. "/script.lua", script)
      local words = { "python3", KERNEL, "without" }
      for _, name in ipairs{ ... } do words[#words + 1] = name end
      local pipe = assert(io.popen(("%s -- '%s' '%s/script.lua' 2>&1 </dev/null"):format(
        table.concat(words, " "), command.binary(), folder)))
      local out = pipe:read("a")
      assert.is_true(pipe:close(), out)
      return command.lines(out)
    end

    it("Landlock, that is an error unless best_effort is enough", function()
      local why = "sandbox: this kernel can't confine paths, it has no Landlock "
        .. "(best_effort = true does without)"
      assert.same({ "OSError\tstart: " .. why .. "\tnil\t0", "true\tnil",
        "false\tPool: " .. why }, run("landlock"))
    end)

    with_landlock("filters, that is one as well", function()
      local why = "sandbox: this kernel can't filter system calls, it has no seccomp filters "
        .. "(best_effort = true does without)"
      local network = ABI >= 4 and "nil" or "0" -- Landlock alone closes ports from then on
      assert.same({ "OSError\tstart: " .. why .. "\tnil\t0", "false\t" .. network,
        "false\tPool: " .. why }, run("seccomp"))
    end)

    it("both, best_effort is no sandbox at all", function()
      assert.equal("true\t0", run("landlock", "seccomp")[2])
    end)

    without_landlock("Landlock itself", function()
      local p = mooncrew.Process{ target = print, sandbox = {} }
      fails("it has no Landlock", p.start, p)
      assert.is_nil(inside({ best_effort = true }, refusal, hidden .. "/file"))
    end)
  end)

  it("wrong options name what is wrong", function()
    for message, sandbox in pairs{
      ["sandbox: a table expected, got true"] = true,
      ["sandbox: unknown option 'reed'"] = { reed = {} },
      ["sandbox: unknown option '1'"] = { "/etc" },
      ["sandbox.read: a list of paths expected, got '/etc'"] = { read = "/etc" },
      ["sandbox.read[2]: a path expected, got 5"] = { read = { "/etc", 5 } },
      ["sandbox.write[1]: a path expected, got ''"] = { write = { "" } },
      ["sandbox.write[1]: a path expected, got 'a'"] = { write = { "a\0b" } },
      ["sandbox.write: a list of paths without holes and names expected"] =
        { write = { [2] = "/etc" } },
      ["sandbox.network: true or false expected, got 1"] = { network = 1 },
      ["sandbox.best_effort: true or false expected, got 'yes'"] = { best_effort = "yes" },
    } do
      fails(message, mooncrew.Process, { target = print, sandbox = sandbox })
      fails("Pool: " .. message, mooncrew.Pool, { sandbox = sandbox })
    end
    assert.equal(ENOENT, (refusal(folder .. "/none"))) -- this process itself is free
  end)
end)
