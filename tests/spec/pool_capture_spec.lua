-- What tasks write, caught for their results: Pool{ capture = … }.

local mooncrew = require "mooncrew"
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")

local Pool = mooncrew.Pool

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
  return err
end

local function write(out, err)
  io.write(out)
  io.stderr:write(err)
end

local function kill_self(signal) require("luv").kill(mooncrew.getpid(), signal) end

describe("Pool capture", function()
  teardown(standalone.remove_folder)

  it("keeps what Lua, C and programs write, each stream apart", function()
    local pool <close> = Pool{ processes = 1, capture = true }
    local r = pool:apply_async(function()
      print("one", 2)
      io.write("three")
      io.stderr:write("bad\n")
      os.execute("echo four; echo worse >&2")
      require("luv").fs_write(1, "five\n", -1)
      io.stdout:setvbuf("full")
      print("six")
      return 7
    end)
    assert.is_nil(r.stdout)
    assert.equal(7, (r:get()))
    assert.equal("one\t2\nthreefour\nfive\nsix\n", r.stdout)
    assert.equal("bad\nworse\n", r.stderr)
    r = pool:apply_async(write, { "", "" })
    r:wait()
    assert.equal("", r.stdout)
    assert.equal("", r.stderr)
    r = pool:apply_async(write, { ("x\0\n"):rep(100000), "y" })
    r:wait()
    assert.equal(("x\0\n"):rep(100000), r.stdout)
    assert.equal("y", r.stderr)
  end)

  it("is there for the callback", function()
    local pool <close> = Pool(1)
    local seen, r
    r = pool:apply_async(write, { "o", "e" }, {
      capture = true, callback = function() seen = r.stdout .. r.stderr end,
    })
    r:wait()
    assert.equal("oe", seen)
  end)

  it("keeps what a task wrote before its error", function()
    local pool <close> = Pool{ processes = 1, capture = true }
    local r = pool:apply_async(function()
      print("before")
      io.stderr:write("alas")
      error("bad", 0)
    end)
    local err = fails("bad", r.get, r)
    assert.equal("before\n", r.stdout)
    assert.equal("alas", r.stderr)
    assert.equal("before\n", err.stdout)
    assert.equal("alas", err.stderr)
    r = pool:apply_async(function()
      print("before")
      return io.stdout
    end)
    fails("cannot send a FILE*", r.get, r)
    assert.equal("before\n", r.stdout)
  end)

  it("keeps what a lost or late worker wrote so far", function()
    local pool <close> = Pool{ processes = 1, capture = true }
    local r = pool:apply_async(function()
      io.write("no end of line")
      io.stderr:write("nor here")
      kill_self("sigkill")
    end)
    local err = fails("signal 9", r.get, r)
    assert.equal("no end of line", r.stdout)
    assert.equal("nor here", r.stderr)
    assert.equal("no end of line", err.stdout)
    r = pool:apply_async(function()
      io.write("round")
      while true do end
    end, nil, { timeout = 0.1 })
    err = fails("longer than", r.get, r)
    assert.equal("round", err.stdout)
    assert.equal("round", r.stdout)
    r = pool:apply_async(function()
      io.write("left")
      os.exit(3)
    end)
    fails("status 3", r.get, r)
    assert.equal("left", r.stdout)
    r = pool:apply_async(write, { "new", "" })
    r:wait()
    assert.equal("new", r.stdout)
  end)

  it("keeps the last try's alone", function()
    local tries = mooncrew.Queue()
    local pool <close> = Pool{ processes = 1, capture = true, retries = 2 }
    local r = pool:apply_async(function()
      tries:put(1)
      io.write("try ", tries:qsize())
      if tries:qsize() < 3 then kill_self("sigkill") end
    end)
    r:get()
    assert.equal("try 3", r.stdout)
  end)

  it("joins a map's in the order of its list", function()
    local pool <close> = Pool(2)
    local function say(x)
      print("item " .. x)
      if x % 2 == 0 then io.stderr:write(x, ";") end
      return x
    end
    for _, chunksize in ipairs{ 1, 3, 10 } do
      local list, expected = {}, {}
      for i = 1, 10 do list[i], expected[i] = i, "item " .. i .. "\n" end
      local r = pool:map_async(say, list, { chunksize = chunksize, capture = true })
      assert.same(list, r:get())
      assert.equal(table.concat(expected), r.stdout)
      assert.equal("2;4;6;8;10;", r.stderr)
      local items = {}
      for i = 1, 10 do items[i] = { i } end
      r = pool:starmap_async(say, items, { chunksize = chunksize, capture = true })
      r:wait()
      assert.equal(table.concat(expected), r.stdout)
    end
  end)

  it("of a chunk that lost an item has what all of it wrote", function()
    local pool <close> = Pool(1)
    local r = pool:map_async(function(x)
      print("item " .. x)
      if x == 2 then kill_self("sigkill") end
    end, { 1, 2, 3 }, { chunksize = 3, capture = true })
    local err = fails("signal 9", r.get, r)
    assert.equal(2, err.index)
    assert.matches("item 2\n$", err.stdout)
    assert.matches("^item 1\n.*item 2\nitem 3\n$", r.stdout)
  end)

  it("is in the error of the calls that have no result", function()
    local pool <close> = Pool{ processes = 1, capture = true }
    local function bad(x)
      print("about " .. x)
      error("bad", 0)
    end
    assert.equal("about 1\n", fails("bad", pool.apply, pool, bad, { 1 }).stdout)
    assert.equal("about 2\n", fails("bad", pool.map, pool, bad, { 2 }).stdout)
    assert.equal("about 3\n", fails("bad", pool.imap(pool, bad, { 3 })).stdout)
  end)

  it("is bounded, and says what is missing", function()
    local pool <close> = Pool{ processes = 1, capture = 10 }
    local r = pool:apply_async(write, { "0123456789", ("e"):rep(12) })
    r:wait()
    assert.equal("0123456789", r.stdout)
    assert.equal(("e"):rep(10) .. "\n[2 bytes more]\n", r.stderr)
    r = pool:apply_async(os.execute, { "yes | head -c 300000000" }, { capture = "2K" })
    assert.is_true(r:get())
    assert.equal(("y\n"):rep(1024) .. "\n[299997952 bytes more]\n", r.stdout)
  end)

  it("is an option of each task as well", function()
    local outcome = standalone.run{ "-e", [[
      local m = require "mooncrew"
      local pool <close> = m.Pool{ processes = 1, capture = true }
      local function say(text)
        print(text)
        io.stderr:write(text)
      end
      local kept = pool:apply_async(say, { "kept" })
      local shown = pool:apply_async(say, { "shown" }, { capture = false })
      kept:wait()
      shown:wait()
      print(kept.stdout, shown.stdout)
      pool:map(say, { "map" }, { capture = false })
      pool:map(say, { "silent" })
      for _ in pool:imap(say, { "imap" }, { capture = false }) do end]] }
    assert.equal("shown\nkept\n\tnil\nmap\nimap\n", outcome.out)
    assert.equal("shownmapimap", outcome.err)
    assert.equal(0, outcome.status)
  end)

  it("leaves no descriptor in the worker", function()
    local pool <close> = Pool{ processes = 1, capture = true }
    local function count()
      local n = 0
      for _ in mooncrew.fs.walk("/proc/self/fd") do n = n + 1 end
      return n
    end
    local first = pool:apply(count)
    for _ = 1, 50 do pool:apply(print, { "x" }) end
    assert.equal(first, (pool:apply(count)))
  end)

  it("refuses what is no size", function()
    for _, wrong in ipairs{ 0, -1, 1.5, "much", {}, "2G" } do
      fails("Pool: capture: ", Pool, { capture = wrong })
    end
    local pool <close> = Pool(1)
    fails("apply_async: capture: ", pool.apply_async, pool, print, {}, { capture = "x" })
    fails("map: capture: ", pool.map, pool, print, {}, { capture = "x" })
    fails("imap: capture: ", pool.imap, pool, print, {}, { capture = "x" })
    local tasks <close> = mooncrew.CoroutinePool(1)
    for _, name in ipairs{ "capture", "timeout", "retries" } do
      local message = (": %s: only a Pool of processes can do that"):format(name)
      fails("map" .. message, tasks.map, tasks, print, {}, { [name] = 1 })
      fails("imap" .. message, tasks.imap, tasks, print, {}, { [name] = 1 })
    end
  end)
end)
