---@meta mooncrew
-- luacheck: ignore 212 241

-- Locks, semaphores, events, conditions, barriers, pipes and wait. Names and meanings are those of
-- Python's multiprocessing; docs/locks.md says what differs. All of them can be sent and stored.

---@class mooncrew
local mooncrew = {}

---@class mooncrew.Lock: userdata
local Lock = {}

---Takes the lock. With `block` false it does not wait. The holder is this process and, in it, this
---coroutine task; its own acquire without a time-out is an error of kind "Deadlock" (Lock) or takes
---the lock once more (RLock).
---@param block? boolean default true
---@param timeout? number seconds
---@return true? taken nil: not taken
---@return "abandoned"|mooncrew.Constant|nil state "abandoned": the former holder died or ended with
---it; mooncrew.Timeout
function Lock:acquire(block, timeout) end

---Gives the lock back. A Lock may be released by anybody, an RLock only by its holder. Kinds
---"NotHeld", "NotOwner".
function Lock:release() end

---@return boolean locked somebody alive holds it
function Lock:locked() end

---`local held <close> = lock:hold()`: until the end of the block.
---@param timeout? number seconds
---@return mooncrew.Held? held
---@return "abandoned"|mooncrew.Constant|nil state as of acquire
function Lock:hold(timeout) end

---@class mooncrew.RLock: mooncrew.Lock

---@return mooncrew.Lock
function mooncrew.Lock() end

---@return mooncrew.RLock
function mooncrew.RLock() end

---@class mooncrew.Semaphore: userdata
local Semaphore = {}

---@param block? boolean default true
---@param timeout? number seconds
---@return true? taken
---@return mooncrew.Constant? err mooncrew.Timeout
function Semaphore:acquire(block, timeout) end

---Gives permits back. Of a BoundedSemaphore that would have more than it was made with: kind
---"TooMany", and nothing has changed.
---@param n? integer default 1
function Semaphore:release(n) end

---@return integer permits that can be taken now
function Semaphore:get_value() end

---@param timeout? number seconds
---@return mooncrew.Held? held
---@return mooncrew.Constant? err mooncrew.Timeout
function Semaphore:hold(timeout) end

---@class mooncrew.BoundedSemaphore: mooncrew.Semaphore

---Permits of a process that dies or ends come back, unless the semaphore is made with 0.
---@param n? integer permits; default 1
---@return mooncrew.Semaphore
function mooncrew.Semaphore(n) end

---@param n? integer permits; default 1
---@return mooncrew.BoundedSemaphore
function mooncrew.BoundedSemaphore(n) end

---@class mooncrew.Event: userdata
local Event = {}

---Sets the event and wakes all who wait, also those whom a clear() overtakes.
function Event:set() end

function Event:clear() end

---@return boolean
function Event:is_set() end

---@param timeout? number seconds
---@return true? set
---@return mooncrew.Constant? err mooncrew.Timeout
function Event:wait(timeout) end

---@return mooncrew.Event
function mooncrew.Event() end

---A lock, and a line of those who wait for a notification.
---@class mooncrew.Condition: userdata
local Condition = {}

---Takes the condition's lock, as Lock:acquire does.
---@param block? boolean default true
---@param timeout? number seconds
---@return true? taken
---@return "abandoned"|mooncrew.Constant|nil state
function Condition:acquire(block, timeout) end

---Gives the lock back.
function Condition:release() end

---`local held <close> = condition:hold()`: the lock, until the end of the block.
---@param timeout? number seconds
---@return mooncrew.Held? held
---@return "abandoned"|mooncrew.Constant|nil state as of acquire
function Condition:hold(timeout) end

---A place where so many have to come before anybody goes on.
---@class mooncrew.Barrier: userdata
---@field parties integer
---@field n_waiting integer
---@field broken boolean
local Barrier = {}

---Breaks the barrier: those who wait and those who come get an error of kind "BrokenBarrier".
function Barrier:abort() end

---The barrier is as new. Those who wait get an error of kind "BrokenBarrier".
function Barrier:reset() end

---@param lock? mooncrew.Lock default: an RLock of its own
---@return mooncrew.Condition
function mooncrew.Condition(lock) end

---@param parties integer
---@param action? function
---@return mooncrew.Barrier
function mooncrew.Barrier(parties, action) end

---One end of a pipe.
---@class mooncrew.Connection: userdata

---Two connections: what one sends the other one receives.
---@param duplex? boolean default true; false: the first one only receives, the second only sends
---@return mooncrew.Connection
---@return mooncrew.Connection
function mooncrew.Pipe(duplex) end

---Waits until one of the objects is ready: an item is there or the queue is closed, a process or
---task has ended, a result is there, an event is set, a lock or semaphore can be acquired.
---@param objects any[] queues, processes, results, tasks, events, locks, semaphores, connections
---@param timeout? number seconds
---@return any[]? ready
---@return mooncrew.Constant? err mooncrew.Timeout
function mooncrew.wait(objects, timeout) end

return mooncrew
