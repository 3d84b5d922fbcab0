-- The errors that a pool makes by itself: a worker is gone, with a task or before it took one.

local mooncrew = require "mooncrew"

local worker_error = {}

local function make(fields) return setmetatable(fields, mooncrew.Error) end

local function how(code)
  return code < 0 and ("signal %d"):format(-code) or ("status %d"):format(code)
end

local function after(task)
  return task.tried > 0 and (", in try %d"):format(task.tried + 1) or ""
end

---The worker of a task died.
---@param pool mooncrew.Pool
---@param code integer its exit status, or -N after signal N
function worker_error.lost(pool, task, code, pid)
  return make{
    kind = "WorkerLost",
    message = ("a worker of pool '%s' (pid %d) ended with %s and took its task along%s")
      :format(pool.name, pid, how(code), after(task)),
    exitcode = code,
    pid = pid,
    process = pool.name,
  }
end

---A task was over its time.
function worker_error.late(pool, task, pid)
  return make{
    kind = "Timeout",
    message = ("a task of pool '%s' took longer than %g s; its worker (pid %d) was ended%s")
      :format(pool.name, task.timeout or pool.timeout, pid, after(task)),
    pid = pid,
    process = pool.name,
  }
end

---Workers die again and again before they begin a task.
function worker_error.futile(pool, code, pid)
  local guess = code == -9 and "is memory short?" or "is the initializer at fault?"
  return make{
    kind = "WorkerLost",
    message = ("the workers of pool '%s' die before they begin a task, the last one (pid %d)"
      .. " with %s: no more are started; %s"):format(pool.name, pid, how(code), guess),
    exitcode = code,
    pid = pid,
    process = pool.name,
  }
end

---An initializer did not end.
function worker_error.hung(pool, pid)
  return make{
    kind = "Timeout",
    message = ("the initializer of pool '%s' took longer than %g s; its worker (pid %d) was ended,"
      .. " and no more are started"):format(pool.name, pool.initializer_timeout, pid),
    pid = pid,
    process = pool.name,
  }
end

---The pool has nobody left.
---@param why any what is known of the reason; nil: nothing
function worker_error.no_workers(pool, why)
  return make{
    kind = "WorkerLost",
    message = ("pool '%s' has no workers any more%s"):format(pool.name,
      why ~= nil and ": " .. tostring(why) or ""),
  }
end

return worker_error
