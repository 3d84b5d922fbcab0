-- Chunks in parts: what becomes of one whose worker died, and of the items that are taken back
-- from a worker which is long in one of them.

local mapping = require "mooncrew.mapping"

local split = {}

---Whether the task is several items of a list.
---@param task table
---@return boolean
function split.is_chunk(task)
  return task.mode ~= mapping.CALL and task.last > task.first
end

---The parts of a chunk that was lost: only the item that the worker had in hand is lost, or tried
---again. The others are given once more, those that were done already too: their results were in
---the worker.
---@param task table becomes one of the parts
---@param index integer the item that was in hand; 0: none, it died between them
---@return table[] parts tasks to be given, which together end the task
---@return table? culprit which of the parts is the item that was in hand
function split.lost(task, index)
  local first, last = task.first, task.last
  local list = { task }
  if index < 1 or first + index - 1 > last then
    for i = first + 1, last do list[#list + 1] = task:take_out(i, i) end
    task.last = first
    return list, nil
  end
  local at, culprit = first + index - 1, task
  if at < last then list[#list + 1] = task:take_out(at + 1, last) end
  if at > first then
    culprit = task:take_out(at, at)
    list[#list + 1] = culprit
    task.last = at - 1
  else
    task.last = at
  end
  return list, culprit
end

---Takes all behind the first `begun` items out of a chunk, in pieces for the other workers.
---@param task table
---@param begun integer
---@param processes integer
---@return table[] parts tasks to be given
function split.rest(task, begun, processes)
  local list = {}
  local first, last = task.first + begun, task.last
  local size = math.max(1, (last - first + 1) // (4 * processes))
  for i = first, last, size do
    list[#list + 1] = task:take_out(i, math.min(i + size - 1, last))
  end
  task.last = first - 1
  return list
end

return split
