-- mooncrew.Manager: for people who come from Python. There is no server process: its methods make
-- the same objects as the functions of the module, and the manager itself has nothing.

local mooncrew = require "mooncrew"
local check = require "mooncrew.check"

---@class mooncrew.Manager
local Manager = { __name = "mooncrew.Manager" }

-- What Python's managers make.
local names = {
  dict = true, list = true, Value = true, Array = true, Queue = true, JoinableQueue = true,
  Lock = true, RLock = true, Semaphore = true, BoundedSemaphore = true, Event = true,
  Condition = true, Barrier = true, Pool = true, Namespace = true,
}
local renamed = { JoinableQueue = "Queue", Namespace = "dict" }

local methods = {}

function Manager.__index(_, name)
  local method = methods[name]
  if method or not names[name] then return method end
  local make = mooncrew[renamed[name] or name]
  if not make then return nil end
  method = function(self, ...)
    if getmetatable(self) ~= Manager then check.fail(name, "self", "a Manager", self, 2) end
    return make(...)
  end
  methods[name] = method
  return method
end

function Manager.__tostring() return "mooncrew.Manager" end
function Manager.__close() end

-- There is no server to start or to end.
function methods.start(self) return self end
function methods.shutdown() end
methods.close = methods.shutdown

local manager = {}

---@return mooncrew.Manager
function manager.new() return setmetatable({}, Manager) end

mooncrew.register_class("mooncrew.Manager", Manager)

return manager
