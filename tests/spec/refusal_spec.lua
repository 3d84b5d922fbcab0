-- What can't be sent is refused at a line of the script, whatever of ours lies between.

local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"

local FILE, THIS = io.stdout, debug.getinfo(1, "S").short_src

local function same(...) return ... end
local function with_file() return FILE end

-- The message of the error that fn raises.
local function refusal(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return (tostring(err):match("^[^\n]*"))
end

-- `fn`, which is all on one line, is refused what it sends there.
local function is_refused_there(path, fn)
  local line = debug.getinfo(fn, "S").linedefined
  assert.equal(("%s:%d: cannot send a FILE* (at %s)"):format(THIS, line, path), refusal(fn))
end

describe("what can't be sent is refused at the caller's line", function()
  local pool

  setup(function() pool = mooncrew.Pool(2) end)
  after_each(command.clean_up)
  teardown(function()
    pool:terminate()
    pool:join()
  end)

  it("by queues and pipes", function()
    local queue = mooncrew.Queue()
    local there = mooncrew.Pipe()
    is_refused_there("item", function() queue:put(FILE) end)
    is_refused_there("items[2]", function() queue:put_many{ 1, FILE } end)
    is_refused_there("item", function() there:send(FILE) end)
    is_refused_there("item.a", function() there:send{ a = FILE } end)
  end)

  it("by what is shared", function()
    local dict, list, value = mooncrew.dict(), mooncrew.list(), mooncrew.Value(0)
    is_refused_there("value", function() dict.x = FILE end)
    is_refused_there("value", function() mooncrew.dict.set(dict, "x", FILE) end)
    is_refused_there("value", function() mooncrew.dict.modify(dict, "x", with_file) end)
    is_refused_there("value", function() list:append(FILE) end)
    is_refused_there("value[1]", function() mooncrew.list{ FILE } end)
    is_refused_there("value", function() value.value = FILE end)
  end)

  -- In all the ways to give tasks.
  local function all_ways(to)
    local two = { 1, FILE }
    local function three()
      local items = { 1, 2, FILE }
      return function() return table.remove(items, 1) end
    end
    is_refused_there("args[1]", function() to:apply(same, { FILE }) end)
    is_refused_there("args[2].a", function() to:apply(same, { nil, { a = FILE }, n = 2 }) end)
    is_refused_there("args[1]", function() to:apply_async(same, { FILE }) end)
    is_refused_there("args[2]", function() to:submit(same, { 1, FILE }, { timeout = 9 }) end)
    is_refused_there("list[1]", function() to:map(same, { FILE }) end)
    is_refused_there("list[3].a", function() to:map(same, { 1, 2, { a = FILE } }, 1) end)
    is_refused_there("list[2]", function() to:map_async(same, { 1, FILE }) end)
    is_refused_there("list[1][2]", function() to:starmap(same, { { 1, FILE } }) end)
    is_refused_there("list[2][1]", function() to:starmap_async(same, { {}, { FILE } }) end)
    is_refused_there("list[1]", function() for _ in to:imap(same, { FILE }) do end end)
    is_refused_there("list[3]", function() for _ in to:imap(same, { 1, 2, FILE }) do end end)
    is_refused_there("list[3]", function() for _ in to:imap(same, three()) do end end)
    is_refused_there("list[2]", function() for _ in to:imap_unordered(same, two) do end end)
  end

  -- And of functions.
  local function all_functions(to)
    is_refused_there("fn.upvalue 'FILE'", function() to:apply(with_file) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:submit(with_file, { 1 }) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:map(with_file, { 1 }) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:map_async(with_file, { 1 }) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:starmap(with_file, { { 1 } }) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:imap(with_file, { 1 }) end)
    is_refused_there("fn.upvalue 'FILE'", function() to:imap_unordered(with_file, { 1 }) end)
  end

  it("by a pool's tasks, in all the ways to give them", function()
    all_ways(pool)
    all_functions(pool)
    local four = { 1, 2, 3, FILE }
    is_refused_there("list[4]", function() for _ in pool:imap(same, four, 2) do end end)
  end)

  it("by a pool with a log, at the places that the caller knows", function()
    local path = command.folder() .. "/log"
    local logged <close> = mooncrew.Pool{ processes = 1, joblog = path }
    all_ways(logged)
    all_functions(logged)
    assert.equal("well", logged:apply(same, { "well" }))
  end)

  it("and where it is called by pcall, at that one's", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local _, err = pcall(pool.map, pool, same, { FILE })
    assert.equal(("%s:%d: cannot send a FILE* (at list[1])"):format(THIS, line), err)
  end)

  -- To look at each of so many frames from the top would take minutes.
  it("far down a stack", function()
    local queue = mooncrew.Queue()
    local function fall(n)
      if n == 0 then is_refused_there("item", function() queue:put(FILE) end) end
      return n > 0 and fall(n - 1) + 1 or n
    end
    assert.equal(150000, fall(150000))
  end)

  it("in a task", function()
    local function start(fn) mooncrew.spawn(fn):get() end
    is_refused_there("list[1]", function() start(function() pool:map(same, { FILE }) end) end)
  end)

  it("in another process", function()
    local queue = mooncrew.Queue()
    is_refused_there("item", function() pool:apply(function() queue:put(io.stdout) end) end)
  end)
end)

-- The lines below are those of whoever started the process.
describe("what can't be sent is refused at no line", function()
  it("when it is a result", function()
    local pool <close> = mooncrew.Pool(1)
    local function result() return io.stdout end
    assert.equal("cannot send a FILE* (at result[1])", refusal(pool.apply, pool, result))
    assert.equal("cannot send a FILE* (at result[1])", refusal(pool.map, pool, result, { 1 }))
    local process = mooncrew.Process{ target = result }:start()
    assert.equal("cannot send a FILE* (at result[1])", refusal(process.get, process))
  end)

  it("when no script is there that sends it", function()
    local queue = mooncrew.Queue()
    local process = mooncrew.Process{ target = queue.put, args = { queue, FILE } }:start()
    assert.equal("cannot send a FILE* (at item)", refusal(process.get, process))
    local task = mooncrew.spawn(queue.put, queue, FILE)
    assert.equal("cannot send a FILE* (at item)", refusal(task.get, task))
  end)
end)
