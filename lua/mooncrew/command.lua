-- What task scripts have in common as commands: options, messages, exit statuses. It is for the
-- ends of programs: unlike the rest of the module it prints, and ends the process.
--
-- Statuses: 0 all done, 1 something failed, 2 bad usage.

local argparse = require "argparse"
local halt = require "mooncrew.halt"

local command = {}

---Shows how long a job took, what it moved, and how fast: "3 files, 1.5 MiB, 0.20 s, 7.5 MB/s".
---@param bytes integer
---@param seconds number
---@return string
function command.throughput(bytes, seconds)
  local rate = seconds > 0 and bytes / seconds / 1e6 or 0
  return string.format("%.1f MB, %.2f s, %.1f MB/s", bytes / 1e6, seconds, rate)
end

---"1 file", "2 files".
---@param n integer
---@param noun string
---@param plural? string
---@return string
function command.count(n, noun, plural)
  return string.format("%d %s", n, n == 1 and noun or plural or noun .. "s")
end

---Ends the command with a message on stderr.
---@param name string the command's
---@param message string
---@param status? integer default 1
function command.fail(name, message, status)
  io.stderr:write(name, ": ", message, "\n")
  os.exit(status or 1)
end

---Prints a line. When it can't be written, on a full disk for one, the command ends.
---@param name string the command's
---@param line string
function command.print(name, line)
  local ok, err = io.stdout:write(line, "\n")
  if not ok then command.fail(name, "stdout: " .. err) end
end

---What was printed is written by now, or the command ends.
---@param name string the command's
function command.flush(name)
  local ok, err = io.stdout:flush()
  if not ok then command.fail(name, "stdout: " .. err) end
end

---A parser of options that ends a command with status 2 when they are wrong.
---@param name string
---@param description string
---@return table parser argparse's
function command.parser(name, description)
  return argparse("mooncrew " .. name, description)
end

---@param parser table
---@param arguments string[]
---@return table options
function command.parse(parser, arguments)
  local ok, result = parser:pparse(arguments)
  if not ok then
    io.stderr:write(parser:get_usage(), "\n\nError: ", tostring(result), "\n")
    os.exit(2)
  end
  return result
end

-- Converters for argparse: a value, or nil and what was expected.

---What GNU parallel's --halt takes.
---@param text string
---@return string?, string?
function command.halt(text)
  local spec, expected = halt.parse(text)
  if spec ~= nil then return text end
  return nil, string.format("expected %s, got '%s'", expected, text)
end

---A whole number of at least `min`.
---@param min integer
---@param max? integer
---@return fun(text: string): integer?, string?
function command.whole(min, max)
  return function(text)
    local n = text:match("^%d+$") and math.tointeger(tonumber(text))
    if n and n >= min and n <= (max or n) then return n end
    local range = max and string.format("from %d to %d", min, max)
      or string.format("of at least %d", min)
    return nil, string.format("expected a whole number %s, got '%s'", range, text)
  end
end

---Seconds, more than 0.
---@param text string
---@return number?, string?
function command.seconds(text)
  local n = text:match("^[%d.]+$") and tonumber(text)
  if n and n > 0 then return n end
  return nil, string.format("expected seconds, more than 0, got '%s'", text)
end

local FACTORS = { [""] = 1, K = 2 ^ 10, M = 2 ^ 20, G = 2 ^ 30 }

---A number of bytes: "1000", "64K", "10M", "2G".
---@param text string
---@return integer?, string?
function command.size(text)
  local digits, unit = text:match("^(%d+)([KMG]?)$")
  local n = digits and math.tointeger(tonumber(digits) * FACTORS[unit])
  if n and n > 0 then return n end
  return nil, string.format("expected a size such as 500K or 10M, got '%s'", text)
end

return command
