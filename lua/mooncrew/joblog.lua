-- The file of a pool's `joblog`: a line for each task that has finished, in the style of GNU
-- parallel's --joblog, so that a run that was cut off can go on where it was.
--
--   Seq  Starttime       JobRuntime  Exitval  Signal  Task          (a tab between two fields)
--   1    1764480000.123  0.250       0        0       photos/1.jpg
--
-- A line is one write to a file that is open for appending, so lines of several processes stay
-- whole, and a run that is killed leaves whole lines. A last line without an end is dropped.
-- The file is claimed as long as any process of the run lives (runtime/crew/claim.h): who opens
-- it afterwards reads all that the run before will ever write.

local uv = require "luv"
local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"

local HEADER = "Seq\tStarttime\tJobRuntime\tExitval\tSignal\tTask"
local LINE = "^(%d+)\t%d+%.%d+\t%d+%.%d+\t(%d+)\t%d+\t([^\t]*)$"
local BLOCK = 65536
local READ_WRITE_ALL = tonumber("666", 8)
local PATIENCE, NAP = 3, 0.01 -- seconds: for the processes of a killed run to be gone

local joblog = {}

---@class mooncrew.Joblog
---@field path string
---@field fd integer
---@field finished table<string, integer> by task: how it ended at last, of runs before
---@field package position integer where this run has not read yet

local function fail(path, message)
  error(setmetatable({
    kind = "Joblog",
    message = ("joblog: %s: %s"):format(path, message),
    path = path,
  }, mooncrew.Error), 0)
end

-- What the system says, without luv's code and path: "ENOENT: no such file or directory: x".
local function reason(err)
  return (tostring(err):gsub("^[A-Z0-9]+: ([^:]*).*$", "%1"))
end

local ESCAPES = { ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r", ["\\"] = "\\\\" }

---A task's name as it stands in the file: one field, whatever bytes the name has.
---@param name string
---@return string
function joblog.escape(name)
  return (name:gsub("[%c\\\127]", function(c)
    return ESCAPES[c] or ("\\x%02x"):format(c:byte())
  end))
end

---Adds a line. Any process that has the file open may.
---@param fd integer
---@param seq integer
---@param start number seconds since 1970
---@param runtime number seconds
---@param exitval integer
---@param signal integer
---@param task string escaped
---@return true? written
---@return string? err
function joblog.append(fd, seq, start, runtime, exitval, signal, task)
  local line = ("%d\t%.3f\t%.3f\t%d\t%d\t%s\n"):format(seq, start, runtime, exitval, signal, task)
  local written, err = uv.fs_write(fd, line, -1)
  if written == #line then return true end
  return nil, "joblog: cannot write: " .. (written and "no room for a whole line" or reason(err))
end

---Calls visit(line) for each whole line from `position` on.
---@return integer position the end of the last whole line
local function each_line(self, position, visit)
  local rest, at = "", position
  while true do
    local block, err = uv.fs_read(self.fd, BLOCK, at)
    if not block then fail(self.path, reason(err)) end
    if block == "" then return at - #rest, rest end
    at = at + #block
    local from, text = 1, rest .. block
    for line, next_line in text:gmatch("([^\n]*)\n()") do
      visit(line)
      from = next_line
    end
    rest = text:sub(from)
  end
end

---What has been written since the last call.
---@param visit fun(seq: integer, exitval: integer, task: string)
function joblog.read_on(self, visit)
  self.position = each_line(self, self.position, function(line)
    local seq, exitval, task = line:match(LINE)
    if seq then visit(math.tointeger(seq), math.tointeger(exitval), task) end
  end)
end

-- Reads what earlier runs wrote, and drops a line that was cut off. An empty file is a new one.
local function read_all(self)
  local number = 0
  local position, rest = each_line(self, 0, function(line)
    number = number + 1
    if number == 1 then
      if line ~= HEADER then fail(self.path, "this file is no joblog") end
      return
    end
    local _, exitval, task = line:match(LINE)
    if not task then fail(self.path, ("line %d is not one of a joblog"):format(number)) end
    self.finished[task] = math.tointeger(exitval)
  end)
  if number == 0 and HEADER:sub(1, #rest) ~= rest then fail(self.path, "this file is no joblog") end
  self.position = position
end

local function claim(self)
  local deadline = parts.now() + PATIENCE
  while true do
    local got, err = parts.claim(self.fd)
    if got then return end
    if err then fail(self.path, err) end
    if parts.now() >= deadline then fail(self.path, "another run is using it") end
    mooncrew.sleep(NAP)
  end
end

local function prepare(self, resume)
  local status = uv.fs_fstat(self.fd)
  if not status or status.type ~= "file" then fail(self.path, "not a regular file") end
  claim(self)
  read_all(self) -- without `resume` too: a file that is no joblog is not overwritten
  if not resume then self.finished, self.position = {}, 0 end
  local ok, err = uv.fs_ftruncate(self.fd, self.position)
  if not ok then fail(self.path, reason(err)) end
  if self.position == 0 then
    local written
    written, err = uv.fs_write(self.fd, HEADER .. "\n", -1)
    if written ~= #HEADER + 1 then fail(self.path, reason(err or "no room")) end
    self.position = written
  end
end

---Opens a joblog. Raises an error of kind "Joblog" when that can't be.
---@param path string
---@param resume boolean go on with what is there; else it starts anew
---@return mooncrew.Joblog
function joblog.open(path, resume)
  local fd, err = uv.fs_open(path, "a+", READ_WRITE_ALL)
  if not fd then fail(path, reason(err)) end
  local self = { path = path, fd = fd, finished = {}, position = 0 }
  local ok
  ok, err = pcall(prepare, self, resume)
  if not ok then
    joblog.close(self)
    error(err, 0)
  end
  return self
end

---What is in a joblog, without changing or claiming it. A file that is not there is empty.
---@param path string
---@return table<string, integer> finished as of a Joblog
function joblog.look(path)
  local fd, err, code = uv.fs_open(path, "r", 0)
  if not fd then
    if code == "ENOENT" then return {} end
    fail(path, reason(err))
  end
  local self = { path = path, fd = fd, finished = {} }
  local ok
  ok, err = pcall(read_all, self)
  uv.fs_close(fd)
  if not ok then error(err, 0) end
  return self.finished
end

---Gives the file up, once no worker writes to it any more.
function joblog.close(self)
  if not self.fd then return end
  parts.unclaim(self.fd) -- children that know nothing of it may have it open
  uv.fs_close(self.fd)
  self.fd = nil
end

return joblog
