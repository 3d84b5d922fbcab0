-- The options of `mooncrew copy`, and what it meets on bad days.
local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local json = require "dkjson"
local uv = require "luv"

local MIB = 2 ^ 20 // 1

local function mode(text) return tonumber(text, 8) end

describe("mooncrew copy", function()
  local folder, source, target
  local function at(name) return folder .. "/" .. name end

  before_each(function()
    folder = command.folder()
    source, target = at("source"), at("target")
  end)
  after_each(command.clean_up)

  -- make{ "a/b/", "a/c" }: folders, and files that contain their own name.
  local function make(names)
    for _, name in ipairs(names) do
      local path = at(name)
      if name:sub(-1) == "/" then
        assert(fs.mkdirs(path))
      else
        assert(fs.mkdirs(path:match("^(.*)/")))
        command.write_file(path, name)
      end
    end
  end

  -- All paths of a tree, folders with a "/".
  local function paths(top)
    local list = {}
    for path, entry in fs.walk(top) do
      list[#list + 1] = path:sub(#top + 2) .. (entry.type == "directory" and "/" or "")
    end
    return list
  end

  local function copies(...)
    local outcome = command.run("copy.lua", ...)
    assert.equal(0, outcome.status, outcome.err)
    assert.equal("", outcome.err)
    return outcome.out
  end

  local function fails(text, ...)
    local outcome = command.run("copy.lua", ...)
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find(text, 1, true), outcome.err)
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    return outcome
  end

  it("copies several things into a folder", function()
    make{ "source/x", "other/y", "file" }
    copies(source, at("other/"), at("file"), target)
    assert.same({ "file", "other/", "other/y", "source/", "source/x" }, paths(target))
    make{ "second/file" }
    fails("would both become", at("file"), at("second/file"), target)
    fails("No such file or directory", at("file"), at("none"), target)
  end)

  it("leaves out what --exclude names", function()
    make{
      "source/a.o", "source/a.c", "source/lib/b.o", "source/cache/x", "source/lib/cache",
      "source/top/x", "source/lib/top/y", "source/doc/x.md", "source/doc/a/b/y.md",
      "source/doc/a/y.txt", "source/[1]", "source/a-x", "source/b-x",
    }
    copies("--exclude", "*.o", "--exclude", "cache/", "--exclude", "/top", "--exclude",
      "doc/**/*.md", "--exclude", "\\[1]", "--exclude", "[!b]-?", source, target)
    assert.same({
      "a.c", "b-x", "doc/", "doc/a/", "doc/a/b/", "doc/a/y.txt", "lib/", "lib/cache", "lib/top/",
      "lib/top/y",
    }, paths(target))
  end)

  it("deletes with --delete what the source does not have, and nothing without", function()
    make{
      "source/a", "source/d/x", "source/now-a-file", "source/now-a-folder/x", "target/old/er/y",
      "target/d/z", "target/kept.o", "target/now-a-file/inner", "target/now-a-folder",
    }
    assert(uv.fs_symlink(source, target .. "/link"))
    local outcome = fails("now-a-folder is there and is no folder", source, target)
    assert.truthy(outcome.err:find("now%-a%-file: Is a directory"), outcome.err)
    assert.is_not_nil(fs.stat(target .. "/old/er/y"))
    local out = copies("--delete", "--exclude", "*.o", source, target)
    assert.truthy(out:find(" 3 deleted, ", 1, true), out)
    assert.same({ "a", "d/", "d/x", "kept.o", "now-a-file", "now-a-folder/", "now-a-folder/x" },
      paths(target))
    assert.same({ "a", "d/", "d/x", "now-a-file", "now-a-folder/", "now-a-folder/x" },
      paths(source))
    -- What would go is the source itself.
    fails("where --delete would remove it", "--delete", source .. "/d", source)
    assert.equal("source/d/x", command.read_file(source .. "/d/x"))
  end)

  it("changes nothing with --dry-run, and says what it would do", function()
    make{ "source/a", "source/d/x", "source/same", "target/old", "target/same" }
    assert(uv.fs_symlink("a", source .. "/link"))
    assert(fs.copy_attributes(source .. "/same", target .. "/same"))
    command.write_file(source .. "/line\nfeed", "")
    local out = copies("--dry-run", "--resume", "--delete", source, target)
    local lines = command.lines(out)
    assert.truthy(table.remove(lines):find("^would copy 3 files, 2 folders, 1 link, 1 unch"))
    table.sort(lines)
    assert.same({
      "copy " .. target .. "/a", "copy " .. target .. "/d/x", "copy " .. target .. "/line\\x0afeed",
      "delete " .. target .. "/old", "folder " .. target .. "/d", "link " .. target .. "/link",
    }, lines)
    local before = paths(target)
    assert.same({ "old", "same" }, before)
    copies("-n", source, at("new"))
    assert.is_nil(fs.stat(at("new")))
  end)

  it("passes over what is there with --resume: by size and time, or by bytes", function()
    make{ "source/a", "source/b", "source/c" }
    copies(source, target)
    command.write_file(target .. "/a", "SOURCE/A") -- same size, another time
    local there = fs.stat(target .. "/b")
    command.write_file(target .. "/b", "SOURCE/B") -- same size and time
    assert(fs.utimens(target .. "/b", there.mtime_ns, there.mtime_ns))
    assert.truthy(copies("--resume", source, target):find("^1 file, .* 2 unchanged"))
    assert.equal("source/a", command.read_file(target .. "/a"))
    assert.equal("SOURCE/B", command.read_file(target .. "/b"))
    assert(fs.utimens(target .. "/c", 1, 1)) -- same bytes, another time
    assert(uv.fs_chmod(target .. "/c", mode("600")))
    assert.truthy(copies("--checksum", source, target):find("^1 file, .* 2 unchanged"))
    assert.equal("source/b", command.read_file(target .. "/b"))
    local a, b = fs.stat(source .. "/c"), fs.stat(target .. "/c")
    assert.same({ a.mtime_ns, a.mode }, { b.mtime_ns, b.mode })
  end)

  it("parts with --resume what was one file and is no longer", function()
    make{ "source/a" }
    assert(uv.fs_link(source .. "/a", source .. "/b"))
    copies(source, target)
    assert.equal(2, fs.stat(target .. "/a").nlink)
    assert(fs.copy_file(source .. "/a", source .. "/c"))
    assert(uv.fs_rename(source .. "/c", source .. "/b"))
    copies("--resume", source, target)
    assert.equal(1, fs.stat(target .. "/a").nlink)
    assert.equal(1, fs.stat(target .. "/b").nlink)
  end)

  it("removes what a killed run left in the target", function()
    make{ "source/d/x", "target/d/" }
    local gone = 2 ^ 22 // 1 -- no process has this number
    command.write_file(string.format("%s/d/.mooncrew-%d-0123abcd.part", target, gone), "half")
    local alive = string.format(".mooncrew-%d-0123abcd.part", uv.os_getpid())
    command.write_file(target .. "/d/" .. alive, "half")
    copies("--delete", source, target)
    assert.same({ "d/", "d/" .. alive, "d/x" }, paths(target))
  end)

  local function write_large(path)
    local file <close> = assert(io.open(path, "wb"))
    for i = 0, 4 do
      file:seek("set", i * 100 * MIB + 1)
      file:write(("data %d"):format(i):rep(100000))
    end
    file:seek("set", 600 * MIB)
    file:write("end")
  end

  it("splits large files, which keep their holes", function()
    make{ "source/" }
    write_large(source .. "/large")
    assert(fs.setxattr(source .. "/large", "user.x", "1"))
    assert(uv.fs_chmod(source .. "/large", mode("640")))
    local out = copies("--verify", "-j", 3, source, target)
    assert.truthy(out:find("^1 file, 1 folder"), out)
    assert.same({ "large" }, paths(target))
    assert.is_true(fs.same_data(source .. "/large", target .. "/large"))
    local a, b = fs.stat(source .. "/large"), fs.stat(target .. "/large")
    assert.same({ a.size, a.mtime_ns, a.mode }, { b.size, b.mtime_ns, b.mode })
    assert.is_true(b.allocated <= a.allocated)
    assert.equal("1", fs.getxattr(target .. "/large", "user.x"))
    assert.truthy(copies("--resume", source, target):find("^0 files, .* 1 unchanged"))
  end)

  it("keeps to --bwlimit", function()
    make{ "source/" }
    command.write_file(source .. "/a", ("x"):rep(2 * MIB))
    for i = 1, 20 do command.write_file(source .. "/s" .. i, ("x"):rep(50000)) end
    local started = uv.hrtime()
    copies("--bwlimit", "2M", source, target)
    -- Three million bytes take 1.4 seconds; the last quarter of a second is handed out ahead.
    assert.is_true(uv.hrtime() - started > 1.0e9)
    assert.is_true(fs.same_data(source .. "/a", target .. "/a"))
  end)

  it("prints a summary as JSON", function()
    make{ "source/a", "source/d/x" }
    command.write_file(source .. "/\xFF\n", "x")
    assert(fs.mkdirs(target .. "/\xFF\n"))
    local outcome = fails("", "--json", source, target)
    local summary = assert(json.decode((outcome.out:gsub("\\udcff", "FF"))))
    assert.same({ 2, 2, 18, false, 1 }, { summary.files, summary.folders, summary.bytes,
      summary.full, #summary.failures })
    assert.equal(source .. "/FF\n", summary.failures[1].path)
    assert.truthy(summary.failures[1].reason:find("Is a directory", 1, true))
    assert.truthy(outcome.err:find("\\x0a: ", 1, true))
    local out = copies("--json", source .. "/a", at("copy"))
    assert.truthy(out:find('"failures":[]', 1, true), out)
  end)

  it("copies several large files side by side", function()
    make{ "source/small" }
    for _, name in ipairs{ "one", "two", "three" } do write_large(source .. "/" .. name) end
    local out = copies("-j", 2, source, target)
    assert.truthy(out:find("^4 files"), out)
    for _, name in ipairs{ "one", "two", "three" } do
      assert.is_true(fs.same_data(source .. "/" .. name, target .. "/" .. name))
    end
    assert.same({ "one", "small", "three", "two" }, paths(target))
  end)

  it("reports files that vanish or become shorter meanwhile, and copies the rest", function()
    make{ "source/a", "source/z" }
    write_large(source .. "/large")
    -- The bandwidth makes it last, and one process begins large files as it comes to them; when
    -- the first range is there, the file is cut.
    local child = command.start("copy.lua", "-j", "1", "--bwlimit", "64M", source, target)
    local function temporary()
      for _, name in ipairs(fs.listdir(target) or {}) do
        local info = fs.stat(target .. "/" .. name, false)
        if name:find("%.part$") and info and info.allocated > 0 then return true end
      end
    end
    while not temporary() do uv.sleep(1) end
    local fd = assert(uv.fs_open(source .. "/large", "r+", 0))
    assert(uv.fs_ftruncate(fd, 1000))
    uv.fs_close(fd)
    assert(uv.fs_unlink(source .. "/z"))
    local outcome = child:finish()
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("large: The file became shorter while it was copied", 1, true),
      outcome.err)
    assert.truthy(outcome.err:find("/z: No such file or directory", 1, true), outcome.err)
    assert.same({ "a" }, paths(target))
  end)

  it("leaves nothing of a large file after Ctrl-C", function()
    make{ "source/" }
    write_large(source .. "/large")
    local child = command.start("copy.lua", "--bwlimit", "64M", source, target)
    while not (fs.stat(target) and #fs.listdir(target) > 0) do uv.sleep(1) end
    child:signal("sigint")
    assert.equal(130, child:finish().status)
    assert.same({}, paths(target))
  end)

  -- Runs `body` with a disk of its own mounted at `target`; only root can do that.
  local function on_disk(options, body)
    assert(fs.mkdirs(target))
    local line = "mount -t tmpfs -o %s none '%s' 2>/dev/null"
    if not os.execute(line:format(options, target)) then return end
    local ok, err = pcall(body)
    assert(os.execute("umount '" .. target .. "'"))
    if not ok then error(err, 0) end
  end

  it("says that a disk is full, and leaves no half file", function()
    make{ "source/" }
    for i = 1, 40 do
      command.write_file(string.format("%s/%02d", source, i), ("x"):rep(100000))
    end
    command.write_file(source .. "/small", "fits")
    on_disk("size=1m", function()
      local outcome = fails("copy: no space was left; --resume", source, target)
      assert.truthy(outcome.err:find("No space left on device", 1, true), outcome.err)
      assert.is_true(#paths(target) < 40)
      for _, name in ipairs(paths(target)) do
        assert.equal(name == "small" and 4 or 100000, fs.stat(target .. "/" .. name).size, name)
      end
      assert.equal("fits", command.read_file(target .. "/small"))
      write_large(source .. "/large")
      outcome = fails("copy: no space was left", source .. "/large", target .. "/large")
      local line = ("%s/large: %s/large: No space left on device\n"):format(source, target)
      assert.truthy(outcome.err:find(line, 1, true), outcome.err)
      assert.is_nil(fs.stat(target .. "/large"))
      assert.equal(2, #command.lines(outcome.err))
    end)
  end)

  it("reports a target that is read-only", function()
    make{ "source/a", "source/d/x" }
    assert(uv.fs_symlink("a", source .. "/link"))
    assert(fs.mkfifo(source .. "/pipe"))
    on_disk("ro,size=1m", function()
      local outcome = fails("Read-only file system", source, target)
      for _, name in ipairs{ "a", "d", "link", "pipe" } do
        local line = ("copy: %s/%s: %s/%s: Read-only file system\n"):format(source, name, target,
          name)
        assert.truthy(outcome.err:find(line, 1, true), outcome.err)
      end
      assert.same({}, paths(target))
    end)
  end)
end)
