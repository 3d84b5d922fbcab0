---@meta mooncrew
-- luacheck: ignore 212 241

-- What coroutine tasks are called. The rest of them is in meta/pool.lua.

---@class mooncrew
local mooncrew = {}

---@class mooncrew.Task
local Task = {}

---The coroutine task that runs.
---@return mooncrew.Task? task nil in the main chunk
function mooncrew.current_task() end

---What the log calls it.
---@return string name what it was given, or "Task-" and its number
function Task:get_name() end

---@param name string|function a function: the log says where that begins
function Task:set_name(name) end

return mooncrew
