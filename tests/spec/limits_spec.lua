-- What happens when the machine has no more to give: processes, descriptors, shared memory, disk.
-- Each time one clear message, a status that is not 0, and no child left.

local uv = require "luv"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"

local root = uv.getuid() == 0

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs a script under `before` (such as "prlimit --nofile=40"); its processes carry a mark.
local function run(before, source)
  local folder = command.folder()
  assert(uv.fs_chmod(folder, tonumber("755", 8)))
  command.write_file(folder .. "/script.lua", source)
  local pipe = assert(io.popen(("env LIMITS=%s %s %s %s 2>&1 </dev/null"):format(
    quote(folder), before, quote(command.binary()), quote(folder .. "/script.lua"))))
  local out = pipe:read("a")
  local _, how, status = pipe:close()
  return { out = out, status = how == "signal" and -status or status, mark = folder }
end

local function left(mark)
  local count = 0
  for name in uv.fs_scandir_next, assert(uv.fs_scandir("/proc")) do
    local text = name:match("^%d+$") and command.read_file("/proc/" .. name .. "/environ")
    if text and text:find("LIMITS=" .. mark, 1, true) then count = count + 1 end
  end
  return count
end

-- It ended with 1 and said so once, in one line of ours.
local function fails_with(message, ended)
  assert.equal(1, ended.status, ended.out)
  assert.matches(message, ended.out, 1, true)
  local _, n = ended.out:gsub(message:gsub("%p", "%%%0"), "")
  assert.equal(1, n, ended.out)
  assert.equal(0, left(ended.mark))
end

