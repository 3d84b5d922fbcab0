-- The book of a pool with `joblog` or `halt`: which tasks there are, which of them are done
-- already, how each ended, and whether the run goes on.
--
--   give ──▶ admit: done in an earlier run? called off? ──▶ job.run in a worker ──▶ outcome
--              └── passed(mooncrew.Skipped or Cancelled)
--
-- Each task goes alone, never in a chunk. Its line in the joblog is written by its worker
-- (lua/mooncrew/job.lua); only of a task whose worker is gone it is written here.

local mooncrew = require "mooncrew"
local check = require "mooncrew.check"
local halt = require "mooncrew.halt"
local job = require "mooncrew.job"
local joblog = require "mooncrew.joblog"

local LATE = 124    -- the exit value of a task over its time, as timeout(1) has it
local SIGNAL = 128  -- and of one whose worker a signal ended: so much more, as a shell has it
local SIGKILL = 9

---@class mooncrew.Book
---@field package log mooncrew.Joblog?
---@field package ticket mooncrew.Job.ticket
---@field package plan mooncrew.Book.plan
---@field package logged table<integer, integer> numbers of tasks that have a line, as far as read
---@field skipped integer tasks that the log says are done
---@field halted boolean
local Book = {}
Book.__index = Book

local book = {}

local function check_resume(func, options)
  local resume = options.resume
  if not resume then return false end
  if resume ~= true and resume ~= "failed" then
    check.fail(func, "resume", 'true, false or "failed"', resume, 5)
  end
  if not options.joblog then
    error(func .. ": resume: a joblog is needed to resume from", 5)
  end
  return resume
end

---Makes the book that the options ask for. Before the first worker is: they inherit the file.
---@param func string
---@param options { joblog: string?, resume: boolean|"failed"|nil, halt: string? }
---@return mooncrew.Book? book nil: they ask for none
function book.new(func, options)
  local path = options.joblog
  if path ~= nil then check.type(func, "joblog", path, "string", 4) end
  local resume = check_resume(func, options)
  local spec = false
  if options.halt ~= nil then
    local expected
    spec, expected = halt.parse(options.halt)
    if spec == nil then check.fail(func, "halt", expected, options.halt, 4) end
  end
  if path == nil and options.halt == nil then return nil end
  local log = path and joblog.open(path, resume ~= false)
  return setmetatable({
    log = log,
    plan = { names = {}, resume = resume, finished = log and log.finished or {} },
    ticket = {
      fd = log and log.fd,
      halt = spec,
      state = (log or spec) and mooncrew.dict{} or nil,
    },
    owner = mooncrew.getpid(),
    seq = 0,
    logged = {},
    skipped = 0,
    halted = false,
  }, Book)
end

---The function that goes to the workers instead of a task's own.
function Book:wrap(fn)
  local ticket = self.ticket
  return function(...) return job.run(ticket, fn, ...) end
end

-- Which tasks a run has, and which of them were finished before.
---@class mooncrew.Book.plan
---@field names table<string, true> of this run, escaped
---@field finished table<string, integer> of earlier runs
---@field resume boolean|"failed"

-- The name under which a task is logged. The second of a name gets another one, the same in
-- every run that gives the tasks in the same order.
local function unique(plan, name)
  name = joblog.escape(tostring(name))
  if plan.names[name] then
    local n = 2
    while plan.names[name .. "~" .. n] do n = n + 1 end
    name = name .. "~" .. n
  end
  plan.names[name] = true
  return name
end

local function is_done(plan, name)
  local exitval = plan.finished[name]
  return exitval == 0 or exitval ~= nil and plan.resume == true
end

---What a book with these options would do, without making one.
---@param options { joblog: string?, resume: boolean|"failed"|nil }
---@return fun(name: string|number): string? would_run the task's name in the log; nil: it is done
function book.preview(options)
  local resume = options.resume
  local finished = resume and joblog.look(options.joblog) or {}
  local plan = { names = {}, resume = resume, finished = finished }
  return function(name)
    name = unique(plan, name)
    return not is_done(plan, name) and name or nil
  end
end

-- Sees to it that a run which was called off stops.
local function look(self, pool)
  if self.halted or not self.ticket.halt or not self.ticket.state.halted then return end
  self.halted = true
  if self.ticket.halt.when == "now" then pool:call_off() end
end

-- How a task ended that has no line of its own yet.
local function exit_of(err)
  if err.kind == "Timeout" then return LATE, SIGKILL end
  local code = err.kind == "WorkerLost" and math.tointeger(err.exitcode) or 1
  if code < 0 then return SIGNAL - code, -code end
  return code == 0 and 1 or code, 0
end

local function log_failure(self, task, err)
  local exitval, signal = exit_of(err)
  err.exitval = exitval
  if self.log then
    local state, now = self.ticket.state, job.time()
    local start = mooncrew.dict.pop(state, task.seq) or now
    local written, why = joblog.append(self.log.fd, task.seq, start, math.max(0, now - start),
      exitval, signal, task.name)
    -- Without its line the task is run again by the next run, which is the safe side.
    if not written then err.message = ("%s (%s)"):format(err.message, why) end
  end
  job.count(self.ticket, false)
end

local function follow(self, pool, task)
  local returned, raised = task.returned, task.raised
  task.returned = function(_, ran, ...)
    if ran then
      returned(task, ...)
    else
      pool.counts.done = pool.counts.done - 1
      task:passed(mooncrew.Cancelled)
    end
    look(self, pool)
  end
  task.raised = function(_, err)
    if type(err) == "table" then
      -- One that was given up or never begun has not finished: the next run has it again.
      local finished = not task.never_ran and not task.given_up
      if finished and not rawget(err, "exitval") then log_failure(self, task, err) end
      err.task = task.name
    end
    raised(task, err)
    look(self, pool)
  end
end

---Takes a task in. One that is not to be run is passed over at once.
---@param task table `name`, `args`, `number`, `returned`, `raised`, `passed`; gets `seq`, `book`
---@return boolean go give it to the workers
function Book:admit(pool, task)
  self.seq = self.seq + 1
  local name = unique(self.plan, task.name or self.seq)
  task.seq, task.name, task.book = self.seq, name, self
  look(self, pool)
  if is_done(self.plan, name) then
    self.skipped = self.skipped + 1
    task:passed(mooncrew.Skipped)
    return false
  end
  if self.halted then
    task:passed(mooncrew.Cancelled)
    return false
  end
  local args = task.args
  local n = args.n or #args
  task.args = table.move(args, 1, n, 3, { self.seq, name, n = n + 2 })
  task.number = (task.number or 1) - 2
  follow(self, pool, task)
  return true
end

---A task that was admitted could not be sent: it never was.
function Book:withdraw(task)
  self.plan.names[task.name] = nil
end

---The worker of a task is gone. It may have finished the task before: then the log has its line.
---@return integer? exitval that of its line
function Book:find(task)
  if not self.log then return nil end
  joblog.read_on(self.log, function(seq, exitval) self.logged[seq] = exitval end)
  return self.logged[task.seq]
end

---Ends the book when no worker is left. A copy in a child is not the child's to end.
function Book:close()
  if self.log and self.owner == mooncrew.getpid() then joblog.close(self.log) end
end

Book.__gc = Book.close

return book
