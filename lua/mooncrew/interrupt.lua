-- Which errors mean that the program is to end: those of Ctrl-C and SIGTERM, which a wait or the
-- next step of Lua raised.

local interrupt = {}

---@param err any
---@return boolean
function interrupt.is(err)
  if type(err) ~= "string" then return false end
  return err:find("interrupted!$") ~= nil or err:find("terminated!$") ~= nil
end

return interrupt
