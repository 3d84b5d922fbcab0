-- mooncrew.main: a whole command out of a list of tasks and a function that does one.
--
--   arguments ─▶ options ─▶ tasks ─▶ pool ─┬─▶ result(value, item)
--                                          └─▶ "name: task: message" on stderr
--                                    at the end: done(summary), exit status

local mooncrew = require "mooncrew"
local check = require "mooncrew.check"
local command = require "mooncrew.command"
local parts = require "mooncrew.parts"

local MAX_PROCESSES = 1000

---@class mooncrew.main.options
---@field name? string the command's; default: the script's
---@field description? string what --help says
---@field options? fun(parser: table) adds arguments of its own to argparse's parser
---@field tasks any[]|fun(options: table): any[]|fun(): any a list, or what gives a list or an
---  iterator; nil and a reason: there is none
---@field task fun(item: any, options: table): any does one, in a worker
---@field task_name? fun(item: any, index: integer): string|number for messages and the joblog
---@field result? fun(value: any, item: any) called here with what a task returned
---@field done? fun(summary: mooncrew.main.summary, options: table) instead of the line on stderr
---@field pool? mooncrew.Pool.options more options of the pool: initializer …
---@field arguments? string[] default: arg

---@class mooncrew.main.summary
---@field done integer
---@field failed integer
---@field skipped integer an earlier run did them
---@field not_run integer the run was called off before
---@field seconds number
---@field processes integer

local KNOWN = {
  name = "string", description = "string", options = "function", task = "function",
  task_name = "function", result = "function", done = "function", pool = "table",
  arguments = "table",
}

local function check_options(options)
  check.type("main", "options", options, "table", 3)
  for name, value in pairs(options) do
    if KNOWN[name] then
      check.type("main", name, value, KNOWN[name], 3)
    elseif name ~= "tasks" then
      error(("main: unknown option '%s'"):format(tostring(name)), 3)
    end
  end
  check.type("main", "task", options.task, "function", 3)
  if type(options.tasks) ~= "function" then
    check.type("main", "tasks", options.tasks, "table", 3)
  end
end

local function make_parser(name, options)
  local parser = command.parser(name, options.description)
  if options.options then options.options(parser) end
  parser:option("-j --jobs", "processes; default: one for each processor")
    :convert(command.whole(1, MAX_PROCESSES)):argname("N")
  parser:option("--timeout", "seconds that a task may take"):convert(command.seconds)
    :argname("SECONDS")
  parser:option("--retries", "how often a task is repeated whose worker died or that was late")
    :convert(command.whole(0)):argname("N")
  parser:option("--halt", "when to stop before the end, such as soon,fail=1 or now,success=1")
    :convert(command.halt):default("never"):argname("WHEN")
  parser:option("--joblog", "a file that gets a line for each finished task"):argname("FILE")
  parser:mutex(
    parser:flag("--resume", "pass over the tasks that the joblog has"),
    parser:flag("--resume-failed", "the same, but run failed tasks again")
  )
  parser:flag("--dry-run", "print the names of the tasks that would be run")
  parser:mutex(
    parser:flag("--progress", "show progress even when stderr is no terminal"),
    parser:flag("-q --quiet", "print failures only")
  )
  return parser
end

local function script_name()
  local path = type(arg) == "table" and arg[0] or "main"
  return (path:match("[^/]*$"):gsub("%.lua$", ""))
end

local function is_terminal() return require("luv").guess_handle(2) == "tty" end

-- A run of a command.
---@class mooncrew.main.Run
---@field name string
---@field main mooncrew.main.options
---@field options table what was given on the command line
---@field summary mooncrew.main.summary
local Run = {}
Run.__index = Run

-- The tasks, and how many there are if that is known.
function Run:tasks()
  local tasks = self.main.tasks
  if type(tasks) == "function" then
    local given, err = tasks(self.options)
    if given == nil then command.fail(self.name, tostring(err or "there are no tasks")) end
    tasks = given
  end
  if type(tasks) == "function" then return tasks, nil end
  check.type("main", "tasks", tasks, "table")
  return tasks, math.type(tasks.n) == "integer" and tasks.n or #tasks
end

function Run:name_of(item, index)
  if self.main.task_name then return self.main.task_name(item, index) end
  local kind = type(item)
  return (kind == "string" or kind == "number") and item or index
