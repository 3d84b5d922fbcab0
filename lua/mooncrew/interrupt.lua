-- Which errors mean that the program is to end: Ctrl-C's, where a wait or the next step of Lua
-- raised it.

local interrupt = {}

---@param err any
---@return boolean
function interrupt.is(err) return type(err) == "string" and err:find("interrupted!$") ~= nil end

return interrupt
