-- Some processes that do the same.
--
--   local readers = processes.start("reader", 2, read, function(i) return { i } end)

local mooncrew = require "mooncrew"

local processes = {}

---@class processes
---@field [integer] mooncrew.Process
---@field start_one fun(i: integer): mooncrew.Process
local Processes = {}
Processes.__index = Processes

---@param name string what each is called, before its number
---@param n integer how many
---@param target function
---@param args_of fun(i: integer): table the arguments of each
---@return processes
function processes.start(name, n, target, args_of)
  local function start_one(i)
    return mooncrew.Process{
      target = target, args = args_of(i), name = name .. " " .. i, daemon = true,
    }:start()
  end
  local self = setmetatable({ start_one = start_one }, Processes)
  for i = 1, n do self[i] = start_one(i) end
  return self
end

---Puts a new one in the place of one that has ended.
---@param i integer
function Processes:restart(i)
  self[i]:join()
  self[i] = self.start_one(i)
end

---Waits for something that has `get`.
---@param result mooncrew.Process|mooncrew.Result
---@param patience number seconds between two calls of `look`
---@param look fun()
---@return boolean ok false: an error comes next, else two results
---@return any
---@return any
function processes.await(result, patience, look)
  while true do
    local ok, outcome, reason = pcall(result.get, result, patience)
    if not ok or reason ~= mooncrew.Timeout then return ok, outcome, reason end
    look()
  end
end

---Whether an error says that a process was lost, and not what happened in it.
---@param err any
---@return boolean
function processes.is_lost(err)
  return type(err) == "table" and err.kind == "WorkerLost"
end

---Kills them, whatever they are at.
function Processes:kill()
  for _, process in ipairs(self) do process:kill() end
  for _, process in ipairs(self) do process:join() end
end

return processes
