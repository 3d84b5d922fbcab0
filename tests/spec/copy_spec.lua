local command = dofile "tests/spec/support/command.lua"
local uv = require "luv"

local function write_files(folder, n, bytes)
  for i = 1, n do command.write_file(string.format("%s/%05d", folder, i), bytes) end
end

local function mkdir(path, mode)
  assert(uv.fs_mkdir(path, tonumber(mode or "755", 8)))
end

local function mode_of(path)
  return string.format("%o", assert(uv.fs_lstat(path)).mode & tonumber("7777", 8))
end

-- A tree with what trees have: empty things, deep things, odd names, links, modes.
local function make_tree(folder)
  local source = folder .. "/source"
  mkdir(source)
  mkdir(source .. "/empty")
  mkdir(source .. "/deep")
  mkdir(source .. "/deep/er")
  command.write_file(source .. "/nothing", "")
  command.write_file(source .. "/one", "x")
  command.write_file(source .. "/big", string.rep("0123456789abcdef", 200000))
  command.write_file(source .. "/deep/er/run", "#!/bin/sh\n")
  assert(uv.fs_chmod(source .. "/deep/er/run", tonumber("750", 8)))
  command.write_file(source .. "/deep/a b\n'c' \xFF é", "odd")
  assert(uv.fs_symlink("er/run", source .. "/deep/link"))
  assert(uv.fs_symlink("no/where", source .. "/dangling"))
  assert(uv.fs_symlink("..", source .. "/deep/up"))
  assert(uv.fs_chmod(source .. "/deep/er", tonumber("555", 8)))
  assert(uv.fs_utime(source .. "/deep/er", 1000000000, 1000000000))
  return source
end

-- Both trees have the same names, kinds, modes, links and bytes.
local function assert_same_tree(a, b)
  assert.same(command.names(a), command.names(b))
  for _, name in ipairs(command.names(a)) do
    local from, to = a .. "/" .. name, b .. "/" .. name
    local x, y = assert(uv.fs_lstat(from)), assert(uv.fs_lstat(to))
    assert.equal(x.type, y.type, name)
    if x.type == "link" then
      assert.equal(uv.fs_readlink(from), uv.fs_readlink(to))
    else
      assert.equal(mode_of(from), mode_of(to), name)
      assert.equal(x.mtime.sec, y.mtime.sec, name)
      if x.type == "directory" then
        assert_same_tree(from, to)
      else
        assert.is_true(command.read_file(from) == command.read_file(to), name)
      end
    end
  end
end

