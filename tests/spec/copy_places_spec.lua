-- `mooncrew copy`: what goes where, and which paths are refused.
local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local uv = require "luv"

describe("mooncrew copy", function()
  local folder
  local function at(name) return folder .. "/" .. name end

  before_each(function()
    folder = command.folder()
    command.write_file(at("file"), "bytes")
    assert(fs.mkdirs(at("source/inner")))
    command.write_file(at("source/a"), "a")
  end)
  after_each(command.clean_up)

  local function copies(...)
    local outcome = command.run("copy.lua", ...)
    assert.same({ 0, "" }, { outcome.status, outcome.err })
    return outcome.out
  end

  local function refuses(text, ...)
    local outcome = command.run("copy.lua", ...)
    assert.same({ 1, "copy: " .. text .. "\n", "" }, { outcome.status, outcome.err, outcome.out })
  end

  it("makes the folder that a last path with a slash, or dots, at its end stands for", function()
    for i, ending in ipairs{ "/", "//", "/.", "/x/.." } do
      copies(at("file"), at("new" .. i .. ending))
      assert.equal("bytes", command.read_file(at("new" .. i .. "/file")), ending)
    end
    copies("-n", at("file"), at("none/"))
    assert.is_nil(fs.stat(at("none")))
  end)

  it("says that what should be a folder is none", function()
    assert(uv.fs_symlink("nowhere", at("dangling")))
    refuses(at("file") .. " is there and is no folder", at("source"), at("file"))
    refuses(at("file") .. " is there and is no folder", "--delete", at("source"), at("file"))
    refuses(at("file") .. " is there and is no folder", at("source"), at("source/a"), at("file"))
    refuses(at("dangling") .. " is a link that leads nowhere", at("source"), at("dangling"))
    refuses(at("file") .. " is there and is no folder", at("source/a"), at("file/"))
    assert.equal("bytes", command.read_file(at("file")))
  end)

  it("puts no file in the place of a device or a pipe that is named", function()
    assert(fs.mkfifo(at("pipe")))
    assert(uv.fs_symlink("pipe", at("link")))
    for _, name in ipairs{ "pipe", "link" } do
      refuses(at(name) .. " is there and is neither a file nor a folder", at("file"), at(name))
    end
    assert.equal("link", fs.stat(at("link"), false).type)
    assert.equal("fifo", fs.stat(at("pipe")).type)
    -- One deeper in a tree is replaced, and a pipe may be copied over a pipe.
    assert(fs.mkfifo(at("second")))
    copies(at("second"), at("pipe"))
    assert(fs.mkdirs(at("target")))
    assert(fs.mkfifo(at("target/a")))
    copies(at("source"), at("target"))
    assert.equal("a", command.read_file(at("target/a")))
  end)

  it("names a path that is empty, and a link that leads nowhere", function()
    assert(uv.fs_symlink("nowhere", at("dangling")))
    refuses("path 1 is empty", "", at("target"))
    refuses("path 2 is empty", at("source"), "", at("target"))
    refuses("path 3, where to, is empty", at("source"), at("file"), "")
    refuses(at("dangling") .. " is a link that leads nowhere", at("dangling"), at("target"))
  end)

  it("needs a current folder for a relative path alone", function()
    assert(fs.mkdirs(at("gone")))
    local leave = ("cd '%s'; rmdir '%s'"):format(at("gone"), at("gone"))
    local outcome = command.run_shell(leave, "copy.lua", "../file", at("target"))
    assert.same({ 1, "copy: the current folder is no more\n" }, { outcome.status, outcome.err })
    assert(fs.mkdirs(at("gone")))
    outcome = command.run_shell(leave, "copy.lua", at("file"), at("target"))
    assert.same({ 0, "" }, { outcome.status, outcome.err })
  end)

  it("refuses a source that --delete would remove for another one", function()
    assert(fs.mkdirs(at("target/source/old")))
    command.write_file(at("target/source/old/x"), "precious")
    refuses(at("target/source/old") .. " is inside of " .. at("target/source")
      .. ", where --delete would remove it",
      "--delete", at("target/source/old"), at("source"), at("target"))
    assert.equal("precious", command.read_file(at("target/source/old/x")))
    copies(at("target/source/old"), at("source"), at("target"))
    assert.equal("precious", command.read_file(at("target/old/x")))
  end)

  it("leaves out those of several sources whose own names match --exclude", function()
    command.write_file(at("x.o"), "object")
    command.write_file(at("source/y.o"), "object")
    copies("--exclude", "*.o", at("x.o"), at("file"), at("source"), at("target"))
    assert.same({ "file", "source" }, command.names(at("target")))
    assert.same({ "a", "inner" }, command.names(at("target/source")))
    copies("--exclude", "source", at("source"), at("other"))
    assert.same({ "a", "inner", "y.o" }, command.names(at("other")))
  end)

  it("removes what a killed run left of a file beside it", function()
    local gone = 2 ^ 22 // 1 -- no process has this number
    assert(fs.mkdirs(at("target")))
    local left = at(("target/.mooncrew-%d-0123abcd.part"):format(gone))
    for _, sources in ipairs{ { at("file") }, { at("file"), at("source/a") } } do
      command.write_file(left, "half")
      sources[#sources + 1] = at("target")
      copies("--resume", table.unpack(sources))
      assert.is_nil(fs.stat(left))
    end
  end)
end)
