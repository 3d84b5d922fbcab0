-- Starts and joins N processes, one after another.
--   mooncrew process.lua N

local mooncrew = require "mooncrew"
local uv = require "luv"

local n = math.tointeger(arg[1])
local function nothing() end

local ended = 0
local start = uv.hrtime()
for _ = 1, n do
  local p = mooncrew.Process{ target = nothing }:start()
  p:join()
  if p.exitcode == 0 then ended = ended + 1 end
  p:close()
end
local seconds = (uv.hrtime() - start) / 1e9
print(("%d %.6f %d"):format(n, seconds, ended))
