-- imap and imap_unordered over a pool: an iterator in, an iterator out, with a bounded read-ahead.

local mooncrew = require "mooncrew"
local capture = require "mooncrew.capture"
local check = require "mooncrew.check"
local interrupt = require "mooncrew.interrupt"
local mapping = require "mooncrew.mapping"
local retry = require "mooncrew.retry"

local imap = {}

---@class mooncrew.Pool.imap_options
---@field chunksize? integer items in a task; default 1
---@field buffer? integer items that are taken from the source ahead of the caller
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds for each item
---@field capture? boolean|integer|string what the tasks write is kept in their errors
---@field name? fun(item: any, index: integer): string|number a task's name in the joblog

local OPTIONS = {
  chunksize = true, buffer = true, retries = true, timeout = true, name = true,
  capture = true,
}

-- A function that gives the next item, or nil at the end.
local function puller(func, source)
  if type(source) == "function" then return source end
  check.type(func, "iterable", source, "table", 4)
  local i, n = 0, math.type(source.n) == "integer" and source.n or #source
  return function()
    i = i + 1
    if i <= n then return source[i] end
  end
end

-- The next item; nil at the source's end. What the source raises comes up when the results of the
-- items before it have been taken.
local function pull(job)
  local ok, item = pcall(job.pull)
  if not ok and (interrupt.is(item) or item == mooncrew.Cancelled) then error(item, 0) end
  if not ok then job.source_error = item end
  if not ok or item == nil then job.exhausted = true end
  if ok then return item end
end

-- Up to a chunk from the source: a list and how many.
local function next_items(pool, job)
  local items, n = {}, 0
  -- A run that was called off takes no more from its source, which may have no end.
  if pool.book and pool.book.halted then job.exhausted = true end
  while n < job.chunksize and not job.exhausted do
    local item = pull(job)
    if not job.exhausted then
      n = n + 1
      items[n] = item
    end
  end
  return items, n
end

-- -- a chunk of the source ------------------------------------------------------------------------

---A task of a pool. `whole` is what comes of all parts of a chunk: out, n, errors by their places.
---@class mooncrew.imap.Part
local Part = {}
Part.__index = Part

local function new_part(job, whole, list, first, last)
  whole.left = whole.left + 1
  return setmetatable({
    job = job,
    whole = whole,
    mode = mapping.MAP,
    fn = job.fn,
    list = list,
    out = whole,
    first = first,
    last = last,
    before = whole.before,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
  }, Part)
end

-- A chunk is there.
local function came(job, chunk, number)
  job.ready[job.ordered and number or job.n_ready + 1] = chunk
  job.n_ready = job.n_ready + 1
end

local function finish_part(self)
  local whole = self.whole
  whole.left = whole.left - 1
  if whole.left == 0 then came(self.job, whole, whole.number) end
end

---A new part for some of its items, to be given instead.
function Part:take_out(first, last)
  return new_part(self.job, self.whole, self.list, first, last)
end

---The first n of its items are done. The rest of them the worker has left.
function Part:mapped(n, errors)
  if errors then
    for i, err in pairs(errors) do self.whole.errors[self.first + i - 1] = err end
  end
  if self.first + n <= self.last then
    self.job.pool:give(self:take_out(self.first + n, self.last))
  end
  finish_part(self)
end

function Part:raised(err)
  for i = self.first, self.last do self.whole.errors[i] = err end
  finish_part(self)
end

function Part:cancelled()
  self.whole.cancelled = true
  finish_part(self)
end

---A task of a pool with a book: one call, with a name.
---@class mooncrew.imap.Item
local Item = {}
Item.__index = Item

local function new_item(job, whole, item)
  whole.left = 1
  return setmetatable({
    job = job,
    whole = whole,
    mode = mapping.CALL,
    fn = job.fn,
    args = { item, n = 1 },
    called = "list",
    number = whole.number,
    name = mapping.name_of(job, item, whole.number),
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
  }, Item)
end

function Item:returned(value)
  self.whole[1] = value
  finish_part(self)
end

function Item:passed()
  self.whole.n = 0
  finish_part(self)
end

function Item:raised(err)
  self.whole.errors[1] = err
  finish_part(self)
end

Item.cancelled = Part.cancelled

