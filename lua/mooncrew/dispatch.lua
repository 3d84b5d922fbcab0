-- The bookkeeping of a pool's tasks: who has them, and what becomes of them when something comes
-- back, or somebody dies.
--
--   give ──▶ with the workers ──▶ its end
--                │      ▲
--                ▼      │
--             waits ────┘  for shared memory (held), or for the time of its next try (delayed)
--
-- A task (mapping.lua) is under way from give to its end (runtime/bind/ledger.h), and is ended
-- once, by one of its methods.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local line = require "mooncrew.line"
local retry = require "mooncrew.retry"
local split = require "mooncrew.split"
local worker_error = require "mooncrew.worker_error"

local ROOM_NAP = 0.01 -- seconds until a task for which there was no room is tried again, when
local PATIENCE = 2    -- nothing is at work; and for so long
local LONG = 0.002    -- seconds after which a worker's chunk is divided, when others have nothing

local NO_ARGS = {}

local dispatch = {}

local function remember(self, task)
  task.id = self.core:remember(task)
  if task.divisible then self.n_divisible = self.n_divisible + 1 end
  return task.id
end

-- Whether a task waits here, instead of being with the workers.
local function set_waits(self, task, waits)
  if task.waits == waits then return end
  task.waits = waits
  self.n_waiting = self.n_waiting + (waits and 1 or -1)
end

local function forget(self, id)
  local task, item = self.core:forget(id)
  if item then return task:item(item) end
  if not task then return nil end -- the outcome of an earlier try, say
  if task.divisible then self.n_divisible = self.n_divisible - 1 end
  if task.waits then set_waits(self, task, false) end
  return task
end

-- The task of an id; an item of a map becomes one.
local function find(self, id)
  local core = self.core
  local task, item = core:find(id)
  if not item then return task end
  task = task:item(item)
  task.id = id
  core:replace(id, task)
  return task
end

-- All tasks under way; each is made when its turn comes, and may be over by then.
local function each(self)
  local ids, i = self.core:ids(), 0
  return function()
    while i < #ids do
      i = i + 1
      local task = find(self, ids[i])
      if task then return task end
    end
  end
end

local function add_output(task, err)
  if err ~= nil and getmetatable(err) == mooncrew.Error then
    err.stdout, err.stderr = task.stdout, task.stderr
  end
end

-- What the task wrote, in its last try, when it was captured.
local function hand_over_output(task, err)
  if task.stdout == nil then return end
  if task.wrote then task:wrote(task.stdout, task.stderr) end
  add_output(task, err)
end

local function fail(self, task, err)
  hand_over_output(task, err)
  self.counts.failed = self.counts.failed + 1
  task:raised(err)
end

-- Gives it from inside of what takes results in: there is no caller who could be told.
local function give_again(self, task)
  local ok, err = pcall(dispatch.give, self, task)
  if not ok then fail(self, task, err) end
end

local function try_again(self, task)
  task.tried = task.tried + 1
  self.counts.retried = self.counts.retried + 1
  local delay = retry.delay(task.retries or self.retries, task.tried)
  if delay == 0 then return give_again(self, task) end
  remember(self, task)
  set_waits(self, task, true)
  retry.wait(self.delayed, parts.now() + delay, task)
end

-- The log of a run may say that the worker had finished the task before it died.
local function was_finished(self, task, err)
  local exitval = task.book and task.book:find(task)
  if not exitval then return false end
  if exitval == 0 then
    task:passed(mooncrew.Skipped)
  else
    err.exitval = exitval
    fail(self, task, err)
  end
  return true
end

local function lost_alone(self, task, err)
  if was_finished(self, task, err) then return end
  if task.called_off then return task:passed(mooncrew.Cancelled) end
  local retries = task.retries or self.retries
  if task.tried < retries.max and not task.given_up and not self.draining then
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
  local stdout, stderr = task.stdout, task.stderr
  task.stdout, task.stderr = nil, nil
  local list, culprit = split.lost(task, item)
  for _, part in ipairs(list) do
    part.tried = 0
    part.divisible = nil
    if part == culprit then part.stdout, part.stderr = stdout, stderr end
    if part == culprit then lost_alone(self, part, err) else give_again(self, part) end
  end
end

-- Tries again what has waited long enough.
local function give_due(self)
  local now = parts.now()
  repeat
    local task = retry.take_due(self.delayed, now)
    if task and find(self, task.id) == task then
      forget(self, task.id)
      give_again(self, task)
    end
  until not task
end

