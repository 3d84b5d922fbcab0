-- Ctrl-C and SIGTERM of a program with a pool: workers are ended, or, on request, drained.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local background = dofile(here .. "support/background.lua")
local standalone = background.standalone
local start, signal, status_of = background.start, background.signal, background.status_of

---@return integer[] pids  in so many lines
local function read_pids(pipe, n)
  local pids = {}
  for i = 1, n do pids[i] = math.tointeger(pipe:read("n", "l")) end
  return pids
end

-- At the end of the file's last block.
teardown(standalone.remove_folder)

-- Tasks that print their pid and never end; busy, asleep or deaf to SIGTERM.
local workers = [[
  local m = require "mooncrew"
  local function say() print(m.getpid()) io.stdout:flush() end
  local kinds = {
    function() say() while true do end end,
    function() say() m.sleep(1000) end,
    function() say() require"luv".kill(m.getpid(), "sigstop") end,
    m.getppid,
  }
  local function task(i) return kinds[i]() end
  print(m.Pool(1):apply(m.getppid)) io.stdout:flush() ]]

describe("Pool: Ctrl-C", function()
  local ways = {
    ["in a map"] = "local pool = m.Pool(3) pool:map(task, { 1, 2, 3 }, 1)",
    ["in the map of a block"] = "local pool <close> = m.Pool(3) pool:map(task, { 1, 2, 3 }, 1)",
    ["in a get"] = [[
      local pool <close> = m.Pool(3)
      local r = pool:map_async(task, { 1, 2, 3 }, 1)
      r:get()]],
    ["in a join"] = [[
      local pool = m.Pool(3)
      pool:map_async(task, { 1, 2, 3 }, 1)
      pool:close()
      pool:join()]],
    ["at the end of a block"] = [[
      local pool <close> = m.Pool(3)
      pool:map_async(task, { 1, 2, 3 }, 1)]],
    ["in an imap"] = "for _ in m.Pool(3):imap(task, { 1, 2, 3 }) do end",
    ["while busy"] = [[
      local pool <close> = m.Pool(3)
      pool:map_async(task, { 1, 2, 3 }, 1)
      while true do end]],
  }
  for what, code in pairs(ways) do
    for name, status in pairs{ INT = 130, TERM = 143 } do
      it(("(%s) %s ends all of them, with one line"):format(name, what), function()
        local pipe, pid = start{ "-e", workers .. code }
        local pids = read_pids(pipe, 4)
        assert.is_true(signal(pid, name))
        assert.equal(status, (status_of(pipe)))
        assert.equal(name == "INT" and "lua: interrupted!\n" or "lua: terminated!\n",
          standalone.read("stderr"))
        for _, child in ipairs(pids) do assert.is_false(signal(child, "CONT")) end
      end)
    end
  end

  it("in a terminal, where all get it, is one line on the screen", function()
    local screen, status = standalone.type_into(standalone.binary, { "-e", [[
      local m = require "mooncrew"
      local pool <close> = m.Pool(3)
      pool:map(function() print'ready' io.stdout:flush() while true do end end, { 1, 2, 3 }, 1)]],
    }, { "ready", "", "ready", "", "ready", "\\x03" })
    assert.equal("ready\nready\nready\n^Clua: interrupted!\n", screen)
    assert.equal(130, status)
  end)

  it("a second time ends the program at once", function()
    -- It has to come while the first is being dealt with, so it is tried until it does.
    for _ = 1, 50 do
      local pipe, pid = start{ "-e", workers .. [[
        local pool <close> = m.Pool(3)
        pool:map(task, { 1, 2, 3 }, 1)]] }
      local pids = read_pids(pipe, 4)
      signal(pid)
      while signal(pids[2]) or signal(pids[3]) do -- until they have been told to end
        local stat = io.open(("/proc/%d/stat"):format(pids[3]))
        if not stat or stat:read("a"):match("%) (%a)") == "Z" then break end
        stat:close()
      end
      local second = signal(pid)
      assert.equal(130, (status_of(pipe)))
      for _, child in ipairs(pids) do
        repeat until not signal(child, "CONT")
      end
      if second and not standalone.read("stderr"):find("interrupted!") then return end
    end
    error("the second one was never in time")
  end)
end)