-- Takes from the source and gives it to the pool; false at the source's end.
local function give_next(job)
  local pool = job.pool
  local items, n = interrupt.open(next_items, pool, job) -- the source is the user's
  if n == 0 then return false end
  job.given = job.given + 1
  local before = (job.given - 1) * job.chunksize -- only the last one is smaller
  local whole = { n = n, errors = {}, left = 0, number = job.given, before = before }
  local task = pool.book and new_item(job, whole, items[1]) or new_part(job, whole, items, 1, n)
  local ok, err = pcall(pool.give, pool, task)
  if not ok and interrupt.is(err) then error(err, 0) end
  if not ok then -- its items can't be sent
    for i = 2, n do whole.errors[i] = false end
    whole.errors[1] = err
    came(job, whole, whole.number)
  end
  return true
end

-- -- results ------------------------------------------------------------------------------------

-- The next chunk that the caller may have, or nil when it is not there yet.
local function next_chunk(job)
  if job.ordered then
    local chunk = job.ready[job.taken + 1]
    if chunk then
      job.ready[job.taken + 1] = nil
      job.taken = job.taken + 1
    end
    return chunk
  end
  if job.taken < job.n_ready then
    job.taken = job.taken + 1
    local chunk = job.ready[job.taken]
    job.ready[job.taken] = nil
    return chunk
  end
end

-- Waits for a chunk, keeping the pool fed; nil when all is done.
local function find_chunk(pool, job)
  while true do
    pool:poll()
    if pool.draining then job.exhausted = true end
    local chunk = next_chunk(job)
    if chunk then return chunk end
    local ahead = job.given - job.taken
    if not job.exhausted and ahead * job.chunksize < job.buffer then
      give_next(job)
    elseif ahead == 0 or pool.draining and pool.core:under_way() == 0 then
      -- In the second case the Ctrl-C came while a chunk was being given.
      local err = job.source_error
      job.source_error = nil
      if err ~= nil then error(err, 0) end
      if pool.interruption then pool:finish_drain() end
      return nil
    else
      pool:await()
    end
  end
end

-- The chunk stays in the job until the caller has it, should a Ctrl-C come between.
local function wait_chunk(pool, job)
  if not job.chunk then job.chunk = find_chunk(pool, job) end
  return job.chunk
end

---An iterator of first results. The source is a list, or a function that gives the next item.
---@param ordered boolean in the order of the source, or as they come
---@return fun(): any raises a task's error in its place; nil at the end
function imap.start(pool, func, ordered, fn, source, options)
  check.type(func, "fn", fn, "function", 3)
  if type(options) ~= "table" then options = { chunksize = options } end
  check.options(func, options, OPTIONS, 3)
  local chunksize = check.integer(func, "chunksize",
    mapping.check_alone(pool, func, options, 3) or 1, 1, math.maxinteger, 3)
  local job = {
    pool = pool,
    ordered = ordered,
    pull = puller(func, source),
    name = options.name,
    chunksize = chunksize,
    buffer = check.integer(func, "buffer", options.buffer or 4 * pool.processes * chunksize, 1,
      math.maxinteger, 3),
    retries = retry.check(func, options.retries, pool.retries, 3),
    capture = capture.check(func, options.capture, pool.capture, 3),
    timeout = check.timeout(func, "timeout", options.timeout, 3) or pool.timeout,
    fn = pool:prepare(fn),
    given = 0, taken = 0, n_ready = 0, ready = {},
  }
  local chunk, at = { n = 0 }, 0
  return function()
    while true do
      while at >= chunk.n do
        if pool.guard then
          chunk, at = pool:guard(wait_chunk, job), 0
        else
          chunk, at = wait_chunk(pool, job), 0
        end
        job.chunk = nil
        if not chunk then
          chunk = { n = 0 }
          return nil
        end
        if chunk.cancelled then
          chunk = { n = 0 }
          -- What a drain has given up is no loss: its end is what is raised.
          if not pool.draining then error(mooncrew.Cancelled, 0) end
        end
      end
      at = at + 1
      local err = chunk.errors[at]
      if err == nil then return chunk[at] end
      if err then error(err, 0) end -- false: it was not sent, for one before it
    end
  end
end

return imap
