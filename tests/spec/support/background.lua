--- The command in the background, for specs that send it signals.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "standalone.lua")
local quote = standalone.quote

local M = { standalone = standalone }

--- Starts the command in the background of a shell, which so ignores SIGINT for it, as a
--- terminal's Ctrl-C would not: the command must ask for the signal by itself.
---@param args string[]
---@param options? standalone.Options
---@return file* pipe  the pid is its first line; then comes the command's stdout
---@return integer pid
function M.start(args, options)
  options = options or {}
  -- The pid is said before the command says anything. The limit: seconds of processor time.
  options.limit = "echo $$ && " .. (options.limit or "ulimit -t 20")
  local command = standalone.command(standalone.binary, args, options)
  local pipe = assert(io.popen(("sh -c %s"):format(quote(
    ("%s </dev/null 2>%s & wait $! 2>/dev/null; echo status $?"):format(command,
      quote(standalone.path("stderr")))))))
  return pipe, math.tointeger(pipe:read("n", "l"))
end

---@param pid integer
---@param signal? string  default: INT
---@return boolean  was there such a process?
function M.signal(pid, signal)
  return os.execute(("kill -s %s %d 2>/dev/null"):format(signal or "INT", pid)) == true
end

--- Waits until the process sleeps.
---@type fun(pid: integer)
M.await_sleep = dofile(here .. "await_sleep.lua")

---@param pid integer
---@return integer  used so far, in ticks of the kernel's clock (10 ms)
function M.processor_time(pid)
  local file <close> = assert(io.open(("/proc/%d/stat"):format(pid)))
  local fields = {}
  for field in file:read("a"):match("%) (.*)"):gmatch("%S+") do
    table.insert(fields, math.tointeger(field) or 0)
  end
  return fields[12] + fields[13]
end

---@param pipe file*
---@return integer status
---@return string out  what came before
function M.status_of(pipe)
  local out, status = pipe:read("a"):match("^(.*)status (%d+)\n$")
  pipe:close()
  return math.tointeger(status), out
end

return M
