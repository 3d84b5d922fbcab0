---@meta mooncrew
-- luacheck: ignore 212 241

-- mooncrew.main and the constant of tasks that were done before. docs/joblog.md has the whole.

---@class mooncrew
local mooncrew = {}

---Of a task that the joblog says is done: `nil, mooncrew.Skipped` from get, an element of map's
---list, nothing at all in an imap.
---@type mooncrew.Constant
mooncrew.Skipped = nil

---Runs a command: reads its options, does its tasks with a pool of processes, reports failures.
---Returns when all is well; else the process ends, with 1 (something failed) or 2 (bad usage).
---@param options mooncrew.main.options
---@return mooncrew.main.summary
function mooncrew.main(options) end

return mooncrew
