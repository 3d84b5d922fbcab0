---@meta mooncrew
-- luacheck: ignore 212 241

-- Processes, and what they may use. docs/processes.md has the rules in words.

---@class mooncrew
local mooncrew = {}

---What a process may use on top of what it has at its start; its own children inherit it.
---@class mooncrew.limits
---@field memory? integer|string bytes, or a size such as "256M": more is "not enough memory"
---@field cpu? number seconds of computing, rounded up; then SIGXCPU ends it (exitcode -24)
---@field files? integer descriptors; more is "Too many open files"

---What a process may open; nothing else can be. Its own children inherit it.
---@class mooncrew.sandbox
---@field read? string[] files and folders to read, list and execute
---@field write? string[] files and folders to read, make, change and remove, but not to execute
---@field network? boolean default false: no sockets but Unix datagrams
---@field best_effort? boolean what this kernel lacks, or a path that is not there, is left out

---@class mooncrew.Process.options
---@field target function
---@field args? table unpacked to args.n or #args
---@field name? string
---@field daemon? boolean default: whether the caller is one
---@field limits? mooncrew.limits
---@field sandbox? mooncrew.sandbox

---@class mooncrew.Process: userdata
---@field name string
---@field daemon boolean
---@field pid? integer nil before start
---@field exitcode? integer nil while alive; 0, the status given to os.exit, 1 after an error, or -N
---after signal N
local Process = {}

---A child that will run `target` on a copy of the whole state.
---@param options mooncrew.Process.options
---@return mooncrew.Process
function mooncrew.Process(options) end

---Forks. Raises kind "OSError" when no process can be had, or limits or sandbox can't be applied.
---@return mooncrew.Process self
function Process:start() end

---@param timeout? number seconds
---@return true? ended
---@return mooncrew.Constant? err mooncrew.Timeout
function Process:join(timeout) end

---Waits for what the target returned. Raises its error, or kind "WorkerLost" when it left none.
---@param timeout? number seconds
---@return any ... or nil, mooncrew.Timeout
function Process:get(timeout) end

---Sends SIGTERM. An ended process is left alone, as by kill and interrupt.
function Process:terminate() end

---Sends SIGKILL.
function Process:kill() end

---Sends SIGINT.
function Process:interrupt() end

---@return boolean alive
function Process:is_alive() end

---Lets go of the handle. An error while the process lives.
function Process:close() end

---@class mooncrew.identity
---@field name string
---@field pid integer
---@field daemon boolean

---@return mooncrew.identity
function mooncrew.current_process() end

---@return mooncrew.identity? parent nil in the main process
function mooncrew.parent_process() end

---The processes that this one started and that live.
---@return mooncrew.Process[]
function mooncrew.active_children() end

---@return integer
function mooncrew.getpid() end

---@return integer
function mooncrew.getppid() end

---The cores that this process may use: affinity and the quota of its control group included.
---@return integer
function mooncrew.cpu_count() end

---`fn` runs in each child before its target, in the order in which functions were given.
---@param fn function
function mooncrew.after_fork(fn) end

return mooncrew
