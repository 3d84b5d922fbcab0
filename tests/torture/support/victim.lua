-- A program that kill_main.lua kills: victim.lua KIND. Prints "ready" when its tree is up.

local mooncrew = require "mooncrew"
local uv = require "luv"

local up = mooncrew.Queue()

local function ignore_sigterm()
  local signal = uv.new_signal()
  uv.signal_start(signal, "sigterm", function() end)
end

-- What a child may be doing when its main process dies.
local work = {
  function() while true do end end,
  function() ignore_sigterm() while true do end end,
  -- Inside C for longer than anybody waits: the pattern matcher goes back and forth.
  function() return (("a"):rep(60)):find(("a?"):rep(60) .. ("a"):rep(60)) end,
  function() mooncrew.sleep(3600) end,
  function() mooncrew.Queue():get() end,
}

local function busy(i)
  up:put(true)
  work[i]()
end

local kinds = {}

function kinds.process()
  for i = 1, #work do mooncrew.Process{ target = busy, args = { i } }:start() end
  return #work
end

-- A daemon, its children and theirs.
function kinds.daemon()
  local function tree(depth)
    up:put(true)
    if depth > 0 then
      for _ = 1, 2 do mooncrew.Process{ target = tree, args = { depth - 1 } }:start() end
    end
    work[1 + depth]()
  end
  mooncrew.Process{ target = tree, args = { 2 }, daemon = true }:start()
  return 7
end

function kinds.pool()
  local pool = mooncrew.Pool(#work)
  for i = 1, #work do pool:apply_async(busy, { i }) end
  kinds.keep = pool
  return #work
end

-- A pool in a child, whose task has a child of its own.
function kinds.nested()
  mooncrew.Process{ target = function()
    local pool = mooncrew.Pool(2)
    pool:apply(function()
      mooncrew.Process{ target = busy, args = { 1 } }:start()
      busy(4)
    end)
  end }:start()
  return 2
end

for _ = 1, kinds[arg[1]]() do up:get() end
print("ready")
io.stdout:flush()
mooncrew.sleep(3600)
