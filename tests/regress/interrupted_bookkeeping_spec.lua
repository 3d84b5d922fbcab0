-- A Ctrl-C in the middle of a pool's bookkeeping lost a task or a result, and whoever waited for
-- the end of a pool that drains, or that was used on, waited for ever.
--
-- A script interrupts itself after n steps of a call, for each n in turn.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "../spec/support/standalone.lua")

local SCRIPT = [[
  local mooncrew = require "mooncrew"
  local uv = require "luv"
  local me = uv.os_getpid()
  local list, LIMIT = { 1, 2, 3, 4, 5, 6, 7 }, 20

  local function strike()
    debug.sethook()
    uv.kill(me, "sigint")
  end

  local calls = {
    map = function(pool) pool:map(tostring, list, 2) end,
    get = function(pool)
      local results = {}
      for i = 1, 3 do results[i] = pool:apply_async(tostring, { i }) end
      for i = 1, 3 do results[i]:get() end
    end,
    imap = function(pool) for _ in pool:imap(tostring, list, 2) do end end,
  }

  -- Whether the call was interrupted.
  local function run(call, pool, steps)
    local ok, err = pcall(function()
      debug.sethook(strike, "", steps)
      call(pool)
      debug.sethook()
    end)
    debug.sethook()
    assert(ok or tostring(err):find("interrupted!") or err == mooncrew.Cancelled, err)
    return not ok
  end

  local function try(name, on_interrupt, steps)
    local pool = mooncrew.Pool{ processes = 1, on_interrupt = on_interrupt }
    local struck = run(calls[name], pool, steps)
    if on_interrupt == "terminate" then
      assert(pool:apply(tostring, { 5 }) == "5")
    end
    pool:close()
    local ok, done = pcall(pool.join, pool, LIMIT)
    assert(not ok or done, ("%s, %s, step %d: it does not end"):format(name, on_interrupt, steps))
    return struck
  end

  local name, on_interrupt = arg[1], arg[2]
  local struck = 0
  for steps = 1, 600 do
    if try(name, on_interrupt, steps) then struck = struck + 1 end
  end
  print(struck > 100)]]

describe("a Ctrl-C in the middle of a pool's bookkeeping", function()
  teardown(standalone.remove_folder)

  for _, name in ipairs{ "map", "get", "imap" } do
    for _, on_interrupt in ipairs{ "drain", "terminate" } do
      it(("loses nothing (%s, %s)"):format(name, on_interrupt), function()
        local path = standalone.write("script.lua", SCRIPT)
        local outcome = standalone.run{ path, name, on_interrupt }
        assert.equal("", outcome.err)
        assert.equal("true\n", outcome.out)
      end)
    end
  end

  local users = {
    ["a callback"] = "p:apply_async(tostring, { 1 }, { callback = endless }):get()",
    ["an error_callback"] = "p:apply_async(error, { 1 }, { error_callback = endless }):get()",
    ["the callback of a map"] = "p:map_async(tostring, { 1 }, { callback = endless }):get()",
    ["the source of an imap"] = "p:imap(tostring, endless)()",
  }
  for what, code in pairs(users) do
    it("does not wait for the end of " .. what, function()
      local outcome = standalone.run({ "-e", [[
        local m, uv = require "mooncrew", require "luv"
        local p <close> = m.Pool(1)
        local function endless()
          uv.kill(uv.os_getpid(), "sigint")
          while true do end
        end
        ]] .. code }, { limit = "ulimit -t 20" })
      assert.equal("lua: interrupted!\n", outcome.err)
      assert.equal(130, outcome.status)
    end)
  end
end)
