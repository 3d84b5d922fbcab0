-- What a worker does around a task of a pool that keeps a book (lua/mooncrew/book.lua): looks
-- whether the run goes on, runs the task, writes its line, counts it.
--
-- The line is written here and not where results come in: a task that is done is in the log even
-- when the main process never gets to hear of it.

local uv = require "luv"
local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local halt = require "mooncrew.halt"
local joblog = require "mooncrew.joblog"

local job = {}

---What goes along with each task.
---@class mooncrew.Job.ticket
---@field fd integer? the joblog
---@field halt mooncrew.Halt|false
---@field state mooncrew.dict? `failed`, `succeeded`, `halted`; by number: when a task began

---@return number seconds since 1970
function job.time()
  local seconds, micros = uv.gettimeofday()
  return seconds + micros / 1e6
end

-- Every error of a task is a mooncrew.Error here, but for those that no handler can see: of memory.
local function as_error(err)
  if type(err) == "table" then return err end
  return setmetatable({ kind = "Error", message = tostring(err) }, mooncrew.Error)
end

-- What the log shows for a task that raised: 1, or the status that the error value names.
local function exitval_of(err)
  local value = err.value
  local code = type(value) == "table" and rawget(value, "exitcode")
  return math.type(code) == "integer" and code >= 1 and code <= 255 and code or 1
end

---Counts a task that has finished, and calls the run off when it is time to.
---@param ticket mooncrew.Job.ticket
---@param ok boolean
function job.count(ticket, ok)
  if not ticket.halt then return end
  local state, get = ticket.state, mooncrew.dict.get
  mooncrew.dict.incr(state, ok and "succeeded" or "failed")
  if halt.reached(ticket.halt, get(state, "failed", 0), get(state, "succeeded", 0)) then
    state.halted = true
  end
end

local function finish(ticket, seq, task, start, clock, ok, ...)
  local err = not ok and as_error((...)) or nil
  if err then err.exitval = exitval_of(err) end
  if ticket.fd then
    local runtime = parts.now() - clock
    local written, why =
      joblog.append(ticket.fd, seq, start, runtime, err and err.exitval or 0, 0, task)
    if not written and ok then
      ok = false
      err = setmetatable({ kind = "Joblog", message = why, exitval = 1 }, mooncrew.Error)
    end
    ticket.state[seq] = nil
  end
  job.count(ticket, ok)
  if not ok then error(err, 0) end
  return true, ...
end

---Runs a task.
---@param ticket mooncrew.Job.ticket
---@param fn function
---@param seq integer its number in the run
---@param task string its name, escaped
---@param ... any its arguments
---@return boolean ran false: the run was called off before
---@return any ... its results
function job.run(ticket, fn, seq, task, ...)
  local state = ticket.state
  if state and state.halted then return false end
  local start, clock = job.time(), parts.now()
  if ticket.fd then state[seq] = start end
  return finish(ticket, seq, task, start, clock, xpcall(fn, parts.error_handler, ...))
end

return job
