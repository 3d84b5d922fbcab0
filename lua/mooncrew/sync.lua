-- What programs lock and wait for: Lock, RLock, Semaphore, BoundedSemaphore, Event, Condition,
-- Barrier. The objects and what can be done to them in one step are in C (runtime/bind/lock.c and
-- its neighbours); here is what is made of several steps, each of which may be the last one of a
-- process: so nothing here needs to be undone that the steps do not undo by themselves.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local check = require "mooncrew.check"

local MAX_PARTIES = 1000000

local sync = {
  Lock = parts.Lock,
  RLock = parts.RLock,
  Semaphore = parts.Semaphore,
  BoundedSemaphore = parts.BoundedSemaphore,
  Event = parts.Event,
}

local function check_timeout(func, timeout) check.wait(func, timeout, 3) end

-- Seconds until a deadline; nil: there is none.
local function left(deadline)
  return deadline and math.max(0, deadline - parts.now())
end

-- -- hold ---------------------------------------------------------------------------------------

---@class mooncrew.Held gives back at the end of the block what it was made for
local Held = { __name = "mooncrew.Held" }

-- An error on its way is worth more than the one that somebody else has released the lock.
function Held:__close(err)
  local given_back, why = pcall(self.give_back, self.lock, 1)
  if not given_back and err == nil then error(why, 0) end
end

---Takes it until the end of the block: `local held <close> = lock:hold()`.
---@param timeout? number seconds
---@return mooncrew.Held? held
---@return "abandoned"|table? state "abandoned": the former holder died with it; mooncrew.Timeout
local function hold(self, timeout)
  check_timeout("hold", timeout)
  local held = setmetatable({ lock = self, give_back = parts.give_back }, Held)
  local taken, state = self:acquire(true, timeout)
  if not taken then return nil, state end
  return held, state
end

local function hold_permit(self, timeout)
  check_timeout("hold", timeout)
  local held = setmetatable({ lock = self, give_back = self.release }, Held)
  local taken, state = self:acquire(true, timeout)
  if not taken then return nil, state end
  return held
end

parts.classes["mooncrew.Lock"].hold = hold
parts.classes["mooncrew.RLock"].hold = hold
parts.classes["mooncrew.Semaphore"].hold = hold_permit
parts.classes["mooncrew.BoundedSemaphore"].hold = hold_permit

-- -- Condition ----------------------------------------------------------------------------------

---@class mooncrew.Condition
local Condition = parts.classes["mooncrew.Condition"]
local lock_of = parts.condition_lock

---@param lock? mooncrew.Lock|mooncrew.RLock default: an RLock of its own
---@return mooncrew.Condition
function sync.Condition(lock)
  if lock == nil then lock = parts.RLock() end
  return parts.Condition(lock)
end

function Condition:acquire(block, timeout) return lock_of(self):acquire(block, timeout) end

function Condition:release() return lock_of(self):release() end

function Condition:hold(timeout) return hold(lock_of(self), timeout) end

-- The lock and how often the caller holds it; an error when it does not.
local function held_lock(self, func)
  local lock = lock_of(self)
  local depth = parts.depth(lock)
  if depth == 0 then error(func .. ": the caller does not hold the condition's lock", 3) end
  return lock, depth
end

---Lets go of the lock, waits for a notification, and takes the lock again.
---@param timeout? number seconds
---@return true? notified
---@return table|"abandoned"? state mooncrew.Timeout; "abandoned": who held the lock last has died
function Condition:wait(timeout)
  check_timeout("wait", timeout)
  local lock, depth = held_lock(self, "wait")
  local ticket <close> = parts.condition_ticket(self)
  parts.give_back(lock, depth)
  ticket:wait(timeout)
  local _, abandoned = parts.take_again(lock, depth)
  if ticket:take() then return true, abandoned end
  return nil, mooncrew.Timeout
end

---Waits until the predicate, which is called with the lock held, returns a true value.
---@param predicate fun(): any
---@param timeout? number seconds
---@return any value what it returned; nil and mooncrew.Timeout
function Condition:wait_for(predicate, timeout)
  check.type("wait_for", "predicate", predicate, "function")
  check_timeout("wait_for", timeout)
  held_lock(self, "wait_for")
  local deadline = timeout and parts.now() + timeout
  while true do
    local value = predicate()
    if value then return value end
    if deadline and parts.now() >= deadline then return nil, mooncrew.Timeout end
    self:wait(left(deadline))
  end
end

---Wakes up to n of those who wait, those who wait longest first.
---@param n? integer default 1
function Condition:notify(n)
  n = check.integer("notify", "n", n == nil and 1 or n, 1, 0xffffffff)
  held_lock(self, "notify")
  parts.condition_notify(self, n)
end

---Wakes all who wait.
function Condition:notify_all()
  held_lock(self, "notify_all")
  parts.condition_notify(self)
end

-- -- Barrier ------------------------------------------------------------------------------------

---@class mooncrew.Barrier
local Barrier = parts.classes["mooncrew.Barrier"]

---@param parties integer how many have to come
---@param action? function called by the last one before anybody goes on; it is sent, as by a queue
---@return mooncrew.Barrier
function sync.Barrier(parties, action)
  parties = check.integer("Barrier", "parties", parties, 1, MAX_PARTIES)
  if action == nil then return parts.Barrier(parties) end
  check.type("Barrier", "action", action, "function")
  local queue = mooncrew.Queue()
  queue:put(action)
  return parts.Barrier(parties, queue)
end

local function broken()
  error(setmetatable({
    kind = "BrokenBarrier",
    message = "wait: the barrier is broken",
  }, mooncrew.Error), 0)
end

---Waits until as many have come as there are parties. Raises kind "BrokenBarrier" when the barrier
---is or gets broken: one of those who have come died, gave up or could not act, or somebody broke
---it. A time-out breaks it too.
---@param timeout? number seconds
---@return integer? index 1 for who came first, up to the number of parties
---@return table? err mooncrew.Timeout
function Barrier:wait(timeout)
  check_timeout("wait", timeout)
  local deadline = timeout and parts.now() + timeout
  local arrival <close> = parts.barrier_arrival(self)
  local state, index = arrival:enter()
  while state == "busy" do
    if not arrival:wait(left(deadline)) then return nil, mooncrew.Timeout end
    state, index = arrival:enter()
  end
  if state == "act" then
    parts.barrier_action(self)()
    state = arrival:open()
  elseif state == "shut" then
    arrival:wait(left(deadline))
    state = arrival:leave()
    if state == "shut" then return nil, mooncrew.Timeout end
  end
  if state == "broken" then broken() end
  return index
end

return sync
