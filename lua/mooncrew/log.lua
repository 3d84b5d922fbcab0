-- Log lines on stderr, each written in one piece, so that lines of several processes never mix.
--
--   2026-11-29T22:58:04.123Z INFO  worker-1[4711] copied 3 files  from=/a to=/b        (text)
--   2026-11-29T22:58:04.125Z INFO  worker-1/Task-2[4711] said by a coroutine task
--   {"time":"…","level":"info","process":"worker-1","pid":4711,"message":"…","from":"/a"}   (json)
--
-- `log.level` and `log.format` are settings of this process; children inherit them.

local uv = require "luv"

local LEVELS = { debug = 1, info = 2, warn = 3, error = 4, off = 5 }
local MAX_DEPTH = 8 -- of nested tables in the fields of a JSON line

---@class mooncrew.log
---@field level "debug"|"info"|"warn"|"error"|"off" what is less than that isn't written
---@field format "text"|"json"
---@field stream file* where lines go; default: stderr
---@field slow_task number a coroutine task that keeps its process from all else for so many seconds
---  is named, as a warning; default 1, math.huge for never
local log = {}

local settings = { level = "info", format = "text", stream = io.stderr, slow_task = 1 }

-- The name of the coroutine task that writes, if it is one.
local function task_name()
  local mooncrew = package.loaded.mooncrew
  local task = type(mooncrew) == "table" and mooncrew.current_task and mooncrew.current_task()
  return task and task:get_name()
end

