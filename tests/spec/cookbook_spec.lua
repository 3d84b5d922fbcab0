-- Each script of the cookbook is run as a user runs it, on a small input, and its result checked.

local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
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
  local folder

  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

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

    it("ends a command that is over its time", function()
      local list = write("jobs", ("echo $$ >%s/pid; exec sleep 1000\n"):format(folder))
      local outcome = run("run_list", list, "-q", "--timeout", 2)
      assert.equal(1, outcome.status)
      assert.matches("took longer than 2 s", outcome.err, 1, true)
      local pid = assert(tonumber(command.read_file(folder .. "/pid")))
      while not is_gone(pid) do uv.sleep(1) end
    end)

    it("says what file it can't read", function()
      local outcome = run("run_list", folder .. "/none")
      assert.equal(1, outcome.status)
      assert.matches("none: No such file or directory", outcome.err, 1, true)
    end)
  end)
end)
