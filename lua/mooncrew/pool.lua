-- mooncrew.Pool: tasks for worker processes. The C part (runtime/bind/pool.c) moves tasks and
-- results, dispatch.lua keeps the books; here is what a program calls.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local call = require "mooncrew.call"
local check = require "mooncrew.check"
local callbacks = require "mooncrew.callbacks"
local capture = require "mooncrew.capture"
local dispatch = require "mooncrew.dispatch"
local drain = require "mooncrew.drain"
local interrupt = require "mooncrew.interrupt"
local line = require "mooncrew.line"
local result = require "mooncrew.result"
local mapping = require "mooncrew.mapping"
local pool_options = require "mooncrew.pool_options"
local retry = require "mooncrew.retry"

local THICK = 32   -- so many results at once are many
local NAP = 0.0005 -- seconds

---@class mooncrew.Pool
---@field package core userdata
---@field package delayed table[] tasks under way that wait to be tried again: see retry.lua
---@field package held mooncrew.line tasks under way for which there was no room in shared memory
---@field package n_waiting integer tasks of these two that are not given up
---@field package simple boolean its tasks are not captured, and in no book
---@field package gone boolean? nobody of it is left: no task will be done any more
local Pool = {}
Pool.__index = Pool
Pool.__name = "mooncrew.Pool"

local getupvalue = debug.getupvalue
local Result, start_call, type = result.class, parts.start_call, type

local pool = {}

---Makes a pool of worker processes.
---@param options? integer|mooncrew.Pool.options
---@return mooncrew.Pool
function pool.new(options)
  local wanted = pool_options.check(options)
  return setmetatable({
    core = parts.pool(wanted.processes, wanted.name, wanted.max_tasks, wanted.initializer,
      wanted.initargs, wanted.initializer_timeout, wanted.max_memory, wanted.confine),
    initializer_timeout = wanted.initializer_timeout,
    book = wanted.book,
    name = wanted.name,
    processes = wanted.processes,
    retries = wanted.retries,
    timeout = wanted.timeout,
    capture = wanted.capture,
    on_interrupt = wanted.on_interrupt,
    delayed = {},
    held = line.new(),
    n_waiting = 0,
    n_divisible = 0,
    prepared = setmetatable({}, { __mode = "k" }),
    closed = false,
    simple = not wanted.book and wanted.capture == 0,
    callbacks = callbacks.new(true),
    counts = { done = 0, failed = 0, retried = 0, restarts = 0 },
  }, Pool)
end

-- The bookkeeping is not broken off by a Ctrl-C: it is raised when the step is done.
local function whole(step)
  local shield = interrupt.shield
  return function(self, a, b)
    local outcome = shield(step, self, a, b)
    if self.callbacks.foreign ~= nil then callbacks.raise_foreign(self.callbacks) end
    return outcome
  end
end

---@package
Pool.poll, Pool.flush = whole(dispatch.poll), whole(dispatch.flush)
Pool.cancel, Pool.call_off = whole(dispatch.cancel), whole(dispatch.call_off)

---@package
Pool.why_gone = dispatch.why_gone

---When a task is to be tried again, on the clock of parts.now(); whoever waits looks then.
---@package
---@return number?
function Pool:next_due() return retry.next_due(self.delayed) end

local function wait_at_core(self, res, deadline)
  local core, left = self.core, deadline and math.max(0, deadline - parts.now())
  local done, err = core:wait_alone(left)
  if done ~= false then return done, err end
  return interrupt.open(core.wait, core, res and result.latch(res), left)
end

-- Waits for what comes back, for the result, or until something is to be done.
---@param res? mooncrew.Result
---@return true? look nil: the deadline has passed
---@return table? err mooncrew.Timeout
local function wait_for_more(self, res, deadline)
  if self.n_waiting == 0 and self.n_divisible == 0 then return wait_at_core(self, res, deadline) end
  local due, look = self:next_due(), dispatch.next_look(self)
  if look and (not due or look < due) then due = look end
  if due and (not deadline or due < deadline) then
    if not wait_at_core(self, res, due) and look then interrupt.shield(dispatch.divide, self) end
    return true
  end
  return wait_at_core(self, res, deadline)
