-- map and starmap over a pool: a list in chunks, results put together.
--
-- Without a chunk size the chunks grow from single items to what takes TARGET seconds, by what
-- items have taken so far. So trivial items go in large chunks, long ones alone; and a pool takes
-- back what a worker has not begun while it is long in one item (dispatch.lua).

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local capture = require "mooncrew.capture"
local check = require "mooncrew.check"
local interrupt = require "mooncrew.interrupt"
local mapping = require "mooncrew.mapping"
local result = require "mooncrew.result"
local retry = require "mooncrew.retry"

local WINDOW = 1024   -- chunks of one map that are under way at a time
local ITEMS = 4096    -- items, when each is a task: the workers are long done with few of them
local TARGET = 0.0005 -- seconds that a chunk should take
local MOST = 8192     -- items in a chunk
local GROWTH = 4      -- a chunk is at most so many times the size of one before
local SHARE = 4       -- chunks that each process should still get

local map_job = {}

---@class mooncrew.Pool.map_options
---@field chunksize? integer items in a task; default: by what they take
---@field progress? boolean|string a bar on stderr, with a label
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds for each item
---@field callback? function
---@field error_callback? function
---@field capture? boolean|integer|string what the tasks write is kept in the result
---@field name? fun(item: any, index: integer): string|number a task's name in the joblog

local OPTIONS = {
  chunksize = true, progress = true, retries = true, timeout = true, callback = true,
  error_callback = true, name = true, capture = true,
}

-- Its arguments: checked here, since no worker sees the item as such.
local function check_items(func, list, n)
  for i = 1, n do check.type(func, ("list[%d]"):format(i), list[i], "table", 4) end
end

local function check_progress(func, value)
  if value ~= nil and type(value) ~= "boolean" and type(value) ~= "string" then
    check.fail(func, "progress", "true, false or a label", value, 5)
  end
  return value
end

local function read_options(pool, func, options)
  if type(options) ~= "table" then options = { chunksize = options } end
  check.options(func, options, OPTIONS, 4)
  result.check(func, options, 4)
  local chunksize = mapping.check_alone(pool, func, options, 4)
  if chunksize == nil then chunksize = pool.chunksize end
  return {
    adapts = chunksize == nil,
    chunksize = check.integer(func, "chunksize", chunksize or 1, 1, math.maxinteger, 4),
    retries = retry.check(func, options.retries, pool.retries, 4),
    timeout = check.timeout(func, "timeout", options.timeout, 4) or pool.timeout,
    progress = check_progress(func, options.progress),
    name = options.name,
    capture = capture.check(func, options.capture, pool.capture, 4),
    callback = options.callback,
    error_callback = options.error_callback,
  }
end

local function note_error(job, index, err)
  if job.error_index and job.error_index <= index then return end
  job.error, job.error_index = err, index
  if type(err) == "table" then err.index = index end
end

-- Nobody is left who could do what was not given yet.
local function give_up(job)
  if job.next > job.n then return end
  note_error(job, job.next, job.pool:why_gone())
  job.next = job.n + 1
end

local feed -- defined below

-- Parts are over (default: one): n items more are done.
local function finish_part(job, n, parts_done)
  job.under_way = job.under_way - (parts_done or 1)
  if job.bar then job.bar:step(n) end
  if job.pool.gone then
    give_up(job)
  elseif job.next <= job.n then
    feed(job)
  end
  if job.under_way > 0 or job.next <= job.n then return end
  if job.bar then job.bar:close() end
  if job.written then job.result.stdout, job.result.stderr = capture.join(job.written) end
  if job.error_index then
    result.raised(job.result, job.error)
  else
    result.returned(job.result, job.out)
  end
end

