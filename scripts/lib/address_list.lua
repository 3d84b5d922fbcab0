-- A list of addresses, one a line; blank lines and those that begin with "#" are passed over.

local address = require "lib.address"

local address_list = {}

local function read_all(path)
  if path == "-" then return io.stdin:read("a") end
  local file <close>, reason = io.open(path, "rb")
  if not file then return nil, reason end
  local text, why = file:read("a")
  return text, why and path .. ": " .. why
end

---@param path string "-": stdin
---@return string[]? urls in their one form; what is no address is left for the report
---@return string? reason
function address_list.read(path)
  local text, reason = read_all(path)
  if not text then return nil, reason end
  local urls = {}
  for line in text:gmatch("[^\n]+") do
    local found = line:match("^%s*(.-)%s*$")
    if found ~= "" and found:sub(1, 1) ~= "#" then
      urls[#urls + 1] = address.normal(found) or found
    end
  end
  return urls
end

return address_list
