-- mooncrew serve_site DIR: serves a folder on loopback until Ctrl-C.
--
--   mooncrew serve_site site --port 8000 --latency 0.05

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local command = require "mooncrew.command"
local mooncrew = require "mooncrew"
local site_server = require "lib.site_server"

local function latency(text)
  if text:match("^0[0.]*$") then return 0 end
  return command.seconds(text)
end

local parser = command.parser("serve_site", "Serves a folder on 127.0.0.1 until Ctrl-C.")
parser:argument("folder", "what to serve")
parser:option("-p --port", "0: any that is free"):convert(command.whole(0, 65535)):default("0")
  :argname("N")
parser:option("--latency", "seconds before each answer"):convert(latency):default("0")
  :argname("SECONDS")
local options = command.parse(parser, arg)

local server, reason = site_server.start{
  root = options.folder, port = options.port, latency = options.latency,
}
if not server then command.fail("serve_site", reason) end

io.stdout:setvbuf "line"
print(string.format("http://127.0.0.1:%d/", server.port))
while true do
  mooncrew.sleep(3600) -- the loop serves meanwhile
end