-- Sets the size of the chunks to come, by what one of n items took.
local function learn(job, n, seconds)
  local each = seconds / n
  job.each = job.each and (3 * job.each + each) / 4 or each
  local most = math.min(MOST, job.chunksize * GROWTH)
  job.chunksize = math.max(1, math.min(most, TARGET / math.max(job.each, 1e-9) // 1 | 0))
end

-- -- a part of the list -------------------------------------------------------------------------

---A task of a pool: the items from first to last, whose results go into `out` at the same places.
---@class mooncrew.map_job.Part
local Part = {}
Part.__index = Part

-- What all parts of a job have in common, as their class: there may be a million of them.
local function common_part(job)
  local common = {
    job = job,
    mode = job.mode,
    fn = job.fn,
    list = job.list,
    out = job.out,
    result = job.result,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
    waits = false,
  }
  common.__index = common
  return setmetatable(common, Part)
end

local function new_part(job, first, last)
  job.under_way = job.under_way + 1
  local divisible = job.adapts and last > first
  return setmetatable({ first = first, last = last, divisible = divisible, id = 0, tried = 0 },
    job.common)
end

---The task of an item that was none of its own (Pool:give_items). Of what all parts have in common.
---@param index integer
function Part:item(index)
  return setmetatable({ first = index, last = index, divisible = false, id = 0, tried = 0 }, self)
end

---So many items that were no tasks are done. Of what all parts have in common.
---@param n integer
function Part:done(n) finish_part(self.job, n, n) end

---A new part for some of its items, to be given instead.
function Part:take_out(first, last) return new_part(self.job, first, last) end

---The first n of its items are done. The rest of them the worker has left.
function Part:mapped(n, errors, seconds)
  local job = self.job
  if errors then
    for i, err in pairs(errors) do note_error(job, self.first + i - 1, err) end
  end
  if job.adapts and seconds and n > 0 then learn(job, n, seconds) end
  if self.first + n <= self.last then
    job.pool:give(self:take_out(self.first + n, self.last))
  end
  finish_part(job, n)
end

---What came out of the worker on stdout and stderr meanwhile.
function Part:wrote(stdout, stderr)
  local written = self.job.written
  if written then written[self.first or self.index] = { stdout = stdout, stderr = stderr } end
end

function Part:raised(err)
  note_error(self.job, self.first, err)
  finish_part(self.job, self.last - self.first + 1)
end

function Part:cancelled() result.cancelled(self.job.result) end

-- -- an item by itself --------------------------------------------------------------------------

---A task of a pool with a book: one call, with a name.
---@class mooncrew.map_job.Item
local Item = {}
Item.__index = Item

local function new_item(job, index)
  local item = job.list[index]
  local name = mapping.name_of(job, item, index)
  local spread = job.mode == mapping.STARMAP
  job.under_way = job.under_way + 1
  return setmetatable({
    job = job,
    index = index,
    mode = mapping.CALL,
    fn = job.fn,
    args = spread and item or { item, n = 1 },
    called = spread and ("list[%d]"):format(index) or "list",
    number = spread and 1 or index,
    name = name,
    result = job.result,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
  }, Item)
end

function Item:returned(value)
  self.job.out[self.index] = value
  finish_part(self.job, 1)
end

Item.passed = Item.returned

function Item:raised(err)
  note_error(self.job, self.index, err)
  finish_part(self.job, 1)
end

Item.cancelled, Item.wrote = Part.cancelled, Part.wrote

-- -- the whole ----------------------------------------------------------------------------------

local function give_next(job)
  local first = job.next
  if job.alone then
    local task = new_item(job, first)
    job.next = first + 1
    return job.pool:give(task, true)
  end
  if job.by_item then
    local last = math.min(job.n, first + job.window - job.under_way - 1)
    local n, err = job.pool:give_items(job.common, first, last)
    job.next, job.under_way = first + n, job.under_way + n
    if n > 0 then job.pool:flush() end
    if err ~= nil then error(err, 0) end
    if n > 0 then return end
  end
  local size = job.chunksize
  if job.adapts and size > 1 then
    size = math.min(size, (job.n - first) // (SHARE * job.pool.processes) + 1)
  end
  local last = math.min(first + size - 1, job.n)
  job.next = last + 1
  job.pool:give(new_part(job, first, last), true)
end

local function give_some(job)
  while job.next <= job.n and job.under_way < job.window and job.result.state == "pending" do
    give_next(job)
  end
end

-- Gives a good many at a time, or a worker falls asleep and is woken for each. Giving may take
-- results in, whose parts call this again: one call at a time is enough.
function feed(job)
  if job.feeding or job.under_way > job.window // 2 then return end
  job.feeding = true
  local ok, err = pcall(give_some, job)
  job.feeding = false
  job.pool:flush()
  if ok then return end
  if interrupt.is(err) then error(err, 0) end
  -- An item can't be sent, say: that is the map's error, whoever was waiting for what.
  job.stopped, job.next = err, job.n + 1
  if job.bar then job.bar:close() end
  result.raised(job.result, err)
end

---Starts a map; the result's value is the list of first results, in order.
---@param func string what the user called, for messages
---@param mode integer mapping.MAP or mapping.STARMAP
---@return mooncrew.Result
function map_job.start(pool, func, mode, fn, list, options)
  check.type(func, "fn", fn, "function", 3)
  check.type(func, "list", list, "table", 3)
  local n = math.type(list.n) == "integer" and list.n or #list
  if pool.book and mode == mapping.STARMAP then check_items(func, list, n) end
  local job = read_options(pool, func, options)
  job.pool, job.alone = pool, pool.book ~= nil
  job.by_item = pool.give_items and not job.alone and not job.adapts and job.chunksize == 1
  job.window = job.by_item and ITEMS or WINDOW
  job.mode, job.list, job.n, job.next, job.under_way = mode, list, n, 1, 0
  -- With room for all: results come in any order, and what is beyond a table's end is hashed.
  job.out = parts.list(n)
  job.result = result.new(pool, job)
  if n == 0 then
    result.returned(job.result, job.out)
    return job.result
  end
  job.fn = pool:prepare(fn)
  job.common = common_part(job)
  if job.progress then
    job.bar = mooncrew.progress(n, { label = job.progress ~= true and job.progress or nil })
  end
  if job.capture and job.capture > 0 then job.written = {} end
  -- Tasks of a CoroutinePool may begin in it: they can be interrupted.
  if pool.core then interrupt.shield(feed, job) else feed(job) end
  if job.stopped then error(job.stopped, 0) end
  return job.result
end

return map_job
