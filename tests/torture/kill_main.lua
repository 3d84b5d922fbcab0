-- SIGKILL of a main process, when its tree is busy and at random moments: no process of it is
-- left. Its processes are found by a variable in their environment.

local uv = require "luv"
local folder = arg[0]:match("^(.*/)")
local trial = dofile(folder .. "support/trial.lua")

local WAIT = 10 -- seconds until a process counts as left; how long it took is told

-- What support/victim.lua can be, and how often it is killed at each of two moments.
local KINDS = { "process", "daemon", "pool", "nested", "crowd" }
local ROUNDS = { process = 3, daemon = 3, pool = 3, nested = 3, crowd = 10 }
if trial.full then ROUNDS = { process = 25, daemon = 25, pool = 25, nested = 25, crowd = 200 } end

local binary = os.getenv("MOONCREW") or uv.exepath()
local scratch = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/kill_main-XXXXXX"))

local function names_in(path)
  local names = {}
  for name in uv.fs_scandir_next, assert(uv.fs_scandir(path)) do names[#names + 1] = name end
  return names
end

-- What could be ours in /dev/shm: other programs of the machine have files there as well.
local function shared_files()
  local found = {}
  for _, name in ipairs(names_in("/dev/shm")) do
    if name:find("^mooncrew") or name:find("^mc[_-]") then found[name] = true end
  end
  return found
end

-- SIGTERM is ignored from the start, as nohup ignores SIGHUP: only SIGKILL ends anything.
local function start(kind, mark)
  local pipe = assert(io.popen(("trap '' TERM; echo $$;"
    .. " exec env VICTIM=%s TMPDIR=%s '%s' '%ssupport/victim.lua' %s 2>&1 </dev/null")
    :format(mark, scratch, binary, folder, kind)))
  return pipe, math.tointeger(tonumber(pipe:read("l")))
end

-- One life → seconds until nothing of it was left.
local function round(kind, number, at_random)
  local mark = ("%s-%d-%d"):format(kind, uv.os_getpid(), number)
  local pipe, pid = start(kind, mark)
  local line = not at_random and pipe:read("l")
  if line == "ready" then
    uv.sleep(math.random(0, 30))
  elseif at_random then
    uv.sleep(math.random(0, 150))
  end
  uv.kill(pid, "sigkill")
  local seconds, left = trial.until_gone("VICTIM", mark, WAIT)
  for _, one in ipairs(left or {}) do uv.kill(one, "sigkill") end
  local rest = pipe:read("a")
  pipe:close()
  trial.expect(at_random or line == "ready", "its tree did not come up: %s", line)
  trial.expect(seconds, "left after %d s: %s", WAIT, left and table.concat(left, " "))
  trial.expect(rest == "" or rest == "ready\n", "it printed: %s", rest)
  return seconds
end

local before = shared_files()
for _, kind in ipairs(KINDS) do
  for _, at_random in ipairs{ false, true } do
    trial.test(kind .. (at_random and ", at a random moment" or ", busy"), function()
      local longest, slow = 0, 0
      for i = 1, ROUNDS[kind] do
        local seconds = round(kind, i, at_random)
        longest = math.max(longest, seconds)
        if seconds > 1 then slow = slow + 1 end
      end
      trial.note("%d times, gone within %.3f s; %d times that took more than a second",
        ROUNDS[kind], longest, slow)
    end)
  end
end

trial.test("nothing in /dev/shm and the folder of temporary files", function()
  for name in pairs(shared_files()) do trial.expect(before[name], "/dev/shm/%s", name) end
  trial.expect(#names_in(scratch) == 0, "%s", table.concat(names_in(scratch), " "))
  uv.fs_rmdir(scratch)
end)

trial.finish()