end

function Run:resume()
  return self.options.resume_failed and "failed" or self.options.resume
end

function Run:dry_run(tasks, total)
  local would_run = require("mooncrew.book").preview{
    joblog = self.options.joblog,
    resume = self:resume(),
  }
  local index = 0
  while not total or index < total do
    index = index + 1
    local item
    if total then item = tasks[index] else item = tasks() end
    if item == nil and not total then return end
    local name = would_run(self:name_of(item, index))
    if name then print(name) end
  end
end

function Run:pool()
  local given = {}
  for name, value in pairs(self.main.pool or {}) do given[name] = value end
  local options = self.options
  given.processes = options.jobs or given.processes or mooncrew.cpu_count()
  given.task_timeout = options.timeout or given.task_timeout
  given.retries = options.retries or given.retries
  given.halt = options.halt
  given.joblog = options.joblog
  given.resume = self:resume()
  local ok, pool = pcall(mooncrew.Pool, given)
  if ok then return pool end
  if type(pool) ~= "table" or pool.kind ~= "Joblog" then error(pool, 0) end
  command.fail(self.name, pool.message)
end

function Run:failed(err)
  self.summary.failed = self.summary.failed + 1
  io.stderr:write(("%s: %s: %s\n"):format(self.name, err.task, err.message))
end

-- Takes the results as they come; what fails is told at once.
function Run:collect(pool, next_result, bar)
  local summary, result = self.summary, self.main.result
  local passed = 0
  while true do
    local ok, value = pcall(next_result)
    if ok and value == nil then break end
    if ok then
      summary.done = summary.done + 1
      if result then result(value[2], value[1]) end
    elseif type(value) == "table" and rawget(value, "task") then
      self:failed(value)
    else
      error(value, 0) -- no task's: of the source, or Ctrl-C
    end
    if bar then
      bar:step(1 + pool.book.skipped - passed)
      passed = pool.book.skipped
    end
  end
  if bar then bar:step(pool.book.skipped - passed) end
end

function Run:work(tasks, total)
  local started = parts.now()
  local task, options, summary = self.main.task, self.options, self.summary
  local pool <close> = self:pool()
  local bar <close> = (options.progress or not options.quiet and is_terminal())
    and mooncrew.progress(total, { label = self.name }) or nil
  local next_result = pool:imap_unordered(function(item)
    return { item, (task(item, options)) }
  end, tasks, { name = function(item, index) return self:name_of(item, index) end })
  self:collect(pool, next_result, bar)
  local book = pool.book
  summary.skipped = book.skipped
  summary.not_run = (total or book.seq) - summary.done - summary.failed - book.skipped
  summary.seconds = parts.now() - started
  summary.processes = pool.processes
  self.succeeded = book.halted and options.halt:find("success", 1, true) ~= nil
end

function Run:report()
  local summary = self.summary
  if self.main.done then return self.main.done(summary, self.options) end
  if self.options.quiet then return end
  io.stderr:write(("%s: %d done, %d failed, %d skipped, %d not run, %.2f s, %s\n"):format(
    self.name, summary.done, summary.failed, summary.skipped, summary.not_run, summary.seconds,
    command.count(summary.processes, "process", "processes")))
end

---Runs a command: reads its options, does its tasks with a pool of processes, reports failures.
---Returns when all is well; else the process ends with status 1 (something failed) or 2 (bad
---usage). docs/joblog.md has the options that every command gets.
---@param options mooncrew.main.options
---@return mooncrew.main.summary
return function(options)
  check_options(options)
  local name = options.name or script_name()
  local parser = make_parser(name, options)
  local given = command.parse(parser, options.arguments or arg or {})
  local run = setmetatable({
    name = name,
    main = options,
    options = given,
    summary = { done = 0, failed = 0, skipped = 0, not_run = 0, seconds = 0, processes = 0 },
  }, Run)
  if run:resume() and not given.joblog then
    command.fail(name, "--resume needs a --joblog to resume from", 2)
  end
  local tasks, total = run:tasks()
  if given.dry_run then
    run:dry_run(tasks, total)
    return run.summary
  end
  run:work(tasks, total)
  run:report()
  if run.summary.failed > 0 and not run.succeeded then os.exit(1) end
  return run.summary
end