local function timestamp()
  local seconds, micros = uv.gettimeofday()
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. string.format(".%03dZ", micros // 1000)
end

local function pid()
  return math.tointeger(uv.os_getpid()) -- luv gives a float
end

-- The name of this process as mooncrew knows it. In a stock lua5.4 that never loaded mooncrew
-- there is none.
local function process_name()
  local mooncrew = package.loaded.mooncrew
  if type(mooncrew) == "table" and mooncrew.current_process then
    return mooncrew.current_process().name
  end
  return "main"
end

local ESCAPES = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape_byte(c)
  return ESCAPES[c] or string.format("\\u%04x", c:byte())
end

-- A copy in which every byte that is not part of valid UTF-8 is what `instead` makes of it.
local function valid_utf8(text, instead)
  local _, bad = utf8.len(text)
  if not bad then return text end
  local parts, from = {}, 1
  while bad do
    parts[#parts + 1] = text:sub(from, bad - 1)
    parts[#parts + 1] = instead(text:byte(bad))
    from = bad + 1
    _, bad = utf8.len(text, from)
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

local function escape_character(c)
  return string.format("\\u%04x", utf8.codepoint(c))
end

-- Characters beyond ASCII that a terminal obeys, or that end a line or turn its direction.
local function escape_controls(text)
  if not text:find("[\xC2\xE2]") then return text end
  return (text:gsub("\xC2[\x80-\x9F]", escape_character)
    :gsub("\xE2\x80[\xA8-\xAE]", escape_character):gsub("\xE2\x81[\xA6-\xA9]", escape_character))
end

local function replacement() return "\u{FFFD}" end -- JSON must be UTF-8

local function json_string(text)
  text = valid_utf8(text, replacement):gsub('[%c"\\\127]', escape_byte)
  return '"' .. escape_controls(text) .. '"'
end

local function json_number(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  return math.type(n) == "integer" and tostring(n) or string.format("%.17g", n)
end

local sorted_keys

local function json_value(value, depth)
  local kind = type(value)
  if kind == "number" then return json_number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "nil" then return "null" end
  local meta = kind == "table" and getmetatable(value)
  if kind ~= "table" or depth >= MAX_DEPTH or (meta and meta.__tostring) then
    return json_string(tostring(value))
  end
  local parts = {}
  if #value > 0 then
    for i = 1, #value do parts[i] = json_value(value[i], depth + 1) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for i, key in ipairs(sorted_keys(value)) do
    parts[i] = json_string(tostring(key)) .. ":" .. json_value(value[key], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Sorted, so that the same fields always give the same line.
function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function json_line(level, message, fields)
  local parts = {
    '"time":' .. json_string(timestamp()),
    '"level":' .. json_string(level),
    '"process":' .. json_string(process_name()),
    '"pid":' .. pid(),
  }
  local task = task_name()
  if task then parts[#parts + 1] = '"task":' .. json_string(task) end
  parts[#parts + 1] = '"message":' .. json_string(message)
  local taken = { time = true, level = true, process = true, pid = true, message = true }
  taken.task = task ~= nil
  for _, key in ipairs(sorted_keys(fields or {})) do
    local name = tostring(key)
    if taken[name] then name = "_" .. name end
    parts[#parts + 1] = json_string(name) .. ":" .. json_value(fields[key], 1)
  end
  return "{" .. table.concat(parts, ",") .. "}\n"
end

local function hexadecimal(byte) return string.format("\\x%02x", byte) end

-- A message can't forge a line of its own: following lines are indented, other control
-- characters, and bytes that are no UTF-8, shown as escapes.
local function text_safe(text)
  text = escape_controls(valid_utf8(text, hexadecimal))
  text = text:gsub("[%c\127]", function(c)
    if c == "\n" or c == "\t" then return nil end
    return hexadecimal(c:byte())
  end)
  return (text:gsub("\n", "\n    "))
end

-- A field's name or value: quoted where it could be taken for more than one.
local function text_field(value)
  value = tostring(value)
  if value:find('[%s"=%c]') or value == "" then return json_string(value) end
  return text_safe(value)
end

local function text_line(level, message, fields)
  local task = task_name()
  local who = text_safe(process_name()) .. (task and "/" .. text_safe(task) or "")
  local parts = {
    string.format("%s %-5s %s[%d] %s", timestamp(), level:upper(), who, pid(), text_safe(message)),
  }
  for _, key in ipairs(sorted_keys(fields or {})) do
    parts[#parts + 1] = text_field(key) .. "=" .. text_field(fields[key])
  end
  return table.concat(parts, "  ") .. "\n"
end

-- Splits what follows the message into values for string.format and fields.
local function compose(name, message, ...)
  local n = select("#", ...)
  local fields = n > 0 and select(n, ...) or nil
  local meta = type(fields) == "table" and getmetatable(fields)
  if type(fields) == "table" and not (meta and meta.__tostring) then
    n = n - 1
  else
    fields = nil
  end
  if type(message) ~= "string" or n == 0 then return tostring(message), fields end
  local ok, text = pcall(string.format, message, table.unpack({ ... }, 1, n))
  if not ok then
    error(string.format("log.%s: the values do not fit the format %q: %s", name, message, text), 4)
  end
  return text, fields
end

-- Others may write to the same place. In a stock lua5.4 that never loaded mooncrew there is nobody
-- else of ours, and nothing to keep pieces together.
local function put(name, line)
  local stream = settings.stream
  local parts = package.loaded["mooncrew.parts"]
  local kind = io.type(stream)
  if kind == "closed file" then
    error(string.format("log.%s: log.stream: an open file expected, got a closed one", name), 4)
  elseif kind and parts then
    parts.write_line(stream, line)
  else
    stream:write(line)
    if stream.flush then stream:flush() end
  end
end

local function write(level, message, ...)
  if LEVELS[level] < LEVELS[settings.level] then return end
  local text, fields = compose(level, message, ...)
  local line = settings.format == "json" and json_line or text_line
  put(level, line(level, text, fields))
end

---Writes a line of level debug.
---@param message any a text, a format for the values that follow, or any value
---@param ... any values for the format; a table at the end: fields of the line
function log.debug(message, ...) write("debug", message, ...) end

---Writes a line of level info.
---@param message any as for log.debug
---@param ... any
function log.info(message, ...) write("info", message, ...) end

---Writes a line of level warn.
---@param message any as for log.debug
---@param ... any
function log.warn(message, ...) write("warn", message, ...) end

---Writes a line of level error.
---@param message any as for log.debug
---@param ... any
function log.error(message, ...) write("error", message, ...) end

local function is_level(value) return LEVELS[value] ~= nil end
local function is_format(value) return value == "text" or value == "json" end
local function is_stream(value)
  return io.type(value) == "file" or (type(value) == "table" and value.write ~= nil)
end

local function is_duration(value) return type(value) == "number" and value > 0 end

local CHECKS = {
  level = { is_level, '"debug", "info", "warn", "error" or "off"' },
  format = { is_format, '"text" or "json"' },
  stream = { is_stream, "an open file" },
  slow_task = { is_duration, "seconds, more than 0" },
}

-- Called by runtime/bind/task_name.c.
local function slow_task(name, place, seconds)
  if seconds < settings.slow_task then return end
  log.warn("task %s kept the others waiting for %.2f s", name, seconds, { at = place })
end

return setmetatable(log, {
  __index = settings,
  slow_task = slow_task,
  __newindex = function(_, key, value)
    local check = CHECKS[key]
    if not check then
      error(string.format("log: no setting is named %s", tostring(key)), 2)
    end
    if value == nil or not check[1](value) then
      local got = type(value) == "string" and string.format("%q", value)
        or type(value) == "number" and tostring(value) or type(value)
      error(string.format("log.%s: expected %s, got %s", key, check[2], got), 2)
    end
    settings[key] = value
  end,
})
