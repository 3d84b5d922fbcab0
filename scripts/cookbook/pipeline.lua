-- A pipeline of three stages: a reader, several parsers and a writer, with a queue between two.
--
--   reader ──▶ queue ──▶ parser ─┐
--                    ├─▶ parser ─┼──▶ queue ──▶ writer
--                    └─▶ parser ─┘
--
--   mooncrew scripts/cookbook/pipeline.lua access.log access.jsonl
--
-- It makes lines of JSON out of the log of a web server. The queues are short, so a stage that is
-- slow slows the others, and memory stays small however long the log is.

local json = require "dkjson"
local mooncrew = require "mooncrew"

local BATCH = 500 -- lines in a message: one line a message would be all messages and no work
local AHEAD = 8 -- batches that wait in a queue

local from, to = arg[1], arg[2]
if not to then
  io.stderr:write("usage: pipeline.lua FROM TO\n")
  os.exit(2)
end
local log, complaint = io.open(from)
if not log then
  io.stderr:write("pipeline: ", complaint, "\n")
  os.exit(1)
end
local part = to .. ".part"

local PATTERN = '^(%S+) %S+ (%S+) %[([^%]]+)%] "(%S+) (%S+)[^"]*" (%d+) (%S+)'

local function read(batches)
  local batch = { number = 1 }
  for line in log:lines() do
    batch[#batch + 1] = line
    if #batch == BATCH then
      batches:put(batch)
      batch = { number = batch.number + 1 }
    end
  end
  batches:put(batch)
end

local function parse(batches, results)
  for batch in batches:items() do
    local lines, bad = {}, 0
    for _, line in ipairs(batch) do
      local host, user, time, method, path, status, bytes = line:match(PATTERN)
      if host then
        lines[#lines + 1] = json.encode({
          host = host, user = user, time = time, method = method, path = path,
          status = math.tointeger(status), bytes = math.tointeger(bytes) or 0,
        }, { keyorder = { "time", "host", "user", "method", "path", "status", "bytes" } }) .. "\n"
      else
        bad = bad + 1
      end
    end
    results:put{ number = batch.number, text = table.concat(lines), bad = bad }
  end
end

-- Batches come in any order, and are written in that of the log. The file gets its name when it is
-- whole.
local function write(results)
  local file = assert(io.open(part, "w"))
  local early, next_number, bad = {}, 1, 0
  for result in results:items() do
    early[result.number] = result
    while early[next_number] do
      assert(file:write(early[next_number].text))
      bad = bad + early[next_number].bad
      early[next_number] = nil
      next_number = next_number + 1
    end
  end
  assert(file:close())
  assert(os.rename(part, to))
  return bad
end

-- Starts the processes of a stage. `output` is closed when all of them have ended.
local left = {} -- by queue: how many processes still write to it
local outputs = {} -- by process
local running = {}
local function stage(name, n, target, args, output)
  for i = 1, n do
    local process = mooncrew.Process{ name = ("%s %d"):format(name, i), target = target,
      args = args, daemon = true }
    running[#running + 1] = process:start()
    outputs[process] = output
  end
  if output then left[output] = n end
  return running[#running]
end

-- When anything fails, and after Ctrl-C, nothing half done is left.
local _ <close> = setmetatable({}, { __close = function() os.remove(part) end })

local batches, results = mooncrew.Queue(AHEAD), mooncrew.Queue(AHEAD)
stage("reader", 1, read, { batches }, batches)
stage("parser", mooncrew.cpu_count(), parse, { batches, results }, results)
local writer = stage("writer", 1, write, { results })

while #running > 0 do
  for _, process in ipairs(mooncrew.wait(running)) do
    -- An error of a stage is raised here. It ends the script, and the other stages are daemons.
    process:get()
    local output = outputs[process]
    if output then
      left[output] = left[output] - 1
      if left[output] == 0 then output:close() end
    end
    for i, other in ipairs(running) do
      if other == process then table.remove(running, i) end
    end
  end
end

local bad = writer:get()
if bad > 0 then
  io.stderr:write(("pipeline: %d lines are no lines of a log\n"):format(bad))
  os.exit(1)
end
