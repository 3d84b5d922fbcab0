-- The tasks of a copy that are under way in its pool: no more than a few per process, so a tree of
-- any size needs little memory. They are waited for in their order.

local mooncrew = require "mooncrew"

local TASKS_PER_PROCESS = 4

---What is handed to the pool, and what becomes of it.
---@class copier.Task
---@field bytes integer that it may copy
---@field settle fun(self, done: table): integer adds up what was done; how many files that were
---@field lose fun(self, err: any): integer its process has died; how many files that were
---@field clean_up? fun(self) takes away what processes that died in the middle of it have left

---@class copier.Pool
---@field processes integer
---@field alone boolean what is begun now is done here and needs no processes
local Pool = {}
Pool.__index = Pool

local copy_pool = {}

---Nothing is started yet.
---@param processes integer
---@param pace copier.Pace
---@param tally copier.Tally
---@return copier.Pool
function copy_pool.new(processes, pace, tally)
  return setmetatable({
    processes = processes, pace = pace, tally = tally, pending = {}, alone = false,
  }, Pool)
end

-- Waits for the oldest task and adds up what it did.
local function settle(self)
  local task = self.pending[1]
  local ok, done = pcall(task.result.get, task.result)
  local files
  if ok then
    files = task:settle(done)
  elseif type(done) == "table" and done.kind == "WorkerLost" then
    files = task:lose(done)
  else
    error(done, 0) -- Ctrl-C: the task is still under way
  end
  table.remove(self.pending, 1)
  self.pace:count((ok and done.bytes or 0) - task.bytes)
  self.tally:step(files, task.bytes)
end

-- Waits until more bytes are allowed. What is under way may turn out to be there already and take
-- nothing.
local function keep_pace(self)
  local wait = self.pace:wait_time()
  while wait > 0 do
    if self.pending[1] then settle(self) else mooncrew.sleep(wait) end
    wait = self.pace:wait_time()
  end
end

-- What a task's result is when it is done here.
local function done_here(fn, ...)
  local done = fn(...)
  return { get = function() return done end }
end

---Hands out a task: a function of copy_task with its arguments.
---@param task copier.Task
---@param fn function
function Pool:start(task, fn, ...)
  while #self.pending >= TASKS_PER_PROCESS * self.processes do settle(self) end
  keep_pace(self)
  self.pace:count(task.bytes)
  if self.alone then
    task.result = done_here(fn, ...)
  else
    self.pool = self.pool or mooncrew.Pool{ processes = self.processes, name = "copy" }
    task.result = self.pool:apply_async(fn, { ... })
  end
  self.pending[#self.pending + 1] = task
end

---Whether there are processes already.
---@return boolean
function Pool:is_running()
  return self.pool ~= nil
end

---Whether no task is under way.
---@return boolean
function Pool:is_idle()
  return #self.pending == 0
end

---Waits for all tasks.
function Pool:settle_all()
  while #self.pending > 0 do settle(self) end
end

---After an end by an error: takes away what is half done of the tasks under way. Their processes
---must be no more.
function Pool:clean_up()
  for _, task in ipairs(self.pending) do
    if task.clean_up then task:clean_up() end
  end
end

---Waits for its processes or, after an error, ends them.
---@param err any
function Pool:close(err)
  if self.pool then getmetatable(self.pool).__close(self.pool, err) end
end

Pool.__close = Pool.close

return copy_pool
