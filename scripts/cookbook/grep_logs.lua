-- Finds lines in many files, those in .gz among them, a file a task.
--
--   mooncrew scripts/cookbook/grep_logs.lua 'ERROR.*timeout' /var/log/app/*.log*
--
-- The pattern is one of Lua's. Lines come in the order of the files. Exit status as grep's: 0
-- found, 1 nothing found, 2 a file could not be read.

local mooncrew = require "mooncrew"

local pattern = table.remove(arg, 1)
if not pattern or not arg[1] then
  io.stderr:write("usage: grep_logs.lua PATTERN FILE…\n")
  os.exit(2)
end
-- A .gz is read through gzip.
local function open(path)
  if not path:find("%.gz$") then return io.open(path, "rb") end
  return io.popen("exec gzip -dc -- '" .. path:gsub("'", "'\\''") .. "'")
end

-- Runs in a worker: the matching lines of a file in one text, so that one message brings them.
local function grep(path)
  local file, err = open(path)
  if not file then return { error = err } end
  local found, number = {}, 0
  while true do
    local line, reason = file:read("l")
    if not line then
      err = reason and path .. ": " .. reason
      break
    end
    number = number + 1
    local fits, at = pcall(string.find, line, pattern)
    if not fits then return { error = at, is_usage = true } end -- seen where a line gets that far
    if at then found[#found + 1] = ("%s:%d:%s\n"):format(path, number, line) end
  end
  if not file:close() then err = path .. ": gzip failed" end
  return { text = table.concat(found), error = err }
end

local found, failed = false, false
do
  local pool <close> = mooncrew.Pool()
  for answer in pool:imap(grep, arg) do
    if answer.error then
      io.stderr:write("grep_logs: ", answer.error, "\n")
      failed = true
      if answer.is_usage then os.exit(2) end
    end
    if answer.text and answer.text ~= "" then
      io.stdout:write(answer.text)
      found = true
    end
  end
end
os.exit(failed and 2 or found and 0 or 1)
