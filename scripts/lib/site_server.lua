-- A small static web server on the process's loop, for demonstrations and tests. Loopback only.
--
--   bytes ─▶ buffer ─▶ request ─▶ answer: a head, then the file in pieces ─▶ the next request
--
-- It keeps connections open, answers requests that came in one piece in order, and has no more of
-- a file in memory than one piece. A path can't leave the root: it is decoded, its parts are
-- checked, and the real path must be below the real root.

local uv = require "luv"

local MAX_HEAD = 16 * 1024
local MAX_AHEAD = 64 * 1024 -- bytes of requests that wait for their answers
local PIECE = 256 * 1024
local BACKLOG = 1024

local TYPES = {
  html = "text/html", txt = "text/plain; charset=utf-8", css = "text/css", js = "text/javascript",
  json = "application/json", jpg = "image/jpeg", jpeg = "image/jpeg", png = "image/png",
  gif = "image/gif", webp = "image/webp", svg = "image/svg+xml",
}

local REASONS = {
  [200] = "OK", [400] = "Bad Request", [404] = "Not Found", [405] = "Method Not Allowed",
  [429] = "Too Many Requests", [431] = "Request Header Fields Too Large",
  [500] = "Internal Server Error", [503] = "Service Unavailable",
}

---@class site_server.request
---@field method string
---@field path string decoded, without the query
---@field query string? as it came
---@field headers table<string, string> names in lower case

---@class site_server.answer
---@field status? integer default 200
---@field headers? table<string, string>
---@field body? string
---@field drop? boolean close the connection without an answer
---@field hang? boolean never answer

---@class site_server.options
---@field root? string a folder; without it only `hook` answers
---@field port? integer 0 or nil: any that is free
---@field latency? number seconds before each answer
---@field hook? fun(request: site_server.request): site_server.answer? answers first, nil: the file
---@field watch? fun(under_way: integer) told how many requests are under way, at each change

---@class site_server.Server
---@field port integer
---@field requests integer answered so far
---@field connections integer accepted so far
local Server = {}
Server.__index = Server

---@class site_server.Connection
local Connection = {}
Connection.__index = Connection

function Connection:close()
  if self.file then
    uv.fs_close(self.file)
    self.file = nil
  end
  if self.timer and not self.timer:is_closing() then self.timer:close() end
  if not self.socket:is_closing() then self.socket:close() end
  self:set_busy(false)
  self.server.open[self] = nil
end

-- Writes, then goes on with `after`; a peer that has gone ends the connection.
function Connection:write(bytes, after)
  if self.socket:is_closing() then return end
  self.socket:write(bytes, function(err)
    if self.socket:is_closing() then return end
    if err then self:close() else after() end
  end)
end

-- A request has come or is done with.
function Connection:set_busy(busy)
  if busy == self.busy then return end
  self.busy = busy
  local server = self.server
  server.under_way = server.under_way + (busy and 1 or -1)
  if server.watch then server.watch(server.under_way) end
end

-- The answer is out: the next request, or the end.
function Connection:finish(request)
  self:set_busy(false)
  if request.close then
    self:close()
  else
    self:advance()
  end
end

local function head_of(status, length, headers, close)
  local lines = {
    string.format("HTTP/1.1 %d %s", status, REASONS[status] or "Status"),
    "Server: mooncrew-site",
    "Content-Length: " .. length,
    "Connection: " .. (close and "close" or "keep-alive"),
  }
  for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

