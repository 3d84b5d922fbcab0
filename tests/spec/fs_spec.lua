local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function fails_with(message, code, ok, err)
  assert.is_nil(ok)
  assert.equal("OSError", err.kind)
  assert.equal(message, err.message)
  assert.equal(code, err.code)
  return err
end

describe("fs", function()
  local folder
  local function at(name) return fs.join(folder, name) end
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  it("is a field of mooncrew too", function()
    assert.equal(fs, mooncrew.fs)
  end)

  it("copies a file", function()
    command.write_file(at("a"), "bytes\0")
    assert(uv.fs_chmod(at("a"), tonumber("640", 8)))
    assert(uv.fs_utime(at("a"), 1000, 1234567890.5))
    assert.is_true(fs.copy_file(at("a"), at("b")))
    assert.equal("bytes\0", read_file(at("b")))
    local info = fs.stat(at("b"))
    assert.same({ "file", 6, 1234567890.5, tonumber("640", 8) },
      { info.type, info.size, info.mtime, info.mode })
  end)

  it("copies in a task while others go on", function()
    command.write_file(at("a"), ("0123456789"):rep(1000000))
    local pool <close> = mooncrew.CoroutinePool(4)
    local results = {}
    for i = 1, 8 do results[i] = pool:apply_async(fs.copy_file, { at("a"), at("b" .. i) }) end
    for i = 1, 8 do
      assert.is_true(results[i]:get())
      assert.equal(10000000, fs.stat(at("b" .. i)).size)
    end
    local none = at("none")
    mooncrew.spawn(function()
      fails_with("copy_file: " .. none .. ": No such file or directory", "ENOENT",
        fs.copy_file(none, at("c")))
    end):get()
  end)

  it("leaves nothing of a copy whose task is cancelled", function()
    command.write_file(at("a"), ("0123456789"):rep(1000000))
    local tasks = {}
    for i = 1, 8 do -- more than there are threads: some wait, some copy
      tasks[i] = mooncrew.spawn(fs.copy_file, at("a"), at("b" .. i))
    end
    mooncrew.spawn(function() end):join()
    for i = 1, 8 do tasks[i]:cancel() end
    for i = 1, 8 do
      local ok, err = tasks[i]:get()
      assert.is_true(ok or err == mooncrew.Cancelled)
    end
    -- The pool's four threads take what comes in order: these are done when those are over.
    command.write_file(at("small"), "x")
    for i = 1, 4 do tasks[i] = mooncrew.spawn(fs.copy_file, at("small"), at("s" .. i)) end
    for i = 1, 4 do assert.is_true(tasks[i]:get()) end
    for name, entry in fs.walk(folder) do
      local wanted = fs.basename(name):match("^s") and 1 or 10000000
      assert.equal(wanted, entry.size, name)
    end
  end)

  it("says which path is to blame", function()
    command.write_file(at("a"), "x")
    local no, a = at("none"), at("a")
    fails_with("copy_file: " .. no .. ": No such file or directory", "ENOENT",
      fs.copy_file(no, at("b")))
    local err = fails_with("copy_file: " .. a .. ": Is the same file as the source", "EINVAL",
      fs.copy_file(a, a))
    assert.equal(a, err.path)
    fails_with("copy_file: " .. folder .. ": Is a directory", "EISDIR", fs.copy_file(a, folder))
    fails_with("copy_file: " .. folder .. ": Is a directory", "EISDIR",
      fs.copy_file(folder, at("b")))
    fails_with("stat: " .. no .. ": No such file or directory", "ENOENT", fs.stat(no))
    fails_with("listdir: " .. a .. ": Not a directory", "ENOTDIR", fs.listdir(a))
    fails_with("mkdirs: " .. a .. ": File exists", "EEXIST", fs.mkdirs(a))
    fails_with("walk: " .. no .. ": No such file or directory", "ENOENT", fs.walk(no))
    assert.same({ "a" }, fs.listdir(folder))
  end)

  it("makes folders and lists them", function()
    assert.is_true(fs.mkdirs(at("x/y/z")))
    assert.is_true(fs.mkdirs(at("x/y/z")))
    assert.is_true(fs.mkdirs(at("w"), tonumber("700", 8)))
    assert.equal(tonumber("700", 8), fs.stat(at("w")).mode)
    assert.same({ "w", "x" }, fs.listdir(folder))
    assert.same({}, fs.listdir(at("w")))
  end)

  it("looks behind a link or at it", function()
    command.write_file(at("a"), "x")
    assert(uv.fs_symlink("a", at("link")))
    assert.equal("file", fs.stat(at("link")).type)
    assert.equal("link", fs.stat(at("link"), false).type)
  end)

  it("walks through a tree", function()
    fs.mkdirs(at("d/e"))
    command.write_file(at("d/e/f"), "12")
    command.write_file(at("a"), "")
    assert(uv.fs_symlink("d", at("link")))
    local seen = {}
    for path, entry in fs.walk(folder) do
      assert.equal(path, fs.join(folder, path:sub(#folder + 2)))
      assert.equal(fs.basename(path), entry.name)
      assert.is_nil(entry.error)
      seen[#seen + 1] = path:sub(#folder + 2) .. " " .. entry.type .. " " .. entry.depth
    end
    assert.same({ "a file 1", "d directory 1", "d/e directory 2", "d/e/f file 3", "link link 1" },
      seen)
    local count = 0
    for _ in fs.walk(folder, { follow = true }) do count = count + 1 end
    assert.equal(7, count)
    assert(fs.walk(folder))() -- what is left open is the collector's
    local step = fs.walk(at("d/e"))
    assert.equal(at("d/e/f"), (step()))
    assert.is_nil(step())
    assert.is_nil(step())
  end)

  it("reports what it can't examine", function()
    command.write_file(at("a"), "")
    local step = fs.walk(folder)
    os.remove(at("a"))
    local path, entry = step()
    assert.equal(at("a"), path)
    assert.equal("unknown", entry.type)
    assert.equal("ENOENT", entry.error.code)
    assert.equal("walk: " .. path .. ": No such file or directory", entry.error.message)
  end)

  it("joins and takes apart", function()
    assert.equal("a/b", fs.join("a", "b"))
    assert.equal("a/b", fs.join("a/", "b"))
    assert.equal("/b", fs.join("a", "/b"))
    assert.equal("a/", fs.join("a", ""))
    assert.equal("b", fs.join("", "b"))
    assert.equal("a/b/c.d", fs.join("a", "b", "c.d"))
    assert.equal("c.d", fs.basename("a/b/c.d"))
    assert.equal("", fs.basename("a/"))
    assert.equal("a", fs.basename("a"))
  end)

  it("makes names safe", function()
    for text, name in pairs{
      ["a.png"] = "a.png", [""] = "_", ["."] = "_", [".."] = "__", ["../a"] = ".._a",
      ["/etc/x"] = "_etc_x", ["a\0\n"] = "a__", ["%2e%2e%2f"] = "%2e%2e%2f", ["中.jpg"] = "中.jpg",
    } do
      assert.equal(name, fs.safe_name(text))
    end
    local long = fs.safe_name(("中"):rep(200) .. ".jpeg")
    assert.is_true(#long <= 255)
    assert.equal(".jpeg", long:sub(-5))
    assert.truthy(utf8.len(long))
  end)

  it("raises for wrong arguments", function()
    local function refuses(text, ...)
      local ok, err = pcall(...)
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
    for _, name in ipairs{ "copy_file", "mkdirs", "stat", "listdir", "walk", "safe_name" } do
      refuses("bad argument #1 to 'mooncrew.fs." .. name .. "' (string expected, got table)",
        fs[name], {})
    end
    refuses("NUL", fs.stat, "a\0b")
    refuses("bad argument #2 to 'mooncrew.fs.copy_file' (string expected", fs.copy_file, "a")
    refuses("permission bits", fs.mkdirs, at("x"), -1)
    refuses("boolean expected", fs.stat, folder, "no")
    refuses("unknown option 'deep'", fs.walk, folder, { deep = true })
    refuses("string expected, got no value", fs.join)
    refuses("string expected, got boolean", fs.join, "a", true)
    assert.is_nil(fs.stat(at("x")))
  end)
end)