-- Tasks that say when they have begun, and end when the queue `go` has something for them. The
-- error callback of what is given up lets them go.
local drained = [[
  local m = require "mooncrew"
  local started, go = m.Queue(), m.Queue()
  local function task(i)
    started:put(i)
    go:get()
    return i
  end
  local function say(...) print(...) io.stdout:flush() end
  local given_up = 0
  local function cancelled(err)
    given_up = given_up + 1
    if given_up == 1 then say(err) end
    RELEASE
  end
  local function ready()
    started:get() started:get()
    say "ready"
  end
  local function run()
    local pool <close> = m.Pool{ processes = 2, on_interrupt = "drain" }
    local function give(n)
      local results = {}
      for i = 1, n do
        results[i] = pool:apply_async(task, { i }, {
          callback = function(x) say("done " .. x) end, error_callback = cancelled,
        })
      end
      return results
    end
    CODE
  end
  print(pcall(run))
  say("given up: " .. given_up)
  error("interrupted!", 0)]]

local function script(code, release)
  return (drained:gsub("CODE", function() return code end):gsub("RELEASE", release or "go:put(1)"))
end

describe("Pool: on_interrupt = 'drain'", function()
  local ways = {
    ["in a get"] = [[
      local results = give(10)
      ready()
      for i = 1, 10 do say(results[i]:get()) end]],
    ["in a wait"] = [[
      local results = give(10)
      ready()
      m.wait({ results[9] })]],
    ["in a join"] = [[
      give(10)
      ready()
      pool:close()
      pool:join()]],
    ["at the end of the block"] = "give(10) ready()",
    ["while busy"] = "give(10) ready() while true do end",
  }
  for what, code in pairs(ways) do
    for name, status in pairs{ INT = 130, TERM = 143 } do
      it(("(%s) %s lets tasks finish and gives up the queued"):format(name, what), function()
        local text = script(code)
        if name == "TERM" then text = text:gsub("interrupted!", "terminated!") end
        local pipe, pid = start{ "-e", text }
        assert.equal("ready", pipe:read("l"))
        signal(pid, name)
        local got, out = status_of(pipe)
        assert.equal(status, got)
        assert.matches("done 1\n", out, 1, true)
        assert.matches("done 2\n", out, 1, true)
        assert.matches("false\t.*ed!\ngiven up: 8\n$", out)
        local _, n = out:gsub("done", "")
        assert.equal(2, n)
      end)
    end
  end

  it("gives a loop over imap what was at work, then the error", function()
    for _, imap in ipairs{ "imap", "imap_unordered" } do
      local pipe, pid = start{ "-e", script(([[
        local n, read_ahead = 0, m.Queue()
        local items = pool:%s(function(i)
          started:put(i)
          local before = i == 1 and read_ahead or go
          before:get()
          return i
        end, function()
          n = n + 1
          if n == 6 then read_ahead:put(true) end
          return n
        end, { buffer = 6 })
        say(items())
        started:get()
        give(1) -- behind them; given up, it lets them go
        ready()
        for x in items do say(x) end]]):format(imap), "go:put(1) go:put(1)") }
      assert.equal("1", pipe:read("l"))
      assert.equal("ready", pipe:read("l"))
      background.await_sleep(pid) -- in the loop: elsewhere the error would leave the block at once
      signal(pid)
      local status, out = status_of(pipe)
      assert.equal(130, status)
      local first, second, rest = out:match("^cancelled\n(%d)\n(%d)\n(.*)$")
      assert.equal(5, first + second)
      assert.matches("^false\t.*interrupted!\ngiven up: 1\n$", rest)
    end
  end)

  it("a second time ends the workers", function()
    local pipe, pid = start{ "-e", script([[
      say(pool:apply(m.getppid))
      give(10)
      ready()
      pool:close()
      pool:join()]], "") }
    local foreman = math.tointeger(pipe:read("n", "l"))
    assert.equal("ready", pipe:read("l"))
    signal(pid)
    assert.equal("cancelled", pipe:read("l"))
    signal(pid)
    local status, out = status_of(pipe)
    assert.equal(130, status)
    assert.not_matches("done", out)
    assert.is_false(signal(foreman))
  end)

  it("takes no more tasks: the next call raises", function()
    local pipe, pid = start{ "-e", script([[
      local results = give(3)
      ready()
      results[2]:get()
      results[1]:get()
      pool:apply(task, { 4 })]], "go:put(1) go:put(1)") }
    assert.equal("ready", pipe:read("l"))
    background.await_sleep(pid)
    signal(pid)
    local status, out = status_of(pipe)
    assert.equal(130, status)
    assert.matches("false\t.*interrupted!\ngiven up: 1\n$", out)
  end)

  it("is an option that is checked", function()
    local mooncrew = require "mooncrew"
    local ok, err = pcall(mooncrew.Pool, { on_interrupt = "wait" })
    assert.is_false(ok)
    assert.matches('on_interrupt: "terminate" or "drain" expected, got "wait"', err, 1, true)
  end)
end)
