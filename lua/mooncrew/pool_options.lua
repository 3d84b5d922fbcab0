-- The options of a pool, checked.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local capture = require "mooncrew.capture"
local check = require "mooncrew.check"
local retry = require "mooncrew.retry"

local MAX_PROCESSES = 1024
local MAX_NAME = 63 -- bytes: with a worker's number it is the name of a process
local NO_RETRIES = { max = 0, delay = 0 }

local pool_options = {}

local made = 0 -- pools, for their names

local KNOWN = {
  processes = true, initializer = true, initargs = true, maxtasksperchild = true, name = true,
  retries = true, task_timeout = true, initializer_timeout = true,
  capture = true, on_interrupt = true, joblog = true, resume = true, halt = true,
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
---@field on_interrupt? "terminate"|"drain" what Ctrl-C and SIGTERM do; default: end the workers
---@field capture? boolean|integer|string what tasks write is kept for their results: docs/pools.md
---@field joblog? string a file that gets a line for each finished task: docs/joblog.md
---@field resume? boolean|"failed" pass over what the joblog says is done; or failed tasks not
---@field halt? string when to stop before the end, such as "soon,fail=1": docs/joblog.md
---@field name? string of 1 to 63 bytes; default: Pool-N

local function open_book(options)
  if options.joblog == nil and options.resume == nil and options.halt == nil then return nil end
  return require("mooncrew.book").new("Pool", options)
end

local function count(options, name, default, most)
  local value = options[name]
  if value == nil then return default end
  return (check.integer("Pool", name, value, 1, most, 4)) -- no tail call: levels are counted
end

local function optional(options, name, kind)
  if options[name] ~= nil then check.type("Pool", name, options[name], kind, 4) end
  return options[name]
end

local function check_name(name)
  if name and (name == "" or #name > MAX_NAME or name:find("\0", 1, true)) then
    check.fail("Pool", "name", ("a text of 1 to %d bytes without zeros"):format(MAX_NAME), name, 4)
  end
  return name
end

local function interruption(value)
  if value ~= nil and value ~= "terminate" and value ~= "drain" then
    check.fail("Pool", "on_interrupt", '"terminate" or "drain"', value, 4)
  end
  return value or "terminate"
end

---@param options? integer|mooncrew.Pool.options
---@return table wanted
function pool_options.check(options)
  if type(options) ~= "table" then options = { processes = options } end
  check.options("Pool", options, KNOWN, 3)
  local wanted = {
    processes = count(options, "processes", nil, MAX_PROCESSES) or mooncrew.cpu_count(),
    max_tasks = count(options, "maxtasksperchild", 0, math.maxinteger),
    initializer = optional(options, "initializer", "function"),
    initargs = optional(options, "initargs", "table"),
    initializer_timeout = check.timeout("Pool", "initializer_timeout", options.initializer_timeout,
      3),
    retries = retry.check("Pool", options.retries, NO_RETRIES, 3),
    timeout = check.timeout("Pool", "task_timeout", options.task_timeout, 3),
    max_memory = check.size("Pool", "max_memory", options.max_memory, 3),
    capture = capture.check("Pool", options.capture, 0, 3),
    on_interrupt = interruption(options.on_interrupt),
    name = check_name(optional(options, "name", "string")),
  }
  local wrong
  wanted.confine, wrong = parts.confine(options.limits, options.sandbox)
  if wrong then error("Pool: " .. wrong, 3) end
  made = made + 1
  wanted.name = wanted.name or ("Pool-%d"):format(made)
  -- Last of the checks, and before the workers are forked: they inherit its file.
  wanted.book = open_book(options)
  return wanted
end

return pool_options
