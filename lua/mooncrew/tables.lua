-- The parts of shared tables that call functions of the program: dict.modify and list:sort. No
-- lock of the shared memory is held while such a function runs.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local check = require "mooncrew.check"

local OWN_TRIES = 3 -- tries in vain after which others are asked to wait
local SORT_TRIES = 10

local function modify_in_turn(dict, key, fn)
  parts.dict_take_turn(dict)
  local ok, new, written = pcall(function()
    local old, version = parts.dict_read(dict, key)
    local value = fn(old)
    return value, parts.dict_write(dict, key, value, version)
  end)
  parts.dict_end_turn(dict)
  if not ok then error(new, 0) end
  return written, new
end

---Replaces the value of a key by fn(value), as one step: when somebody else writes meanwhile,
---fn is called again with the new value. An error of fn leaves the old value.
---@param d userdata a mooncrew.dict
---@param key string|number|boolean
---@param fn fun(old: any): any pure: it may be called several times; nil removes the entry
---@return any new what is there now
function mooncrew.dict.modify(d, key, fn)
  check.type("modify", "fn", fn, "function")
  for _ = 1, OWN_TRIES do
    local old, version = parts.dict_read(d, key)
    local new = fn(old)
    if parts.dict_write(d, key, new, version) then return new end
  end
  while true do
    local written, new = modify_in_turn(d, key, fn)
    if written then return new end
  end
end

---Sorts a list in place. The order of equal elements may change.
---@param list userdata a mooncrew.list
---@param less? fun(a: any, b: any): boolean default: a < b
function parts.list_methods.sort(list, less)
  if less ~= nil then check.type("sort", "less", less, "function") end
  for _ = 1, SORT_TRIES do
    local values, version = parts.list_snapshot(list)
    local order = {}
    for i = 1, #values do order[i] = i end
    if less then
      table.sort(order, function(a, b) return less(values[a], values[b]) end)
    else
      table.sort(order, function(a, b) return values[a] < values[b] end)
    end
    if parts.list_permute(list, version, order) then return end
  end
  error("sort: others write to the list all the time", 2)
end
