-- fs.copy_files: the files of a folder in one call; fs.walk without files.
local fs = require "mooncrew.fs"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"

local LARGE = 65537 -- larger than what counts as small

describe("fs", function()
  local folder, from, to
  local function write(name, bytes) command.write_file(fs.join(from, name), bytes or name) end
  local function read(name) return command.read_file(fs.join(to, name)) end
  before_each(function()
    folder = command.folder()
    from, to = fs.join(folder, "from"), fs.join(folder, "to")
    assert(fs.mkdirs(from) and fs.mkdirs(to))
  end)
  after_each(command.clean_up)

  local function copies(options)
    local done = assert(fs.copy_files(from, to, options))
    table.sort(done.left)
    return done
  end

  it("copies the files of a folder with what belongs to them", function()
    write("a")
    write("empty", "")
    write("large", ("x"):rep(3 * LARGE))
    assert(uv.fs_chmod(from .. "/a", tonumber("640", 8)))
    assert(fs.utimens(from .. "/a", 1000000007, 1234567890123456789))
    assert(fs.setxattr(from .. "/a", "user.x", "1"))
    assert(fs.mkdirs(from .. "/folder"))
    assert(uv.fs_symlink("a", from .. "/link"))
    assert(fs.mkfifo(from .. "/pipe"))
    local done = copies{ owner = true, xattrs = true }
    assert.same({
      files = 3, bytes = 1 + 3 * LARGE, skipped = 0, skipped_bytes = 0, lost = 0, left = {},
    }, done)
    assert.same({ "a", "empty", "large" }, fs.listdir(to))
    assert.equal("a", read("a"))
    assert.is_true(fs.same_data(from .. "/large", to .. "/large"))
    local info = fs.stat(to .. "/a")
    assert.equal(tonumber("640", 8), info.mode)
    assert.equal(1234567890123456789, info.mtime_ns)
    assert.equal("1", fs.getxattr(to .. "/a", "user.x"))
  end)

  it("passes over what is there already", function()
    for _, name in ipairs{ "same", "new", "longer", "later", "mode" } do write(name) end
    copies{ update = true, xattrs = true }
    os.remove(to .. "/new")
    write("longer", "longer than it was")
    local time = fs.stat(from .. "/later").mtime_ns
    write("later", "LATER")
    assert(fs.utimens(from .. "/later", 0, time + 1000000000))
    assert(uv.fs_chmod(from .. "/mode", tonumber("600", 8)))
    local done = copies{ update = true, xattrs = true }
    assert.same({
      files = 3, bytes = 3 + 18 + 5, skipped = 1, skipped_bytes = 4, lost = 0, left = { "mode" },
    }, done)
    assert.equal("LATER", read("later"))
    -- Without it all are copied, over what is there.
    command.write_file(to .. "/same", "other")
    assert.equal(5, copies().files)
    assert.equal("same", read("same"))
    assert.equal(tonumber("600", 8), fs.stat(to .. "/mode").mode)
  end)

  it("notices attributes that a source has got since", function()
    write("a")
    copies{ update = true, xattrs = true }
    assert(fs.setxattr(from .. "/a", "user.x", "1"))
    assert.same({ "a" }, copies{ update = true, xattrs = true }.left)
    assert.equal(1, copies{ update = true }.skipped)
  end)

  it("does not keep what the folder gives to new files", function()
    local acl = string.pack("<I4", 2)
    local entries = { { 1, 7, -1 }, { 2, 7, 1000 }, { 4, 5, -1 }, { 16, 7, -1 }, { 32, 5, -1 } }
    for _, entry in ipairs(entries) do acl = acl .. string.pack("<I2I2i4", table.unpack(entry)) end
    local ok, err = fs.setxattr(to, "system.posix_acl_default", acl)
    if not ok and err.code == "ENOTSUP" then return end -- this disk has no such lists
    assert(ok, err)
    write("a")
    copies()
    assert.same({ "system.posix_acl_access" }, fs.listxattr(to .. "/a"))
    copies{ xattrs = true }
    assert.same({}, fs.listxattr(to .. "/a"))
  end)

  it("leaves what takes more thought", function()
    write("plain")
    write("first")
    assert(uv.fs_link(from .. "/first", from .. "/second"))
    write("in-the-way")
    assert(fs.mkdirs(to .. "/in-the-way"))
    write("a-link")
    assert(uv.fs_symlink("nowhere", to .. "/a-link"))
    write("large", ("x"):rep(LARGE))
    local done = copies{ room = LARGE - 1 }
    assert.same({ "a-link", "first", "in-the-way", "large", "second" }, done.left)
    assert.equal(1, done.files)
    assert.same({ "a-link", "in-the-way", "plain" }, fs.listdir(to))
    -- A folder onto itself: all is left.
    assert.equal(6, #fs.copy_files(from, from).left)
  end)

  it("divides a folder into parts that are all of it", function()
    for i = 1, 100 do write("file" .. i) end
    local files, least = 0, 100
    for part = 1, 4 do
      local done = copies{ part = part, parts = 4 }
      files, least = files + done.files, math.min(least, done.files)
    end
    assert.equal(100, files)
    assert.is_true(least > 5)
    assert.equal(100, #fs.listdir(to))
  end)

  it("says which folder can't be read, and what is wrong with arguments", function()
    for _, case in ipairs{ { "none", to, 1 }, { from, "none", 2 } } do
      local ok, err = fs.copy_files(case[1], case[2])
      assert.is_nil(ok)
      assert.equal("ENOENT", err.code)
      assert.equal("none", err.path)
      assert.equal("copy_files: none: No such file or directory", err.message)
    end
    local function refuses(text, options)
      local ok, err = pcall(fs.copy_files, from, to, options)
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
    refuses("unknown option 'follow'", { follow = true })
    refuses("option 'update': boolean expected", { update = 1 })
    refuses("option 'room': a whole number of at least 0", { room = -1 })
    refuses("option 'room': a whole number", { room = "much" })
    refuses("option 'part': one of 1 to 'parts'", { part = 2 })
    refuses("option 'parts': a whole number of at least 1", { parts = 0 })
  end)

  it("walks past files and tells how many there are", function()
    assert(fs.mkdirs(from .. "/d/e"))
    write("d/1")
    write("d/2")
    write("top")
    assert(uv.fs_symlink("1", from .. "/d/link"))
    local seen = {}
    for path, entry in fs.walk(from, { files = false }) do
      seen[#seen + 1] = path:sub(#from + 2) .. " " .. tostring(entry.files)
    end
    assert.same({ "d 2", "d/e nil", "d/link nil" }, seen)
  end)
end)
