-- SIGKILL of a main process, when its tree is busy and at random moments of its start: no
-- process of it is left. Its processes are found by a variable in their environment.

local uv = require "luv"

io.stdout:setvbuf("line")
local full = os.getenv("MOONCREW_TORTURE") == "full"
local ROUNDS = full and 25 or 3 -- of each of 4 kinds and 2 moments
local WAIT = 10 -- seconds until a process counts as left; how long it took is told

local binary = os.getenv("MOONCREW") or uv.exepath()
local victim = arg[0]:match("^(.*/)") .. "support/victim.lua"
local seed = math.tointeger(tonumber(os.getenv("MOONCREW_TORTURE_SEED"))) or uv.hrtime()
math.randomseed(seed)

-- Pids of the processes that carry the mark. A zombie has no environment any more.
local function marked(mark)
  local found = {}
  for name in uv.fs_scandir_next, assert(uv.fs_scandir("/proc")) do
    local file = name:match("^%d+$") and io.open("/proc/" .. name .. "/environ")
    local text = file and file:read("a")
    if file then file:close() end
    if text and ("\0" .. text):find("\0VICTIM=" .. mark .. "\0", 1, true) then
      found[#found + 1] = math.tointeger(name)
    end
  end
  return found
end

-- What could be ours in /dev/shm: other programs of the machine have files there as well.
local function shared_files()
  local names = {}
  for name in uv.fs_scandir_next, assert(uv.fs_scandir("/dev/shm")) do
    if name:find("^mooncrew") or name:find("^mc[_-]") then names[name] = true end
  end
  return names
end

local function start(kind, mark)
  local pipe = assert(io.popen(("echo $$; exec env VICTIM=%s '%s' '%s' %s 2>&1 </dev/null")
    :format(mark, binary, victim, kind)))
  return pipe, math.tointeger(tonumber(pipe:read("l")))
end

-- Seconds until none was left; or nil and what is left.
local function until_gone(mark)
  local begin = uv.hrtime()
  while true do
    local left, now = marked(mark), (uv.hrtime() - begin) / 1e9
    if #left == 0 then return now end
    if now > WAIT then return nil, left end
    uv.sleep(5)
  end
end

local function round(kind, number, at_random)
  local mark = ("%s-%d-%d"):format(kind, uv.os_getpid(), number)
  local pipe, pid = start(kind, mark)
  if at_random then
    uv.sleep(math.random(0, 150))
  else
    local line = pipe:read("l")
    if line ~= "ready" then
      uv.kill(pid, "sigkill")
      return nil, "its tree did not come up: " .. tostring(line)
    end
  end
  uv.kill(pid, "sigkill")
  local seconds, left = until_gone(mark)
  for _, one in ipairs(left or {}) do uv.kill(one, "sigkill") end
  local rest = pipe:read("a")
  pipe:close()
  if not seconds then
    return nil, ("processes left after %d s: %s"):format(WAIT, table.concat(left, " "))
  end
  if rest ~= "" and rest ~= "ready\n" then return nil, "it printed: " .. rest end
  return seconds
end

local failed = false
local before = shared_files()
for _, kind in ipairs{ "process", "daemon", "pool", "nested" } do
  for _, at_random in ipairs{ false, true } do
    local name = kind .. (at_random and ", at a random moment" or ", busy")
    local longest, why = 0, nil
    for i = 1, ROUNDS do
      local seconds
      seconds, why = round(kind, i, at_random)
      if why then break end
      longest = math.max(longest, seconds)
    end
    failed = failed or why ~= nil
    print(why and ("FAIL %s: %s (seed %d)"):format(name, why, seed) or "PASS " .. name)
    print(("  gone within %.3f s"):format(longest))
  end
end

local more = {}
for name in pairs(shared_files()) do
  if not before[name] then more[#more + 1] = name end
end
failed = failed or #more > 0
print(#more == 0 and "PASS nothing in /dev/shm" or "FAIL in /dev/shm: " .. table.concat(more, " "))

os.exit(not failed, true)