end

-- As Pool:poll, where there is a shield already.
local function poll(self)
  local n = dispatch.poll(self)
  if self.callbacks.foreign ~= nil then callbacks.raise_foreign(self.callbacks) end
  return n
end

local function wait_for(self, res, deadline)
  -- What has come back already ends the wait at once; it need not be looked for before.
  local n = self.n_waiting > 0 and poll(self) or 0
  while res.state == "pending" do
    -- Its task is lost to a Ctrl-C in the middle of the bookkeeping.
    local under_way = self.core:under_way()
    if under_way == 0 then return result.cancelled(res) end
    local has_time = not deadline or deadline > parts.now() + NAP
    if n >= THICK and under_way > 4 * THICK and has_time then
      -- Where results come thick and fast, and more are under way: woken for each of them, this
      -- process would do little else than fall asleep again, at a hundred times their price.
      interrupt.open(mooncrew.sleep, NAP)
    else
      local ok, err = wait_for_more(self, res, deadline)
      if not ok then
        poll(self)
        if res.state ~= "pending" then return true end
        return nil, err
      end
    end
    n = poll(self)
  end
  return true
end

---@package
function Pool:wait_for(res, timeout)
  local deadline = timeout and parts.now() + timeout
  if self.on_interrupt ~= "drain" then return interrupt.shield(wait_for, self, res, deadline) end
  return drain.guard(self, wait_for, res, deadline)
end

---@package
Pool.guard, Pool.await = drain.guard, wait_for_more

-- -- what goes out ------------------------------------------------------------------------------

local function give(self, task, more)
  task.tried = 0
  local kept = self.book
  if not kept then return dispatch.give(self, task, more) end
  if not kept:admit(self, task) then return end
  local ok, err = pcall(dispatch.give, self, task, more)
  if ok then return end
  kept:withdraw(task)
  error(err, 0)
end

---Starts a task: see mapping.lua.
---@package
---@param more? boolean more come at once, and then a flush
function Pool:give(task, more) return interrupt.shield(give, self, task, more) end

---Starts tasks for items of a list: see dispatch.lua.
---@package
Pool.give_items = dispatch.give_items

-- Whether a function's encoded form is the same at any time: it has no upvalue but the globals.
local function is_stateless(fn)
  local name, value = getupvalue(fn, 1)
  return name == nil or (name == "_ENV" and value == _G and getupvalue(fn, 2) == nil)
end

-- As the book wants it in the workers.
local function encode(self, fn)
  if not self.book then return self.core:encode(fn) end
  local ok, encoded = pcall(self.core.encode, self.core, self.book:wrap(fn))
  if ok then return encoded end
  self.core:encode(fn) -- refused at the place that the caller knows
  error(encoded, 0)
end

---@package
function Pool:prepare(fn)
  local encoded = self.prepared[fn]
  if encoded then return encoded end
  encoded = encode(self, fn)
  if is_stateless(fn) then self.prepared[fn] = encoded end
  return encoded
end

---Raises, at the caller of the pool's method, when the pool takes no more tasks.
---@package
function Pool:check_open(func)
  if self.interruption then drain.finish(self) end
  if self.terminated then error(func .. ": the pool has been terminated", 3) end
  if self.closed then error(func .. ": the pool is closed", 3) end
end

local ASYNC_OPTIONS = {
  callback = true, error_callback = true, retries = true, name = true, timeout = true,
  capture = true,
}

---@class mooncrew.Pool.task_options
---@field callback? function called with the results
---@field error_callback? function called with the error
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds that it may take in its worker
---@field capture? boolean|integer|string what it writes is kept in the result
---@field name? string|number

---@class mooncrew.Pool.stats
---@field workers integer
---@field busy integer
---@field skipped integer tasks that the joblog says are done
---@field queued integer tasks that no worker has taken yet
---@field done integer
---@field failed integer
---@field retried integer
---@field restarts integer workers that were replaced
---@field callback_errors integer callbacks that raised something

