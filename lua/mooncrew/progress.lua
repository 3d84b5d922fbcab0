-- A bar that shows how far a long job is.
--
--   copy  [#########-----------]  1234/2741  45%  812/s  0:02 left      (a terminal: redrawn)
--   copy  1234/2741  45%  812/s  0:02 left                              (else: a line now and then)
--
-- On a narrow terminal parts are spared, so that it stays one line. Several bars, of several
-- processes too, stay one below the other, and lines that are written go by above them: see
-- runtime/os/screen.h.
--
-- `step` is cheap: it adds, looks at the clock, and draws only when the last drawing is old. The
-- stream, the clock and whether it is a terminal can be given, so all of it can be tested.

require "mooncrew"
local columns = require "mooncrew.columns"
local parts = require "mooncrew.parts"
local uv = require "luv"

local BAR_WIDTH = 20
local SHORTEST_BAR = 5
local LEAST_TEXT = 8 -- columns of a label or a note, however narrow the terminal
local DONE, REST, PLAIN = "\27[32m", "\27[2m", "\27[0m" -- green, dim
local TERMINAL_INTERVAL = 0.1 -- seconds between two drawings
local LINE_INTERVAL = 10
local LONGEST = 1e9 -- seconds, some thirty years; what takes longer has no time that is of use

---@class mooncrew.progress.options
---@field label? string what is going on; stands in front
---@field stream? file* where to draw; default: stderr
---@field terminal? boolean whether it is a terminal; default: found out for stderr, else false; one
---  with TERM=dumb is none
---@field color? boolean default: when stderr is a terminal, unless NO_COLOR is set
---@field keep? boolean the final state stays as a line (true), or nothing when it is closed
---@field unit? "bytes" counts are shown as sizes
---@field interval? number seconds between two drawings; default: 0.1 on a terminal, else 10
---@field width? integer columns of the terminal; default: asked of it for stderr, else no limit
---@field clock? fun(): number seconds, monotonic

---@class mooncrew.Progress
---@field count number steps done
---@field total number? steps in all, nil while unknown; may be set later
---@field label string?
---@field note string? a few words more, at the end; may be set at any time
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

local function check_count(func, what, value, level)
  if type(value) ~= "number" or value < 0 or value ~= value then
    wrong(func, what, "a number of at least 0", value, (level or 3) + 1)
  end
end

local TYPES = {
  label = "string", terminal = "boolean", color = "boolean", keep = "boolean", clock = "function",
}

local function check_option(name, value)
  if TYPES[name] and type(value) ~= TYPES[name] then
    wrong("progress", "option " .. name, "a " .. TYPES[name], value, 5)
  elseif name == "interval" or name == "width" then
    check_count("progress", "option " .. name, value, 5)
  elseif name == "unit" and value ~= "bytes" then
    wrong("progress", "option unit", '"bytes" or nil', value, 5)
  elseif name == "stream" and not (io.type(value) == "file"
      or type(value) == "table" and value.write and value.flush) then
    wrong("progress", "option stream", "an open file", value, 5)
  end
end

local KNOWN = {
  label = true, stream = true, terminal = true, color = true, keep = true, unit = true,
  interval = true, width = true, clock = true,
}

local function check_options(options)
  if type(options) ~= "table" then wrong("progress", "options", "a table", options, 4) end
  for name in pairs(options) do
    if not KNOWN[name] then
      error(string.format("progress: unknown option '%s'", tostring(name)), 3)
    end
  end
  for name in pairs(KNOWN) do
    if options[name] ~= nil then check_option(name, options[name]) end
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

---"0:07", "12:34", "3:00:00"; "?" for what is no time.
---@param seconds number
---@return string
local function format_time(seconds)
  if seconds ~= seconds or seconds >= LONGEST then return "?" end
  local s = math.floor(math.max(seconds, 0) + 0.5)
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

-- The bar, of so many columns.
local function bar_of(self, part, width)
  local filled = math.floor(part * width)
  local done, rest = string.rep("#", filled), string.rep("-", width - filled)
  if self.color then
    done = filled > 0 and DONE .. done .. PLAIN or ""
    rest = rest ~= "" and REST .. rest .. PLAIN or ""
  end
  return done .. rest
end

-- A label or a note: one line, and not all of it where it would leave no room for the rest.
local function shown_text(text, width)
  if not text or text == "" then return nil end
  text = columns.clean(tostring(text))
  local room = math.max(width // 3, LEAST_TEXT)
  if columns.width(text) <= room then return text end
  return columns.cut(text, room - 3) .. "..."
end

-- What there is to say, by name: see ORDER.
local function describe_state(self, time, width)
  check_count("progress", "bar.count", self.count, -1)
  if self.total ~= nil then check_count("progress", "bar.total", self.total, -1) end
  local elapsed = time - self.started
  local state = {
    label = shown_text(self.label, width), count = format_count(self, self.count),
    note = shown_text(self.note, width),
  }
  if self.total then
    local part = self.count < self.total and self.count / self.total or 1
    state.part = part
    state.count = state.count .. "/" .. format_count(self, self.total)
    state.share = string.format("%d%%", math.floor(part * 100))
  end
  local rate = elapsed > 0 and self.count / elapsed or nil
  if rate and self.count > 0 then state.rate = format_rate(self, rate) end
  if self.closed or not self.total or self.count >= self.total then
    state.time = format_time(elapsed)
  elseif rate and self.count > 0 then
    local left = (self.total - self.count) / rate
    state.time = left < LONGEST and format_time(left) .. " left" or nil
  end
  return state
end

local ORDER = { "label", "bar", "count", "share", "rate", "time", "note" }
local SPARED_FIRST = { "note", "rate", "label", "count", "time", "share" } -- where it is narrow

local function join(state)
  local list = {}
  for _, name in ipairs(ORDER) do list[#list + 1] = state[name] end
  return table.concat(list, "  ")
end

-- Adds the bar, when there is room for one that is worth it, or for nothing else.
local function add_bar(self, state, room)
  if not self.terminal or not state.part then return end
  local text = join(state)
  local width = math.min(room - columns.width(text) - #"[]  ", BAR_WIDTH)
  if text == "" then
    state.bar = bar_of(self, state.part, room)
  elseif width >= SHORTEST_BAR then
    state.bar = "[" .. bar_of(self, state.part, width) .. "]"
  end
end

-- The text of the bar, without line ends. It never reaches a terminal's last column: a line that
-- wraps can't be drawn over.
local function render(self, time)
  local width = self.terminal and self:columns() or math.huge
  local room = math.max(math.floor(width) - 1, 0)
  local state = describe_state(self, time, width)
  local spared = 0
  while columns.width(join(state)) > room do
    spared = spared + 1
    state[SPARED_FIRST[spared]] = nil
  end
  add_bar(self, state, room)
  return join(state)
end

-- On a terminal of the user's own choice: to the start of the line, the text, and clear what an
-- older, longer one left behind.
local function draw_on_stream(self, text)
  if not self.terminal then
    self.stream:write(text .. "\n")
  elseif self.closed and not self.keep then
    self.stream:write("\r\27[K")
  else
    self.stream:write("\r" .. text .. "\27[K" .. (self.closed and "\n" or ""))
  end
  self.stream:flush()
end

-- On stderr: among the bars that share it. When all places are taken it shows when one is free.
local function draw_on_screen(self, text)
  if self.closed then
    local last = self.keep and text or nil
    if self.bar then
      parts.screen_end(self.bar, last)
    elseif last then
      self.stream:write(last .. "\n")
    end
    return
  end
  self.bar = self.bar or parts.screen_bar()
  if self.bar then parts.screen_draw(self.bar, text) end
end

local function draw(self, time)
  self.drawn = time
  local text = render(self, time)
  if self.on_screen then draw_on_screen(self, text) else draw_on_stream(self, text) end
end

-- How wide the terminal is, now.
---@package
function Progress:columns()
  if self.width then return self.width end
  return self.on_screen and parts.screen_width() or math.huge
end

local function check_self(self, func)
  if getmetatable(self) ~= Progress then
    wrong(func, "self", "a progress bar (is it bar:" .. func .. "()?)", self, 4)
  end
end

local function check_process(self, func)
  if self.pid ~= uv.os_getpid() then
    error(func .. ": the progress bar is of the process that made it", 3)
  end
end

---Counts steps that are done, and draws when it is time to.
---@param n? number how many; default 1
function Progress:step(n)
  if n == nil then n = 1 end
  check_self(self, "step")
  if self.closed then error("step: the progress bar is closed", 2) end
  check_count("step", "n", n)
  local sum = self.count + n
  self.count = sum >= n and sum or self.count + (n + 0.0) -- not below 0, whatever integers do
  local time = self.clock()
  if time - self.drawn < self.interval then return end
  check_process(self, "step")
  draw(self, time)
end

---Draws the final state and ends the line. Closing again does nothing.
function Progress:close()
  check_self(self, "close")
  if self.closed then return end
  check_process(self, "close")
  self.closed = true
  draw(self, self.clock())
end

Progress.__close = Progress.close

function Progress:__tostring()
  return "mooncrew.Progress: " .. render(self, self.clock())
end

-- Whether stderr is a terminal on which one can go back.
local function is_screen()
  return uv.guess_handle(2) == "tty" and os.getenv("TERM") ~= "dumb"
end

---Makes a progress bar. Nothing is drawn before the first interval is over, so short jobs show
---only their final line.
---@param total? number steps in all; nil: unknown
---@param options? mooncrew.progress.options
---@return mooncrew.Progress
local function new(total, options)
  if total ~= nil then check_count("progress", "total", total) end
  options = options == nil and {} or options
  check_options(options)

  local terminal = options.terminal
  if terminal == nil then terminal = options.stream == nil and is_screen() end
  local on_screen = terminal and options.stream == nil and is_screen()
  local color = options.color
  if color == nil then color = on_screen and (os.getenv("NO_COLOR") or "") == "" end
  local clock = options.clock or now
  local time = clock()
  if type(time) ~= "number" then
    wrong("progress", "option clock", "a function that returns seconds", time, 3)
  end
  return setmetatable({
    count = 0,
    total = total,
    label = options.label,
    unit = options.unit,
    stream = options.stream or io.stderr,
    terminal = terminal,
    width = options.width,
    color = color,
    keep = options.keep ~= false,
    on_screen = on_screen,
    pid = uv.os_getpid(),
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
