---@meta mooncrew.progress
-- luacheck: ignore 212 241

---@class mooncrew.progress
---@overload fun(total?: number, options?: mooncrew.progress.options): mooncrew.Progress
local progress = {}

---A bar that shows on stderr how far a long job is; `mooncrew.progress(total)` is the same. Nothing
---is drawn before the first interval is over, so short jobs show only their final line.
---@param total? number steps in all; nil: unknown
---@param options? mooncrew.progress.options
---@return mooncrew.Progress
function progress.new(total, options) end

---"1.5 MiB", with a unit that keeps the number below 1024.
---@param bytes number
---@return string
function progress.format_size(bytes) end

---"0:07", "12:34", "3:00:00".
---@param seconds number
---@return string
function progress.format_time(seconds) end

return progress
