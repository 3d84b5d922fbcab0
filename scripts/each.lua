-- mooncrew each -- COMMAND {}: runs a command for each line of stdin, several at a time.
--
--   find . -name '*.wav' | mooncrew each -- flac {}
--   find . -print0 | mooncrew each -0 --joblog log --resume -- gzip -k
--   seq 100 | mooncrew each --halt now,fail=1 -- sh -c 'ping -c 1 10.0.0.$1' sh
--
-- A line takes the place of {} in each argument, or becomes the last argument where there is no
-- {}. No shell sees it, so whatever is in it stays one argument. What a command prints is shown
-- in one piece when it has ended. A command that fails is a failed task.

local mooncrew = require "mooncrew"
local uv = require "luv"

local SIGNAL = 128 -- a command that signal N ended has the status 128 + N, as in a shell
local BLOCK = 65536

local lock = mooncrew.Lock() -- whose turn it is to print

local Failure = {
  __tostring = function(failure)
    if failure.exitcode > 128 then return ("signal %d"):format(failure.exitcode - 128) end
    return ("exit status %d"):format(failure.exitcode)
  end,
}

local function with_line(words, line)
  local replacement = line:gsub("%%", "%%%%")
  local list, found = {}, 0
  for i, word in ipairs(words) do
    local n
    list[i], n = word:gsub("{}", replacement)
    found = found + n
  end
  if found == 0 then list[#list + 1] = line end
  return list
end

-- Collects what comes through a pipe.
local function collect(pipe, pieces, ended)
  pipe:read_start(function(_, piece)
    if piece then
      pieces[#pieces + 1] = piece
    else
      pipe:close()
      ended()
    end
  end)
end

-- Runs a command to its end. The kernel ends it when this process ends.
local function run(words)
  local out, err = uv.new_pipe(), uv.new_pipe()
  local left, done, status = 3, mooncrew.Event(), nil
  local function ended()
    left = left - 1
    if left == 0 then done:set() end
  end
  local process
  process = assert(uv.spawn("setpriv", {
    args = { "--pdeathsig", "KILL", "--", table.unpack(words) },
    stdio = { nil, out, err },
  }, function(code, signal)
    status = math.tointeger(signal > 0 and SIGNAL + signal or code)
    process:close()
    ended()
  end))
  local printed, complained = {}, {}
  collect(out, printed, ended)
  collect(err, complained, ended)
  done:wait()
  return status, table.concat(printed), table.concat(complained)
end

local function show(printed, complained)
  local _ <close> = assert(lock:hold())
  io.stdout:write(printed)
  io.stdout:flush()
  io.stderr:write(complained)
end

-- The lines of a file, as soon as they are there; empty ones are passed over.
local function lines_of(file)
  return function()
    local line
    repeat line = file:read("l") until line ~= ""
    return line
  end
end

-- The same of what NUL bytes end.
local function records_of(file)
  local text, at, ended = "", 1, false
  return function()
    while true do
      local stop = text:find("\0", at, true)
      if stop then
        local record = text:sub(at, stop - 1)
        at = stop + 1
        if record ~= "" then return record end
      elseif ended then
        return nil
      else
        local block = file:read(BLOCK)
        ended = block == nil
        text, at = text:sub(at) .. (block or "\0"), 1
      end
    end
  end
end

mooncrew.main{
  name = "each",
  description = "Runs a command for each line of stdin, several at a time.",
  options = function(parser)
    parser:argument("command", "the command, behind --; {} stands for the line"):args("+")
    parser:flag("-0 --null", "the lines end with a NUL byte")
    parser:option("-a --arg-file", "a file to read instead of stdin"):argname("FILE")
  end,
  tasks = function(options)
    local file, err = io.stdin, nil
    if options.arg_file then file, err = io.open(options.arg_file, "rb") end
    if not file then return nil, err end
    return (options.null and records_of or lines_of)(file)
  end,
  task = function(line, options)
    local status, printed, complained = run(with_line(options.command, line))
    show(printed, complained)
    if status ~= 0 then error(setmetatable({ exitcode = status }, Failure), 0) end
  end,
}