-- Lets a task wait until there is room in shared memory: results of others make some, or, when
-- there are none to come, somebody else may.
local function hold(self, task)
  set_waits(self, task, true)
  if self.core:under_way() > self.n_waiting then return line.push_front(self.held, task) end
  local now = parts.now()
  task.hungry = task.hungry or now
  if now - task.hungry < PATIENCE then return retry.wait(self.delayed, now + ROOM_NAP, task) end
  forget(self, task.id)
  fail(self, task, setmetatable({
    kind = "NoMemory",
    message = ("pool '%s': shared memory is exhausted"):format(self.name),
  }, mooncrew.Error))
end

-- Sends what was submitted. What there is no room for waits; what can't be sent fails.
---@param caller? table the task that is its caller's: not failed, but its error returned
---@return any? err
local function flush(self, caller)
  local unsent, failed = self.core:flush()
  if unsent then
    for i = #unsent, 1, -1 do hold(self, find(self, unsent[i])) end
  end
  if not failed then return nil end
  local err
  for i = 1, #failed, 2 do
    local task = forget(self, failed[i])
    if task == caller then err = failed[i + 1] else fail(self, task, failed[i + 1]) end
  end
  return err
end

-- Makes a task ready to go. Raises when it can't be sent.
---@return boolean full it is time to flush
local function submit(self, task)
  local core = self.core
  if task.list then
    return core:submit(task.id, task.mode, task.fn, task.timeout, task.capture, "list",
      task.first + (task.before or 0), task.list, task.first, task.last)
  end
  local args = task.args or NO_ARGS
  return core:submit(task.id, task.mode, task.fn, task.timeout or self.timeout,
    task.capture or self.capture, task.called or "args", task.number or 1,
    table.unpack(args, 1, args.n or #args))
end

-- Gives some of the tasks that are held: not many at a time, for what filled the memory may again.
local function give_held(self)
  while self.core:under_way() - self.n_waiting < 2 * self.processes do
    local task = line.pop(self.held)
    if not task then return end
    if task.waits and find(self, task.id) == task then
      set_waits(self, task, false)
      local ok, err = pcall(submit, self, task)
      if not ok then
        forget(self, task.id)
        fail(self, task, err)
      end
      flush(self)
      if task.waits then return end
      task.hungry = nil
    end
  end
end

-- A worker has no room for its result: the tasks that nobody has taken yet are in its way.
local function take_back(self)
  local ids = self.core:recall()
  for i = #ids, 1, -1 do
    local task = find(self, ids[i])
    if task then
      set_waits(self, task, true)
      line.push_front(self.held, task)
    end
  end
end

-- The first n items of a chunk are done.
local function unpack(self, id, n, seconds)
  local task = forget(self, id)
  if not task then return end
  local ok, errors = self.core:unpack(n, task.out, task.first)
  if not ok then return fail(self, task, errors) end
  local done, failed = n, 0
  if errors then
    for _, err in pairs(errors) do
      failed = failed + 1
      add_output(task, err)
    end
    done = n - failed
  end
  self.counts.done, self.counts.failed = self.counts.done + done, self.counts.failed + failed
  hand_over_output(task)
  task:mapped(n, errors, seconds)
end

local accept

local function keep_output(self, id, stdout, stderr, ...)
  local task = find(self, id)
  if task then task.stdout, task.stderr = stdout, stderr end
  return accept(self, ...)
end

-- Results that were just noted: of n items of a map, or of n calls. The next one can't be, for err.
local function count_done(self, n, common, err, task, item)
  self.counts.done = self.counts.done + n
  if common then common:done(n) end
  if err == nil then return n end
  if task then fail(self, item and task:item(item) or task, err) end
  return n + 1
end

-- Deals with one message of the results queue.
function accept(self, id, status, ...)
  if id == nil then return end
  if status == "mapped" then
    unpack(self, id, ...)
  elseif status == "returned" then
    local task = forget(self, id)
    if task then
      self.counts.done = self.counts.done + 1
      hand_over_output(task)
      task:returned(...)
    end
  elseif status == "raised" and id ~= 0 then
    local task = forget(self, id)
    if task then fail(self, task, (...)) end
  elseif status == "lost" or status == "late" then
    lost(self, id, status == "late", ...)
  elseif status == "captured" then
    return keep_output(self, id, ...)
  elseif status == "cancelled" then
    forget(self, id) -- its outcome was there before
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
end

---Deals with all messages of the results queue; how many they were.
---@return integer
function dispatch.take_in(self)
  local core, n = self.core, 0
  while self.callbacks.foreign == nil do
    local done, more, common, err, task, item = core:take_done()
    if done > 0 or err ~= nil then
      n = n + count_done(self, done, common, err, task, item)
    elseif more then
      accept(self, core:collect())
      n = n + 1
    end
    if not more then break end
  end
  return n
end

---Why a pool that is gone is gone.
---@return any err
function dispatch.why_gone(self)
  local err = self.broken
  return type(err) == "table" and err or worker_error.no_workers(self, err)
end

---Nobody is there any more who could do what is under way.
---@param cancelled boolean for it was terminated; or as an error
function dispatch.fail_rest(self, cancelled)
  local ids = self.core:ids()
  table.sort(ids, math.ult)
  self.gone = true
  for _, id in ipairs(ids) do
    -- One by one: a callback may wait for those behind it, and deal with them.
    local task = forget(self, id)
    if task and cancelled then
      task:cancelled()
    elseif task then
      task.never_ran = true
      fail(self, task, dispatch.why_gone(self))
    end
  end
end

---Everything that has come back is dealt with; how many messages that were.
---@return integer
function dispatch.poll(self)
  local core = self.core
  -- Asked first: what was sent before the end is collected below.
  local _, ended, starved = core:look()
  local n = dispatch.take_in(self)
  if n == 0 and starved then take_back(self) end
  if self.n_waiting > 0 then
    give_due(self)
    give_held(self)
  end
  if ended and core:under_way() > 0 then dispatch.fail_rest(self, self.terminated) end
  if self.closed and core:under_way() == 0 then core:close() end
  return n
end

---When somebody should look whether a worker is long in one item of a chunk.
---@return number? seconds on the clock of parts.now()
function dispatch.next_look(self)
  return self.n_divisible > 0 and parts.now() + LONG or nil
end

---Takes back what workers have not begun of their chunks, when there is nothing else to do for
---the others, and gives it to all.
function dispatch.divide(self)
  if self.n_divisible == 0 or self.draining or self.core:queued() > 0 then return end
  local tasks = {}
  for task in each(self) do
    if task.divisible and not task.waits then tasks[#tasks + 1] = task end
  end
  for _, task in ipairs(tasks) do
    local begun = self.core:take_back(task.id)
    if begun then
      task.divisible = nil
      self.n_divisible = self.n_divisible - 1
      for _, part in ipairs(split.rest(task, begun, self.processes)) do
        part.tried = 0
        give_again(self, part)
      end
    end
  end
end

---Gives a task to the workers, or lets it wait for room. Raises when it can't be sent.
---@param task table with task.tried
---@param more? boolean more come at once: it need not go before dispatch.flush
function dispatch.give(self, task, more)
  if self.draining then return task:cancelled() end
  remember(self, task)
  if not line.is_empty(self.held) then
    set_waits(self, task, true)
    return line.push(self.held, task)
  end
  local ok, full = pcall(submit, self, task)
  if not ok then
    forget(self, task.id)
    error(full, 0)
  end
  if more and not full then return end
  local err = flush(self, task)
  if err ~= nil then error(err, 0) end
end

---Gives items of a list, each as a task of its own, of which nothing is kept but its number.
---A flush is to follow.
---@param common table what they have in common: see map_job.lua
---@param first integer
---@param last integer
---@return integer n how many; 0: they can't be given like that, or the first can't be sent
---@return any? err why the next one can't be sent
function dispatch.give_items(self, common, first, last)
  if self.draining or not line.is_empty(self.held) then return 0 end
  return self.core:submit_items(common, common.mode, common.fn, common.timeout, common.capture,
    common.list, first, last)
end

---Sends what was given.
function dispatch.flush(self) flush(self) end

---Gives up all tasks that no worker has taken.
function dispatch.give_up_queued(self)
  flush(self)
  take_back(self)
  local ids = self.core:ids()
  table.sort(ids, math.ult)
  for _, id in ipairs(ids) do
    local task = find(self, id)
    if task and task.waits then
      forget(self, id)
      task:cancelled()
    end
  end
end

---Ends all tasks that are at work, of a run that was called off. What has been done counts still.
function dispatch.call_off(self)
  for task in each(self) do
    if task.waits then
      forget(self, task.id)
      task:passed(mooncrew.Cancelled)
    else
      task.called_off = true
      self.core:doom(task.id)
    end
  end
end

local function give_up(self, task, force)
  task.given_up = true
  if task.waits then return forget(self, task.id) end
  self.core:give_up(task.id)
  if force then self.core:doom(task.id) end
end

---No worker begins the task any more. With `force` the one that has it in hand is ended.
function dispatch.cancel(self, res, force)
  -- A call without options is its own task.
  if res.id then
    if find(self, res.id) == res then give_up(self, res, force) end
    return
  end
  for task in each(self) do
    if task.result == res then give_up(self, task, force) end
  end
end

return dispatch
