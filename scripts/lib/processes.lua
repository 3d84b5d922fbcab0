-- Some processes that do the same.
--
--   local readers = processes.start("reader", 2, read, function(i) return { i } end)

local mooncrew = require "mooncrew"

local processes = {}

---@class processes
---@field [integer] mooncrew.Process
local Processes = {}
Processes.__index = Processes

---@param name string what each is called, before its number
---@param n integer how many
---@param target function
---@param args_of fun(i: integer): table the arguments of each
---@return processes
function processes.start(name, n, target, args_of)
  local self = setmetatable({}, Processes)
  for i = 1, n do
    self[i] = mooncrew.Process{
      target = target, args = args_of(i), name = name .. " " .. i, daemon = true,
    }:start()
  end
  return self
end

---@return boolean whether all of them live
function Processes:are_alive()
  for _, process in ipairs(self) do
    if not process:is_alive() then return false end
  end
  return true
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

---Kills them, whatever they are at.
function Processes:kill()
  for _, process in ipairs(self) do process:kill() end
  for _, process in ipairs(self) do process:join() end
end

return processes
