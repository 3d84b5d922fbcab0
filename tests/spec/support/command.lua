-- Runs task scripts as commands, with the binary under test, and cleans up after each test.
--
--   local command = dofile "tests/spec/support/command.lua"
--   after_each(command.clean_up)
--
-- Every folder and process that a test makes through this module is gone after `clean_up`.

local uv = require "luv"

local command = {}

local folders, children = {}, {}

-- The repository's root: this file is three folders below it.
local root = uv.fs_realpath((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "../../..")
command.root = root
package.path = root .. "/scripts/?.lua;" .. package.path

---The binary under test.
function command.binary()
  return os.getenv("MOONCREW") or uv.exepath()
end

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

---A new empty folder, removed by clean_up.
function command.folder()
  local path = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/mooncrew-spec-XXXXXX"))
  folders[#folders + 1] = path
  return path
end

function command.write_file(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

---The bytes of a file, or nil when it can't be read.
function command.read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local bytes = file:read("a")
  file:close()
  return bytes
end

---The names in a folder, sorted.
function command.names(path)
  local names = {}
  local listing = assert(uv.fs_scandir(path))
  for name in uv.fs_scandir_next, listing do names[#names + 1] = name end
  table.sort(names)
  return names
end

function command.lines(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

local Child = {}
Child.__index = Child

---The next line of its stdout, or nil at the end.
function Child:line()
  return self.pipe:read("l")
end

---Sends a signal to it and all its descendants, as a terminal does for Ctrl-C.
function Child:signal(name)
  return uv.kill(-self.pid, name)
end

---True while a process of its group is there.
function Child:has_processes()
  local _, _, code = uv.kill(-self.pid, 0)
  return code ~= "ESRCH"
end

---Reads the rest of stdout and waits for the end.
---@return { status: integer, out: string, err: string } outcome negative status: a signal
function Child:finish()
  local out = self.pipe:read("a")
  local _, how, status = self.pipe:close()
  self.finished = true
  return {
    status = how == "signal" and -status or status,
    out = out,
    err = command.read_file(self.err) or "",
  }
end

-- Starts a script by a line of the shell: `before`, then what begins with the words of `prefix`.
local function start(before, prefix, script, ...)
  local err = command.folder() .. "/stderr"
  local words = { table.unpack(prefix) }
  words[#words + 1] = quote(command.binary())
  words[#words + 1] = quote(script:find("^/") and script or root .. "/scripts/" .. script)
  for _, word in ipairs{ ... } do words[#words + 1] = quote(word) end
  -- The shell becomes the script, so its number is the script's, and, by setsid, the group's.
  local line = "echo $$; exec 2>" .. quote(err) .. " </dev/null; " .. before .. "; exec setsid "
    .. table.concat(words, " ")
  local child = setmetatable({ pipe = assert(io.popen(line)), err = err }, Child)
  child.pid = math.tointeger(tonumber(child.pipe:read("l")))
  children[#children + 1] = child
  return child
end

---Starts a script of scripts/ in a process group of its own.
---@param script string such as "copy.lua", or any absolute path
---@param ... any its arguments
function command.start(script, ...)
  return start(":", {}, script, ...)
end

---The same with these environment variables set.
---@param environment table<string, string>
function command.start_in(environment, script, ...)
  local words = { "env" }
  for name, value in pairs(environment) do words[#words + 1] = quote(name .. "=" .. value) end
  return start(":", words, script, ...)
end

---Runs a script to its end.
---@return { status: integer, out: string, err: string }
function command.run(script, ...)
  return command.start(script, ...):finish()
end

---The same after a command of the shell, such as "ulimit -f 64".
function command.run_shell(before, script, ...)
  return start(before, {}, script, ...):finish()
end

---The same without something that root may do: "-chown".
---@param capabilities string
function command.run_without(capabilities, script, ...)
  local words = { "setpriv", "--bounding-set=" .. capabilities }
  return start(":", uv.getuid() == 0 and words or {}, script, ...):finish()
end

---The same by somebody for whom the permission bits count, root too.
function command.run_unprivileged(script, ...)
  return command.run_without("-dac_override,-dac_read_search", script, ...)
end

---A port of loopback on which nobody listens.
function command.free_port()
  local socket = uv.new_tcp()
  assert(socket:bind("127.0.0.1", 0))
  local port = math.tointeger(socket:getsockname().port)
  socket:close()
  return port
end

---Ends every process and removes every folder that this module made.
function command.clean_up()
  for _, child in ipairs(children) do
    child:signal("sigkill")
    if not child.finished then child:finish() end
  end
  for _, path in ipairs(folders) do
    os.execute("chmod -R u+rwx " .. quote(path) .. " 2>/dev/null; rm -rf " .. quote(path))
  end
  children, folders = {}, {}
end

return command
