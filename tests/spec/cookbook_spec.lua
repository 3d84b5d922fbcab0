-- Each script of the cookbook is run as a user runs it, on a small input, and its result checked.

local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local mooncrew = require "mooncrew"
local site_server = require "lib.site_server"
local uv = require "luv"

local function start(name, ...)
  return command.start("cookbook/" .. name .. ".lua", ...)
end

local function run(name, ...)
  return start(name, ...):finish()
end

-- Runs a script that must end well and say nothing on stderr.
local function output_of(name, ...)
  local outcome = run(name, ...)
  assert.same({ status = 0, err = "" }, { status = outcome.status, err = outcome.err })
  return outcome.out
end

local function is_gone(pid)
  local state = (command.read_file(("/proc/%d/stat"):format(pid)) or ""):match("%) (%a)")
  return state == nil or state == "Z"
end

describe("cookbook", function()
  local folder, server

  before_each(function() folder = command.folder() end)
  after_each(function()
    if server then
      server:kill()
      server:join()
      server = nil
    end
    command.clean_up()
  end)

  -- Starts a site in a process of its own; its address.
  local function serve(options)
    local port
    server, port = site_server.process(options)
    return ("http://127.0.0.1:%d"):format(assert(server and port, port))
  end

  local function write(name, bytes)
    local path = fs.join(folder, name)
    assert(fs.mkdirs(path:match("^(.*)/")))
    command.write_file(path, bytes)
    return path
  end

  describe("checksum", function()
    it("lists all files, sorted, and finds what differs later", function()
      write("tree/b", "two")
      write("tree/a/c", "one")
      write("tree/a/line\nend", "")
      local tree, list = folder .. "/tree", folder .. "/list"
      local out = output_of("checksum", tree)
      local sums = {}
      for i, name in ipairs{ "a/c", "a/line\nend", "b" } do
        sums[i] = fs.hash_file(fs.join(tree, name)) .. "  " .. name:gsub("\n", "\\n") .. "\n"
      end
      assert.equal(table.concat(sums), out)
      command.write_file(list, out)
      assert.equal("", output_of("checksum", tree .. "/", "--check", list))
      write("tree/b", "2")
      write("tree/d", "new")
      assert(os.remove(tree .. "/a/c"))
      local outcome = run("checksum", tree, "--check", list)
      assert.same({ 1, "missing\ta/c\nchanged\tb\nnew\td\n" }, { outcome.status, outcome.out })
    end)

    it("says what folder or list it can't read", function()
      local outcome = run("checksum", folder .. "/none")
      assert.equal(1, outcome.status)
      assert.matches("none: No such file or directory", outcome.err, 1, true)
      outcome = run("checksum", folder, "--check", write("list", "nonsense\n"))
      assert.equal(1, outcome.status)
      assert.matches("no checksum in 'nonsense'", outcome.err, 1, true)
      outcome = run("checksum", folder, "--check", folder .. "/none")
      assert.equal(1, outcome.status)
      assert.matches("^checksum: [^\n]*none: No such file or directory\n$", outcome.err)
      assert.matches("^checksum: [^\n]*: Is a directory\n$",
        run("checksum", folder, "--check", folder).err)
    end)
  end)

  describe("run_list", function()
    it("runs each line, shows what it prints, and goes on where it failed", function()
      local list = write("jobs", "# a list\necho one; echo 'two  three'\n\nexit 3\nkill -9 $$\n"
        .. "echo bad >&2; test -e " .. folder .. "/flag\n")
      local log = folder .. "/log"
      local outcome = run("run_list", list, "-q", "--joblog", log)
      assert.same({ 1, "one\ntwo  three\n" }, { outcome.status, outcome.out })
      assert.matches("run_list: exit 3: exit status 3\n", outcome.err, 1, true)
      assert.matches("run_list: kill -9 $$: signal 9\n", outcome.err, 1, true)
      assert.matches("exit status 1\nbad\n", outcome.err, 1, true)
      local exits = {}
      for line in command.read_file(log):gmatch("[^\n]+") do
        exits[#exits + 1] = line:match("^%d+\t[%d.]+\t[%d.]+\t(%d+)")
      end
      table.sort(exits)
      assert.same({ "0", "1", "137", "3" }, exits)
      write("flag", "")
      outcome = run("run_list", list, "-q", "--joblog", log, "--resume-failed")
      assert.equal("bad\n", outcome.out) -- and not what the first has printed before
      assert.equal(2, #command.lines(outcome.err))
    end)

    -- A shell that writes its number and that of what it has started.
    local function sleeps()
      return write("jobs", ("cd '%s'; sleep 1000 & echo $$ $! >new; mv new pids; wait\n")
        :format(folder))
    end

    -- Waits until both are gone.
    local function await_end()
      local shell, sleep = command.read_file(folder .. "/pids"):match("(%d+) (%d+)")
      while not (is_gone(tonumber(shell)) and is_gone(tonumber(sleep))) do uv.sleep(1) end
    end

    it("ends a command that is over its time", function()
      local outcome = run("run_list", sleeps(), "-q", "--timeout", 2)
      assert.equal(1, outcome.status)
      assert.matches("took longer than 2 s", outcome.err, 1, true)
      await_end()
    end)

    it("ends its commands when Ctrl-C comes", function()
      local child = start("run_list", sleeps(), "-q")
      while not fs.stat(folder .. "/pids") do uv.sleep(1) end
      child:signal("sigint")
      assert.equal(130, child:finish().status)
      await_end()
    end)

    it("says what file it can't read", function()
      local outcome = run("run_list", folder .. "/none")
      assert.equal(1, outcome.status)
      assert.matches("none: No such file or directory", outcome.err, 1, true)
      assert.matches("^run_list: [^\n]*: Is a directory\n$", run("run_list", folder).err)
      assert.equal(0, run("run_list", write("empty", ""), "-q").status)
    end)
  end)

  describe("grep_logs", function()
    it("finds lines in the order of the files, in compressed ones too", function()
      local files = {}
      for i = 1, 9 do
        files[i] = write(("log.%d"):format(i), ("start\nERROR %d\nend\n"):format(i):rep(2))
      end
      assert(os.execute("gzip -n " .. files[9]))
      files[9] = files[9] .. ".gz"
      local expected = {}
      for i, path in ipairs(files) do
        expected[i] = ("%s:2:ERROR %d\n%s:5:ERROR %d\n"):format(path, i, path, i)
      end
      local out = output_of("grep_logs", "^ERROR %d", table.unpack(files))
      assert.equal(table.concat(expected), out)
    end)

    it("has grep's statuses", function()
      local log = write("log", "nothing\n")
      assert.equal(1, run("grep_logs", "ERROR", log).status)
      assert.equal(2, run("grep_logs", "ERROR").status)
      for pattern, what in pairs{
        ["[x"] = "malformed pattern", ["no["] = "malformed pattern", ["n%1"] = "invalid capture",
        ["(n"] = "unfinished capture", ["g%"] = "malformed pattern",
      } do
        local wrong = run("grep_logs", pattern, log, log)
        assert.equal(2, wrong.status)
        assert.matches("^grep_logs: " .. what .. "[^\n]*\n$", wrong.err)
      end
      local outcome = run("grep_logs", "nothing", folder .. "/none", log, folder)
      assert.same({ 2, log .. ":1:nothing\n" }, { outcome.status, outcome.out })
      assert.same({ "grep_logs: " .. folder .. "/none: No such file or directory",
        "grep_logs: " .. folder .. ": Is a directory" }, command.lines(outcome.err))
      outcome = run("grep_logs", "x", write("bad.gz", "no gzip"))
      assert.equal(2, outcome.status)
      assert.matches("bad.gz: gzip failed\n", outcome.err, 1, true)
    end)
  end)

  describe("map_reduce", function()
    it("gives the same whatever the parts are", function()
      local a = write("a", '{"status":200,"bytes":10}\n{"status":404,"bytes":1}\n\n'
        .. '{"status":200,"bytes":5,"note":"' .. ("x"):rep(100) .. '"}\n')
      local b = write("b", '{"status":"none"}\n{"status":200,"bytes":2}') -- no line end
      local expected = "200\t3\t17\n404\t1\t1\nnone\t1\t0\n"
      for _, part in ipairs{ 1, 7, 25, 26, 27, 1000 } do
        assert.equal(expected,
          output_of("map_reduce", "--by", "status", "--sum", "bytes", "--part", part, a, b))
      end
      assert.equal("200\t3\n404\t1\nnone\t1\n", output_of("map_reduce", "--by", "status", a, b))
    end)

    it("says which part has what is no JSON", function()
      local good, bad = write("good", '{"k":1}\n'), write("bad", '{"k":1}\n{"k":\n')
      local outcome = run("map_reduce", "--by", "k", "--part", 8, good, bad)
      assert.equal(1, outcome.status)
      assert.equal("1\t2\n", outcome.out)
      assert.matches("^map_reduce: [^\n]*/bad at 8: [^\n]+\n$", outcome.err)
      for i, text in ipairs{ '{"k":1} {"k":2}\n', '{"k":1} x\n', "5\n" } do
        outcome = run("map_reduce", "--by", "k", write("bad" .. i, text))
        assert.same({ 1, "" }, { outcome.status, outcome.out })
      end
      assert.matches(": not a regular file\n$", run("map_reduce", "--by", "k", folder).err)
      local deep = write("deep", '{"k":{"a":[1,2]}}\n{"k":{"a":[1,2]}}\n')
      assert.equal('{"a":[1,2]}\t2\n', output_of("map_reduce", "--by", "k", deep))
      assert.equal(2, run("map_reduce", good).status)
      assert.equal(1, run("map_reduce", "--by", "k", folder .. "/none").status)
    end)
  end)

  describe("watch_folder", function()
    it("runs the command for what is there and for what arrives", function()
      local inbox = folder .. "/in"
      write("in/first one", "1")
      write("in/.half", "not yet")
      local child = start("watch_folder", inbox, "sh", "-c",
        'test ! -e "$1.none" && grep -q . "$1" && cat "$1" >>' .. folder .. "/seen", "sh")
      assert.equal("done\tfirst one", child:line())
      write("second", "2")
      assert(os.rename(folder .. "/second", inbox .. "/it's"))
      assert.equal("done\tit's", child:line())
      assert(os.rename(inbox .. "/.half", inbox .. "/whole"))
      assert.equal("done\twhole", child:line())
      write("in/empty", "")
      assert.equal("failed\tempty", child:line())
      child:signal("sigint")
      local outcome = child:finish()
      assert.same({ 130, "" }, { outcome.status, outcome.out })
      assert.is_false(child:has_processes())
      assert.same({ "done", "failed" }, command.names(inbox))
      assert.same({ "first one", "it's", "whole" }, command.names(inbox .. "/done"))
      assert.same({ "empty" }, command.names(inbox .. "/failed"))
      assert.equal("12not yet", command.read_file(folder .. "/seen"))
    end)

    it("lets a command end that is at work when Ctrl-C comes", function()
      write("in/file", "")
      assert(fs.mkfifo(folder .. "/gate"))
      local child = start("watch_folder", folder .. "/in", "sh", "-c",
        "echo begun; read line <" .. folder .. "/gate; echo $line")
      assert.equal("begun", child:line())
      child:signal("sigint")
      command.write_file(folder .. "/gate", "ended\n")
      local outcome = child:finish()
      assert.equal(130, outcome.status)
      assert.matches("^ended\n", outcome.out)
      assert.same({ "file" }, command.names(folder .. "/in/done"))
    end)

    it("needs a folder and a command", function()
      assert.equal(2, run("watch_folder", folder).status)
      assert.equal(1, run("watch_folder", write("file", ""), "true").status)
      assert.matches("none: no folder\n$", run("watch_folder", folder .. "/none", "true").err)
      assert.is_nil((fs.stat(folder .. "/none")))
    end)
  end)

  describe("api_client", function()
    -- The script reads stdin, which a shell gives it.
    local function ask(ids, ...)
      local list = write("ids", ids)
      local words = { folder .. "/client.lua" }
      write("client.lua", ("io.input(%q)\ndofile(%q)\n"):format(list,
        command.root .. "/scripts/cookbook/api_client.lua"))
      return command.run(words[1], ...)
    end

    it("keeps to the rate, the order and what Retry-After says", function()
      local asked = mooncrew.list{}
      local base = serve{ hook = function(request)
        local id = request.path:match("^/items/(.+)$")
        asked:append(id)
        if id == "3" and asked:count("3") == 1 then
          return { status = 429, headers = { ["Retry-After"] = "1" } }
        end
        return { body = ('{"id":"%s","name":"n"}'):format(id) }
      end }
      local ids, expected = {}, {}
      for i = 1, 12 do
        ids[i] = i == 12 and "a/b%" or tostring(i)
        expected[i] = ids[i]
      end
      local began = uv.hrtime()
      local outcome = ask(table.concat(ids, "\n"), base .. "/items/{id}", "--rate", 20)
      assert.is_true(uv.hrtime() - began >= 11 / 20 * 1e9)
      assert.same({ 0, "" }, { outcome.status, outcome.err })
      local got = {}
      for i, line in ipairs(command.lines(outcome.out)) do got[i] = line:match('"id":"(.-)"') end
      assert.same(expected, got)
      assert.equal(13, #asked)
      assert.equal(2, asked:count("3"))
    end)

    it("tells which ids failed", function()
      local base = serve{ hook = function(request)
        if request.path == "/1" then return { body = "no JSON" } end
        if request.path == "/2" then return { body = "[2]" } end
      end }
      local outcome = ask("1\n2\n3\n", base .. "/{id}", "--rate", 1000)
      assert.same({ 1, "[2]\n" }, { outcome.status, outcome.out })
      local lines = command.lines(outcome.err)
      assert.equal(2, #lines)
      assert.matches("^api_client: 1: ", lines[1])
      assert.equal("api_client: 3: HTTP status 404", lines[2])
      outcome = ask("\n 2 \r\n", base .. "/{id}")
      assert.same({ 0, "[2]\n", "" }, { outcome.status, outcome.out, outcome.err })
      outcome = ask("2\n", base)
      assert.same({ 2, "" }, { outcome.status, outcome.out })
      assert.matches("expected an address with {id} in it", outcome.err, 1, true)
    end)
  end)

  describe("crawl", function()
    local asked

    local function serve_pages(pages)
      asked = mooncrew.list{}
      return serve{ hook = function(request)
        asked:append(request.path)
        local body = pages[request.path]
        if body then return { body = body, headers = { ["Content-Type"] = "text/html" } } end
      end }
    end

    it("asks for each page once, to the depth, and not of others", function()
      local base = serve_pages{
        ["/"] = "<a href='a'>a</a> <a href='/a#here'>a</a> <a href=sub/b>b</a> <a href='/'>top</a>"
          .. "<a href='http://127.0.0.1:1/'>elsewhere</a> <a href='mailto:x@example.org'>mail</a>",
        ["/a"] = "<base href='/sub/'><a href='c'>c</a><a href='../'>top</a>",
        ["/sub/b"] = "<a href='c'>c</a>",
        ["/sub/c"] = "<a href='d'>d</a>",
      }
      local function pages(...)
        local list = {}
        for i, path in ipairs{ ... } do list[i] = path:gsub("/", "\t" .. base .. "/", 1) end
        return table.concat(list, "\n") .. "\n"
      end
      assert.equal(pages("0/", "1/a", "1/sub/b", "2/sub/c"), output_of("crawl", base .. "/"))
      assert.equal(4, #asked)
      assert.equal(pages("0/"), output_of("crawl", base .. "/#top", "--depth", 0))
      assert.equal(5, #asked)
    end)

    it("tells which links are broken, and on which page", function()
      local base = serve_pages{ ["/"] = "<a href=a>", ["/a"] = "<a href=none>" }
      local outcome = run("crawl", base .. "/")
      assert.equal(1, outcome.status)
      assert.equal(("crawl: %s/none: HTTP status 404 (on %s/a)\n"):format(base, base), outcome.err)
      assert.equal(2, run("crawl", "ftp://example.org/").status)
      local dead = ("http://127.0.0.1:%d/"):format(command.free_port())
      assert.equal(1, run("crawl", dead).status)
    end)
  end)

  describe("nightly", function()
    local json = require "dkjson"

    -- The lines of the log: messages by folder, or by nothing.
    local function logged()
      local list = {}
      for line in command.read_file(folder .. "/log"):gmatch("[^\n]+") do
        list[#list + 1] = assert(json.decode(line))
      end
      return list
    end

    it("packs no days into days, and logs why it can't begin", function()
      write("src/one/file", "1")
      write("src/days/2020-01-01/old", "")
      local days, log = folder .. "/src/days", folder .. "/log"
      assert.equal("", output_of("nightly", folder .. "/src", days, "--log", log))
      assert.same({ "one.tar.gz" }, command.names(fs.join(days, (os.date "%Y-%m-%d"))))
      assert.equal(1, run("nightly", folder .. "/none", folder .. "/dst", "--log", log).status)
      assert.is_nil((fs.stat(folder .. "/dst")))
      local lines = logged()
      assert.matches("none: No such file or directory", lines[#lines].message, 1, true)
      local err = run("nightly", folder, folder .. "/dst", "--log", folder .. "/none/log").err
      assert.matches("^nightly: [^\n]*none/log: No such file or directory\n", err)
    end)

    it("packs each folder, and removes the oldest days", function()
      write("src/one/file", "1")
      write("src/it's two/sub/file", "2")
      write("src/no folder", "")
      for i = 1, 4 do write(("dst/2020-01-0%d/old"):format(i), "") end
      write("dst/other/file", "")
      local dst = folder .. "/dst"
      assert.equal("", output_of("nightly", folder .. "/src", dst, "--keep", 3, "--log",
        folder .. "/log"))
      local days = command.names(dst)
      local today = table.remove(days, 4)
      assert.same({ ".lock", "2020-01-03", "2020-01-04", "other" }, days)
      assert.same({ "it's two.tar.gz", "one.tar.gz" }, command.names(fs.join(dst, today)))
      local pipe = assert(io.popen(("tar -xzOf \"%s/%s/it's two.tar.gz\" \"it's two/sub/file\"")
        :format(dst, today)))
      assert.equal("2", pipe:read("a"))
      assert.is_true(pipe:close())
      local messages = {}
      for i, line in ipairs(logged()) do
        messages[i] = line.message .. " " .. (line.folder or fs.basename(line.day))
      end
      table.sort(messages)
      assert.same({ "done " .. today, "packed it's two", "packed one", "removed 2020-01-01",
        "removed 2020-01-02" }, messages)
    end)

    it("does not work while another one does", function()
      write("src/one/file", "1")
      write("dst/.lock", "") -- of a run that is over
      local holder = ("exec flock --no-fork '%s/dst/.lock' sh -c 'echo >\"%s/held\"; exec cat'")
        :format(folder, folder)
      assert(fs.mkfifo(folder .. "/held"))
      local pipe = assert(io.popen(holder, "w"))
      command.read_file(folder .. "/held") -- returns when the lock is held
      local outcome = run("nightly", folder .. "/src", folder .. "/dst")
      assert.equal(1, outcome.status)
      assert.matches("WARN  MainProcess%[%d+%] another one is at work\n$", outcome.err)
      assert.same({ ".lock" }, command.names(folder .. "/dst"))
      pipe:close()
      outcome = run("nightly", folder .. "/src", folder .. "/dst")
      assert.equal(0, outcome.status)
    end)

    it("holds its lock until it ends, and is no longer in the way when it was killed", function()
      write("src/one/file", "1")
      assert(fs.mkfifo(folder .. "/begun"))
      write("bin/tar", ("#!/bin/sh\necho >'%s/begun'\nexec sleep 1000\n"):format(folder))
      assert(uv.fs_chmod(folder .. "/bin/tar", 493)) -- 0755
      local child = command.start_in({
        PATH = folder .. "/bin:" .. os.getenv("PATH"),
        LUA_INIT = "collectgarbage('incremental', 10, 1000)", -- garbage goes at once
      }, "cookbook/nightly.lua", folder .. "/src", folder .. "/dst")
      command.read_file(folder .. "/begun")
      local outcome = run("nightly", folder .. "/src", folder .. "/dst")
      assert.equal(1, outcome.status)
      assert.matches("another one is at work\n$", outcome.err)
      child:signal("sigkill")
      child:finish()
      local free = ("flock '%s/dst/.lock' true"):format(folder)
      assert(os.execute(free)) -- returns when the lock is free
      assert.equal(0, run("nightly", folder .. "/src", folder .. "/dst").status)
    end)

    it("removes nothing when a folder could not be packed", function()
      write("src/one/file", "1")
      write("dst/2020-01-01/old", "")
      -- A folder is in the way of the file.
      write(("dst/%s/one.tar.gz/in the way/x"):format(os.date("%Y-%m-%d")), "")
      local outcome = run("nightly", folder .. "/src", folder .. "/dst", "--keep", 1)
      assert.equal(1, outcome.status)
      assert.matches("ERROR [^\n]+ 1 failed, so no old day is removed\n$", outcome.err)
      assert.equal("2020-01-01", command.names(folder .. "/dst")[2])
    end)
  end)

  describe("sweep", function()
    local function sweep(...)
      return start("sweep", "--out", folder .. "/csv", "--joblog", folder .. "/log", "-q", ...)
    end

    -- The points in the table, each with how often it is there, and its wait.
    local function table_of()
      local lines = command.lines(command.read_file(folder .. "/csv"))
      assert.equal("load,tills,seed,mean wait", table.remove(lines, 1))
      local times, waits = {}, {}
      for _, line in ipairs(lines) do
        local point, wait = line:match("^([%d.]+,%d+,%d+),([%d.]+)$")
        assert(point, line)
        times[point] = (times[point] or 0) + 1
        assert.is_true(wait == (waits[point] or wait))
        waits[point] = wait
      end
      return times, waits
    end

    it("has a line for each point, the right one", function()
      local outcome = sweep("--loads", "0.5,0.8", "--tills", "1,2", "--seeds", 1):finish()
      assert.same({ status = 0, out = "", err = "" }, outcome)
      local times, waits = table_of()
      assert.same({ ["0.5,1,1"] = 1, ["0.5,2,1"] = 1, ["0.8,1,1"] = 1, ["0.8,2,1"] = 1 }, times)
      -- What queueing theory says: load / (1 - load), and load^2 / (1 - load^2) with two tills.
      for point, expected in pairs{ ["0.5,1,1"] = 1, ["0.8,1,1"] = 4, ["0.5,2,1"] = 1 / 3,
        ["0.8,2,1"] = 0.64 / 0.36 } do
        assert.near(expected, tonumber(waits[point]), expected * 0.15)
      end
    end)

    it("goes on where it was killed, and comes to the same", function()
      -- One process takes a second or more for these 81 points.
      assert.equal(0, sweep("--customers", 30000, "--seeds", 9):finish().status)
      local times, waits = table_of()
      local child = sweep("--customers", 30000, "--seeds", 9, "-j", 1)
      -- The table of the run before is there until this one begins a new one.
      local n
      repeat
        uv.sleep(1)
        n = #command.lines(command.read_file(folder .. "/csv"))
        assert.is_false(is_gone(child.pid), "it ended before it could be killed")
      until n > 1 and n < 82
      child:signal("sigkill")
      child:finish()
      assert.is_true(#command.lines(command.read_file(folder .. "/csv")) < 82)
      local outcome = sweep("--customers", 30000, "--seeds", 9, "--resume"):finish()
      assert.same({ status = 0, out = "", err = "" }, outcome)
      local again, same_waits = table_of()
      assert.same(waits, same_waits)
      local extra = 0
      for point, count in pairs(again) do extra = extra + count - times[point] end
      assert.is_true(extra <= 1) -- the one that was in hand
    end)

    it("has a table with a head when it resumes what never began", function()
      assert.equal(0, sweep("--loads", "0.5", "--tills", 1, "--seeds", 1, "--customers", 10,
        "--resume"):finish().status)
      assert.matches("^load,tills,seed,mean wait\n0.5,1,1,[^\n]+\n$",
        command.read_file(folder .. "/csv"))
    end)

    it("refuses what can't be, and changes nothing in a dry run", function()
      local outcome = sweep("--loads", "0.5,1"):finish()
      assert.equal(2, outcome.status)
      assert.matches("expected a load between 0 and 1, got '1'", outcome.err, 1, true)
      assert.equal(2, sweep("--tills", "1,,2"):finish().status)
      outcome = sweep("--loads", "0.5", "--tills", "3,1", "--seeds", 1, "--dry-run"):finish()
      assert.equal("load=0.5 tills=3 seed=1\nload=0.5 tills=1 seed=1\n", outcome.out)
      assert.is_nil(command.read_file(folder .. "/csv"))
    end)
  end)

  describe("pipeline", function()
    local LINE = '10.0.0.%d - ann [30/Nov/2026:06:53:00 +0000] "GET /p/%d HTTP/1.1" %d %s "-" "x"'

    it("writes the lines in the order of the log", function()
      local lines, expected = {}, {}
      for i = 1, 2600 do
        lines[i] = LINE:format(i % 250, i, i % 7 == 0 and 404 or 200, i % 3 == 0 and "-" or i)
        expected[i] = ('{"time":"30/Nov/2026:06:53:00 +0000","host":"10.0.0.%d","user":"ann",'
          .. '"method":"GET","path":"\\/p\\/%d","status":%d,"bytes":%d}'):format(i % 250, i,
          i % 7 == 0 and 404 or 200, i % 3 == 0 and 0 or i):gsub("\\/", "/")
      end
      local log, out = write("log", table.concat(lines, "\n") .. "\n"), folder .. "/out"
      assert.equal("", output_of("pipeline", log, out))
      assert.same(expected, command.lines((command.read_file(out):gsub("\\/", "/"))))
    end)

    it("counts what are no lines of a log", function()
      local log = write("log", "nonsense\n" .. LINE:format(1, 1, 200, 1) .. "\n\n")
      local outcome = run("pipeline", log, folder .. "/out")
      assert.equal(1, outcome.status)
      assert.equal("pipeline: 2 lines are no lines of a log\n", outcome.err)
      assert.equal(1, #command.lines(command.read_file(folder .. "/out")))
    end)

    it("ends when a stage fails, also while others wait", function()
      local log = write("log", (LINE:format(1, 1, 200, 1) .. "\n"):rep(20000))
      local child = start("pipeline", log, folder .. "/none/out") -- the writer fails
      local outcome = child:finish()
      assert.equal(1, outcome.status)
      assert.matches("none/out.part: No such file or directory", outcome.err, 1, true)
      assert.is_false(child:has_processes())
      outcome = run("pipeline", folder .. "/none", folder .. "/out")
      assert.equal(1, outcome.status)
      assert.matches("^pipeline: [^\n]*none: No such file or directory\n$", outcome.err)
      outcome = run("pipeline", folder, folder .. "/out") -- the reader fails
      assert.equal(1, outcome.status)
      assert.matches("Is a directory", outcome.err, 1, true)
      assert(fs.mkdirs(folder .. "/place"))
      assert.equal(1, run("pipeline", log, folder .. "/place").status) -- the writer, at its end
      assert.same({ "log", "place" }, command.names(folder))
      assert.equal(2, run("pipeline", log).status)
    end)
  end)

  it("has a test and a part of the page for each script", function()
    local spec = command.read_file(command.root .. "/tests/spec/cookbook_spec.lua")
    local page = command.read_file(command.root .. "/docs/cookbook.md")
    local names = command.names(command.root .. "/scripts/cookbook")
    assert.equal(10, #names)
    for _, file in ipairs(names) do
      local name = assert(file:match("^(.+)%.lua$"))
      for text, where in pairs{
        [('describe("%s"'):format(name)] = spec,
        [("[%s](#%s) |"):format(name, name)] = page,
        [("\n## %s\n"):format(name)] = page,
        [("scripts/cookbook/%s "):format(file)] = page,
      } do
        assert.is_truthy(where:find(text, 1, true), text)
      end
    end
  end)
end)
