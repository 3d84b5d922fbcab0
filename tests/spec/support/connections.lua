-- Which processes of a command talk to a server, so that a test can kill just these.

local uv = require "luv"

local connections = {}

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text or ""
end

-- The inodes of sockets that are connected to this port of loopback.
local function sockets_to(port)
  local found = {}
  local wanted = string.format("0100007F:%04X", port)
  for line in read("/proc/net/tcp"):gmatch("[^\n]+") do
    local remote, state, inode = line:match("^%s*%d+: %S+ (%S+) (%S+) %S+ %S+ %S+ +%d+ +%d+ (%d+)")
    if remote == wanted and state == "01" then found["socket:[" .. inode .. "]"] = true end
  end
  return found
end

local function has_one(pid, sockets)
  local folder = "/proc/" .. pid .. "/fd"
  local listing = uv.fs_scandir(folder)
  while listing do
    local name = uv.fs_scandir_next(listing)
    if not name then break end
    if sockets[uv.fs_readlink(folder .. "/" .. name) or ""] then return true end
  end
  return false
end

---The processes of a group that are connected to a port.
---@param group integer
---@param port integer
---@return integer[] pids
function connections.of(group, port)
  local pids, sockets = {}, sockets_to(port)
  local listing = assert(uv.fs_scandir("/proc"))
  for name in uv.fs_scandir_next, listing do
    local its_group = read("/proc/" .. name .. "/stat"):match("^%d+ %(.*%) %S %d+ (%d+)")
    if tonumber(its_group) == group and has_one(name, sockets) then
      pids[#pids + 1] = tonumber(name)
    end
  end
  return pids
end

return connections
