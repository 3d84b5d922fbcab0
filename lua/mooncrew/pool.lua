-- mooncrew.Pool: tasks for worker processes. The C part (runtime/bind/pool.c) moves tasks and
-- results; here is what a program calls, and the bookkeeping of tasks under way.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local check = require "mooncrew.check"
local callbacks = require "mooncrew.callbacks"
local result = require "mooncrew.result"
local mapping = require "mooncrew.mapping"
local retry = require "mooncrew.retry"
local split = require "mooncrew.split"
local worker_error = require "mooncrew.worker_error"

local MAX_PROCESSES = 1024
local THICK = 32   -- so many results at once are many
local NAP = 0.0005 -- seconds
local NO_RETRIES = { max = 0, delay = 0 }

---@class mooncrew.Pool
---@field package core userdata
---@field package pending table[] tasks under way, by slot; false in a free slot
---@field package free integer[] the free slots
---@field package delayed table[] tasks of `pending` that wait to be tried again: see retry.lua
local Pool = {}
Pool.__index = Pool
Pool.__name = "mooncrew.Pool"

local getupvalue = debug.getupvalue

local pool = {}
local made = 0

local KNOWN = {
  processes = true, initializer = true, initargs = true, maxtasksperchild = true, name = true,
  retries = true, task_timeout = true, initializer_timeout = true,
  joblog = true, resume = true, halt = true,
  max_memory = true, limits = true, sandbox = true,
}

---@class mooncrew.Pool.options
---@field processes? integer how many workers; default: mooncrew.cpu_count()
---@field initializer? function called in each worker before its first task
---@field initargs? table its arguments
---@field initializer_timeout? number seconds that it may take; a pool whose initializer hangs ends
---@field maxtasksperchild? integer a worker is replaced after so many tasks
---@field max_memory? integer|string a worker that has got bigger is replaced after its task
---@field limits? mooncrew.limits of each worker, for all its tasks together
---@field sandbox? mooncrew.sandbox of each worker
---@field retries? integer|mooncrew.Pool.retries of a task whose worker died or that was late
---@field task_timeout? number seconds that a task may take in its worker
---@field joblog? string a file that gets a line for each finished task: docs/joblog.md
---@field resume? boolean|"failed" pass over what the joblog says is done; or failed tasks not
---@field halt? string when to stop before the end, such as "soon,fail=1": docs/joblog.md
---@field name? string

local function open_book(options)
  if options.joblog == nil and options.resume == nil and options.halt == nil then return nil end
  return require("mooncrew.book").new("Pool", options)
end

---Makes a pool of worker processes.
---@param options? integer|mooncrew.Pool.options
---@return mooncrew.Pool
function pool.new(options)
  if type(options) ~= "table" then options = { processes = options } end
  check.options("Pool", options, KNOWN)
  local processes = options.processes
  if processes == nil then processes = mooncrew.cpu_count() end
  processes = check.integer("Pool", "processes", processes, 1, MAX_PROCESSES)
  local max_tasks = options.maxtasksperchild
  if max_tasks ~= nil then
    max_tasks = check.integer("Pool", "maxtasksperchild", max_tasks, 1, math.maxinteger)
  end
  if options.initializer ~= nil then
    check.type("Pool", "initializer", options.initializer, "function")
  end
  if options.initargs ~= nil then check.type("Pool", "initargs", options.initargs, "table") end
  local retries = retry.check("Pool", options.retries, NO_RETRIES)
  local timeout = check.timeout("Pool", "task_timeout", options.task_timeout)
  local initializer_timeout = check.timeout("Pool", "initializer_timeout",
    options.initializer_timeout)
  local max_memory = check.size("Pool", "max_memory", options.max_memory)
  local confine, wrong = parts.confine(options.limits, options.sandbox)
  if wrong then error("Pool: " .. wrong, 2) end
  made = made + 1
  local name = options.name
  if name == nil then name = ("Pool-%d"):format(made) end
  check.type("Pool", "name", name, "string")
  -- Last of the checks, and before the workers are forked: they inherit its file.
  local book = open_book(options)
  return setmetatable({
    core = parts.pool(processes, name, max_tasks or 0, options.initializer, options.initargs,
      initializer_timeout, max_memory, confine),
    initializer_timeout = initializer_timeout,
    book = book,
    name = name,
    processes = processes,
    retries = retries,
    timeout = timeout,
    pending = {},
    free = {},
    delayed = {},
    prepared = setmetatable({}, { __mode = "k" }),
    n_pending = 0,
    last_number = 0,
    callbacks = callbacks.new(),
    counts = { done = 0, failed = 0, retried = 0, restarts = 0 },
  }, Pool)
