-- What could not be done at a path, in the form of a mooncrew.Error.
--
-- Things are made under a temporary name, and luv's messages have all paths of a call in them: a
-- user is to be told of the path that was wanted.

local reason_of = require "lib.reason"

---@class copier.Error
---@field message string
---@field code? string such as "ENOSPC"

---@param path string
---@param err any a mooncrew.Error, or what luv says: "EROFS: read-only file system: a -> b"
---@param code? string
---@return copier.Error
return function(path, err, code)
  local text
  if type(err) == "table" then
    text, code = reason_of(err, err.path), err.code
  elseif code == "EISDIR" then
    text = "Is a directory"
  else
    text = err:gsub("^%u%w*: ", ""):gsub(": .*", ""):gsub("^%l", string.upper)
  end
  return { message = path .. ": " .. text, code = code }
end
