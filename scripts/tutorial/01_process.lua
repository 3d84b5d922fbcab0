-- Two loops at once: one in a child process, one here. Stop both with Ctrl-C.
--
--   mooncrew scripts/tutorial/01_process.lua [seconds per step]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line" -- so that lines show at once, through a pipe too

local unit = tonumber(arg[1]) or 1

local function run1(word)
  while true do
    print("run1", word)
    mooncrew.sleep(unit)
  end
end

local function run2()
  while true do
    print("run2")
    mooncrew.sleep(unit)
  end
end

-- The child gets a copy of everything that is here, and runs run1("lucky").
local p = mooncrew.Process{ target = run1, args = { "lucky" }, name = "first child" }
p:start()
print("child", p.name)

run2()
