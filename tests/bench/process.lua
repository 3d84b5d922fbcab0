-- Starts and joins N processes, one after another.
--   mooncrew process.lua N

local mooncrew = require "mooncrew"
-- luv would have the clock too, and a loop for this process, which each child has to make anew.
local now = require "mooncrew.parts".now

local n = math.tointeger(arg[1])
local function nothing() end

local ended = 0
local start = now()
for _ = 1, n do
  local p = mooncrew.Process{ target = nothing }:start()
  p:join()
  if p.exitcode == 0 then ended = ended + 1 end
  p:close()
end
local seconds = now() - start
print(("%d %.6f %d"):format(n, seconds, ended))
