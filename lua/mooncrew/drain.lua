-- What Ctrl-C or SIGTERM means to a pool that was made with on_interrupt = "drain": the first lets
-- the tasks at work finish and gives up the queued ones, and is raised when all results are in. The
-- second ends the workers.

local interrupt = require "mooncrew.interrupt"
local dispatch = require "mooncrew.dispatch"

local drain = {}

-- No more tasks from now on.
local function begin(pool)
  pool.closed, pool.draining = true, true
  dispatch.give_up_queued(pool)
end

---Calls wait(pool, ...), which only its waits let be interrupted. A first Ctrl-C in it begins the
---drain, and the wait goes on.
---@param pool mooncrew.Pool
---@param wait function
function drain.guard(pool, wait, ...)
  local shield = interrupt.shield
  if pool.on_interrupt ~= "drain" or pool.draining then return shield(wait, pool, ...) end
  local results = table.pack(pcall(shield, wait, pool, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  if not interrupt.is(results[2]) then error(results[2], 0) end
  pool.interruption = results[2]
  shield(begin, pool)
  return shield(wait, pool, ...)
end

---Waits for the tasks at work, and raises the Ctrl-C that began the drain; nothing when none did.
---@param pool mooncrew.Pool
function drain.finish(pool)
  local err = pool.interruption
  if err == nil then return end
  pool:poll()
  while pool.core:under_way() > 0 do
    pool:await()
    pool:poll()
  end
  pool.interruption = nil
  error(err, 0)
end

---A block with the pool is left because of Ctrl-C.
---@param pool mooncrew.Pool
function drain.close(pool)
  -- What began the drain has been raised when all was done: this is a second one.
  local second = pool.draining and pool.core:under_way() > 0
  pool.interruption = nil
  if not pool.draining then interrupt.shield(begin, pool) end
  if second or not pcall(pool.join, pool) then pool:terminate(true) end
end

return drain