local function apply_async(self, fn, args, options)
  self:check_open("apply_async")
  check.call("apply_async", fn, args)
  options = options or {}
  check.type("apply_async", "options", options, "table")
  check.options("apply_async", options, ASYNC_OPTIONS)
  result.check("apply_async", options)
  local res = result.new(self, options)
  self:give(call.new{
    fn = self:prepare(fn),
    args = args or {},
    result = res,
    timeout = check.timeout("apply_async", "timeout", options.timeout) or self.timeout,
    retries = retry.check("apply_async", options.retries, self.retries),
    capture = capture.check("apply_async", options.capture, self.capture),
    name = result.check_name("apply_async", options.name),
  })
  return res
end

---Starts one task.
---@param fn function
---@param args? table unpacked to args.n or #args
---@param options? mooncrew.Pool.task_options
---@return mooncrew.Result
function Pool:apply_async(fn, args, options)
  if options == nil and self.simple and not self.closed and self.n_waiting == 0
    and type(fn) == "function" and (args == nil or type(args) == "table") then
    -- In one step of C, which nothing breaks off, and without a look at options.
    local encoded = self.prepared[fn] or self:prepare(fn)
    local res = start_call(self.core, encoded, self.timeout, args, self, Result)
    if res then return res end
  end
  return apply_async(self, fn, args, options)
end

Pool.submit = Pool.apply_async

---Runs one task and returns its results; raises its error.
function Pool:apply(fn, args)
  self:check_open("apply")
  check.call("apply", fn, args)
  return self:apply_async(fn, args):get()
end

mapping.install(Pool)

-- -- the end ------------------------------------------------------------------------------------

---No more tasks; the workers end when those under way are done.
function Pool:close()
  self.closed = true
  -- The workers are told once nothing is under way: a map may have parts that were not sent yet.
  self:poll()
end

local function join(self, deadline)
  local core = self.core
  while true do
    self:poll()
    if core:under_way() == 0 and core:has_ended() then
      if self.book then self.book:close() end
      drain.finish(self)
      return callbacks.finish(self.callbacks, deadline)
    end
    local ok, err = wait_for_more(self, nil, deadline)
    if not ok then return nil, err end
  end
end

---Waits for the end of a closed pool: all results are in, all callbacks have run. Raises what the
---first callback that failed raised.
---@param timeout? number seconds
---@return true? done
---@return table? err mooncrew.Timeout
function Pool:join(timeout)
  if not self.closed then
    error("join: the pool is still open: close or terminate it first", 2)
  end
  check.wait("join", timeout)
  return drain.guard(self, join, timeout and parts.now() + timeout)
end

---@package
function Pool:finish_drain() drain.finish(self) end

local end_all = whole(function(self)
  dispatch.take_in(self)
  dispatch.fail_rest(self, true)
end)

---Ends the workers at once. Unfinished results fail with mooncrew.Cancelled.
---@param interrupted? boolean because of Ctrl-C: a second one ends this process at once
function Pool:terminate(interrupted)
  if self.terminated then return end
  self.closed, self.terminated = true, true
  self.core:terminate(interrupted)
  end_all(self)
  if self.book then self.book:close() end
end

function Pool:__close(err)
  if err ~= nil and interrupt.is(err) and self.on_interrupt == "drain" then
    if not self.terminated then drain.close(self) end
  elseif err ~= nil then
    self:terminate(interrupt.is(err))
  elseif not self.terminated then
    self:close()
    mapping.join(self)
  end
end

---@return mooncrew.Pool.stats
function Pool:stats()
  self:poll()
  local queued = self.core:queued()
  local counts = self.counts
  return {
    workers = self.processes,
    queued = queued,
    busy = math.min(self.processes, math.max(0, self.core:under_way() - queued)),
    done = counts.done,
    failed = counts.failed,
    retried = counts.retried,
    restarts = counts.restarts,
    callback_errors = self.callbacks.failed,
    skipped = self.book and self.book.skipped or 0,
  }
end

function Pool:__tostring()
  return ("mooncrew.Pool: %s (%d processes)"):format(self.name, self.processes)
end

return pool
