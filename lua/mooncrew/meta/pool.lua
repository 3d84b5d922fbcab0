---@meta mooncrew
-- luacheck: ignore 212 241

-- Pools, and tasks of one process. docs/pools.md has the rules in words; classes in Lua have their
-- annotations in their own files.

---@class mooncrew
local mooncrew = {}

---Worker processes for tasks. To be closed: the end of the block is close and join, or terminate
---when it is left by an error.
---@class mooncrew.Pool: mooncrew.AnyPool
local Pool = {}

---Runs one task and returns its results; raises its error.
---@param fn function
---@param args? table unpacked to args.n or #args
---@return any ...
function Pool:apply(fn, args) end

---Up to n tasks at once in this process, each in a coroutine. Its tasks wait side by side.
---@class mooncrew.CoroutinePool: mooncrew.AnyPool
local CoroutinePool = {}

---Runs one task and returns its results; raises its error.
---@param fn function
---@param args? table unpacked to args.n or #args
---@return any ...
function CoroutinePool:apply(fn, args) end

---@param options? integer|mooncrew.Pool.options how many workers (cpu_count()), or options
---@return mooncrew.Pool
function mooncrew.Pool(options) end

---@param n integer how many tasks run at once
---@return mooncrew.CoroutinePool
function mooncrew.CoroutinePool(n) end

---What both kinds of pools have.
---@class mooncrew.AnyPool
local AnyPool = {}

---Another name of apply_async.
---@param fn function
---@param args? table unpacked to args.n or #args
---@param options? mooncrew.Pool.task_options
---@return mooncrew.Result
function AnyPool:submit(fn, args, options) end

---Applies fn to each item; the first results, in order. Raises the first error, by index.
---@param fn function
---@param list any[] of list.n or #list items
---@param options? integer|mooncrew.Pool.map_options the chunk size, or options
---@return any[]
function AnyPool:map(fn, list, options) end

---map, without waiting.
---@param fn function
---@param list any[]
---@param options? integer|mooncrew.Pool.map_options
---@return mooncrew.Result
function AnyPool:map_async(fn, list, options) end

---map with the elements of each item as the arguments.
---@param fn function
---@param list any[][]
---@param options? integer|mooncrew.Pool.map_options
---@return any[]
function AnyPool:starmap(fn, list, options) end

---starmap, without waiting.
---@param fn function
---@param list any[][]
---@param options? integer|mooncrew.Pool.map_options
---@return mooncrew.Result
function AnyPool:starmap_async(fn, list, options) end

---An iterator of the first results, in order; takes from the source as results are taken.
---@param fn function
---@param iterable any[]|fun(): any a list, or a function that gives the next item or nil
---@param options? integer|mooncrew.Pool.imap_options the chunk size, or options
---@return fun(): any raises a task's error in its place
function AnyPool:imap(fn, iterable, options) end

---imap, with results as they come.
---@param fn function
---@param iterable any[]|fun(): any
---@param options? integer|mooncrew.Pool.imap_options
---@return fun(): any
function AnyPool:imap_unordered(fn, iterable, options) end

---The outcome of a task of a pool.
---@class mooncrew.Result

---A coroutine task of this process.
---@class mooncrew.Task: userdata
local Task = {}

---Starts fn as a coroutine task, on this process's loop. It begins when the process next waits.
---@param fn function
---@param ... any its arguments
---@return mooncrew.Task
function mooncrew.spawn(fn, ...) end

---Waits: in a coroutine task with that task alone, else with the process.
---@param seconds number
function mooncrew.sleep(seconds) end

---@param timeout? number seconds
---@return true? ended
---@return mooncrew.Constant? err mooncrew.Timeout
function Task:join(timeout) end

---What the function returned; raises its error.
---@param timeout? number seconds
---@return any ... or nil and mooncrew.Timeout, or mooncrew.Cancelled
function Task:get(timeout) end

---Ends the task where it waits; its pending to-be-closed variables are closed.
---@return boolean alive it had not ended before
function Task:cancel() end

---@return boolean
function Task:is_alive() end

---@return string? text of a task that raised
function Task:traceback() end

return mooncrew
