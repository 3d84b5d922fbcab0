-- A bar that shows how far a long job is.
--
--   copy  [#########-----------]  1234/2741  45%  812/s  0:02 left      (a terminal: redrawn)
--   copy  1234/2741  45%  812/s  0:02 left                              (else: a line now and then)
--
-- `step` is cheap: it adds, looks at the clock, and draws only when the last drawing is old. The
-- stream, the clock and whether it is a terminal can be given, so all of it can be tested.

local uv = require "luv"

local BAR_WIDTH = 20
local TERMINAL_INTERVAL = 0.1 -- seconds between two drawings
local LINE_INTERVAL = 10

---@class mooncrew.progress.options
---@field label? string what is going on; stands in front
---@field stream? file* where to draw; default: stderr
---@field terminal? boolean whether it is a terminal; default: found out for stderr, else false
---@field unit? "bytes" counts are shown as sizes
---@field interval? number seconds between two drawings; default: 0.1 on a terminal, else 10
---@field clock? fun(): number seconds, monotonic

---@class mooncrew.Progress
---@field count number steps done
---@field total number? steps in all, nil while unknown; may be set later
---@field label string?
local Progress = {}
Progress.__index = Progress
Progress.__name = "mooncrew.Progress"

local function now()
  return uv.hrtime() / 1e9
end

local function describe(value)
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if type(value) == "string" then return string.format("%q", value) end
  return type(value)
end

-- Raises the error of a wrong argument. `level` counts from here to the user's code.
local function wrong(func, what, expected, value, level)
  local text = string.format("%s: %s: expected %s, got %s", func, what, expected, describe(value))
  error(text, level)
end

local function check_option(options, name, expected)
  local value = options[name]
  if value ~= nil and type(value) ~= expected then
    wrong("progress", "option " .. name, "a " .. expected, value, 4)
  end
end

local function check_count(func, what, value)
  if type(value) ~= "number" or value < 0 or value ~= value then
    wrong(func, what, "a number of at least 0", value, 4)
  end
end

---"1.5 MiB", with a unit that keeps the number below 1024.
---@param bytes number
---@return string
local function format_size(bytes)
  local units = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" }
  local i = 1
  while bytes >= 1024 and i < #units do
    bytes = bytes / 1024
    i = i + 1
  end
  return i == 1 and string.format("%d B", bytes // 1) or string.format("%.1f %s", bytes, units[i])
end

---"0:07", "12:34", "3:00:00".
---@param seconds number
---@return string
local function format_time(seconds)
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then
    return string.format("%d:%02d:%02d", s // 3600, s // 60 % 60, s % 60)
  end
  return string.format("%d:%02d", s // 60, s % 60)
end

local function format_count(self, n)
  if self.unit == "bytes" then return format_size(n) end
  return math.type(n) == "integer" and tostring(n) or string.format("%.14g", n)
end

local function format_rate(self, rate)
  if self.unit == "bytes" then return format_size(rate) .. "/s" end
  return string.format(rate < 10 and "%.1f/s" or "%.0f/s", rate)
end

-- The text of the bar, without line ends.
local function render(self, time)
  local elapsed = time - self.started
  local parts = {}
  if self.label then parts[#parts + 1] = self.label end
  if self.total then
    local part = self.total > 0 and math.min(self.count / self.total, 1) or 1
    if self.terminal then
      local filled = math.floor(part * BAR_WIDTH)
      parts[#parts + 1] =
        "[" .. string.rep("#", filled) .. string.rep("-", BAR_WIDTH - filled) .. "]"
    end
    parts[#parts + 1] = format_count(self, self.count) .. "/" .. format_count(self, self.total)
    parts[#parts + 1] = string.format("%d%%", math.floor(part * 100))
  else
    parts[#parts + 1] = format_count(self, self.count)
  end
  local rate = elapsed > 0 and self.count / elapsed or nil
  if rate and self.count > 0 then parts[#parts + 1] = format_rate(self, rate) end
  if self.closed or not self.total or self.count >= self.total then
    parts[#parts + 1] = format_time(elapsed)
  elseif rate and self.count > 0 then
    parts[#parts + 1] = format_time((self.total - self.count) / rate) .. " left"
  end
  return table.concat(parts, "  ")
end

local function draw(self, time)
  self.drawn = time
  local text = render(self, time)
  if self.terminal then
    -- To the start of the line, the text, and clear what an older, longer one left behind.
    self.stream:write("\r", text, "\27[K", self.closed and "\n" or "")
  else
    self.stream:write(text, "\n")
  end
  self.stream:flush()
end

---Counts steps that are done, and draws when it is time to.
---@param n? number how many; default 1
function Progress:step(n)
  if n == nil then n = 1 end
  if getmetatable(self) ~= Progress then
    wrong("step", "self", "a progress bar (is it bar:step()?)", self, 3)
  end
  if self.closed then error("step: the progress bar is closed", 2) end
  check_count("step", "n", n)
  self.count = self.count + n
  local time = self.clock()
  if time - self.drawn >= self.interval then draw(self, time) end
end

---Draws the final state and ends the line. Closing again does nothing.
function Progress:close()
  if self.closed then return end
  self.closed = true
  draw(self, self.clock())
end

Progress.__close = Progress.close

function Progress:__tostring()
  return "mooncrew.Progress: " .. render(self, self.clock())
end

---Makes a progress bar. Nothing is drawn before the first interval is over, so short jobs show
---only their final line.
---@param total? number steps in all; nil: unknown
---@param options? mooncrew.progress.options
---@return mooncrew.Progress
local function new(total, options)
  if total ~= nil then check_count("progress", "total", total) end
  if options ~= nil and type(options) ~= "table" then
    wrong("progress", "options", "a table", options, 3)
  end
  options = options or {}
  check_option(options, "label", "string")
  check_option(options, "terminal", "boolean")
  check_option(options, "interval", "number")
  check_option(options, "clock", "function")
  if options.unit ~= nil and options.unit ~= "bytes" then
    wrong("progress", "option unit", '"bytes" or nil', options.unit, 3)
  end

  local terminal = options.terminal
  if terminal == nil then
    terminal = options.stream == nil and uv.guess_handle(2) == "tty"
  end
  local clock = options.clock or now
  local time = clock()
  return setmetatable({
    count = 0,
    total = total,
    label = options.label,
    unit = options.unit,
    stream = options.stream or io.stderr,
    terminal = terminal,
    interval = options.interval or (terminal and TERMINAL_INTERVAL or LINE_INTERVAL),
    clock = clock,
    started = time,
    drawn = time,
    closed = false,
  }, Progress)
end

---@class mooncrew.progress
---@overload fun(total?: number, options?: mooncrew.progress.options): mooncrew.Progress
local progress = {
  new = new,
  format_size = format_size,
  format_time = format_time,
}

return setmetatable(progress, {
  __call = function(_, total, options)
    return new(total, options) -- a tail call: errors point at the caller
  end,
})
