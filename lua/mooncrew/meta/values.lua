---@meta mooncrew
-- luacheck: ignore 212 241

-- Errors, constants and classes. docs/values.md has what can be sent.

---@class mooncrew
---@field _VERSION string "mooncrew 0.1.0"
local mooncrew = {}

---An expected outcome, such as a time-out. Equal only to itself, the same in every process.
---@class mooncrew.Constant
---@field kind string its name
---@field message string

---Nothing is there: of a get that does not wait, or no longer.
---@type mooncrew.Constant
mooncrew.Empty = nil

---There is no room: of a put that does not wait, or no longer.
---@type mooncrew.Constant
mooncrew.Full = nil

---It was closed, and all that was put has been taken.
---@type mooncrew.Constant
mooncrew.Closed = nil

---The time that was given is over.
---@type mooncrew.Constant
mooncrew.Timeout = nil

---It was cancelled before it had an outcome.
---@type mooncrew.Constant
mooncrew.Cancelled = nil

---An error that came from another process, or that has more to say than a message. `tostring` of
---one shows its message and the remote traceback.
---@class mooncrew.Error
---@field kind string "Error", "WorkerLost", "OSError" …
---@field message string
---@field traceback? string the remote one
---@field process? string the name of the process that raised it
---@field pid? integer
---@field exitcode? integer of a lost worker; negative: the signal
---@field value? any an error value that is not a string, unchanged

---The metatable of errors.
---@type table
mooncrew.Error = nil

---Objects with this metatable arrive with the metatable that the receiver registered by that name.
---@param name string
---@param metatable table
function mooncrew.register_class(name, metatable) end

---For people who come from Python: makes the same objects as the functions of the module, and there
---is no server. dict, list, Value, Array, Queue, Lock, RLock, Semaphore, BoundedSemaphore, Event,
---Condition, Barrier, Pool; JoinableQueue is a Queue, Namespace a dict.
---@class mooncrew.Manager
local Manager = {}

---@return mooncrew.Manager
function mooncrew.Manager() end

---@return mooncrew.Manager self
function Manager:start() end

function Manager:shutdown() end

function Manager:close() end

return mooncrew
