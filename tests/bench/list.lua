-- Operations on a shared list.
--   mooncrew list.lua append|get|iterate N

local mooncrew = require "mooncrew"
local crew = dofile(arg[0]:match("^(.*/)") .. "support/crew.lua")

local what, n = arg[1], math.tointeger(arg[2])
local shared = mooncrew.list{ 1 }

local bodies = {
  append = function()
    for i = 2, n do shared:append(i) end
    return #shared
  end,
  get = function()
    local sum = 0
    for _ = 1, n do sum = sum + shared[1] end
    return sum
  end,
  iterate = function()
    local count = 0
    for _ in ipairs(shared) do count = count + 1 end
    return count
  end,
}

if what == "iterate" then
  for i = 2, n do shared:append(i) end
end
crew.report(n, crew.run(1, bodies[what]))
