-- What a task waited for may be gone, and its memory another object's, before the turn of the loop
-- in which it was woken is over. The end of the turn took back a bit in the mask of who waits for
-- room in the queue: where it had been, the sixth holder of a semaphore has its permits.

local mooncrew = require "mooncrew"

local PERMITS, HOLDERS = 10, 6

-- Looks all the time: to wait would suspend the task, and end the turn.
local function await(queue, n)
  while n > 0 do
    if queue:get(false) then n = n - 1 end
  end
end

local inbox, outbox = mooncrew.Queue(), mooncrew.Queue()
local taker = mooncrew.Process{ target = function()
  inbox:get():get()
  collectgarbage()
  collectgarbage()
  outbox:put(true)
end }:start()

local semaphore
local holders = {}

local function hold()
  semaphore:acquire()
  outbox:put(true)
  while true do mooncrew.sleep(3600) end
end

local task = mooncrew.spawn(function()
  do
    local queue = mooncrew.Queue(1)
    queue:put(1)
    inbox:put(queue)
    queue:put(2) -- there is room when the other process has taken the first
  end
  await(outbox, 1)
  collectgarbage()
  collectgarbage()
  semaphore = mooncrew.Semaphore(PERMITS)
  for i = 1, HOLDERS do
    holders[i] = mooncrew.Process{ target = hold, daemon = true }:start()
    await(outbox, 1)
  end
end)
task:get()

taker:join()
for _, holder in ipairs(holders) do
  holder:kill()
  holder:join()
end
for i = 1, PERMITS do
  assert(semaphore:acquire(false), "permit " .. i .. " of " .. PERMITS .. " is lost")
end
