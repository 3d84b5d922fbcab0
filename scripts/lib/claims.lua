-- What several processes may take, each thing once: whoever comes first has it.

local mooncrew = require "mooncrew"

local cas = mooncrew.dict.cas

local claims = {}

---@return mooncrew.dict
function claims.new()
  return mooncrew.dict{}
end

---@param taken mooncrew.dict made by claims.new
---@param what string
---@return boolean mine false: somebody has it already
function claims.take(taken, what)
  return cas(taken, what, nil, true)
end

return claims
