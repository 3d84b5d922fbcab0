-- mooncrew.Pipe: two connections. Each reads from one queue and writes to another; so what was
-- sent is there, whoever dies.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local check = require "mooncrew.check"

---@class mooncrew.Connection
local Connection = parts.classes["mooncrew.Connection"]
local incoming, outgoing = parts.incoming, parts.outgoing

local pipe = {}

---Two connections: what one sends the other one receives.
---@param duplex? boolean default true; false: the first one only receives, the second only sends
---@return mooncrew.Connection
---@return mooncrew.Connection
function pipe.new(duplex)
  if duplex ~= nil then check.type("Pipe", "duplex", duplex, "boolean") end
  local there = mooncrew.Queue()
  if duplex == false then return parts.Connection(there), parts.Connection(nil, there) end
  local back = mooncrew.Queue()
  return parts.Connection(back, there), parts.Connection(there, back)
end

local function readable(self, func)
  return incoming(self) or error(func .. ": the connection only sends", 3)
end

---@param item any
---@return true? sent
---@return table? err mooncrew.Closed
function Connection:send(item)
  local queue = outgoing(self)
  if not queue then error("send: the connection only receives", 2) end
  return queue:put(item)
end

local function received(...)
  if select("#", ...) == 2 and select(2, ...) == mooncrew.Empty then
    return nil, mooncrew.Timeout
  end
  return ...
end

---Waits for an item.
---@param timeout? number seconds
---@return any item may be nil
---@return table? err mooncrew.Timeout; mooncrew.Closed: the end is closed and all is received
function Connection:recv(timeout)
  local queue = readable(self, "recv")
  check.wait("recv", timeout)
  return received(queue:get(true, timeout))
end

---Whether recv would not wait. Waits for that up to `timeout`.
---@param timeout? number seconds; default 0
---@return boolean
function Connection:poll(timeout)
  local queue = readable(self, "poll")
  check.wait("poll", timeout)
  return parts.wait_any({ queue }, timeout or 0) ~= nil
end

---Ends the connection, for all who hold this end: nothing is sent any more, in neither direction.
---What was sent before can be received.
function Connection:close()
  local there, back = outgoing(self), incoming(self)
  if there then there:close() end
  if back then back:close() end
end

return pipe
