-- A web server with a fault for each kind of trouble, in a process of its own.
--
--   local server <close> = fault_server.start()
--   server.url .. "/drop/once/x"      closes the connection, and answers well the next time
--   server.url .. "/drop/always/x"    never answers well
--   server:log()                      { path, fault, time } of each request, in order
--
-- A good answer's body is its path.

local command = dofile "tests/spec/support/command.lua"
local mooncrew = require "mooncrew"
local uv = require "luv"
local web = dofile "tests/spec/support/web.lua"

local fault_server = {}

local OK = "HTTP/1.1 200 OK\r\n"
local LARGE = string.rep("x", 3 << 20)

local function gzip(text)
  local path = command.folder() .. "/gzip"
  command.write_file(path, text)
  local pipe = assert(io.popen("gzip -nc " .. path))
  local bytes = pipe:read("a")
  pipe:close()
  return bytes
end

-- Sends a byte now and then, for as long as the peer is there.
local function drip(peer)
  peer:write(OK .. "Content-Length: 100000\r\n\r\n")
  local timer = uv.new_timer()
  timer:start(20, 20, function()
    if peer:is_closing() then return timer:close() end
    peer:write("x")
  end)
end

-- Each is what a handler of web.lua returns.
local faults = {
  drop = function() return { raw = "", hang_up = true } end,
  reset = function() return function(peer) peer:close_reset() end end,
  half = function() return { raw = OK .. "Content-Length: 100\r\n\r\nhalf", hang_up = true } end,
  chunks = function()
    return { raw = OK .. "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n9\r\nha", hang_up = true }
  end,
  gzip = function() return { headers = { "Content-Encoding: gzip" }, body = "this is no gzip" } end,
  cut = function(zipped)
    local bytes = zipped:sub(1, #zipped // 2)
    return { raw = OK .. "Content-Encoding: gzip\r\n\r\n" .. bytes, hang_up = true }
  end,
  busy = function() return { status = "503 Busy", headers = { "Retry-After: 1" } } end,
  slow_down = function() return { status = "429 Many", headers = { "Retry-After: 1" } } end,
  error = function() return { status = "500 Error", body = "error" } end,
  missing = function() return { status = "404 None", body = "none" } end,
  hang = function() return nil end,
  drip = function() return drip end,
  large = function() return { body = LARGE } end,
  endless = function()
    local chunk = string.format("%x\r\n%s\r\n", #LARGE, LARGE)
    return { raw = OK .. "Transfer-Encoding: chunked\r\n\r\n" .. chunk .. "0\r\n\r\n" }
  end,
  rubbish = function() return { raw = "no HTTP at all\r\n\r\n", hang_up = true } end,
  loop = function(_, path)
    return { status = "302 Found", headers = { "Location: " .. path .. "x" } }
  end,
  elsewhere = function()
    return { status = "301 Moved", headers = { "Location: file:///etc/passwd" } }
  end,
}

local function serve(ready, log)
  local zipped = gzip(string.rep("a long text\n", 10000))
  local times = {}
  local server = web.serve(function(request)
    local path = request.path
    local kind, how = path:match("^/([%w_]+)/(%a+)/")
    times[path] = (times[path] or 0) + 1
    local is_fault = faults[kind] ~= nil and (how == "always" or times[path] == 1)
    log:put{ path = path, fault = is_fault, time = uv.hrtime() / 1e9 }
    if path == "/robots.txt" then return { status = "404 None", body = "" } end
    if is_fault then return faults[kind](zipped, path) end
    return { body = path }
  end)
  command.clean_up()
  ready:put(server.url)
  while true do mooncrew.sleep(3600) end
end

local Server = {}
Server.__index = Server

function Server:__close()
  self.process:kill()
  self.process:join()
end

---@return table[] requests since the last time
function Server:log()
  local list = {}
  for i = 1, self.requests:qsize() do list[i] = self.requests:get() end
  return list
end

function fault_server.start()
  local ready, requests = mooncrew.Queue(), mooncrew.Queue()
  local process = mooncrew.Process{ target = serve, args = { ready, requests }, daemon = true }
  process:start()
  return setmetatable({ process = process, requests = requests, url = ready:get() }, Server)
end

return fault_server
