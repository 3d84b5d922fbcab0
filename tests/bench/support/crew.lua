-- Runs a benchmark's body in this process, or in several at once.

local mooncrew = require "mooncrew"
local uv = require "luv"

local crew = {}

---Calls body(worker) in each of the workers at once; a single one is this process itself.
---@param workers integer
---@param body fun(worker: integer): integer a number to be summed up
---@return number seconds from the start until all have answered
---@return integer sum of what they answered
function crew.run(workers, body)
  if workers == 1 then
    local start = uv.hrtime()
    local sum = body(1)
    return (uv.hrtime() - start) / 1e9, sum
  end
  local go, answers, crowd = mooncrew.Queue(), mooncrew.Queue(), {}
  for worker = 1, workers do
    crowd[worker] = mooncrew.Process{ target = function()
      answers:put("ready")
      go:get()
      answers:put(body(worker))
    end }:start()
  end
  for _ = 1, workers do answers:get() end
  local start, sum = uv.hrtime(), 0
  for _ = 1, workers do go:put(true) end
  for _ = 1, workers do sum = sum + answers:get() end
  local seconds = (uv.hrtime() - start) / 1e9
  for _, process in ipairs(crowd) do process:join() end
  return seconds, sum
end

---Prints what tests/bench/run reads.
---@param n integer operations
---@param seconds number
---@param check integer
function crew.report(n, seconds, check)
  print(("%d %.6f %d"):format(n, seconds, check))
end

return crew
