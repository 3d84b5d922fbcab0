-- What becomes of a chunk whose worker died: only the item that the worker had in hand is lost, or
-- tried again. The others are given once more, those that were done already too: their results
-- were in the worker.

local parts = require "mooncrew.parts"
local mapping = require "mooncrew.mapping"

local split = {}

---Whether the task is a list of several items.
---@param task table
---@return boolean
function split.is_chunk(task)
  return task.mode ~= mapping.CALL and task.args[1].n > 1
end

-- whole.errors[index] is the item's error; false: it was not run, for an error before it ended its
-- part. All parts of the chunk have come back.
local function finish(whole)
  local task = whole.task
  if whole.cancelled then
    task.cancelled()
  elseif not next(whole.errors) then
    task.returned({ whole.out, n = 1 })
  elseif task.mixed then
    task.mixed(whole.out, whole.errors)
  else
    local first = math.huge
    for index, err in pairs(whole.errors) do
      if err and index < first then first = index end
    end
    local err = whole.errors[first]
    if type(err) == "table" then err.index = first end
    task.raised(err)
  end
end

local function part_done(whole)
  whole.left = whole.left - 1
  if whole.left == 0 then finish(whole) end
end

-- The task for the items from first to last of the chunk.
local function part_of(whole, first, last)
  local task = whole.task
  local n = last - first + 1
  local items = table.move(task.args[1], first, last, 1, parts.list(n))
  items.n = n
  return {
    mode = task.mode,
    fn = task.fn,
    args = { items, n = 1 },
    result = task.result,
    timeout = task.timeout,
    retries = task.retries,
    capture = task.capture,
    wrote = task.wrote and function(stdout, stderr, index)
      task.wrote(stdout, stderr, first - 1 + (index or 1))
    end,
    mixed = function(out, errors)
      table.move(out, 1, n, first, whole.out)
      for index, err in pairs(errors) do whole.errors[first - 1 + index] = err end
      part_done(whole)
    end,
    returned = function(values)
      table.move(values[1], 1, n, first, whole.out)
      part_done(whole)
    end,
    raised = function(err)
      local index = type(err) == "table" and rawget(err, "index") or 1
      whole.errors[first - 1 + index] = err
      for behind = first + index, last do whole.errors[behind] = false end
      part_done(whole)
    end,
    cancelled = function()
      whole.cancelled = true
      part_done(whole)
    end,
  }
end

---The parts of a chunk that was lost: tasks to be given, which together end the task.
---@param task table
---@param index integer the item that was in hand; 0: none, it died between them
---@return table[] parts
---@return integer? culprit which of the parts is the item that was in hand
function split.parts(task, index)
  local n = task.args[1].n
  local whole = { task = task, out = parts.list(n), errors = {} }
  whole.out.n = n
  local list, culprit = {}, nil
  local function add(first, last)
    if first <= last then list[#list + 1] = part_of(whole, first, last) end
  end
  if index < 1 or index > n then
    for i = 1, n do add(i, i) end
  else
    add(1, index - 1)
    add(index, index)
    culprit = #list
    add(index + 1, n)
  end
  whole.left = #list
  return list, culprit
end

return split
