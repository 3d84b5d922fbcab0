--- Runs the binary under test, and the system's lua5.4, as child processes.
---
--- Both get the same argv[0], so whatever they say can be compared byte for byte.

---@class standalone.Outcome
---@field out string       all of stdout
---@field err string       all of stderr
---@field status integer   exit status; 128 + N after signal N, as a shell reports it

---@class standalone.Options
---@field stdin? string            what comes in; nothing when absent
---@field env? table<string, string>
---@field limit? string            shell words before the command, `ulimit -n 10`, say

local M = {}

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"

local LUA = "/usr/bin/lua5.4"
local CLEARED = {
  "LUA_INIT", "LUA_INIT_5_4", "LUA_PATH", "LUA_PATH_5_4", "LUA_CPATH", "LUA_CPATH_5_4",
  "MOONCREW_SCRIPTS", "INPUTRC", "TERM",
}

---@param text any
---@return string  one word of the shell
function M.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

---@param command string
---@return string  its stdout, without the last newline
local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("\n$", ""))
end

--- The binary under test: $MOONCREW, or the one that runs this spec.
M.binary = output_of("realpath " .. M.quote(os.getenv("MOONCREW") or arg[-1] or arg[0]))

--- Code for a script, a function: it waits until the process of that number sleeps.
M.await_sleep = ("dofile(%q)"):format(output_of("realpath " .. M.quote(here .. "await_sleep.lua")))

--- A folder for this spec's files. Removed with M.remove_folder.
M.folder = output_of("mktemp -d")

function M.remove_folder()
  os.execute("rm -rf " .. M.quote(M.folder))
end

---@param name string
---@return string
function M.path(name)
  return M.folder .. "/" .. name
end

---@param name string
---@return string
function M.read(name)
  local file <close> = assert(io.open(M.path(name), "rb"))
  return file:read("a")
end

---@param name string
---@param text string
---@return string path
function M.write(name, text)
  local file <close> = assert(io.open(M.path(name), "wb"))
  assert(file:write(text))
  return M.path(name)
end

--- The shell's text for a command with arguments, in this spec's folder.
---@param binary string
---@param args string[]
---@param options? standalone.Options
---@return string
function M.command(binary, args, options)
  options = options or {}
  local words = { "cd", M.quote(M.folder), "&&", "unset", table.concat(CLEARED, " "), "&&" }
  for name, value in pairs(options.env or {}) do
    table.insert(words, ("export %s=%s &&"):format(name, M.quote(value)))
  end
  if options.limit then
    table.insert(words, options.limit .. " &&")
  end
  table.insert(words, "exec -a lua " .. M.quote(binary))
  for _, word in ipairs(args) do
    table.insert(words, M.quote(word))
  end
  return "bash -c " .. M.quote(table.concat(words, " "))
end

---@param binary string
---@param args string[]
---@param options? standalone.Options
---@return standalone.Outcome
function M.run_binary(binary, args, options)
  M.write("stdin", options and options.stdin or "")
  local command = M.command(binary, args, options)
  local _, how, status = os.execute(("%s <%s >%s 2>%s"):format(command,
    M.quote(M.path("stdin")), M.quote(M.path("stdout")), M.quote(M.path("stderr"))))
  if how == "signal" then
    status = 128 + status
  end
  return { out = M.read("stdout"), err = M.read("stderr"), status = status }
end

---@param args string[]
---@param options? standalone.Options
---@return standalone.Outcome
function M.run(args, options)
  return M.run_binary(M.binary, args, options)
end

--- Runs both, and demands that ours does as lua does, messages included.
---@param args string[]
---@param options? standalone.Options
---@return standalone.Outcome
function M.same(args, options)
  local theirs = M.run_binary(LUA, args, options)
  local ours = M.run(args, options)
  assert(theirs.out == ours.out,
    ("stdout of lua: %q\nand of mooncrew: %q"):format(theirs.out, ours.out))
  assert(theirs.err == ours.err,
    ("stderr of lua: %q\nand of mooncrew: %q"):format(theirs.err, ours.err))
  assert(theirs.status == ours.status,
    ("status of lua: %d, of mooncrew: %d"):format(theirs.status, ours.status))
  return ours
end

--- Runs it in a terminal and types. What the screen got comes back, newlines as "\n".
---@param binary string
---@param args string[]
---@param steps string[]  texts to wait for and keys to type, by turns; see terminal.py
---@return string screen
---@return integer status
function M.type_into(binary, args, steps)
  local inner = M.command(binary, args, { env = { INPUTRC = "/dev/null", TERM = "dumb" } })
  local words = { "python3", M.quote(here .. "terminal.py"), M.quote("exec " .. inner) }
  for _, step in ipairs(steps) do
    table.insert(words, M.quote(step))
  end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local screen = pipe:read("a"):gsub("\r\n", "\n")
  local _, how, status = pipe:close()
  return screen, how == "signal" and 128 + status or status
end

--- What the environment needs for lua5.4 to load a module of the build under test: the run-time
--- of AddressSanitizer comes first in a process, or not at all.
---@param cpath string
---@return table<string, string>
function M.stock(cpath)
  for line in io.lines("/proc/self/maps") do
    local asan = line:match("/%S*/libasan%.so%S*")
    if asan then return { LUA_CPATH = cpath, LD_PRELOAD = asan } end
  end
  return { LUA_CPATH = cpath }
end

M.lua = LUA
return M
