-- The task of a pool (mapping.lua) that is one call, with a Result.

local mooncrew = require "mooncrew"
local mapping = require "mooncrew.mapping"
local result = require "mooncrew.result"

---@class mooncrew.Call
---@field package result mooncrew.Result
local Call = { mode = mapping.CALL }
Call.__index = Call

local call = {}

---@param task table fn, args, result and what else the pool wants to know of it
---@return mooncrew.Call
function call.new(task) return setmetatable(task, Call) end

function Call:returned(...) result.returned(self.result, ...) end

---What came out of the worker on stdout and stderr meanwhile.
function Call:wrote(stdout, stderr) self.result.stdout, self.result.stderr = stdout, stderr end

function Call:raised(err) result.raised(self.result, err) end

function Call:cancelled() result.cancelled(self.result) end

function Call:passed(why)
  result[why == mooncrew.Skipped and "skipped" or "cancelled"](self.result)
end

return call
