-- mooncrew.CoroutinePool: the interface of Pool over coroutine tasks of this process, of which up
-- to n run at once.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local call = require "mooncrew.call"
local check = require "mooncrew.check"
local callbacks = require "mooncrew.callbacks"
local result = require "mooncrew.result"
local mapping = require "mooncrew.mapping"

---@class mooncrew.CoroutinePool
---@field package waiting table[] jobs that no task has taken yet: a line with holes
---@field package n_waiting integer
local CoroutinePool = {}
CoroutinePool.__index = CoroutinePool
CoroutinePool.__name = "mooncrew.CoroutinePool"

local coroutine_pool = {}

---@param n integer how many tasks run at once
---@return mooncrew.CoroutinePool
function coroutine_pool.new(n)
  return setmetatable({
    processes = check.integer("CoroutinePool", "n", n, 1, 1000000),
    chunksize = 1, -- a chunk is done one by one, which is not what such a pool is for
    retries = 0,
    waiting = {},
    n_waiting = 0,
    first = 1,
    last = 0,
    running = {},
    callbacks = callbacks.new(),
    pid = mooncrew.getpid(), -- whose tasks are under way
    n_running = 0,
    came = parts.latch(), -- set whenever a job is done; await() makes a new one
    counts = { done = 0, failed = 0 },
  }, CoroutinePool)
end

local function handler(err)
  if err == mooncrew.Cancelled then return err end
  return parts.error_handler(err, 2)
end

