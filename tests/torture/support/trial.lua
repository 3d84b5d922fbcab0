-- What the torture programs in Lua have in common: their lines, their dice, and a look at the
-- processes of the machine.

local uv = require "luv"

local trial = { full = os.getenv("MOONCREW_TORTURE") == "full", failed = false }

trial.seed = math.tointeger(tonumber(os.getenv("MOONCREW_TORTURE_SEED"))) or uv.hrtime()
math.randomseed(trial.seed)
io.stdout:setvbuf("line")

---Prints a note: a line that is no result.
---@param format string
function trial.note(format, ...) print("  " .. format:format(...)) end

---Runs body(); PASS, or FAIL with what it raised.
---@param name string
---@param body fun()
function trial.test(name, body)
  local ok, err = xpcall(body, function(err)
    if type(err) == "table" and err.kind then return tostring(err) end
    return debug.traceback(tostring(err), 2)
  end)
  if ok then
    print("PASS " .. name)
  else
    trial.failed = true
    print(("FAIL %s: %s (seed %d)"):format(name, err:gsub("\n", " | "), trial.seed))
  end
end

---Raises when the condition is not met. The format knows %s and %d, of anything.
---@param condition any
---@param format string
function trial.expect(condition, format, ...)
  if condition then return end
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  error(format:gsub("%%d", "%%s"):format(table.unpack(words, 1, words.n)), 2)
end

---Ends the program.
function trial.finish() os.exit(not trial.failed, true) end

---Children of a process that are not waited for yet, ended ones included.
---@param pid integer
---@return integer[]
function trial.children(pid)
  local file = io.open(("/proc/%d/task/%d/children"):format(pid, pid))
  local text = file and file:read("a") or ""
  if file then file:close() end
  local pids = {}
  for child in text:gmatch("%d+") do pids[#pids + 1] = math.tointeger(tonumber(child)) end
  return pids
end

---Whether there is such a process. A zombie, which its new parent has not waited for yet, is none.
---@param pid integer
function trial.is_running(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  local stat = file and file:read("a") or ""
  if file then file:close() end
  local state = stat:match("^.*%) (%a)")
  return state ~= nil and state ~= "Z" and state ~= "X"
end

---Pids of the processes that have this in their environment. A zombie has none any more.
---@param name string
---@param value string
---@return integer[]
function trial.marked(name, value)
  local found, mark = {}, ("\0%s=%s\0"):format(name, value)
  for entry in uv.fs_scandir_next, assert(uv.fs_scandir("/proc")) do
    local file = entry:match("^%d+$") and io.open("/proc/" .. entry .. "/environ")
    local text = file and file:read("a")
    if file then file:close() end
    if text and ("\0" .. text):find(mark, 1, true) then
      found[#found + 1] = math.tointeger(tonumber(entry))
    end
  end
  return found
end

---Waits until no process is marked so.
---@param limit number seconds
---@return number? seconds how long it took; nil: some are left
---@return integer[]? left
function trial.until_gone(name, value, limit)
  local begin = uv.hrtime()
  while true do
    local left, now = trial.marked(name, value), (uv.hrtime() - begin) / 1e9
    if #left == 0 then return now end
    if now > limit then return nil, left end
    uv.sleep(5)
  end
end

return trial