-- One clear message, the given status, nothing on stdout.
local function assert_refused(outcome, status, text)
  assert.equal(status, outcome.status)
  assert.equal("", outcome.out)
  assert.truthy(outcome.err:find(text, 1, true), outcome.err)
  assert.falsy(outcome.err:find("traceback", 1, true))
  if status == 1 then assert.equal(1, #command.lines(outcome.err)) end
end

describe("mooncrew copy", function()
  local folder, target

  before_each(function()
    folder = command.folder()
    target = folder .. "/target"
  end)
  after_each(command.clean_up)

  it("copies a tree: bytes, links, modes, times, and says how much", function()
    local source = make_tree(folder)
    local outcome = command.run("copy.lua", source, target, "-j", 3, "--verify")
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)
    assert_same_tree(source, target)
    assert.truthy(outcome.out:find(
      "^5 files, 4 folders, 3 links, 3%.2 MB, %d+%.%d+ s, [%d.]+ MB/s, 0 failed, 3 processes\n$"))
  end)

  it("copies many small files and merges into a folder that is there", function()
    local source = folder .. "/source"
    mkdir(source)
    write_files(source, 500, "small")
    mkdir(target)
    command.write_file(target .. "/mine", "stays")
    command.write_file(target .. "/00001", "is replaced")
    local outcome = command.run("copy.lua", source, target)
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(501, #command.names(target))
    assert.equal("small", command.read_file(target .. "/00001"))
    assert.equal("stays", command.read_file(target .. "/mine"))
    assert.truthy(outcome.out:find("^500 files, 1 folder, 0 links"))
  end)

  it("copies one file to a name or into a folder", function()
    command.write_file(folder .. "/file", "bytes")
    mkdir(target)
    assert.equal(0, command.run("copy.lua", folder .. "/file", folder .. "/new/name").status)
    assert.equal(0, command.run("copy.lua", folder .. "/file", target).status)
    assert.equal("bytes", command.read_file(folder .. "/new/name"))
    assert.equal("bytes", command.read_file(target .. "/file"))
  end)

  it("copies what a link points to when the link is the source", function()
    local source = make_tree(folder)
    assert(uv.fs_symlink(source, folder .. "/link"))
    assert.equal(0, command.run("copy.lua", folder .. "/link", target).status)
    assert_same_tree(source, target)
  end)

  it("replaces links in the target, and doesn't write through them", function()
    local source = folder .. "/source"
    mkdir(source)
    mkdir(target)
    command.write_file(source .. "/a", "new")
    assert(uv.fs_symlink("elsewhere", source .. "/b"))
    command.write_file(folder .. "/outside", "untouched")
    assert(uv.fs_symlink("../outside", target .. "/a"))
    assert(uv.fs_symlink("old", target .. "/b"))
    assert.equal(0, command.run("copy.lua", source, target).status)
    assert.equal("untouched", command.read_file(folder .. "/outside"))
    assert.equal("new", command.read_file(target .. "/a"))
    assert.equal("elsewhere", uv.fs_readlink(target .. "/b"))
  end)

  it("is quiet when asked, and shows progress when asked", function()
    command.write_file(folder .. "/file", "bytes")
    local quiet = command.run("copy.lua", "-q", folder .. "/file", folder .. "/a")
    assert.same({ 0, "", "" }, { quiet.status, quiet.out, quiet.err })
    local loud = command.run("copy.lua", "--progress", folder .. "/file", folder .. "/b")
    assert.truthy(loud.err:find("^copy  5 B.*1/?1? files\n$"), loud.err)
    -- What was there counts too, or the bar would not come to its end.
    local some, copy = folder .. "/some", folder .. "/c"
    mkdir(some)
    command.write_file(some .. "/one", "bytes")
    command.write_file(some .. "/two", "bytes")
    command.run("copy.lua", some, copy)
    os.remove(copy .. "/one")
    local rest = command.run("copy.lua", "--progress", "--resume", some, copy)
    assert.truthy(rest.err:find("^copy  10 B.*2/?2? files\n$"), rest.err)
  end)

  it("reports what can't be copied, and copies the rest", function()
    local source = folder .. "/source"
    mkdir(source)
    mkdir(source .. "/sub")
    command.write_file(source .. "/a", "a")
    command.write_file(source .. "/b", "b")
    command.write_file(source .. "/sub/inner", "x")
    mkdir(target)
    assert(uv.fs_symlink("b", source .. "/link"))
    mkdir(target .. "/link") -- and where a link should go
    mkdir(target .. "/a") -- a folder where a file should go
    command.write_file(target .. "/sub", "a file where a folder should go")
    local outcome = command.run("copy.lua", source, target)
    assert.equal(1, outcome.status)
    local failures = command.lines(outcome.err)
    assert.equal(3, #failures)
    for _, failure in ipairs{
      "/a: " .. target .. "/a: Is a directory", "/link: " .. target .. "/link: Is a directory",
      "/sub: " .. target .. "/sub is there and is no folder",
    } do
      assert.truthy(outcome.err:find("copy: " .. source .. failure, 1, true), outcome.err)
    end
    assert.truthy(outcome.out:find("^1 file, 1 folder.*, 3 failed,"))
    assert.equal("b", command.read_file(target .. "/b"))
  end)

  it("refuses a source that is not there", function()
    local outcome = command.run("copy.lua", folder .. "/none", target)
    assert_refused(outcome, 1, "copy: " .. folder .. "/none: No such file or directory")
    assert.is_nil(uv.fs_lstat(target))
  end)

  it("refuses a target that can't be made", function()
    command.write_file(folder .. "/file", "")
    mkdir(folder .. "/source")
    local below = folder .. "/file/below"
    assert_refused(command.run("copy.lua", folder .. "/source", below), 1, "/file")
    assert_refused(command.run("copy.lua", folder .. "/file", below), 1, "/file")
  end)

  it("refuses a target that is the source or is inside of it", function()
    local source = make_tree(folder)
    assert(uv.fs_symlink(source, folder .. "/link"))
    local before = command.names(source)
    for _, inside in ipairs{
      source, source .. "/", source .. "/deep/new", folder .. "/link/new/one",
      folder .. "/new/../source/deep",
    } do
      local outcome = command.run("copy.lua", source, inside)
      assert.equal(1, outcome.status, inside)
      assert.truthy(outcome.err:find("is inside of") or outcome.err:find("are the same"))
    end
    assert_refused(command.run("copy.lua", source .. "/one", source .. "/one"), 1, "are the same")
    assert.same(before, command.names(source))
    -- A name that only begins alike is no such thing.
    assert.equal(0, command.run("copy.lua", source, source .. "-2").status)
  end)

  it("ends with status 2 for bad usage", function()
    command.write_file(folder .. "/file", "")
    local cases = {
      { "missing argument 'paths'" },
      { "argument 'paths' requires at least 2 arguments", "a" },
      { "expected a whole number from 1 to 1000, got '0'", "-j", "0", "a", "b" },
      { "expected a whole number from 1 to 1000, got 'four'", "-j", "four", "a", "b" },
      { "unknown option '--nonsense'", "--nonsense", "a", "b" },
      { "expected a size such as 500K or 10M, got 'fast'", "--bwlimit", "fast", "a", "b" },
      { "can not be used", "-q", "--progress", "a", "b" },
    }
    for _, case in ipairs(cases) do
      local outcome = command.run("copy.lua", table.unpack(case, 2))
      assert_refused(outcome, 2, case[1])
      assert.truthy(outcome.err:find("Usage: mooncrew copy", 1, true))
    end
  end)

  -- Starts a copy of many files; returns when it is under way.
  local bytes = string.rep("0123456789abcdef", 2000)
  local function start_long_copy(...)
    local source = folder .. "/source"
    mkdir(source)
    write_files(source, 6000, bytes)
    local child = command.start("copy.lua", source, target, ...)
    -- When the first file stands, the copying is under way.
    while not (uv.fs_lstat(target) and #command.names(target) > 0) do uv.sleep(1) end
    return child
  end

  local function children_of(pid)
    local list = command.read_file(string.format("/proc/%d/task/%d/children", pid, pid)) or ""
    local pids = {}
    for child in list:gmatch("%d+") do pids[#pids + 1] = math.tointeger(tonumber(child)) end
    return pids
  end

  local function kill_a_worker(child)
    local worker
    for _, pid in ipairs(children_of(child.pid)) do worker = worker or children_of(pid)[1] end
    if worker then uv.kill(worker, "sigkill") end
  end

  -- Kills a worker in the middle of a copy. One that is killed between two batches takes nothing
  -- along, so it is done again until one had a batch in hand.
  local function copy_with_a_killed_worker()
    for _ = 1, 50 do
      local child = start_long_copy("--verify") -- file by file
      kill_a_worker(child)
      local outcome = child:finish()
      if outcome.status ~= 0 then return outcome end
      os.execute("rm -rf '" .. folder .. "/source' '" .. target .. "'")
    end
    error("no kill hit a worker with a batch in hand")
  end

  it("reports the files of a worker that is killed, and copies the rest", function()
    local outcome = copy_with_a_killed_worker()
    assert.equal(1, outcome.status)
    local reported = {}
    for _, line in ipairs(command.lines(outcome.err)) do
      local name = line:match("^copy: .*/(%d+): .*worker")
      assert.truthy(name, line)
      reported[name] = true
    end
    assert.truthy(next(reported))
    for i = 1, 6000 do
      local name = string.format("%05d", i)
      local copied = command.read_file(target .. "/" .. name)
      assert.is_true(copied == bytes or (copied == nil and reported[name] == true), name)
    end
    for _, name in ipairs(command.names(target)) do assert.truthy(name:find("^%d+$"), name) end
  end)

  it("copies the files of a folder whose worker is killed all the same", function()
    local child = start_long_copy()
    kill_a_worker(child)
    local outcome = child:finish()
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(6000, #command.names(target))
    for _, name in ipairs(command.names(target)) do
      assert.is_true(command.read_file(target .. "/" .. name) == bytes, name)
    end
  end)

  it("reports each file once when all of its processes are gone", function()
    local outcome
    repeat
      os.execute("rm -rf '" .. folder .. "/source' '" .. target .. "'")
      local child = start_long_copy()
      for _, pid in ipairs(children_of(child.pid)) do
        if children_of(pid)[1] then uv.kill(pid, "sigkill") end -- it looks after the workers
      end
      outcome = child:finish()
    until outcome.status ~= 0
    assert.equal(1, outcome.status)
    local reported = {}
    for _, line in ipairs(command.lines(outcome.err)) do
      local name = line:match("^copy: .*/(%d+): pool 'copy' has no workers any more$")
      assert.truthy(name and not reported[name], line)
      reported[name] = true
    end
    for i = 1, 6000 do
      local name = string.format("%05d", i)
      assert.truthy(reported[name] or command.read_file(target .. "/" .. name) == bytes, name)
    end
  end)

  it("leaves whole files only, and no process, after Ctrl-C", function()
    local child = start_long_copy()
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    assert.is_false(child:has_processes())
    local names = command.names(target)
    assert.is_true(#names < 6000)
    for _, name in ipairs(names) do
      assert.truthy(name:find("^%d%d%d%d%d$"), name)
      assert.is_true(command.read_file(target .. "/" .. name) == bytes, name)
    end
  end)
end)
