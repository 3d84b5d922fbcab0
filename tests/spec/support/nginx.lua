-- A real nginx on loopback, over http and https, with a certificate of its own.
--
--   local nginx = dofile "tests/spec/support/nginx.lua"
--   local server = nginx.start(folder, { root = site, http = "…", server = "…" })
--   server.url, server.tls_url, server.ca
--   server:stop()            ends it in order: every request is in the log then
--   server:log()             a list of { method, target, status, protocol, connection, encoding }
--
-- It listens on sockets that are made here and handed to it, so it can be asked at once.

local command = dofile "tests/spec/support/command.lua"
local uv = require "luv"

local nginx = {}

local Server = {}
Server.__index = Server

local CONF = [[
pid @/pid;
error_log @/error.log warn;
daemon off;
worker_processes 1;
@user
@modules
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types;
  log_format spec '$request_method $request_uri $status $server_protocol $connection'
    ' $sent_http_content_encoding';
  access_log @/access.log spec;
  client_body_temp_path @/body; proxy_temp_path @/proxy; fastcgi_temp_path @/fastcgi;
  uwsgi_temp_path @/uwsgi; scgi_temp_path @/scgi;
  keepalive_requests 100000;
  lingering_close off;
  @http
  server {
    listen 127.0.0.1:@port;
    listen 127.0.0.1:@tls ssl http2;
    server_name localhost;
    ssl_certificate @/cert.pem;
    ssl_certificate_key @/key.pem;
    root @root;
    @server
  }
}
]]

local function shell(line)
  assert(os.execute(line .. " >/dev/null 2>&1"), line)
end

local function make_certificate(folder)
  shell(string.format("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    .. " -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost"
    .. " -keyout %s/key.pem -out %s/cert.pem", folder, folder))
end

-- A socket that listens, for nginx to take over. Nobody connects before it has.
local function listen()
  local socket = uv.new_tcp()
  assert(socket:bind("127.0.0.1", 0))
  assert(socket:listen(1024, function() end))
  return socket, math.tointeger(socket:getsockname().port)
end

-- What Debian's modules say about how to load them.
local function modules()
  local found = {}
  for _, name in ipairs{ "ngx_http_brotli_filter_module.so" } do
    local path = "/usr/lib/nginx/modules/" .. name
    if uv.fs_stat(path) then found[#found + 1] = "load_module " .. path .. ";" end
  end
  return table.concat(found, "\n")
end

---@param folder string for what nginx needs
---@param options { root: string, http?: string, server?: string }
---@return table server
function nginx.start(folder, options)
  make_certificate(folder)
  local plain, port = listen()
  local secure, tls = listen()
  local values = {
    port = tostring(port), tls = tostring(tls), root = options.root, modules = modules(),
    -- Not the user that Debian has for it, who may not read what a test makes.
    user = uv.getuid() == 0 and "user root;" or "",
    http = options.http or "", server = options.server or "",
  }
  local conf = CONF:gsub("@(%a+)", values):gsub("@/", folder .. "/")
  command.write_file(folder .. "/nginx.conf", conf)
  local server = setmetatable({
    folder = folder, ca = folder .. "/cert.pem", port = port,
    url = "http://127.0.0.1:" .. port, tls_url = "https://127.0.0.1:" .. tls,
  }, Server)
  local pid
  server.process, pid = uv.spawn("/usr/sbin/nginx", {
    args = { "-c", folder .. "/nginx.conf", "-e", folder .. "/error.log", "-p", folder },
    env = { "NGINX=3;4;", "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio = { nil, 2, 2, plain, secure },
  }, function(status, signal) server.status = signal ~= 0 and -signal or status end)
  assert(server.process, pid)
  plain:close()
  secure:close()
  return server
end

---Ends it when all requests are answered.
function Server:stop()
  if self.status then return end
  self.process:kill("sigquit")
  while not self.status do uv.run("once") end
  self.process:close()
  uv.run("nowait")
end

---@return table[] requests
function Server:log()
  local requests = {}
  for _, line in ipairs(command.lines(command.read_file(self.folder .. "/access.log"))) do
    local method, target, status, protocol, connection, encoding = line:match(
      "^(%S+) (%S+) (%d+) (%S+) (%d+) (%S+)$")
    requests[#requests + 1] = {
      method = method, target = target, status = tonumber(status), protocol = protocol,
      connection = connection, encoding = encoding,
    }
  end
  return requests
end

return nginx
