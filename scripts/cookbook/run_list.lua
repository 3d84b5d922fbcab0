-- Runs the lines of a file as shell commands, several at a time.
--
--   mooncrew scripts/cookbook/run_list.lua jobs.sh -j 4 --joblog jobs.log --resume-failed
--
-- What a command prints is shown in one piece when it has ended. `mooncrew each` is for one command
-- with many arguments, and has no shell.

local mooncrew = require "mooncrew"

-- An error with `exitcode` is that number in the joblog.
local Failure = { __tostring = function(failure) return failure.text end }

local function fail(text, exitcode)
  error(setmetatable({ text = text, exitcode = exitcode }, Failure), 0)
end

-- The lines that are commands.
local function commands(options)
  local file, err = io.open(options.list)
  if not file then return nil, err end
  local _, reason = file:read(0)
  if reason then return nil, options.list .. ": " .. reason end -- a folder, say
  return function()
    for line in file:lines() do
      if line:find("%S") and not line:find("^%s*#") then return line end
    end
  end
end

-- When the worker is ended, by --timeout say, the kernel tells `timeout`, which has no time-out of
-- its own here (0) but ends all that the line has started.
local RUN = "exec setpriv --pdeathsig TERM -- timeout --kill-after 5 0 sh -c "

-- Runs in a worker.
local function run(line)
  local quoted = "'" .. line:gsub("'", "'\\''") .. "'"
  local pipe = assert(io.popen(RUN .. quoted .. " 2>&1"))
  local printed = pipe:read("a")
  local ok, how, status = pipe:close()
  if ok then return printed end
  local reason = how == "exit" and "exit status " .. status or "signal " .. status
  fail(printed == "" and reason or reason .. "\n" .. printed:gsub("\n$", ""),
    how == "exit" and status or 128 + status)
end

mooncrew.main{
  name = "run_list",
  description = "Runs the lines of a file as shell commands, several at a time.",
  options = function(parser) parser:argument("list", "a file with a command in each line") end,
  tasks = commands,
  task = run,
  result = function(printed) io.stdout:write(printed) end,
}