local function unpack_args(args) return table.unpack(args, 1, args.n or #args) end

-- As the workers of a Pool do.
local function unpack_item(item)
  if type(item) ~= "table" then
    error("starmap: a table of arguments expected, got " .. type(item), 0)
  end
  local n = item.n
  if n ~= nil and (math.type(n) ~= "integer" or n < 0 or n > check.MOST_ARGS) then
    error(("args.n: a number of arguments expected, got %s"):format(n), 0)
  end
  return unpack_args(item)
end

-- Calls fn with the arguments that there are, or passes on why there are none.
local function call_with(fn, ok, ...)
  if not ok then return false, ... end
  return xpcall(fn, handler, ...)
end

-- A chunk's items, one after another, each with an outcome of its own.
local function run_items(job)
  local star, outcome = job.mode == mapping.STARMAP, { n = 0, failed = 0 }
  for i = job.first, job.last do
    local item = job.list[i]
    local ok, value
    if star then
      ok, value = call_with(job.fn, xpcall(unpack_item, handler, item))
    else
      ok, value = xpcall(job.fn, handler, item)
    end
    outcome.n = outcome.n + 1
    if ok then
      job.out[i] = value
    elseif value == mooncrew.Cancelled then
      outcome.cancelled = true
      return outcome
    else
      outcome.errors = outcome.errors or {}
      outcome.errors[outcome.n] = value
      outcome.failed = outcome.failed + 1
    end
  end
  return outcome
end

-- What a job does with its function: as the workers of a Pool do.
local function run(job)
  if job.list then return run_items(job) end
  return table.pack(call_with(job.fn, xpcall(unpack_args, handler, job.args)))
end

local function report(self, job, outcome)
  local counts = self.counts
  if outcome.cancelled or not outcome[1] and outcome[2] == mooncrew.Cancelled then
    job:cancelled()
  elseif job.list then
    counts.done = counts.done + outcome.n - outcome.failed
    counts.failed = counts.failed + outcome.failed
    job:mapped(outcome.n, outcome.errors)
  elseif outcome[1] then
    counts.done = counts.done + 1
    job:returned(table.unpack(outcome, 2, outcome.n))
  else
    counts.failed = counts.failed + 1
    job:raised(outcome[2])
  end
  self.came:set()
end

local function is_wanted(job)
  return not job.given_up and (not job.result or job.result.state == "pending")
end

local function add_waiting(self, job)
  self.last = self.last + 1
  self.waiting[self.last] = job
  self.n_waiting = self.n_waiting + 1
  job.at = self.last
end

local function take_waiting(self, at)
  local job = self.waiting[at]
  if not job then return nil end
  self.waiting[at] = nil
  self.n_waiting = self.n_waiting - 1
  job.at = nil
  return job
end

-- A result knows the job it is to come from, to cancel it; it keeps nothing of one that is over.
local function leave_result(job)
  if job.result then job.result.job = nil end
end

local function next_job(self)
  while self.first <= self.last do
    local job = take_waiting(self, self.first)
    self.first = self.first + 1
    if job and is_wanted(job) then return job end
  end
end

-- A task that has not begun is not cancelled itself: it finds its job given up, and goes on.
local function cancel_slot(slot)
  if slot.started then slot.task:cancel() end
end

local start -- defined below: a task for a job

local function leave(self, slot)
  self.running[slot] = nil
  self.n_running = self.n_running - 1
  local job = next_job(self)
  if job then
    start(self, job)
  elseif self.n_running == 0 and self.idle then
    self.idle:set()
  end
end

-- More results than the stack has room for can't be handed on. What is raised otherwise is not the
-- job's: a callback was broken off.
local function report_all(self, job, outcome)
  local ok, err = pcall(report, self, job, outcome)
  if ok then return end
  if job.list or not is_wanted(job) then error(err, 0) end
  self.counts.done = self.counts.done - 1
  report(self, job, { false, parts.error_handler(err), n = 2 })
end

local function has_callback(job)
  local res = job.result
  return res and (res.callback or res.error_callback)
end

-- A task takes jobs until there are none; it ends then, so an idle pool holds nothing.
local function work(self, job, slot)
  slot.started = true
  if not is_wanted(job) then job = next_job(self) end
  while job do
    slot.job, job.slot = job, slot
    local name = job.result and job.result.name
    mooncrew.current_task():set_name(name and tostring(name) or job.fn)
    local outcome = run(job)
    slot.job, job.slot = nil, nil
    leave_result(job)
    parts.forget_cancel() -- of a job that did not wait any more: it is not the next one's
    -- A callback may wait, for other jobs of this pool even: it does not take up the place of one.
    if has_callback(job) then
      leave(self, slot)
      return report_all(self, job, outcome)
    end
    report_all(self, job, outcome)
    -- Jobs that only compute must not keep all else waiting until the last of them is done.
    pcall(coroutine.yield)
    job = next_job(self)
  end
  leave(self, slot)
end

function start(self, job)
  local slot = {}
  self.n_running = self.n_running + 1
  self.running[slot] = true
  slot.task = mooncrew.spawn(work, self, job, slot)
  slot.job, job.slot = job, slot
end

-- In a child that was forked meanwhile nothing is under way: it has a copy of the books alone.
local function renew(self)
  local jobs = {}
  for slot in pairs(self.running) do jobs[#jobs + 1] = slot.job end
  for i = self.first, self.last do jobs[#jobs + 1] = take_waiting(self, i) end
  self.pid = mooncrew.getpid()
  self.running, self.n_running, self.idle = {}, 0, nil
  self.callbacks, self.came = callbacks.new(), parts.latch()
  local err = setmetatable({ kind = "Error", message = "the task belongs to another process" },
    mooncrew.Error)
  for _, job in ipairs(jobs) do
    local res = job.result
    leave_result(job)
    if res then res.callback, res.error_callback = nil, nil end
    if res then result.raised(res, err) else job:raised(err) end
  end
end

---@package
function CoroutinePool:poll()
  if self.pid ~= mooncrew.getpid() then renew(self) end
end

---@package
function CoroutinePool:give(job)
  if self.n_running < self.processes then
    start(self, job)
  else
    add_waiting(self, job)
  end
end

---@package
function CoroutinePool:flush() end

---@package
function CoroutinePool:prepare(fn) return fn end

---@package
function CoroutinePool:await()
  self:poll()
  self.came:wait()
  self.came = parts.latch()
end

---@package
function CoroutinePool:check_open(func)
  self:poll()
  if self.closed then error(func .. ": the pool is closed", 3) end
end

local OPTIONS = { callback = true, error_callback = true, name = true }

---Starts one task.
---@param fn function
---@param args? table unpacked to args.n or #args
---@param options? { callback: function?, error_callback: function?, name: string|number? }
---@return mooncrew.Result
function CoroutinePool:apply_async(fn, args, options)
  self:check_open("apply_async")
  check.call("apply_async", fn, args)
  if options ~= nil then
    check.type("apply_async", "options", options, "table")
    check.options("apply_async", options, OPTIONS)
    result.check("apply_async", options)
    result.check_name("apply_async", options.name)
  end
  local res = result.new(self, options)
  res.job = call.new{ fn = fn, args = args or {}, result = res }
  self:give(res.job)
  return res
end

CoroutinePool.submit = CoroutinePool.apply_async

---Runs one task and returns its results; raises its error.
function CoroutinePool:apply(fn, args)
  self:check_open("apply")
  check.call("apply", fn, args)
  return self:apply_async(fn, args):get()
end

mapping.install(CoroutinePool)

---@package
function CoroutinePool:wait_for(res, timeout)
  self:poll()
  return result.latch(res):wait(timeout)
end

-- Those of a map, which are many.
local function cancel_parts(self, res)
  for slot in pairs(self.running) do
    if slot.job and slot.job.result == res then cancel_slot(slot) end
  end
end

---@package
function CoroutinePool:cancel(res)
  local job = res.job
  if not job then return cancel_parts(self, res) end
  if job.at then take_waiting(self, job.at) end
  if job.slot then cancel_slot(job.slot) end
  leave_result(job)
end

---No more tasks from now on.
function CoroutinePool:close() self.closed = true end

---Waits until all tasks of a closed pool are done. Raises what the first callback that failed
---raised.
---@param timeout? number seconds
---@return true? done
---@return table? err mooncrew.Timeout
function CoroutinePool:join(timeout)
  if not self.closed then
    error("join: the pool is still open: close or terminate it first", 2)
  end
  check.wait("join", timeout)
  self:poll()
  local deadline = timeout and parts.now() + timeout
  if self.n_running > 0 then
    self.idle = self.idle or parts.latch()
    local ok, err = self.idle:wait(timeout)
    if not ok then return nil, err end
  end
  return callbacks.finish(self.callbacks, deadline)
end

---Cancels all tasks; their results are mooncrew.Cancelled.
function CoroutinePool:terminate()
  self:poll()
  self.closed = true
  local jobs = {}
  for i = self.first, self.last do jobs[#jobs + 1] = take_waiting(self, i) end
  self.waiting, self.first, self.last = {}, 1, 0
  local slots = {}
  for slot in pairs(self.running) do slots[#slots + 1] = slot end
  for _, slot in ipairs(slots) do
    if slot.job then
      cancel_slot(slot)
      slot.job.given_up = true
      jobs[#jobs + 1] = slot.job
    end
  end
  for _, job in ipairs(jobs) do
    leave_result(job)
    job:cancelled()
  end
end

function CoroutinePool:__close(err)
  if err ~= nil then
    self:terminate()
  else
    self:close()
    mapping.join(self)
  end
end

---@return mooncrew.Pool.stats
function CoroutinePool:stats()
  self:poll()
  return {
    workers = self.processes,
    busy = self.n_running,
    queued = self.n_waiting,
    done = self.counts.done,
    failed = self.counts.failed,
    retried = 0,
    restarts = 0,
    callback_errors = self.callbacks.failed,
  }
end

return coroutine_pool