function Connection:send(request, answer)
  local body = answer.body or ""
  local head = head_of(answer.status or 200, #body, answer.headers, request.close)
  if request.method == "HEAD" then body = "" end
  self:write(head .. body, function() self:finish(request) end)
end

function Connection:send_error(request, status)
  self:send(request, {
    status = status,
    headers = { ["Content-Type"] = "text/plain" },
    body = string.format("%d %s\n", status, REASONS[status]),
  })
end

-- Sends the file from `offset` on, a piece at a time.
function Connection:send_piece(request, offset, size)
  if offset >= size then
    uv.fs_close(self.file)
    self.file = nil
    return self:finish(request)
  end
  local piece = uv.fs_read(self.file, math.min(PIECE, size - offset), offset)
  if not piece or piece == "" then
    return self:close() -- it became shorter: the promised length can't be kept
  end
  self:write(piece, function() self:send_piece(request, offset + #piece, size) end)
end

-- The real path of a file below the root, or nil.
local function find(root, path)
  if path:find("\0", 1, true) or path:sub(1, 1) ~= "/" then return nil end
  for part in path:gmatch("[^/]+") do
    if part == ".." then return nil end
  end
  local real = uv.fs_realpath(root .. path)
  if not real or (real ~= root and real:sub(1, #root + 1) ~= root .. "/") then return nil end
  local info = uv.fs_stat(real)
  if info and info.type == "directory" then return find(root, path .. "/index.html") end
  if not info or info.type ~= "file" then return nil end
  return real, info.size
end

function Connection:send_file(request)
  local path, size
  if self.server.root then path, size = find(self.server.root, request.path) end
  local file = path and uv.fs_open(path, "r", 0)
  if not file then return self:send_error(request, 404) end
  local kind = TYPES[path:match("%.(%w+)$") or ""] or "application/octet-stream"
  local head = head_of(200, size, { ["Content-Type"] = kind }, request.close)
  self.file = file
  if request.method == "HEAD" then size = 0 end
  self:write(head, function() self:send_piece(request, 0, size) end)
end

function Connection:answer(request)
  local server = self.server
  server.requests = server.requests + 1
  local answer
  if server.hook then answer = server.hook(request) end
  if answer and answer.hang then return end
  if answer and answer.drop then return self:close() end
  if answer then return self:send(request, answer) end
  if request.method ~= "GET" and request.method ~= "HEAD" then
    request.close = true -- a body may follow, which nobody reads
    return self:send_error(request, 405)
  end
  self:send_file(request)
end

local function percent_decode(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

---@param head string up to and without the empty line
---@return table? request nil when it is none
local function parse(head)
  local line, rest = head:match("^([^\r\n]*)\r\n(.*)$")
  local method, target, minor = (line or head):match("^(%u+) (%S+) HTTP/1%.([01])$")
  if not method then return nil end
  local headers = {}
  for header in (rest or ""):gmatch("[^\r\n]+") do
    local name, value = header:match("^([%w_-]+):%s*(.-)%s*$")
    if not name then return nil end
    headers[name:lower()] = value
  end
  -- A client that speaks to a proxy sends the whole address.
  target = target:gsub("^https?://[^/]*", "")
  local path, query = target:match("^([^?#]*)%??([^#]*)")
  local wish = (headers.connection or ""):lower()
  return {
    method = method,
    path = percent_decode(path),
    query = query ~= "" and query or nil,
    headers = headers,
    close = wish == "close" or (minor == "0" and wish ~= "keep-alive"),
  }
end

-- Answers the next request, when it is whole and the one before is answered.
function Connection:advance()
  if self.busy or self.socket:is_closing() then return end
  local head, rest = self.buffer:match("^\r?\n?(.-)\r\n\r\n(.*)$")
  if not head then
    if #self.buffer > MAX_HEAD then
      self:set_busy(true)
      self:send_error({ method = "GET", close = true }, 431)
    elseif self.ended then
      self:close()
    end
    return
  end
  self.buffer = rest
  self:set_busy(true)
  local request = parse(head)
  if not request then return self:send_error({ method = "GET", close = true }, 400) end
  local latency = self.server.latency
  if latency == 0 then return self:answer(request) end
  self.timer = self.timer or uv.new_timer()
  self.timer:start(math.floor(latency * 1000 + 0.5), 0, function()
    if not self.socket:is_closing() then self:answer(request) end
  end)
end

function Connection:receive(err, bytes)
  if err then return self:close() end
  if bytes then
    self.buffer = self.buffer .. bytes
    if #self.buffer > MAX_AHEAD then return self:close() end
  else
    self.ended = true -- what was asked is still answered
  end
  self:advance()
end

function Server:accept()
  local socket = uv.new_tcp()
  if not self.listener:accept(socket) then return socket:close() end
  socket:nodelay(true)
  self.connections = self.connections + 1
  local connection = setmetatable({
    server = self, socket = socket, buffer = "", busy = false,
  }, Connection)
  self.open[connection] = true
  socket:read_start(function(err, bytes) connection:receive(err, bytes) end)
end

---Stops listening and closes all connections.
function Server:close()
  if not self.signal:is_closing() then self.signal:close() end
  if not self.listener:is_closing() then self.listener:close() end
  for connection in pairs(self.open) do connection:close() end
end

local site_server = {}

---Starts to serve, on this process's loop: whoever waits in this process serves meanwhile.
---@param options site_server.options
---@return site_server.Server? server
---@return string? reason
function site_server.start(options)
  local root, err
  if options.root then
    root, err = uv.fs_realpath(options.root)
    if not root then return nil, err end
  end
  local server = setmetatable({
    root = root, hook = options.hook, latency = options.latency or 0,
    listener = uv.new_tcp(), open = {}, requests = 0, connections = 0,
    watch = options.watch, under_way = 0,
  }, Server)
  -- Writing to a client that has left would end the process.
  server.signal = uv.new_signal()
  server.signal:start("sigpipe", function() end)
  server.signal:unref()
  local ok
  ok, err = server.listener:bind("127.0.0.1", options.port or 0)
  if ok then
    ok, err = server.listener:listen(BACKLOG, function(failed)
      if not failed then server:accept() end
    end)
  end
  if not ok then
    server:close()
    return nil, err
  end
  server.port = math.tointeger(server.listener:getsockname().port)
  return server
end

-- Runs in a process of its own, until it is ended.
local function serve(options, ready)
  local mooncrew = require "mooncrew"
  local server, err = site_server.start(options)
  ready:put{ port = server and server.port, reason = err }
  while server do mooncrew.sleep(3600) end
end

---Starts a daemonic process that serves.
---@param options site_server.options
---@return table? process to be terminated and joined by the caller
---@return integer|string port or, after nil, why there is none
function site_server.process(options)
  local mooncrew = require "mooncrew"
  local ready = mooncrew.Queue(1)
  local process = mooncrew.Process{
    target = serve, args = { options, ready }, name = "site server", daemon = true,
  }
  process:start()
  local answer = ready:get()
  if not answer.port then
    process:join()
    return nil, answer.reason
  end
  return process, answer.port
end

return site_server
