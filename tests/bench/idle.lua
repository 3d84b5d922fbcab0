-- The private memory of a pool's N idle workers, each of which has done one task, in bytes.
--   mooncrew idle.lua N

local mooncrew = require "mooncrew"

local n = math.tointeger(arg[1])
local pool <close> = mooncrew.Pool(n)
local come = mooncrew.Barrier(n)

-- Nobody is done before all have come: so each worker has one.
local function pid()
  come:wait()
  return mooncrew.getpid()
end

local function private(process)
  local bytes = 0
  for line in io.lines(("/proc/%d/smaps_rollup"):format(process)) do
    bytes = bytes + (tonumber(line:match("^Private_%a+:%s*(%d+) kB")) or 0) * 1024
  end
  return bytes
end

local results, seen, bytes, right = {}, {}, 0, 0
for i = 1, n do results[i] = pool:apply_async(pid) end
for i = 1, n do
  local process = results[i]:get()
  if not seen[process] then right = right + 1 end
  seen[process] = true
end
for process in pairs(seen) do bytes = bytes + private(process) end
print(("%d %d %d"):format(n, bytes, right))
