---@meta mooncrew
-- luacheck: ignore 212 241

-- Queues. docs/locks.md has task_done, join and redeliver; docs/values.md what an item may be.

---@class mooncrew
local mooncrew = {}

---@class mooncrew.Queue.options
---@field maxsize? integer 0: bounded by shared memory alone
---@field redeliver? boolean what a dead consumer had not marked done goes back to the head

---A line of items, first in, first out, for any number of producers and consumers in all processes.
---`#q` is qsize().
---@class mooncrew.Queue: userdata
---@field maxsize integer 0: none
local Queue = {}

---@param options? integer|mooncrew.Queue.options the maxsize, or options
---@return mooncrew.Queue
function mooncrew.Queue(options) end

---Puts an item at the end. Raises kind "NoMemory" when shared memory is exhausted and `block` is
---false or the item can never fit.
---@param item any
---@param block? boolean wait for room (true)
---@param timeout? number seconds
---@return true? put
---@return mooncrew.Constant? err mooncrew.Full; mooncrew.Closed
function Queue:put(item, block, timeout) end

---put with `block` false.
---@param item any
---@return true? put
---@return mooncrew.Constant? err
function Queue:put_nowait(item) end

---Puts the items in order, in one go.
---@param items any[]
---@param block? boolean wait for room (true)
---@param timeout? number seconds
---@return integer? n how many went in
---@return mooncrew.Constant? err
function Queue:put_many(items, block, timeout) end

---Takes the first item.
---@param block? boolean wait for one (true)
---@param timeout? number seconds
---@return any item may be nil
---@return mooncrew.Constant? err mooncrew.Empty; mooncrew.Closed once it is closed and drained
function Queue:get(block, timeout) end

---get with `block` false.
---@return any item
---@return mooncrew.Constant? err
function Queue:get_nowait() end

---Waits for the first item, then takes what is there.
---@param n integer at most
---@param block? boolean wait for the first (true)
---@param timeout? number seconds
---@return any[]? items
---@return mooncrew.Constant? err as of get
function Queue:get_many(n, block, timeout) end

---`for item in q:items() do`: until it is closed and drained.
---@return fun(): any
function Queue:items() end

---@return integer n exact at the instant of asking, as are empty and full
function Queue:qsize() end

---@return boolean
function Queue:empty() end

---@return boolean
function Queue:full() end

---No more puts, from anyone. What is there can still be taken.
function Queue:close() end

---Marks an item that was taken as done. Raises kind "TooMany" when there is none.
function Queue:task_done() end

---Waits until each item that was put has been marked done.
---@param timeout? number seconds
---@return true? done
---@return mooncrew.Constant? err mooncrew.Timeout
function Queue:join(timeout) end

return mooncrew
