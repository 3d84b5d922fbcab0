---@meta mooncrew.host

-- Functions of the program in C that runs this script (docs/embedding.md). What the program
-- registered as `name` is called as host.name(…); it runs in the program's own process. Raises
-- what the function said, and that there is none of that name.

---@class mooncrew.host
---@field [string] fun(...: any): any
local host = {}

return host
