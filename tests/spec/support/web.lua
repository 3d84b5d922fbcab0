-- A small HTTP server on this process's loop, for specs of the client. It runs while somebody
-- waits.
--
--   local web = dofile "tests/spec/support/web.lua"
--   local server <close> = web.serve(function(request) return { body = request.path } end)
--   http.get(server.url .. "/x")
--
-- The handler gets { method, path, head, body, connection } and returns { status, headers, body },
-- or { raw = bytes, hang_up = true }, or a function that is given the connection and does as it
-- likes, or nothing: then the request is never answered.

local uv = require "luv"

local web = {}

-- A whole body that comes in chunks, and what comes after it.
local function unchunk(bytes)
  if bytes:sub(-5) ~= "0\r\n\r\n" then return nil end -- not worth a look
  local parts, at = {}, 1
  while true do
    local size, from = bytes:match("^(%x+)\r\n()", at)
    if not size then return nil end
    local n = tonumber(size, 16)
    if #bytes < from + n + 1 then return nil end
    if n == 0 then return table.concat(parts), bytes:sub(from + 2) end
    parts[#parts + 1] = bytes:sub(from, from + n - 1)
    at = from + n + 2
  end
end

-- The first whole request in the bytes, and what comes after it.
local function split(bytes)
  local head, rest = bytes:match("^(.-\r\n)\r\n(.*)$")
  if not head then return nil end
  local body
  if head:lower():find("\r\ntransfer%-encoding: *chunked\r\n") then
    body, rest = unchunk(rest)
  else
    local length = tonumber(head:lower():match("\r\ncontent%-length: *(%d+)")) or 0
    if #rest >= length then body, rest = rest:sub(1, length), rest:sub(length + 1) end
  end
  if not body then return nil end
  local method, path = head:match("^(%S+) (%S+)")
  return { method = method, path = path, head = head, body = body }, rest
end

local function render(answer)
  if answer.raw then return answer.raw end
  local lines = { "HTTP/1.1 " .. (answer.status or "200 OK") }
  for _, line in ipairs(answer.headers or {}) do lines[#lines + 1] = line end
  lines[#lines + 1] = "Content-Length: " .. #(answer.body or "")
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (answer.body or "")
end

local function close(handle)
  if not handle:is_closing() then handle:close() end
end

local function attend(server, handler)
  local peer = uv.new_tcp()
  server.listener:accept(peer)
  server.connections = server.connections + 1
  server.peers[peer] = true
  local number, bytes = server.connections, ""
  peer:read_start(function(err, chunk)
    if err or not chunk then
      server.peers[peer] = nil
      return close(peer)
    end
    bytes = bytes .. chunk
    while true do
      local request, rest = split(bytes)
      if not request then return end
      bytes = rest
      request.connection = number
      server.requests[#server.requests + 1] = request
      local answer = handler(request, #server.requests)
      if type(answer) == "function" then
        answer(peer)
      elseif answer then
        peer:write(render(answer))
        if answer.hang_up then
          peer:shutdown(function() close(peer) end)
        end
      end
    end
  end)
end

local Server = {}
Server.__index = Server

function Server:close()
  close(self.listener)
  for peer in pairs(self.peers) do close(peer) end
end

Server.__close = Server.close

---@return table server { url, port, requests, connections }; closed by <close>
function web.serve(handler)
  local server = { requests = {}, connections = 0, peers = {}, listener = uv.new_tcp() }
  assert(server.listener:bind("127.0.0.1", 0))
  assert(server.listener:listen(1024, function(err)
    if not err then attend(server, handler) end
  end))
  server.port = server.listener:getsockname().port
  server.url = "http://127.0.0.1:" .. server.port
  return setmetatable(server, Server)
end

---A port where nobody listens.
function web.free_port()
  local probe = uv.new_tcp()
  assert(probe:bind("127.0.0.1", 0))
  local port = probe:getsockname().port
  probe:close()
  uv.run("nowait")
  return port
end

return web