describe("limits", function()
  after_each(command.clean_up)

  -- Root is not held to a number of processes, so the script runs as somebody without rights.
  describe("processes", function()
    -- A user id of our own: what others run as "nobody" would count as well.
    local user = 60000 + uv.os_getpid() % 5000
    local function limited(n)
      -- It may read what only root can: the folders of this test and the binary are root's.
      return ("setpriv --reuid=%d --clear-groups --inh-caps=-all,+dac_override "
        .. "--ambient-caps=-all,+dac_override prlimit --nproc=%d"):format(user, n)
    end

    -- The least limit that allows a child: kernels count differently.
    local function least()
      for n = 1, 9 do
        local ended = run(limited(n), [[
          require "mooncrew".Process{ target = function() end }:start():join()]])
        if ended.status == 0 then return n end
      end
      error("not a single child could be had")
    end

    local base
    local function children(n)
      base = base or least()
      return limited(base - 1 + n)
    end
    local these = root and it or function() end

    these("a process that can't be started", function()
      fails_with("start: no further process can be had", run(children(3), [[
        local mooncrew = require "mooncrew"
        for _ = 1, 9 do
          mooncrew.Process{ target = mooncrew.sleep, args = { 60 }, daemon = true }:start()
        end]]))
    end)

    these("a started process can be told from one that could not be", function()
      local ended = run(children(1), [[
        local mooncrew = require "mooncrew"
        local first = mooncrew.Process{ target = mooncrew.sleep, args = { 60 } }:start()
        local second = mooncrew.Process{ target = mooncrew.sleep, args = { 0 } }
        local ok, err = pcall(second.start, second)
        print(ok, err.kind, second.pid, #mooncrew.active_children())
        first:terminate()
        first:join()
        second:start()
        print(second:join(), second.exitcode)]])
      assert.equal("false\tOSError\tnil\t1\ntrue\t0\n", ended.out)
      assert.equal(0, ended.status)
    end)

    these("a pool without its foreman", function()
      fails_with("Pool: no further process can be had", run(children(0), [[
        require "mooncrew".Pool(2)]]))
    end)

    these("a pool without a worker", function()
      fails_with("'crew' has no workers any more: no further process can be had",
        run(children(1), [[
          local pool <close> = require "mooncrew".Pool{ processes = 2, name = "crew" }
          pool:map(function() end, { 1, 2, 3 })]]))
    end)

    these("a pool with fewer workers than it was meant to have does its work", function()
      local ended = run(children(4), [[
        local pool <close> = require "mooncrew".Pool(8)
        print(#pool:map(function(x) return x end, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 1))]])
      assert.equal("9\n", ended.out)
      assert.equal(0, ended.status)
    end)
  end)

  describe("descriptors", function()
    local exhausted = [[
      local mooncrew = require "mooncrew"
      local fs, http = mooncrew.fs, mooncrew.http
      local held = {}
      repeat
        local file = io.open("/dev/null")
        held[#held + 1] = file
      until not file]]

    it("processes, queues and pools need none", function()
      local ended = run("prlimit --nofile=40", exhausted .. [[

        local queue = mooncrew.Queue()
        queue:put(1)
        local pool <close> = mooncrew.Pool(2)
        print(mooncrew.Process{ target = function() return queue:get() + 1 end }:start():get(),
          pool:apply(function() return 3 end))]])
      assert.equal("2\t3\n", ended.out)
      assert.equal(0, ended.status)
    end)

    it("files and requests say so", function()
      local ended = run("prlimit --nofile=40", exhausted .. [[

        print(select(2, fs.copy_file("/etc/passwd", "copy")))
        print(select(2, fs.listdir("/")))
        print(select(2, http.get("http://127.0.0.1:1/")))]])
      local lines = command.lines(ended.out)
      assert.equal(3, #lines, ended.out)
      for _, line in ipairs(lines) do assert.matches("Too many open files", line, 1, true) end
      assert.equal(0, ended.status)
    end)

    it("an error that nobody expects ends the script", function()
      local ended = run("prlimit --nofile=40", exhausted .. [[

        mooncrew.Process{ target = mooncrew.sleep, args = { 60 }, daemon = true }:start()
        mooncrew.spawn(mooncrew.sleep, 60):get()]])
      assert.equal(1, ended.status)
      assert.matches("Too many open files", ended.out, 1, true)
      assert.equal(0, left(ended.mark))
    end)
  end)

  describe("shared memory", function()
    local function with(size, source) return run("env MOONCREW_SHARED_MEMORY=" .. size, source) end

    it("a size that is none", function()
      for _, size in ipairs{ "0", "-1", "abc", "1K", "1.5M", "99999999999999999999G", "2M2" } do
        fails_with("MOONCREW_SHARED_MEMORY: expected 1M or more, such as 256M or 2G, got '" ..
          size .. "'", with(size, [[require "mooncrew"]]))
      end
    end)

    it("a size that was asked for is the limit", function()
      for size, bytes in pairs{ ["1M"] = 1 << 20, ["3m"] = 3 << 20, ["2000000"] = 2000000 } do
        local ended = with(size, [[print(require "mooncrew".shared_memory().limit)]])
        local limit = math.tointeger(tonumber(ended.out))
        assert.is_true(limit <= bytes and limit > bytes - (64 << 10), ended.out)
      end
    end)

    local fill = [[
      local mooncrew = require "mooncrew"
      local queue, big, n = mooncrew.Queue(), ("x"):rep(100 << 10), 0
      local ok, err
      repeat
        ok, err = pcall(queue.put, queue, big, false)
        n = n + (ok and 1 or 0)
      until not ok
      ]]

    it("put without waiting raises NoMemory, and nothing went in by half", function()
      local ended = with("2M", fill .. [[
        print(err.kind, n > 5, queue:qsize() == n)
        for _ = 1, n do assert(queue:get() == big) end
        print(queue:put(big, false), queue:qsize())]])
      assert.equal("NoMemory\ttrue\ttrue\ntrue\t1\n", ended.out)
    end)

    it("put that waits is woken by room, and times out without it", function()
      local ended = with("2M", fill .. [[
        print(queue:put(big, true, 0.02))
        local reader = mooncrew.Process{ target = function()
          for _ = 1, n do queue:get() end
          return queue:get() == big
        end }:start()
        print(queue:put(big), reader:get())]])
      assert.equal("nil\tfull\ntrue\ttrue\n", ended.out)
    end)

    it("what never fits is an error at once", function()
      fails_with("put: too big for the shared memory", with("2M", [[
        require "mooncrew".Queue():put(("x"):rep(3 << 20))]]))
    end)

    it("an error that nobody expects ends the script, its children too", function()
      fails_with("put: shared memory is exhausted", with("2M", [[
        local mooncrew = require "mooncrew"
        mooncrew.Process{ target = mooncrew.sleep, args = { 60 }, daemon = true }:start()
        local queue = mooncrew.Queue()
        while true do queue:put(("x"):rep(100 << 10), false) end]]))
    end)

    it("a pool moves more results than memory holds", function()
      local ended = with("2M", [[
        local pool <close> = require "mooncrew".Pool(2)
        local list, sum = {}, 0
        for i = 1, 40 do list[i] = i end
        for _, text in ipairs(pool:map(function() return ("x"):rep(200 << 10) end, list, 1)) do
          sum = sum + #text
        end
        print(sum == 40 * 200 << 10)]])
      assert.equal("true\n", ended.out)
    end)

    it("a task or a result that never fits fails alone", function()
      local ended = with("2M", [[
        local pool <close> = require "mooncrew".Pool(1)
        print(select(2, pcall(pool.apply, pool, rawlen, { ("x"):rep(3 << 20) })).kind)
        print(select(2, pcall(pool.apply, pool, function() return ("x"):rep(3 << 20) end)).kind)
        print(pool:apply(function() return 1 end))
        print(pool:stats().restarts)]])
      assert.equal("NoMemory\nNoMemory\n1\n0\n", ended.out)
    end)

    it("tables that are full raise, and keep what they hold", function()
      local ended = with("2M", [[
        local mooncrew = require "mooncrew"
        local dict, list = mooncrew.dict(), mooncrew.list()
        local n = 0
        local ok, err = pcall(function()
          while true do
            dict[n + 1] = ("x"):rep(10 << 10)
            n = n + 1
          end
        end)
        print(err.kind, n == mooncrew.dict.size(dict), n > 50)
        print(select(2, pcall(list.append, list, ("x"):rep(200 << 10))).kind, #list)
        mooncrew.dict.clear(dict)
        list:append(("x"):rep(200 << 10))
        print(#list)]])
      assert.equal("NoMemory\ttrue\ttrue\nNoMemory\t0\n1\n", ended.out)
    end)
  end)

  describe("disk", function()
    local mounted

    after_each(function()
      if mounted then os.execute("umount " .. quote(mounted)) end
      mounted = nil
    end)

    local function small_disk()
      local folder = command.folder()
      local line = "mount -t tmpfs -o size=64k tmpfs %s 2>/dev/null"
      if not root or not os.execute(line:format(quote(folder))) then return nil end
      mounted = folder
      return folder
    end

    it("a full one fails a copy, and leaves no half file", function()
      local folder = small_disk()
      if not folder then return end -- no rights to mount: there is no small disk to be had
      local source = command.folder() .. "/source"
      command.write_file(source, ("x"):rep(200 << 10))
      local done, err = mooncrew.fs.copy_file(source, folder .. "/copy")
      assert.is_nil(done)
      assert.matches("No space left on device", tostring(err), 1, true)
      assert.same({}, command.names(folder))
    end)

    it("a full one is reported by the copier, with status 1", function()
      local folder = small_disk()
      if not folder then return end
      local source = command.folder()
      command.write_file(source .. "/big", ("x"):rep(200 << 10))
      command.write_file(source .. "/small", "small")
      local ended = command.start_in({ LIMITS = source }, "copy.lua", source, folder):finish()
      assert.equal(1, ended.status, ended.out .. ended.err)
      assert.matches("No space left on device", ended.out .. ended.err, 1, true)
      assert.same({ "small" }, command.names(folder))
      assert.equal(0, left(source))
    end)
  end)
end)
