-- A proxy on this process's loop, which runs while somebody waits.
--
--   local proxy = dofile "tests/spec/support/proxy.lua"
--   local server <close> = proxy.serve()
--   http.get("https://127.0.0.1:…/", { proxy = server.url })
--   server:log()          what it was asked for
--   server.requests       the same in full, as web.lua's handlers get them
--
-- A CONNECT is a tunnel to that port of loopback, whatever the host is called. Any other request is
-- answered here, by "proxy " and the address.

local uv = require "luv"
local web = dofile "tests/spec/support/web.lua"

local proxy = {}

-- Passes on what comes, and its end.
local function pass(from, to)
  from:read_stop()
  from:read_start(function(_, chunk)
    if chunk then return to:write(chunk) end
    if not to:is_closing() then to:close() end
    if not from:is_closing() then from:close() end
  end)
end

local function tunnel(server, port)
  return function(peer)
    local behind = uv.new_tcp()
    server.tunnels[#server.tunnels + 1] = behind
    behind:connect("127.0.0.1", port, function(err)
      if err then
        peer:write("HTTP/1.1 502 Nobody There\r\nContent-Length: 0\r\n\r\n")
        return behind:close()
      end
      pass(behind, peer)
      pass(peer, behind)
      peer:write("HTTP/1.1 200 Connected\r\n\r\n")
    end)
  end
end

local Server = {}
Server.__index = Server

---@return string[] lines "CONNECT host:port", "GET http://…"
function Server:log()
  local lines = {}
  for i, request in ipairs(self.requests) do
    lines[i] = request.method .. " " .. request.path
  end
  return lines
end

function Server:__close()
  for _, behind in ipairs(self.tunnels) do
    if not behind:is_closing() then behind:close() end
  end
  self.web:close()
end

---@param refuse? fun(request: table, number: integer): table? the answer to a CONNECT, as web.lua
---  takes it; nil: a tunnel
function proxy.serve(refuse)
  local server = setmetatable({ tunnels = {} }, Server)
  server.web = web.serve(function(request, number)
    if request.method ~= "CONNECT" then return { body = "proxy " .. request.path } end
    local refusal = refuse and refuse(request, number)
    return refusal or tunnel(server, math.tointeger(request.path:match(":(%d+)$")))
  end)
  server.url, server.requests = server.web.url, server.web.requests
  return server
end

return proxy
