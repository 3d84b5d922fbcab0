-- A traceback is the task's own: it ends at the function that was given, however deep the error was
-- and wherever the process had been when it was forked.

local command = dofile "tests/spec/support/command.lua"
local mooncrew = require "mooncrew"

local THIS = debug.getinfo(1, "S").short_src

local function fall(n)
  if n == 0 then error("bottom") end
  fall(n - 1)
  return n
end

local function task(n)
  fall(n)
  return n
end

local function overflow(n) return 1 + overflow(n) end

local function endless(n)
  overflow(n)
  return n
end

local function line_of(fn, offset) return debug.getinfo(fn, "S").linedefined + offset end

-- Frames that a process which is forked in fn inherits.
local function beneath(n, fn)
  if n == 0 then return fn() end
  local text = beneath(n - 1, fn)
  return text
end

local function traceback_of(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.equal(mooncrew.Error, getmetatable(err))
  return err.traceback
end

local function in_pool(options, method, fn, ...)
  local pool <close> = mooncrew.Pool(options)
  return traceback_of(pool[method], pool, fn, ...)
end

local function in_coroutines(method, fn, ...)
  local pool <close> = mooncrew.CoroutinePool(2)
  return traceback_of(pool[method], pool, fn, ...)
end

-- The traceback of the error of fn(n), in each way to run that.
local ways = {
  process = function(fn, n)
    local process = mooncrew.Process{ target = fn, args = { n } }:start()
    return traceback_of(process.get, process)
  end,
  apply = function(fn, n) return in_pool(1, "apply", fn, { n }) end,
  map = function(fn, n) return in_pool(1, "map", fn, { n }) end,
  ["map of a chunk"] = function(fn, n) return in_pool(1, "map", fn, { n, n }, 2) end,
  starmap = function(fn, n) return in_pool(1, "starmap", fn, { { n } }) end,
  ["starmap of a chunk"] = function(fn, n)
    return in_pool(1, "starmap", fn, { { n }, { n } }, 2)
  end,
  ["apply with a log"] = function(fn, n)
    return in_pool({ processes = 1, joblog = command.folder() .. "/log" }, "apply", fn, { n })
  end,
  initializer = function(fn, n)
    return in_pool({ processes = 1, initializer = fn, initargs = { n } }, "apply", fn)
  end,
  spawn = function(fn, n)
    local spawned = mooncrew.spawn(fn, n)
    assert.is_false((pcall(spawned.get, spawned)))
    return spawned:traceback()
  end,
  ["spawn in a process"] = function(fn, n)
    local process = mooncrew.Process{
      target = function()
        local spawned = mooncrew.spawn(fn, n)
        spawned:join()
        return spawned:traceback(), pcall(spawned.get, spawned)
      end,
    }
    return (process:start():get())
  end,
  ["coroutine apply"] = function(fn, n) return in_coroutines("apply", fn, { n }) end,
  ["coroutine map"] = function(fn, n) return in_coroutines("map", fn, { n }) end,
  ["coroutine starmap"] = function(fn, n) return in_coroutines("starmap", fn, { { n } }) end,
}

-- The traceback of task(n).
local function expected(n)
  local frames = { "[C]: in function 'error'" }
  for i = 0, n do
    local line = line_of(fall, i == 0 and 1 or 2)
    frames[#frames + 1] = ("%s:%d: in upvalue 'fall'"):format(THIS, line)
  end
  frames[#frames + 1] = ("%s:%d: in function <%s:%d>"):format(THIS, line_of(task, 1), THIS,
    line_of(task, 0))
  local skipped = #frames - 20
  if skipped > 0 then
    table.move(frames, #frames - 9, #frames, 12)
    frames[11] = ("...\t(skipping %d levels)"):format(skipped)
  end
  return "stack traceback:\n\t" .. table.concat(frames, "\n\t", 1, math.min(#frames, 21))
end

describe("a traceback", function()
  after_each(command.clean_up)

  for way, run in pairs(ways) do
    it("ends at the task's function: " .. way, function()
      for _, n in ipairs{ 0, 7, 8, 17, 18, 30 } do
        assert.equal(expected(n), run(task, n))
        assert.equal(expected(n), beneath(30, function() return run(task, n) end))
      end
    end)
  end

  for _, way in ipairs{ "process", "apply", "apply with a log", "spawn", "coroutine apply" } do
    it("is short when the stack has overflown: " .. way, function()
      local text = beneath(30, function() return ways[way](endless, 1) end)
      local lines = command.lines(text)
      assert.equal(22, #lines)
      assert.is_true(math.tointeger(lines[12]:match("^\t...\t%(skipping (%d+) levels%)$")) > 1e5)
      assert.equal(("\t%s:%d: in function <%s:%d>"):format(THIS, line_of(endless, 1), THIS,
        line_of(endless, 0)), lines[22])
    end)
  end

  it("says where a task was left by a tail call", function()
    local function left(n) return fall(n) end
    local text = in_pool(1, "apply", left, { 2 })
    assert.matches("in function <[^\n]*>\n\t%(...tail calls...%)$", text)
    assert.equal(5, #command.lines((text:gsub("\n\t%(...tail calls...%)", ""))))
  end)

  it("is whole when the task is none of the script's", function()
    local pool <close> = mooncrew.CoroutinePool(1)
    assert.matches("mooncrew.mapping", traceback_of(pool.apply, pool, pool.map, { pool }), 1, true)
    assert.equal("stack traceback:\n\t[C]: in function 'mooncrew.sleep'",
      in_pool(1, "apply", mooncrew.sleep, { "no" }))
    assert.equal("stack traceback:\n\t[C]: in ?", in_pool(1, "starmap", print, { 5 }))
  end)
end)
