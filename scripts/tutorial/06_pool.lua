-- A pool of two processes works through six tasks, two at a time.
--
--   mooncrew scripts/tutorial/06_pool.lua [longest sleep in seconds]

local mooncrew = require "mooncrew"

io.stdout:setvbuf "line"

local longest = tonumber(arg[1]) or 1

local function run(i)
  print("start", i, mooncrew.getpid())
  local seconds = math.random() * longest -- every worker has a seed of its own
  mooncrew.sleep(seconds)
  print("end", i, mooncrew.getpid(), seconds)
end

print("processors", mooncrew.cpu_count())

local pool = mooncrew.Pool(2)
for i = 1, 6 do
  pool:apply_async(run, { i })
end
pool:close() -- no more tasks
pool:join() -- wait until all have run

print("all done")
