-- The memory that N queued strings of 0 to 63 bytes take beyond what they are as bytes.
--   mooncrew queued.lua N

local mooncrew = require "mooncrew"

local LONGEST = 63
local ENCODED = 2 -- bytes of a short string's message on top of its own: count and length

local n = math.tointeger(arg[1])

-- What is really there of the shared memory, as the kernel counts it.
local function shared()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^RssShmem:%s*(%d+) kB")
    if kib then return tonumber(kib) * 1024 end
  end
end

local strings = {}
for length = 0, LONGEST do strings[length] = ("x"):rep(length) end
local queue = mooncrew.Queue()
local before, encoded, right = shared(), 0, 0
for i = 1, n do
  local item = strings[i % (LONGEST + 1)]
  queue:put(item)
  encoded = encoded + #item + ENCODED
end
local bytes = shared() - before
for i = 1, n do
  if queue:get() == strings[i % (LONGEST + 1)] then right = right + 1 end
end
print(("%d %d %d"):format(n, bytes - encoded, right))
