-- A line of values, first in, first out.

---@class mooncrew.line
---@field first integer the values are at first … last
---@field last integer
local line = {}

---@return mooncrew.line
function line.new() return { first = 1, last = 0 } end

---@param self mooncrew.line
---@param value any not nil
function line.push(self, value)
  self.last = self.last + 1
  self[self.last] = value
end

---Takes out the first; nil: there is none.
function line.pop(self)
  local first = self.first
  local value = self[first]
  if value == nil then return nil end
  self[first] = nil
  self.first = first + 1
  return value
end

---Puts a value in front of all others.
function line.push_front(self, value)
  self.first = self.first - 1
  self[self.first] = value
end

---@return boolean
function line.is_empty(self) return self.first > self.last end

return line
