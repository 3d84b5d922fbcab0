-- Whose turn it is: items of many hosts, of each so many at a time. It is that of the host with the
-- fewest under way; among equals they take turns. So a slow host holds up only itself: as soon as
-- others wait too, it gets no more than its share.

---@class turns
---@field waiting integer items that nobody has taken
local Turns = {}
Turns.__index = Turns

---@param per_host integer
---@return turns
local function new(per_host)
  return setmetatable({ per_host = per_host, hosts = {}, ready = {}, waiting = 0 }, Turns)
end

-- Puts a host in the line of those that have items and may have one more taken.
local function line_up(self, host)
  if host.lined or host.first > host.last or host.running >= self.per_host then return end
  host.lined = true
  self.ready[#self.ready + 1] = host
end

---@param name string the host's
---@param item any
function Turns:add(name, item)
  local host = self.hosts[name]
  if not host then
    host = { name = name, first = 1, last = 0, running = 0 }
    self.hosts[name] = host
  end
  host.last = host.last + 1
  host[host.last] = item
  self.waiting = self.waiting + 1
  line_up(self, host)
end

-- Where in the line the host is whose turn it is.
local function next_in(ready)
  local best
  for i, host in ipairs(ready) do
    if not best or host.running < ready[best].running then best = i end
    if host.running == 0 then break end
  end
  return best
end

---@return any item nil: none may be taken now
---@return string? host to be given to `done`
function Turns:take()
  local best = next_in(self.ready)
  if not best then return nil end
  local host = table.remove(self.ready, best)
  host.lined = false
  local item = host[host.first]
  host[host.first] = nil
  host.first = host.first + 1
  host.running = host.running + 1
  self.waiting = self.waiting - 1
  line_up(self, host)
  return item, host.name
end

---An item of this host is done with.
---@param name string
function Turns:done(name)
  local host = self.hosts[name]
  host.running = host.running - 1
  line_up(self, host)
end

---Forgets all that nobody has taken.
function Turns:clear()
  self.ready, self.waiting = {}, 0
  for _, host in pairs(self.hosts) do
    for i = host.first, host.last do host[i] = nil end
    host.first, host.last, host.lined = 1, 0, false
  end
end

return { new = new }
