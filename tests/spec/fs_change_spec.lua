-- What mooncrew.fs changes beside bytes: attributes, times, nodes, whole trees.
local fs = require "mooncrew.fs"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"

local MIB = 2 ^ 20 // 1

local function fails(code, ok, err)
  assert.is_nil(ok)
  assert.equal("OSError", err.kind)
  assert.equal(code, err.code)
  return err
end

describe("fs", function()
  local folder
  local function at(name) return fs.join(folder, name) end
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  -- A file of 3 MiB with data at its beginning and from 2 MiB on.
  local function write_sparse(path)
    local file <close> = assert(io.open(path, "wb"))
    file:write("head")
    file:seek("set", 2 * MIB)
    file:write(("0123456789abcdef"):rep(1024))
    file:seek("set", 3 * MIB - 1)
    file:write("\0")
  end

  it("copies holes as holes, and times to the nanosecond", function()
    write_sparse(at("a"))
    assert(fs.utimens(at("a"), 1000000007, 1234567890123456789))
    assert(fs.copy_file(at("a"), at("b")))
    local a, b = fs.stat(at("a")), fs.stat(at("b"))
    assert.is_true(a.allocated < a.size)
    assert.is_true(b.allocated <= a.allocated)
    assert.equal(3 * MIB, b.size)
    assert.equal(1234567890123456789, b.mtime_ns)
    assert.equal(1000000007, b.atime_ns)
    assert.is_true(fs.same_data(at("a"), at("b")))
  end)

  it("copies ranges into a file that is there", function()
    write_sparse(at("a"))
    command.write_file(at("b"), "")
    local fd = assert(uv.fs_open(at("b"), "r+", 0))
    assert(uv.fs_ftruncate(fd, 3 * MIB))
    uv.fs_close(fd)
    assert.is_true(fs.copy_range(at("a"), at("b"), 2 * MIB, MIB))
    assert.is_true(fs.same_data(at("a"), at("b"), 4))
    assert.is_false(fs.same_data(at("a"), at("b")))
    assert.is_true(fs.same_data(at("a"), at("b"), 4, 2 * MIB))
    assert.is_true(fs.copy_range(at("a"), at("b"), 0, 2 * MIB))
    assert.is_true(fs.same_data(at("a"), at("b")))
    assert.is_true(fs.stat(at("b")).allocated < 3 * MIB)
    local err = fails("ENODATA", fs.copy_range(at("a"), at("b"), 3 * MIB, 1))
    assert.truthy(err.message:find("became shorter", 1, true))
    assert.equal(at("a"), err.path)
    fails("ENOENT", fs.copy_range(at("a"), at("none"), 0, 1))
    fails("EISDIR", fs.copy_range(folder, at("b"), 0, 1))
  end)

  it("compares bytes", function()
    command.write_file(at("a"), ("x"):rep(MIB) .. "a")
    command.write_file(at("b"), ("x"):rep(MIB) .. "b")
    command.write_file(at("c"), ("x"):rep(MIB))
    assert.is_false(fs.same_data(at("a"), at("b")))
    assert.is_false(fs.same_data(at("a"), at("c")))
    assert.is_true(fs.same_data(at("a"), at("b"), 0, MIB))
    fails("ENOENT", fs.same_data(at("a"), at("none")))
    fails("EISDIR", fs.same_data(at("a"), folder))
  end)

  it("hashes a file", function()
    -- From xxhsum -H2 of the same bytes.
    command.write_file(at("empty"), "")
    command.write_file(at("a"), "mooncrew\n")
    assert.equal("99aa06d3014798d86001c324468d497f", fs.hash_file(at("empty")))
    assert.equal(32, #fs.hash_file(at("a")))
    command.write_file(at("b"), "mooncrew\n")
    assert.equal(fs.hash_file(at("a")), fs.hash_file(at("b")))
    command.write_file(at("b"), "mooncrew ")
    assert.not_equal(fs.hash_file(at("a")), fs.hash_file(at("b")))
    fails("ENOENT", fs.hash_file(at("none")))
    fails("EISDIR", fs.hash_file(folder))
  end)

  it("reads, writes, removes and copies extended attributes", function()
    command.write_file(at("a"), "x")
    command.write_file(at("b"), "x")
    assert(uv.fs_symlink("a", at("link")))
    local ok, err = fs.setxattr(at("link"), "user.one", "1\0\xFF")
    if err and err.code == "ENOTSUP" then return end -- that disk has none
    assert.is_true(ok)
    assert(fs.setxattr(at("b"), "user.two", ""))
    assert.same({ "user.one" }, fs.listxattr(at("a")))
    assert.same({}, fs.listxattr(at("link"), false))
    assert.equal("1\0\xFF", fs.getxattr(at("link"), "user.one"))
    assert.equal("", fs.getxattr(at("b"), "user.two"))
    fails("ENODATA", fs.getxattr(at("a"), "user.two"))
    assert.same({ true, n = 2 }, table.pack(fs.copy_attributes(at("a"), at("b"),
      { xattrs = true })))
    assert.same({ "user.one" }, fs.listxattr(at("b"))) -- what the source has not is gone
    assert.is_true(fs.removexattr(at("a"), "user.one"))
    fails("ENODATA", fs.removexattr(at("a"), "user.one"))
    assert(fs.copy_file(at("b"), at("c"), { xattrs = true }))
    assert.equal("1\0\xFF", fs.getxattr(at("c"), "user.one"))
    assert(fs.copy_file(at("b"), at("d")))
    assert.same({}, fs.listxattr(at("d")))
    assert.truthy(fails("ENOENT", fs.listxattr(at("none"))).message:find("^listxattr: "))
  end)

  it("copies attributes of anything, a link's own too", function()
    assert(fs.mkfifo(at("pipe"), tonumber("640", 8)))
    assert(uv.fs_symlink("nowhere", at("link")))
    assert(uv.fs_symlink("elsewhere", at("copy")))
    assert(fs.utimens(at("link"), 1, 2, false))
    assert(fs.copy_attributes(at("link"), at("copy"), { follow = false, owner = true }))
    assert.equal(2, fs.stat(at("copy"), false).mtime_ns)
    assert(fs.copy_attributes(at("pipe"), folder, { follow = false }))
    assert.equal(tonumber("640", 8), fs.stat(folder).mode)
    assert(uv.fs_chmod(folder, tonumber("700", 8)))
    fails("ENOENT", fs.copy_attributes(at("pipe"), at("none")))
    fails("ENOENT", fs.copy_attributes(at("link"), folder))
  end)

  it("keeps the group alone where it may", function()
    command.write_file(at("a"), "bytes")
    if not uv.fs_chown(at("a"), 12, 13) then return end
    assert(uv.fs_chmod(at("a"), tonumber("2750", 8)))
    local mine = fs.stat(folder)
    assert(fs.mkdirs(at("to")))
    assert(fs.copy_file(at("a"), at("b"), { group = true }))
    assert.equal(2, fs.copy_files(folder, at("to"), { group = true }).files)
    command.write_file(at("c"), "bytes")
    assert.same({ true, n = 2 }, table.pack(fs.copy_attributes(at("a"), at("c"),
      { group = true })))
    for _, name in ipairs{ "b", "c", "to/a" } do
      local info = fs.stat(at(name))
      assert.same({ mine.uid, 13, tonumber("750", 8) }, { info.uid, info.gid, info.mode }, name)
    end
  end)

  it("judges links themselves when told not to follow", function()
    command.write_file(at("a"), "bytes")
    assert(uv.fs_symlink("a", at("link")))
    fails("ELOOP", fs.copy_file(at("link"), at("b"), { follow = false }))
    fails("EINVAL", fs.copy_file(at("a"), at("link"))) -- the same file
    assert(fs.copy_file(at("a"), at("link"), { follow = false }))
    assert.equal("file", fs.stat(at("link"), false).type)
  end)

  it("makes nodes", function()
    assert(fs.mknod(at("socket"), "socket", tonumber("600", 8)))
    assert.equal("socket", fs.stat(at("socket")).type)
    assert(fs.mkfifo(at("pipe")))
    assert.equal("fifo", fs.stat(at("pipe")).type)
    fails("EEXIST", fs.mkfifo(at("pipe")))
    if uv.getuid() == 0 then
      local null = fs.stat("/dev/null")
      assert(fs.mknod(at("null"), "char", null.mode, null.rdev))
      assert.equal(null.rdev, fs.stat(at("null")).rdev)
    end
    assert.has_error(function() fs.mknod(at("x"), "file") end)
  end)

  it("removes a tree, and nothing behind links", function()
    assert(fs.mkdirs(at("tree/a/b/c")))
    assert(fs.mkdirs(at("tree/empty")))
    command.write_file(at("tree/a/file"), "x")
    command.write_file(at("tree/a/b/file"), "x")
    command.write_file(at("safe"), "x")
    assert(fs.mkdirs(at("kept")))
    command.write_file(at("kept/file"), "x")
    assert(uv.fs_symlink(at("kept"), at("tree/a/link")))
    assert(uv.fs_symlink("../safe", at("tree/link")))
    local deep = at("tree/deep")
    for _ = 1, 40 do deep = deep .. "/" .. ("d"):rep(60) end
    assert(fs.mkdirs(deep))
    assert.is_true(fs.remove_tree(at("tree")))
    assert.same({ "kept", "safe" }, fs.listdir(folder))
    assert.same({ "file" }, fs.listdir(at("kept")))
    assert.is_true(fs.remove_tree(at("safe")))
    fails("ENOENT", fs.remove_tree(at("safe")))
    -- A mounted disk can't be removed; what is beside it goes away.
    assert(fs.mkdirs(at("busy/proc")))
    assert(fs.mkdirs(at("busy/x")))
    if os.execute("mount -t tmpfs none '" .. at("busy/proc") .. "' 2>/dev/null") then
      local ok, err = fs.remove_tree(at("busy"))
      os.execute("umount '" .. at("busy/proc") .. "'")
      assert.equal(at("busy/proc"), fails("EBUSY", ok, err).path)
      assert.same({ "proc" }, fs.listdir(at("busy")))
    end
  end)

  it("passes over folders that the loop does not want", function()
    assert(fs.mkdirs(at("a/b")))
    assert(fs.mkdirs(at("c/d")))
    command.write_file(at("a/b/x"), "")
    local seen = {}
    for _, entry in fs.walk(folder) do
      seen[#seen + 1] = entry.name
      if entry.name == "a" then entry.enter = false end
    end
    assert.same({ "a", "c", "d" }, seen)
  end)

  it("raises for wrong arguments", function()
    local function refuses(text, ...)
      local ok, err = pcall(...)
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
    refuses("unknown option 'deep'", fs.copy_file, "a", "b", { deep = true })
    refuses("option 'owner': boolean expected, got number", fs.copy_file, "a", "b",
      { owner = 1 })
    refuses("unknown option 'clone_only'", fs.copy_attributes, "a", "b", { clone_only = true })
    refuses("a number of at least 0 expected", fs.copy_range, "a", "b", -1, 1)
    refuses("bad argument #2 to 'mooncrew.fs.utimens'", fs.utimens, "a", "now", 1)
    refuses("permission bits", fs.mkfifo, "a", 8 ^ 5 // 1)
    refuses("NUL", fs.getxattr, "a", "user.\0")
  end)
end)
