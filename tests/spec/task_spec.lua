local mooncrew = require "mooncrew"

local standalone = dofile "tests/spec/support/standalone.lua"

local spawn, sleep = mooncrew.spawn, mooncrew.sleep

local function fails(message, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(message, tostring(err), 1, true)
end

describe("spawn", function()
  teardown(standalone.remove_folder)

  it("runs tasks side by side and hands over their results", function()
    local log = {}
    local function work(name, seconds)
      log[#log + 1] = name .. " starts"
      sleep(seconds)
      log[#log + 1] = name .. " ends"
      return name, nil, seconds
    end
    local a = spawn(work, "a", 0.05)
    local b = spawn(work, "b", 0.01)
    assert.is_true(a:is_alive())
    assert.same({ n = 3, "a", nil, 0.05 }, table.pack(a:get()))
    assert.is_true(b:join())
    assert.is_false(b:is_alive())
    assert.same({ "a starts", "b starts", "b ends", "a ends" }, log)
  end)

  it("lets a queue's wait suspend the task alone", function()
    local q, back = mooncrew.Queue(), mooncrew.Queue(1)
    local consumer = spawn(function()
      local sum = 0
      for item in q:items() do
        sum = sum + item
        back:put(item)
      end
      return sum
    end)
    local reader = spawn(function()
      local n = 0
      for _ = 1, 100 do
        back:get()
        n = n + 1
      end
      return n
    end)
    spawn(function()
      for i = 1, 100 do q:put(i) end
      q:close()
    end)
    assert.equal(5050, consumer:get())
    assert.equal(100, reader:get())
  end)

  it("is woken by another process", function()
    local there, back = mooncrew.Queue(), mooncrew.Queue()
    local echo = mooncrew.Process{ target = function()
      for item in there:items() do back:put(item) end
    end }:start()
    local results = {}
    local tasks = {}
    for t = 1, 5 do
      tasks[t] = spawn(function()
        for i = 1, 50 do
          there:put(i)
          local item = back:get()
          results[#results + 1] = item
        end
      end)
    end
    for t = 1, 5 do tasks[t]:get() end
    assert.equal(250, #results)
    there:close()
    echo:join()
  end)

  it("waits for a process while other tasks go on", function()
    local third = mooncrew.Event()
    local p = mooncrew.Process{ target = function() return third:wait() and "done" end }:start()
    local waiter = spawn(function() return p:get() end)
    spawn(function()
      for _ = 1, 3 do sleep(0.001) end
      third:set()
    end)
    assert.equal("done", waiter:get())
    p:join()
  end)

  it("raises the task's error where it is asked for", function()
    local err = { "an error" }
    local t = spawn(function() error(err) end)
    assert.is_true(t:join())
    local ok, got = pcall(t.get, t)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.matches("stack traceback", t:traceback(), 1, true)
  end)

  it("times out", function()
    local t = spawn(sleep, 100)
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(t:join(0.01)))
    assert.same({ n = 2, nil, mooncrew.Timeout }, table.pack(t:get(0)))
    t:cancel()
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(t:get()))
  end)

  it("cancels: pending variables are closed, a task not begun never runs", function()
    local begun, closed, ran = mooncrew.Event(), nil, nil
    local t = spawn(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      begun:set()
      sleep(100)
    end)
    begun:wait()
    assert.is_true(t:cancel())
    assert.equal(mooncrew.Cancelled, select(2, t:get()))
    assert.is_true(closed)
    local never = spawn(function() ran = true end)
    never:cancel()
    assert.equal(mooncrew.Cancelled, select(2, never:get()))
    assert.is_nil(ran)
    assert.is_false(never:cancel())
  end)

  it("cancels a task that only yields, and one that cancels itself", function()
    local turns = 0
    local t = spawn(function()
      while true do
        turns = turns + 1
        coroutine.yield()
      end
    end)
    sleep(0.001)
    t:cancel()
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(t:get(5)))
    assert.is_true(turns > 0)
    local cleaned
    t = spawn(function()
      mooncrew.current_task():cancel()
      local ok, err = pcall(sleep, 1000)
      sleep(0.001) -- told once
      cleaned = not ok
      error(err, 0)
    end)
    assert.same({ n = 2, nil, mooncrew.Cancelled }, table.pack(t:get(5)))
    assert.is_true(cleaned)
  end)

  it("lets a plain yield run the others", function()
    local log = {}
    local function work(name)
      for i = 1, 2 do
        log[#log + 1] = name .. i
        coroutine.yield("ignored")
      end
    end
    local a, b = spawn(work, "a"), spawn(work, "b")
    a:join()
    b:join()
    assert.same({ "a1", "b1", "a2", "b2" }, log)
  end)

  it("does not disturb a plain coroutine inside a task", function()
    local t = spawn(function()
      local out = {}
      local gen = coroutine.wrap(function()
        for i = 1, 3 do
          sleep(0.001)
          coroutine.yield(i)
          local inner = coroutine.create(function()
            sleep(0.001)
            coroutine.yield("inner")
            sleep(0.001)
            return "end"
          end)
          out[#out + 1] = select(2, coroutine.resume(inner))
          out[#out + 1] = select(2, coroutine.resume(inner))
        end
      end)
      for i in gen do out[#out + 1] = i end
      return table.concat(out, " ")
    end)
    local others = 0
    local other = spawn(function()
      for _ = 1, 5 do
        sleep(0.001)
        others = others + 1
      end
    end)
    assert.equal("1 inner end 2 inner end 3 inner end", t:get())
    other:join()
    assert.equal(5, others)
  end)

  it("does not lose a coroutine that it waits in to others", function()
    local co, wrapped
    local t = spawn(function()
      co = coroutine.create(function()
        wrapped = coroutine.wrap(function()
          sleep(0.01)
          coroutine.yield("inner")
          return "later"
        end)
        return wrapped()
      end)
      return coroutine.resume(co)
    end)
    sleep(0.001)
    local refused = "cannot resume a coroutine whose task waits"
    assert.same({ n = 2, false, refused }, table.pack(coroutine.resume(co)))
    fails(refused, wrapped)
    fails("cannot close a coroutine whose task waits", coroutine.close, co)
    assert.same({ n = 2, true, "inner" }, table.pack(t:get(5)))
    assert.equal("later", wrapped())
    assert.equal("dead", coroutine.status(co))
    assert.is_true(coroutine.close(co))
    fails("cannot close a running coroutine", coroutine.close, coroutine.running())
  end)

  it("belongs to its process: a child can't wait for it or cancel it", function()
    local event = mooncrew.Event()
    local done, sleeps, waits = spawn(function() return "done" end), spawn(sleep, 1000),
      spawn(event.wait, event)
    assert.equal("done", done:get())
    local not_begun = spawn(function() return mooncrew.current_process().name end)
    local process = mooncrew.Process{ target = function()
      local errors = {}
      for _, t in ipairs{ sleeps, waits, not_begun } do
        for _, name in ipairs{ "cancel", "get", "join" } do
          errors[#errors + 1] = select(2, pcall(t[name], t))
        end
        errors[#errors + 1] = select(2, pcall(mooncrew.wait, { t }))
      end
      local own = spawn(event.wait, event)
      sleep(0.001)
      event:set()
      return done:get(), sleeps:is_alive(), own:get(5), table.unpack(errors)
    end }
    local outcome = table.pack(process:start():get(60))
    assert.same({ "done", false, true, n = 3 }, { n = 3, table.unpack(outcome, 1, 3) })
    assert.equal(15, outcome.n)
    for i = 4, outcome.n do
      local name = ({ "cancel", "get", "join", "wait" })[i % 4 + 1]
      assert.matches(name .. ": the task belongs to another process", outcome[i], 1, true)
    end
    assert.equal("MainProcess", not_begun:get())
    assert.is_true(waits:get())
    assert.is_true(sleeps:cancel())
  end)

  it("is told when one was lost by functions of before", function()
    local outcome = standalone.run{ "-e", [[
      local resume, close = coroutine.resume, coroutine.close
      local mooncrew = require "mooncrew"
      for _, lose in ipairs{ resume, close } do
        local co
        local t = mooncrew.spawn(function()
          co = coroutine.create(function() mooncrew.sleep(1000) end)
          return coroutine.resume(co)
        end)
        mooncrew.sleep(0.001)
        print(lose(co))
        collectgarbage()
        print(t:get())
      end
    ]] }
    assert.equal("false\t(command line):6: cannot resume a coroutine whose task waits\n"
      .. "false\tcannot resume dead coroutine\n"
      .. "true\nfalse\tcannot resume dead coroutine\n", outcome.out)
    assert.equal(0, outcome.status)
  end)

  it("waits inside pcall and metamethods that may yield", function()
    local t = spawn(function()
      local ok, err = pcall(function()
        sleep(0.001)
        error("after the wait", 0)
      end)
      local proxy = setmetatable({}, { __index = function(_, k)
        sleep(0.001)
        return k
      end })
      return ok, err, proxy.field
    end)
    assert.same({ n = 3, false, "after the wait", "field" }, table.pack(t:get()))
  end)

  it("blocks where it can't be suspended, and still comes through", function()
    local t = spawn(function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b)
        sleep(0.001)
        return a < b
      end)
      return list
    end)
    assert.same({ 1, 2, 3 }, t:get())
  end)

  it("shares luv's loop", function()
    local uv = require "luv"
    local fired = 0
    local timer = uv.new_timer()
    timer:start(1, 1, function() fired = fired + 1 end)
    local t = spawn(function()
      while fired < 3 do sleep(0.001) end
      return fired
    end)
    assert.is_true(t:get() >= 3)
    timer:close()
    sleep(0)
  end)

  it("raises at the end of the main chunk what nobody asked for", function()
    for value, text in pairs{
      ["'bad'"] = "%(command line%):1: bad",
      ["{ 7 }"] = "table: 0x%x+",
      ["nil"] = "nil",
      ["setmetatable({}, { __tostring = function() return 'an object' end })"] = "an object",
    } do
      local outcome = standalone.run{ "-e", "require'mooncrew'.spawn(function() error(" .. value
        .. ") end)" }
      assert.equal(1, outcome.status)
      assert.matches("^lua: in a task that nobody waited for: " .. text .. "\nstack traceback:\n"
        .. "\t%[C%]: in function 'error'\n\t%(command line%):1: in function <", outcome.err)
    end
  end)

  it("gives each task a name, and tells which one runs", function()
    assert.is_nil(mooncrew.current_task())
    local function who()
      sleep(0)
      return mooncrew.current_task()
    end
    local a, b = spawn(who), spawn(who)
    assert.matches("^Task%-%d+$", a:get_name())
    assert.not_equal(a:get_name(), b:get_name())
    b:set_name("b")
    assert.equal(a, a:get())
    assert.equal(b, b:get())
    assert.equal("b", b:get_name())
    fails("string expected, got nil", b.set_name, b, nil)
    fails("string expected, got number", b.set_name, b, 5)
    fails("mooncrew.Task expected", b.get_name, {})
  end)

  it("has 100,000 tasks at once", function()
    local N = 100000
    local begun, done = 0, 0
    local gate, tasks = mooncrew.Event(), {}
    for i = 1, N do
      tasks[i] = spawn(function(n)
        begun = begun + 1
        gate:wait()
        done = done + 1
        return n
      end, i)
    end
    while begun < N do sleep(0.001) end
    assert.equal(0, done) -- so all of them are there
    gate:set()
    for i = 1, N do
      if tasks[i]:get() ~= i then error("task " .. i) end -- luassert is slow for so many
    end
    assert.equal(N, done)
  end)

  it("wakes who sleeps, though others are cancelled meanwhile", function()
    local woken, tasks = {}, {}
    for i = 1, 200 do
      tasks[i] = spawn(function()
        sleep(0.01 + i * 37 % 200 * 1e-5)
        woken[i] = true
      end)
    end
    spawn(function()
      for i = 1, 200, 3 do tasks[i]:cancel() end
    end):join()
    for i = 1, 200 do tasks[i]:join() end
    for i = 1, 200 do assert.equal(i % 3 ~= 1 or nil, woken[i]) end
  end)

  -- What it costs this process to wait 300 times, in seconds of the processor.
  local function rounds()
    local before = os.clock()
    for _ = 1, 300 do sleep(1e-6) end
    return os.clock() - before
  end

  -- Starts 100,000 tasks that wait so; returns them when all of them do.
  local function crowd(wait)
    local begun, tasks = 0, {}
    for i = 1, 100000 do
      tasks[i] = spawn(function()
        begun = begun + 1
        return wait()
      end)
    end
    while begun < #tasks do sleep(0.001) end
    return tasks
  end

  local function cost_little_beside(wait, finish)
    local gone <close> = setmetatable({}, { __close = function() collectgarbage("restart") end })
    assert.truthy(gone)
    collectgarbage("stop")
    local alone = rounds()
    local tasks = crowd(wait)
    local beside = rounds()
    -- A forked child knows nothing of them.
    local child = mooncrew.Process{ target = function() sleep(0.001) return 7 end }
    child:start()
    assert.equal(7, child:get())
    finish(tasks)
    for _, task in ipairs(tasks) do task:join() end
    assert.is_true(beside < 20 * alone, beside .. " s, alone " .. alone) -- a look at each: 1,000
  end

  it("costs no more beside 100,000 tasks that sleep", function()
    cost_little_beside(function() sleep(3600) end, function(tasks)
      for _, task in ipairs(tasks) do task:cancel() end
    end)
  end)

  it("costs no more beside 100,000 tasks that wait for an event or a queue", function()
    local gate, q = mooncrew.Event(), mooncrew.Queue()
    local n, closed = 0, 0
    cost_little_beside(function()
      n = n + 1
      if n % 2 == 0 then return gate:wait() end
      local _, err = q:get()
      closed = closed + (err == mooncrew.Closed and 1 or 0)
    end, function(tasks)
      for i = 1, 1000 do tasks[i]:cancel() end -- those that lead, too
      gate:set()
      q:close()
    end)
    assert.equal(50000 - 500, closed)
  end)

  it("refuses what is no function, no time", function()
    fails("function expected, got number", spawn, 5)
    fails("number expected, got string", sleep, "long")
    fails("must not be negative", sleep, -1)
    fails("number expected, got no value", sleep)
    local t = spawn(function() end)
    fails("number expected, got string", t.join, t, "x")
    t:join()
    local own
    own = spawn(function() return pcall(own.join, own) end)
    local ok, message = own:get()
    assert.is_false(ok)
    assert.matches("can't wait for itself", message, 1, true)
  end)
end)
