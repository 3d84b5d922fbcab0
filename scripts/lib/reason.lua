-- What a user is told about a failure.

-- The text of an error without what the user knows or can't use: which function of ours failed,
-- and the address or path that the message is about anyway.
---@param err any a mooncrew.Error or anything else
---@param subject? string what the message is about
---@return string
return function(err, subject)
  if type(err) ~= "table" then return tostring(err) end
  local text = err.message
  if err.kind == "OSError" then text = text:gsub("^[%w_]+: ", "") end
  local prefix = subject and subject .. ": "
  if prefix and text:sub(1, #prefix) == prefix then text = text:sub(#prefix + 1) end
  return text
end
