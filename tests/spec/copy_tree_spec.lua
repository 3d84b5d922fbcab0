-- `mooncrew copy` on a tree with every kind of entry, judged by a checker of its own.
local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local uv = require "luv"

local SUPPORT = command.root .. "/tests/spec/support/"
-- Each round is three kills, each but the last followed by a run that is killed again.
local ROUNDS = os.getenv("MOONCREW_TORTURE") == "full" and 17 or 2

local function python(script, ...)
  local words = { "python3", "'" .. SUPPORT .. script .. "'" }
  for _, word in ipairs{ ... } do words[#words + 1] = "'" .. word .. "'" end
  local pipe <close> = assert(io.popen(table.concat(words, " ") .. " 2>&1"))
  local out = pipe:read("a")
  local ok = pipe:close()
  return ok, out
end

local function make_tree(path, files)
  local ok, out = python("make_tree.py", path, files or 0)
  assert.is_true(ok, out)
end

local function assert_same(a, b)
  local ok, out = python("same_tree.py", a, b)
  assert.is_true(ok, out)
end

local function copies(...)
  local outcome = command.run("copy.lua", ...)
  assert.equal(0, outcome.status, outcome.err)
  assert.equal("", outcome.err)
  return outcome.out
end

-- What has its name is whole. One that was killed at once has not even made the target.
local function assert_whole(source, target)
  if not fs.stat(target) then return end
  for path, entry in fs.walk(target) do
    if entry.type == "file" and not entry.name:find("^%.mooncrew%-") then
      local original = fs.stat(source .. path:sub(#target + 1), false)
      assert.equal(original.size, entry.size, path)
    end
  end
end

local function change(path, bytes)
  local before = fs.stat(path)
  command.write_file(path, bytes)
  return before
end

describe("mooncrew copy", function()
  local folder, source, target
  before_each(function()
    folder = command.folder()
    source, target = folder .. "/source", folder .. "/target"
  end)
  after_each(command.clean_up)

  it("copies every kind of entry so that no difference is found", function()
    make_tree(source)
    copies("--verify", source, target)
    assert_same(source, target)
    -- Once more: all is there already.
    local out = copies("--resume", source, target)
    assert.truthy(out:find("^0 files, "), out)
    assert_same(source, target)
    -- And over what is there, without --resume.
    copies(source, target)
    assert_same(source, target)
  end)

  it("is judged by a checker that finds each kind of difference", function()
    make_tree(source)
    copies(source, target)
    local function differs(what, change_it)
      copies("--delete", source, target)
      assert_same(source, target)
      change_it()
      local ok, out = python("same_tree.py", source, target)
      assert.is_nil(ok, what)
      assert.truthy(out:find(what, 1, true), out)
    end
    local file = target .. "/size-4095"
    differs("st_mode", function() uv.fs_chmod(file, 511) end)
    differs("st_mtime_ns", function() fs.utimens(file, 1, 1) end)
    differs("only in the copy", function() command.write_file(target .. "/new", "") end)
    differs("only in the source", function() uv.fs_unlink(file) end)
    differs("same file as", function()
      uv.fs_unlink(target .. "/a-third")
      fs.copy_file(target .. "/links/first", target .. "/a-third", { owner = true, xattrs = true })
    end)
    differs("link:", function()
      uv.fs_unlink(target .. "/links/to-5")
      uv.fs_symlink("other", target .. "/links/to-5")
    end)
    differs("holes", function()
      local handle <close> = assert(io.open(target .. "/all-hole", "r+b"))
      handle:write("\0")
    end)
    differs("content", function()
      local before = change(file, ("x"):rep(4095))
      fs.utimens(file, before.mtime_ns, before.mtime_ns)
    end)
    if fs.setxattr(file, "user.more", "1") then
      differs("attributes", function() fs.setxattr(file, "user.more", "2") end)
    end
    copies("--delete", source, target)
    assert_same(source, target)
  end)

  it("goes on after SIGKILL at any moment, until nothing is missing", function()
    make_tree(source, 1500)
    local seed = math.random(1, 2 ^ 30 // 1)
    math.randomseed(seed)
    local started = uv.hrtime()
    copies(source, target)
    local whole = (uv.hrtime() - started) / 1e6
    local kills = 0
    for _ = 1, ROUNDS do
      assert(fs.remove_tree(target))
      for _ = 1, 3 do
        local child = command.start("copy.lua", "--resume", source, target)
        uv.sleep(math.random(0, math.floor(whole))) -- the moment is the test
        child:signal("sigkill")
        local outcome = child:finish()
        if outcome.status == -9 then kills = kills + 1 end
        while child:has_processes() do uv.sleep(1) end
        assert_whole(source, target)
        if outcome.status == 0 then break end
      end
      copies("--resume", source, target)
      assert_same(source, target)
    end
    assert.is_true(kills > 0, "seed " .. seed)
  end)
end)
