-- `mooncrew copy` where things can't be read, written, kept, or told.
local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local uv = require "luv"

local STAYS = ": Is a directory, and something in it is left out"

local function mode(text) return tonumber(text, 8) end

describe("mooncrew copy", function()
  local folder, source, target
  local function at(name) return folder .. "/" .. name end

  before_each(function()
    folder = command.folder()
    source, target = at("source"), at("target")
    assert(fs.mkdirs(source))
  end)
  after_each(command.clean_up)

  -- make{ "a/b/", "a/c" }: folders, and files that contain their own name.
  local function make(names)
    for _, name in ipairs(names) do
      local path = at(name)
      assert(fs.mkdirs(path:match("^(.*)/")))
      if name:sub(-1) ~= "/" then command.write_file(path, name) end
    end
  end

  local function paths(top)
    local list = {}
    for path in fs.walk(top) do list[#list + 1] = path:sub(#top + 2) end
    return list
  end

  local function copies(...)
    local outcome = command.run("copy.lua", ...)
    assert.same({ 0, "" }, { outcome.status, outcome.err })
    return outcome.out
  end

  local function make_hole(path, size)
    local fd = assert(uv.fs_open(path, "w", mode("600")))
    assert(uv.fs_ftruncate(fd, size))
    uv.fs_close(fd)
  end

  -- It fails with these lines on stderr, in any order; each without "copy: ".
  local function assert_fails(lines, outcome)
    local got = command.lines(outcome.err)
    for i, line in ipairs(lines) do lines[i] = "copy: " .. line end
    table.sort(lines)
    table.sort(got)
    assert.same(lines, got)
    assert.equal(1, outcome.status)
    return outcome.out
  end

  it("reports a source that can't be read, and deletes nothing for it", function()
    make{ "source/a", "source/closed/x", "target/closed/y", "target/old" }
    assert(uv.fs_chmod(source .. "/closed", 0))
    assert_fails({ source .. "/closed: Permission denied" },
      command.run_unprivileged("copy.lua", "--delete", source, target))
    assert.same({ "a", "closed", "closed/y" }, paths(target))
    for _, option in ipairs{ "--delete", "--resume", "--verify", "--dry-run", "--progress" } do
      local outcome = command.run_unprivileged("copy.lua", option, source .. "/closed",
        target .. "/closed")
      outcome.err = outcome.err:gsub("^copy  0 B[^\n]*\n", "")
      assert_fails({ source .. "/closed: Permission denied" }, outcome)
      assert.same({ "a", "closed", "closed/y" }, paths(target), option)
    end
  end)

  it("never deletes what --exclude names, nor the folders on the way to it", function()
    make{
      "source/in-the-way", "source/free", "target/old/er/k.o", "target/old/er/x",
      "target/old/y", "target/gone/x", "target/in-the-way/k.o", "target/in-the-way/x",
      "target/free/x", "target/deep/keep/x",
    }
    assert(uv.fs_symlink("free", source .. "/link"))
    make{ "target/link/k.o" }
    local function lines(...)
      local out = command.lines(assert_fails({
        source .. "/in-the-way: " .. target .. "/in-the-way" .. STAYS,
        source .. "/link: " .. target .. "/link" .. STAYS,
      }, command.run("copy.lua", "--delete", "--exclude", "*.o", "--exclude", "/deep/keep", ...)))
      table.remove(out)
      table.sort(out)
      return out
    end
    local before = paths(target)
    local printed = lines("--dry-run", source, target)
    assert.same(before, paths(target))
    assert.same({
      "copy " .. target .. "/free", "delete " .. target .. "/gone",
      "delete " .. target .. "/old/er/x", "delete " .. target .. "/old/y",
    }, printed)
    lines(source, target)
    assert.same({
      "deep", "deep/keep", "deep/keep/x", "free", "in-the-way", "in-the-way/k.o", "in-the-way/x",
      "link", "link/k.o", "old", "old/er", "old/er/k.o",
    }, paths(target))
  end)

  it("counts in --bwlimit what is copied, not what is there already", function()
    for i = 1, 30 do command.write_file(source .. "/" .. i, ("x"):rep(10 * 2 ^ 20 // 30)) end
    copies(source, target)
    local started = uv.hrtime()
    copies("--resume", "--bwlimit", "64K", source, target) -- 160 s, were it copied
    copies("--dry-run", "--bwlimit", "64K", source, at("new"))
    assert.is_true(uv.hrtime() - started < 40e9)
  end)

  it("names the target, not what was made on the way to it", function()
    make{ "target/link/", "target/pipe/", "source/b" }
    assert(uv.fs_symlink("b", source .. "/link"))
    assert(fs.mkfifo(source .. "/pipe"))
    assert_fails({
      source .. "/link: " .. target .. "/link: Is a directory",
      source .. "/pipe: " .. target .. "/pipe: Is a directory",
    }, command.run("copy.lua", source, target))
  end)

  it("keeps several names of links and pipes too", function()
    assert(uv.fs_symlink("x", source .. "/link"))
    assert(uv.fs_link(source .. "/link", source .. "/link2"))
    assert(fs.mkfifo(source .. "/pipe"))
    assert(uv.fs_link(source .. "/pipe", source .. "/pipe2"))
    for _, option in ipairs{ "-j2", "--resume", "--verify" } do
      assert.truthy(copies(option, source, target):find("1 link, 2 hard links, 1 special", 1, true))
      for _, name in ipairs{ "link", "pipe" } do
        local first, second = fs.stat(target .. "/" .. name, false),
          fs.stat(target .. "/" .. name .. "2", false)
        assert.equal(first.inode, second.inode, name)
      end
    end
  end)

  it("makes no further name of an old file when the new one can't be copied", function()
    make{ "source/a", "target/a", "target/b" }
    assert(uv.fs_link(source .. "/a", source .. "/b"))
    assert(uv.fs_chmod(source .. "/a", 0))
    assert_fails({ source .. "/a: Permission denied", source .. "/b: Permission denied" },
      command.run_unprivileged("copy.lua", source, target))
    assert.equal("target/a", command.read_file(target .. "/a"))
    assert.equal("target/b", command.read_file(target .. "/b"))
  end)

  it("takes away a capability that the source no longer has", function()
    make{ "source/a" }
    local capability = "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    if not fs.setxattr(source .. "/a", "security.capability", capability) then return end
    copies(source, target)
    assert.equal(capability, fs.getxattr(target .. "/a", "security.capability"))
    assert(fs.removexattr(source .. "/a", "security.capability"))
    assert.truthy(copies("--resume", source, target):find("1 unchanged", 1, true))
    assert.same({}, fs.listxattr(target .. "/a"))
  end)

  it("finds with --verify a copy that differs, and removes it", function()
    make{ "source/a", "source/b" }
    make_hole(source .. "/large", 300 * 2 ^ 20 // 1)
    local copy_file, copy_range = fs.copy_file, fs.copy_range
    finally(function() fs.copy_file, fs.copy_range = copy_file, copy_range end)
    local function spoil(path, at_byte)
      local file <close> = assert(io.open(path, "r+b"))
      file:seek("set", at_byte)
      file:write("!")
    end
    function fs.copy_file(from, to, options)
      local ok, err = copy_file(from, to, options)
      if ok and to:find("/a$") then spoil(to, 3) end
      return ok, err
    end
    function fs.copy_range(from, to, offset, length)
      local ok, err = copy_range(from, to, offset, length)
      if offset > 0 then spoil(to, offset + length - 1) end
      return ok, err
    end
    for _, processes in ipairs{ 1, 3 } do
      local summary = require("lib.copier").copy({ source }, target,
        { verify = true, processes = processes })
      table.sort(summary.failures, function(x, y) return x.path < y.path end)
      assert.same({
        { path = source .. "/a", reason = "the copy differs from the source" },
        { path = source .. "/large", reason = "the copy differs from the source" },
      }, summary.failures)
      assert.same({ "b" }, paths(target))
    end
  end)

  it("says which target folder can't be looked at for what is to be deleted", function()
    if uv.getuid() ~= 0 then return end
    make{ "source/closed/", "target/closed/old" }
    assert(uv.fs_chown(target .. "/closed", 1, 1))
    assert(uv.fs_chmod(target .. "/closed", mode("703"))) -- others may not list it
    assert_fails({ target .. "/closed: Permission denied" },
      command.run_unprivileged("copy.lua", "--delete", "--exclude", "x", source, target))
  end)

  it("keeps an old copy when a new one is refused", function()
    make{ "source/a", "target/a" }
    local copy_file = fs.copy_file
    finally(function() fs.copy_file = copy_file end)
    function fs.copy_file(_, to)
      return nil, { kind = "OSError", code = "EINVAL", path = to,
        message = "copy_file: " .. to .. ": Invalid argument" }
    end
    local summary = require("lib.copier").copy({ source }, target, { verify = true })
    assert.same({ { path = source .. "/a", reason = target .. "/a: Invalid argument" } },
      summary.failures)
    assert.equal("target/a", command.read_file(target .. "/a"))
  end)

  it("takes no file away that is its own target", function()
    make{ "source/a/f", "target/a/" }
    assert(uv.fs_link(source .. "/a/f", target .. "/a/f"))
    for i, paths_of in ipairs{ { source, target }, { source .. "/a/f", target .. "/a" } } do
      for _, option in ipairs{ "-j2", "--verify", "--dry-run" } do
        local out = copies(option, table.unpack(paths_of))
        assert.truthy(out:find(" 1 unchanged, ", 1, true), out)
        assert.equal(fs.stat(source .. "/a/f").inode, fs.stat(target .. "/a/f").inode, i)
      end
    end
    -- A folder that is mounted in two places: the file has one name only, which must stay.
    assert(uv.fs_unlink(target .. "/a/f"))
    local mount = ("mount --bind '%s/a' '%s/a' 2>/dev/null"):format(source, target)
    if not os.execute(mount) then return end
    local ok, err = pcall(function()
      for _, option in ipairs{ "-j2", "--verify", "--delete", "--resume", "--checksum" } do
        copies(option, source, target)
        assert.equal("source/a/f", command.read_file(source .. "/a/f"), option)
      end
      local outcome = command.run("copy.lua", source .. "/a", target .. "/a")
      assert_fails({ source .. "/a and " .. target .. "/a are the same" }, outcome)
    end)
    assert(os.execute(("umount '%s/a'"):format(target)))
    if not ok then error(err, 0) end
  end)

  it("says when its output can't be written", function()
    make{ "source/a" }
    for i, option in ipairs{ "-j2", "--json", "--dry-run" } do
      local outcome = command.run_shell("exec >/dev/full", "copy.lua", option, source, at("t" .. i))
      assert.same({ 1, "copy: stdout: No space left on device\n" }, { outcome.status, outcome.err })
      outcome = command.run_shell("exec >&-", "copy.lua", option, source, at("u" .. i))
      assert.same({ 1, "copy: stdout: Bad file descriptor\n" }, { outcome.status, outcome.err })
    end
    local outcome = command.run_shell("exec <&- >&- 2>&-", "copy.lua", "-q", source, target)
    assert.equal(0, outcome.status)
    assert.same({ "a" }, paths(target))
  end)

  it("fails for a file alone that is larger than a limit allows", function()
    make{ "source/a", "source/z" }
    make_hole(source .. "/large", 100 * 2 ^ 20 // 1)
    make_hole(at("larger"), 300 * 2 ^ 20 // 1)
    for i, option in ipairs{ "-j2", "--verify" } do
      local to = at("t" .. i)
      assert_fails({ source .. "/large: " .. to .. "/source/large: File too large",
        at("larger") .. ": " .. to .. "/larger: File too large" },
        command.run_shell("ulimit -f 100000", "copy.lua", option, source, at("larger"), to))
      assert.same({ "source", "source/a", "source/z" }, paths(to), option)
    end
  end)

  it("warns of owners that can't be kept, unless it is to be quiet", function()
    make{ "source/a" }
    if not uv.fs_chown(source .. "/a", 1, 1) then return end
    local outcome = command.run_without("-chown", "copy.lua", source, target)
    assert.equal("copy: warning: the owner or extended attributes of 1 entry could not be kept\n",
      outcome.err)
    assert.equal(0, outcome.status)
    outcome = command.run_without("-chown", "copy.lua", "-q", source, target)
    assert.same({ 0, "", "" }, { outcome.status, outcome.err, outcome.out })
  end)

  it("keeps times that no count of nanoseconds has room for", function()
    local folder_of_memory = uv.fs_mkdtemp("/dev/shm/mooncrew-spec-XXXXXX")
    if not folder_of_memory then return end
    local a, b = folder_of_memory .. "/a", folder_of_memory .. "/b"
    make_hole(a, 300 * 2 ^ 20 // 1)
    local year_3000 = 32503680000
    assert(uv.fs_utime(a, year_3000, year_3000))
    local outcome = command.run("copy.lua", a, b)
    local seconds = uv.fs_stat(b).mtime.sec
    fs.remove_tree(folder_of_memory)
    assert.same({ 0, year_3000 }, { outcome.status, seconds })
  end)

  it("copies what was a file when it was listed and is a link by then", function()
    make{ "source/a", "source/b", "source/c" }
    local copy_files = fs.copy_files
    finally(function() fs.copy_files = copy_files end)
    function fs.copy_files(from, to, options)
      assert(uv.fs_unlink(from .. "/a"))
      assert(uv.fs_symlink("b", from .. "/a"))
      assert(uv.fs_unlink(from .. "/c"))
      assert(fs.mkdirs(from .. "/c"))
      local done = copy_files(from, to, options)
      done.left = { "a", "c" }
      return done
    end
    local summary = require("lib.copier").copy({ source }, target)
    assert.same({ { path = source .. "/c", reason = "became a folder while it was copied" } },
      summary.failures)
    assert.same({ 1, 1 }, { summary.files, summary.links })
    assert.equal("b", uv.fs_readlink(target .. "/a"))
  end)
end)