end

-- -- what comes back ----------------------------------------------------------------------------

-- A task's id is a running number above the slot that it has in `pending`. Slots are used again,
-- or the table would be hashed anew all the time.
local SLOT = 0xFFFFFFFF

local function remember(self, task)
  local slot = table.remove(self.free) or self.n_pending + 1
  self.last_number = self.last_number + 1
  task.id = self.last_number << 32 | slot
  self.pending[slot] = task
  self.n_pending = self.n_pending + 1
  return task.id
end

local function forget(self, id)
  local slot = id & SLOT
  local task = self.pending[slot]
  if not task or task.id ~= id then return nil end -- the outcome of an earlier try, say
  self.pending[slot] = false
  self.free[#self.free + 1] = slot
  self.n_pending = self.n_pending - 1
  return task
end

local give -- defined below: gives a task to the workers, again

local function fail(self, task, err)
  self.counts.failed = self.counts.failed + 1
  task.raised(err)
end

-- Gives it from inside of what takes results in: there is no caller who could be told.
local function give_again(self, task)
  local ok, err = pcall(give, self, task)
  if not ok then fail(self, task, err) end
end

local function try_again(self, task)
  task.tried = task.tried + 1
  self.counts.retried = self.counts.retried + 1
  local delay = retry.delay(task.retries, task.tried)
  if delay == 0 then return give_again(self, task) end
  remember(self, task)
  task.waits = true
  retry.wait(self.delayed, parts.now() + delay, task)
end

-- The log of a run may say that the worker had finished the task before it died.
local function was_finished(self, task, err)
  local exitval = task.book and task.book:find(task)
  if not exitval then return false end
  if exitval == 0 then
    task.passed(mooncrew.Skipped)
  else
    err.exitval = exitval
    fail(self, task, err)
  end
  return true
end

local function lost_alone(self, task, err)
  if was_finished(self, task, err) then return end
  if task.called_off then return task.passed(mooncrew.Cancelled) end
  if task.tried < task.retries.max and not task.given_up then
    try_again(self, task)
  else
    fail(self, task, err)
  end
end

-- The worker of a task is gone: by itself, or because the task was late. `item` is what it had
-- in hand of a chunk; 0: nothing.
local function lost(self, id, late, code, pid, item)
  local task = forget(self, id)
  if not task then return end
  local err = late and worker_error.late(self, task, pid)
    or worker_error.lost(self, task, code, pid)
  if task.given_up or not split.is_chunk(task) then return lost_alone(self, task, err) end
  local list, culprit = split.parts(task, item)
  for i, part in ipairs(list) do
    part.tried = 0
    if i == culprit then lost_alone(self, part, err) else give_again(self, part) end
  end
end

-- Tries again what has waited long enough.
local function give_due(self)
  local now = parts.now()
  repeat
    local task = retry.take_due(self.delayed, now)
    if task and self.pending[task.id & SLOT] == task then
      forget(self, task.id)
      task.waits = false
      give_again(self, task)
    end
  until not task
end

-- Deals with one message of the results queue; false when there was none.
local function accept(self, id, status, ...)
  if id == nil then return false end
  if status == "returned" then
    local task = forget(self, id)
    if task then
      self.counts.done = self.counts.done + 1
      task.returned(table.pack(...))
    end
  elseif status == "raised" and id ~= 0 then
    local task = forget(self, id)
    if task then fail(self, task, (...)) end
  elseif status == "lost" or status == "late" then
    lost(self, id, status == "late", ...)
  elseif status == "restart" then
    self.counts.restarts = self.counts.restarts + 1
  elseif status == "futile" then
    -- A worker whose initializer raised has sent that error before.
    self.broken = self.broken or worker_error.futile(self, ...)
  elseif status == "hung" then
    self.broken = worker_error.hung(self, select(2, ...))
  else
    self.broken = ... -- why no worker can work
  end
  return true
end

-- Nobody is there any more who could do what is under way.
local function fail_rest(self, cancelled)
  local rest = {}
  for _, task in ipairs(self.pending) do
    if task then rest[#rest + 1] = task end
  end
  table.sort(rest, function(a, b) return math.ult(a.id, b.id) end)
  self.pending, self.free, self.delayed, self.n_pending = {}, {}, {}, 0
  for _, task in ipairs(rest) do
    if cancelled then
      task.cancelled()
    else
      local err = self.broken
      if type(err) ~= "table" then err = worker_error.no_workers(self, err) end
      task.never_ran = true
      fail(self, task, err)
    end
  end
end

-- Everything that has come back is dealt with; how many messages that were.
---@return integer
function Pool:poll()
  local core = self.core
  -- Asked first: what was sent before the end is collected below.
  local ended = self.n_pending > 0 and core:has_ended()
  local n = 0
  while accept(self, core:collect()) do n = n + 1 end
  if self.delayed[1] then give_due(self) end
  if ended and self.n_pending > 0 then fail_rest(self, false) end
  if self.closed and self.n_pending == 0 then core:close() end
  return n
end

---When a task is to be tried again, on the clock of parts.now(); whoever waits looks then.
---@package
---@return number?
function Pool:next_due() return retry.next_due(self.delayed) end

-- Waits for what comes back, for the latch, or until something is to be done.
---@return true? look nil: the deadline has passed
---@return table? err mooncrew.Timeout
local function wait_for_more(self, latch, deadline)
  local due = self:next_due()
  if due and (not deadline or due < deadline) then
    self.core:wait(latch, math.max(0, due - parts.now()))
    return true
  end
  return self.core:wait(latch, deadline and math.max(0, deadline - parts.now()))
end

---@package
function Pool:wait_for(res, timeout)
  if timeout ~= nil and type(timeout) ~= "number" then
    check.fail("get", "timeout", "a number of seconds", timeout, 3)
  end
  local deadline = timeout and parts.now() + timeout
  while true do
    local n = self:poll()
    if res.state ~= "pending" then return true end
    if n >= THICK and self.n_pending > 4 * THICK and (not timeout or timeout > NAP) then
      -- Where results come thick and fast, and more are under way: woken for each of them, this
      -- process would do little else than fall asleep again, at a hundred times their price.
      mooncrew.sleep(NAP)
    else
      local ok, err = wait_for_more(self, res.latch, deadline)
      if not ok then
        self:poll()
        if res.state ~= "pending" then return true end
        return nil, err
      end
    end
  end
end

---@package
function Pool:await() wait_for_more(self) end

-- -- what goes out ------------------------------------------------------------------------------

local function submit(self, task)
  local core = self.core
  return pcall(core.submit, core, task.id, task.mode, task.fn, task.timeout,
    table.unpack(task.args, 1, task.args.n or #task.args))
end

-- Gives a task to the workers. When shared memory is full, results are taken in until it goes.
function give(self, task)
  local id = remember(self, task)
  local ok, sent = submit(self, task)
  while ok and not sent do
    if self.n_pending == 1 then
      ok, sent = false, setmetatable({
        kind = "NoMemory",
        message = "Pool: shared memory is exhausted",
      }, mooncrew.Error)
      break
    end
    self.core:wait(nil, 0.1)
    self:poll()
    if self.pending[id & SLOT] ~= task then return end
    ok, sent = submit(self, task)
  end
  if not ok then
    forget(self, id)
    error(sent, 0)
  end
end

---Starts a task { mode, fn, args, result, timeout, retries, returned, raised, cancelled }.
---@package
function Pool:give(task)
  task.tried = 0
  local kept = self.book
  if not kept then return give(self, task) end
  if not kept:admit(self, task) then return end
  local ok, err = pcall(give, self, task)
  if ok then return end
  kept:withdraw(task)
  error(err, 0)
end

---Ends all tasks that are at work, of a run that was called off. What has been done counts still.
---@package
function Pool:call_off()
  for _, task in ipairs(self.pending) do
    if task and task.waits then
      forget(self, task.id)
      task.passed(mooncrew.Cancelled)
    elseif task then
      task.called_off = true
      self.core:doom(task.id)
    end
  end
end

---With `force` the worker that has the task in hand is ended.
---@package
function Pool:cancel(res, force)
  for _, task in ipairs(self.pending) do
    if task and task.result == res then
      task.given_up = true
      if task.waits then
        forget(self, task.id)
      elseif force then
        self.core:doom(task.id)
      end
    end
  end
end

-- Whether a function's encoded form is the same at any time: it has no upvalue but the globals.
local function is_stateless(fn)
  local name, value = getupvalue(fn, 1)
  return name == nil or (name == "_ENV" and value == _G and getupvalue(fn, 2) == nil)
end

---@package
function Pool:prepare(fn)
  if self.book then fn = self.book:wrap(fn) end
  local encoded = self.prepared[fn]
  if encoded then return encoded end
  encoded = self.core:encode(fn)
  if is_stateless(fn) then self.prepared[fn] = encoded end
  return encoded
end

---Raises, at the caller of the pool's method, when the pool takes no more tasks.
---@package
function Pool:check_open(func)
  if self.terminated then error(func .. ": the pool has been terminated", 3) end
  if self.closed then error(func .. ": the pool is closed", 3) end
end

local ASYNC_OPTIONS = {
  callback = true, error_callback = true, retries = true, name = true, timeout = true,
}

---@class mooncrew.Pool.task_options
---@field callback? function called with the results
---@field error_callback? function called with the error
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds that it may take in its worker
---@field name? string

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

---Starts one task.
---@param fn function
---@param args? table unpacked to args.n or #args
---@param options? mooncrew.Pool.task_options
---@return mooncrew.Result
function Pool:apply_async(fn, args, options)
  self:check_open("apply_async")
  check.type("apply_async", "fn", fn, "function")
  if args ~= nil then check.type("apply_async", "args", args, "table") end
  options = options or {}
  check.type("apply_async", "options", options, "table")
  check.options("apply_async", options, ASYNC_OPTIONS)
  local res = result.new(self, options)
  self:give{
    mode = mapping.CALL,
    fn = self:prepare(fn),
    args = args or {},
    result = res,
    timeout = check.timeout("apply_async", "timeout", options.timeout) or self.timeout,
    retries = retry.check("apply_async", options.retries, self.retries),
    returned = function(values) result.returned(res, values) end,
    raised = function(err) result.raised(res, err) end,
    cancelled = function() result.cancelled(res) end,
    name = options.name,
    passed = function(why) result[why == mooncrew.Skipped and "skipped" or "cancelled"](res) end,
  }
  return res
end

Pool.submit = Pool.apply_async

---Runs one task and returns its results; raises its error.
function Pool:apply(fn, args)
  self:check_open("apply")
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

---Waits for the end of a closed pool: all results are in, all callbacks have run. Raises what the
---first callback that failed raised.
---@param timeout? number seconds
---@return true? done
---@return table? err mooncrew.Timeout
function Pool:join(timeout)
  if not self.closed then
    error("join: the pool is still open: close or terminate it first", 2)
  end
  if timeout ~= nil then check.type("join", "timeout", timeout, "number") end
  local deadline = timeout and parts.now() + timeout
  local core = self.core
  while true do
    self:poll()
    if self.n_pending == 0 and core:has_ended() then
      if self.book then self.book:close() end
      return callbacks.finish(self.callbacks, deadline)
    end
    local ok, err = wait_for_more(self, nil, deadline)
    if not ok then return nil, err end
  end
end

---Ends the workers at once. Unfinished results fail with mooncrew.Cancelled.
function Pool:terminate()
  if self.terminated then return end
  self.closed, self.terminated = true, true
  self.core:terminate()
  while accept(self, self.core:collect()) do end
  fail_rest(self, true)
  if self.book then self.book:close() end
end

function Pool:__close(err)
  if err ~= nil then
    self:terminate()
  elseif not self.terminated then
    self:close()
    self:join()
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
    busy = math.min(self.processes, math.max(0, self.n_pending - queued)),
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
