-- A worker with a Lua heap of 50 MB is killed: how long until its task is reported, N times over.
--   mooncrew kill.lua N
-- Prints N times the median, in seconds.

local mooncrew = require "mooncrew"
local uv = require "luv"

local n = math.tointeger(arg[1])
local pids = mooncrew.Queue()

local function hold()
  local heap = {}
  for i = 1, 50 do heap[i] = ("x"):rep(1 << 20) end
  pids:put(mooncrew.getpid())
  while #heap > 0 do mooncrew.sleep(1) end
end

local pool <close> = mooncrew.Pool(2)
local took, right = {}, 0
for i = 1, n do
  local result = pool:apply_async(hold)
  local pid = pids:get()
  local start = uv.hrtime()
  uv.kill(pid, "sigkill")
  local ok, err = pcall(result.get, result)
  took[i] = (uv.hrtime() - start) / 1e9
  if not ok and err.kind == "WorkerLost" and err.pid == pid then right = right + 1 end
end
table.sort(took)
print(("%d %.6f %d"):format(n, took[n // 2 + 1] * n, right))
