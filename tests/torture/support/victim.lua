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

-- Eight workers, each in another trouble, in a pool that has more to do.
function kinds.crowd()
  local lock, numbers = mooncrew.Lock(), mooncrew.dict{}
  local crowd = {
    function()
      ignore_sigterm()
      return work[3]()
    end,
    function() uv.kill(mooncrew.getpid(), "sigstop") end,
    function()
      lock:acquire()
      while true do end
    end,
    function() for i = 1, math.huge do numbers[i % 1000] = ("x"):rep(i % 500) end end,
    function()
      local pool <close> = mooncrew.Pool(1)
      pool:apply(work[1])
    end,
  }
  table.move(work, 1, 3, #crowd + 1, crowd)
  local pool = mooncrew.Pool{ processes = #crowd, capture = true }
  for i = 1, #crowd do
    pool:apply_async(function()
      up:put(true)
      print("at work")
      crowd[i]()
    end)
  end
  for i = 1, 100 do pool:apply_async(work[4], { i }) end
  kinds.keep = pool
  return #crowd
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
