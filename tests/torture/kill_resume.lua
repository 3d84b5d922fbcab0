-- SIGKILL of a run with a joblog, of its main process or of its workers, at random moments, again
-- and again; the next run goes on at once, until one is done. Then each task is in the log once,
-- and only those that were in hand at a kill were begun twice.

local uv = require "luv"
local trial = dofile(arg[0]:match("^(.*/)") .. "support/trial.lua")

local ROUNDS = trial.full and 40 or 4
local TASKS, PROCESSES = 200, 4
local LAST = 0.3 -- seconds: no kill comes later after a start

local HEADER = "Seq\tStarttime\tJobRuntime\tExitval\tSignal\tTask\n"
local binary = os.getenv("MOONCREW") or uv.exepath()
local victim = arg[0]:match("^(.*/)") .. "support/resumed.lua"

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function start(folder, run)
  local pipe = assert(io.popen(("echo $$; exec '%s' '%s' '%s' %d %d %d 2>&1 </dev/null")
    :format(binary, victim, folder, run, TASKS, PROCESSES)))
  return pipe, math.tointeger(tonumber(pipe:read("l")))
end

-- The workers are children of children of the main process.
local function kill_a_worker(pid)
  local workers = {}
  for _, child in ipairs(trial.children(pid)) do
    for _, worker in ipairs(trial.children(child)) do workers[#workers + 1] = worker end
  end
  return #workers > 0 and uv.kill(workers[math.random(#workers)], "sigkill") == 0
end

-- One run; false when it was killed before its end. Counts the kills of workers.
local function run_once(folder, run, counts)
  local pipe, pid = start(folder, run)
  if math.random() < 0.5 then pipe:read("l") end -- else a kill may come while it starts
  local left = math.random() * LAST
  while left > 0 do
    local nap = math.min(left, math.random() * 0.05)
    uv.sleep(math.floor(nap * 1000))
    left = left - nap - 0.001
    if math.random() < 0.5 and kill_a_worker(pid) then counts.workers = counts.workers + 1 end
  end
  uv.kill(pid, "sigkill")
  local out = pipe:read("a")
  pipe:close()
  if out:find("done\n", 1, true) then return true end
  counts.mains = counts.mains + 1
  local rest = out:gsub("^ready\n", "")
  if rest ~= "" then error("it printed: " .. rest, 0) end
  return false
end

local function check_log(text)
  assert(text:sub(1, #HEADER) == HEADER, "the log has another first line")
  assert(text:sub(-1) == "\n", "the last line is torn")
  local seen, n = {}, 0
  for line in text:sub(#HEADER + 1):gmatch("([^\n]*)\n") do
    local exitval, task = line:match("^%d+\t%d+%.%d%d%d\t%d+%.%d%d%d\t(%d+)\t0\t(%d+)$")
    assert(exitval == "0", "not the line of a task that is done: " .. line)
    assert(not seen[task], "a second line of task " .. task)
    seen[task] = true
    n = n + 1
  end
  assert(n == TASKS, ("%d lines of %d tasks"):format(n, TASKS))
end

-- How often a task was begun that had been begun before.
local function count_repeats(text)
  local seen, repeats, n = {}, 0, 0
  for task in text:gmatch("%d+ (%d+)\n") do
    if seen[task] then repeats = repeats + 1 else n = n + 1 end
    seen[task] = true
  end
  assert(n == TASKS, ("%d of %d tasks were begun"):format(n, TASKS))
  return repeats
end

local total = { mains = 0, workers = 0, repeats = 0 }

local function round(folder)
  local counts, run = { mains = 0, workers = 0 }, 0
  repeat
    run = run + 1
    assert(run < 1000, "it does not get on")
  until run_once(folder, run, counts)
  check_log(read_file(folder .. "/log"))
  local repeats = count_repeats(read_file(folder .. "/begun"))
  local most = counts.mains * PROCESSES + counts.workers
  assert(repeats <= most, ("%d tasks were begun again, %d were in hand"):format(repeats, most))
  for name, n in pairs(counts) do total[name] = total[name] + n end
  total.repeats = total.repeats + repeats
end

local failed = false
for i = 1, ROUNDS do
  local folder = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/kill_resume-XXXXXX"))
  local ok, err = pcall(round, folder)
  local line = ok and "PASS round %d" or "FAIL round %d: %s (seed %d)"
  print(line:format(i, err, trial.seed))
  failed = failed or not ok
  for name in uv.fs_scandir_next, assert(uv.fs_scandir(folder)) do
    uv.fs_unlink(folder .. "/" .. name)
  end
  uv.fs_rmdir(folder)
end
print(("  %d kills of a main process, %d of a worker, %d tasks begun again")
  :format(total.mains, total.workers, total.repeats))
local killed = total.mains > 0 and total.workers > 0
print(killed and "PASS killed" or "FAIL killed: no kill came before the end")
os.exit(not failed and killed, true)
