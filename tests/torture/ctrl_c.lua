-- Ctrl-C at random moments, in a terminal: the exit status is 130, there is one line to be seen,
-- and no process is left.

local uv = require "luv"
local folder = arg[0]:match("^(.*/)")
local trial = dofile(folder .. "support/trial.lua")

local ROUNDS = trial.full and 25 or 2 -- of each kind
local WAIT = 10 -- seconds until a process counts as left
local LATEST = 0.1 -- seconds after "ready"
local LOADING = 0.05 -- seconds after the start of the program, in one round of four

local KINDS = {
  "map", "map of long tasks", "imap", "get", "get of a queue", "join", "join of a pool", "sleep",
  "http.get", "tasks", "pools that come and go", "a pool that drains",
}

local binary = os.getenv("MOONCREW") or uv.exepath()
local terminal = folder .. "../spec/support/terminal.py"

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs the program, and presses Ctrl-C once → the screen, its exit status.
local function press(kind, mark, early)
  local command = ("echo go; VICTIM=%s exec '%s' '%ssupport/interrupted.lua' %s"):format(mark,
    binary, folder, quote(kind))
  local seconds = math.random() * (early and LOADING or LATEST)
  local steps = ("%s '' '+%.6f' '\\x03'"):format(early and "go" or "ready", seconds)
  local pipe = assert(io.popen(("python3 -B '%s' %s %s 2>&1"):format(terminal, quote(command),
    steps)))
  local screen = pipe:read("a")
  local _, _, status = pipe:close()
  return screen:gsub("\r\n", "\n"), status
end

local function count(text, what)
  local n = 0
  for _ in text:gmatch(what) do n = n + 1 end
  return n
end

local function round(kind, number)
  local early = number % 4 == 2
  local mark = ("ctrl-c-%d-%d"):format(uv.os_getpid(), number)
  local screen, status = press(kind, mark, early)
  local seconds, left = trial.until_gone("VICTIM", mark, WAIT)
  for _, pid in ipairs(left or {}) do uv.kill(pid, "sigkill") end
  trial.expect(seconds, "left: %s; on the screen: %s", left and table.concat(left, " "), screen)
  trial.expect(status == 130, "status %s; on the screen: %s", status, screen)
  -- Before there is a handler, Ctrl-C ends the program as it ends any.
  local lines = count(screen, "interrupted!")
  trial.expect(lines == 1 or early and lines == 0, "on the screen: %s", screen)
  trial.expect(count(screen, "stack traceback") <= 1, "on the screen: %s", screen)
  trial.expect(not screen:find("Process ", 1, true), "on the screen: %s", screen)
  return seconds
end

for _, kind in ipairs(KINDS) do
  trial.test(kind, function()
    local longest = 0
    for i = 1, ROUNDS do longest = math.max(longest, round(kind, i)) end
    trial.note("%d times; the last process was gone %.3f s after the main one", ROUNDS, longest)
  end)
end

trial.finish()
