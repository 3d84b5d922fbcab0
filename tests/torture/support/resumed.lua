-- A run of many short tasks that goes on where it was: resumed.lua FOLDER RUN TASKS PROCESSES.
-- In FOLDER: `log`, and `begun` with a line "RUN TASK" for each task that was begun.

local mooncrew = require "mooncrew"
local joblog = require "mooncrew.joblog"
local uv = require "luv"

local folder, run, tasks, processes = arg[1], arg[2], math.tointeger(arg[3]), math.tointeger(arg[4])

local function note(task)
  local fd = assert(uv.fs_open(folder .. "/begun", "a", tonumber("600", 8)))
  assert(uv.fs_write(fd, ("%s %d\n"):format(run, task), -1))
  uv.fs_close(fd)
end

-- The moment between a task's line and its result is short: longer, kills hit it too.
local append = joblog.append
function joblog.append(...)
  local written, err = append(...)
  uv.sleep(math.random(0, 3))
  return written, err
end

local list = {}
for i = 1, tasks do list[i] = i end

local pool <close> = mooncrew.Pool{
  processes = processes, joblog = folder .. "/log", resume = true, retries = 1000,
}
print "ready"
io.stdout:flush()
pool:map(function(task)
  note(task)
  mooncrew.sleep(math.random() * 0.01)
end, list)
print "done"
