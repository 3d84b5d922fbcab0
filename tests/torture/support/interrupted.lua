-- A program that ctrl_c.lua interrupts: interrupted.lua KIND. Prints "ready" once it is at it.

local mooncrew = require "mooncrew"
local uv = require "luv"

local function quick(x) return x * x end

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

-- A server that takes connections, and never answers.
local server = uv.new_tcp()

local function listen()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(128, function() end))
  return ("http://127.0.0.1:%d/"):format(server:getsockname().port)
end

local function ready()
  print("ready")
  io.stdout:flush()
end

local kinds = {}

function kinds.map()
  local pool <close> = mooncrew.Pool(3)
  local list = numbers(1000)
  pool:map(quick, list)
  ready()
  while true do pool:map(quick, list) end
end

kinds["map of long tasks"] = function()
  local pool <close> = mooncrew.Pool(3)
  local list = {}
  for i = 1, 100 do list[i] = 1000 end
  ready()
  pool:map(mooncrew.sleep, list)
end

function kinds.imap()
  local pool <close> = mooncrew.Pool(3)
  ready()
  for _ in pool:imap_unordered(quick, function() return 1 end) do end
end

function kinds.get()
  local pool <close> = mooncrew.Pool(3)
  ready()
  while true do pool:apply_async(quick, { 1 }):get() end
end

kinds["get of a queue"] = function()
  local queue = mooncrew.Queue()
  for _ = 1, 3 do
    mooncrew.Process{ target = function() while true do queue:put("x") queue:get() end end }:start()
  end
  ready()
  while true do queue:get(true, 0.001) end
end

function kinds.join()
  local p = mooncrew.Process{ target = function() while true do end end }:start()
  ready()
  p:join()
end

kinds["join of a pool"] = function()
  local pool = mooncrew.Pool(3)
  for _ = 1, 100 do pool:apply_async(mooncrew.sleep, { 1000 }) end
  pool:close()
  ready()
  pool:join()
end

function kinds.sleep()
  ready()
  while true do mooncrew.sleep(0.001) end
end

kinds["http.get"] = function()
  local url = listen()
  mooncrew.Process{ target = function() mooncrew.http.get(url) end }:start()
  ready()
  while true do mooncrew.http.get(url, { timeout = 0.02 }) end
end

kinds["tasks"] = function()
  local pool <close> = mooncrew.CoroutinePool(20)
  ready()
  while true do pool:map(function() mooncrew.sleep(0.001) end, numbers(100)) end
end

-- In the middle of forks and of the ends of pools.
kinds["pools that come and go"] = function()
  ready()
  while true do
    local pool <close> = mooncrew.Pool(2)
    pool:map(quick, { 1, 2, 3 })
    mooncrew.Process{ target = quick, args = { 1 } }:start():join()
  end
end

kinds["a pool that drains"] = function()
  local pool <close> = mooncrew.Pool{ processes = 3, on_interrupt = "drain" }
  ready()
  while true do pool:map(quick, numbers(100), 1) end
end

kinds[arg[1]]()
