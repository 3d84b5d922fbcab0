-- map, starmap and imap over a pool: lists and iterators cut into chunks, results put together.
--
-- Works on any pool that has
--   prepare(fn)   what its tasks take as the function, made once
--   give(task)    starts a task { mode, fn, args, retries, returned, raised, cancelled }
--   poll()        deals with what has come back, without waiting
--   await()       waits until there is something to deal with
--   processes     how many run at once
--   chunksize     the default of the option; nil: by the number of items
--   retries       the default of the option

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"
local capture = require "mooncrew.capture"
local check = require "mooncrew.check"
local interrupt = require "mooncrew.interrupt"
local result = require "mooncrew.result"
local retry = require "mooncrew.retry"

local mapping = {}

-- How a task applies its function: enum bind_task_mode.
mapping.CALL, mapping.MAP, mapping.STARMAP = 0, 1, 2

local WINDOW = 1024 -- chunks of one map that are under way at a time

---@class mooncrew.Pool.map_options
---@field chunksize? integer items in a task; default: four chunks per process
---@field progress? boolean|string a bar on stderr, with a label
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds for each item
---@field callback? function
---@field error_callback? function
---@field capture? boolean|integer|string what the tasks write is kept in the result
---@field name? fun(item: any, index: integer): string|number a task's name in the joblog

local MAP_OPTIONS = {
  chunksize = true, progress = true, retries = true, timeout = true, callback = true,
  error_callback = true, name = true, capture = true,
}

-- Of a pool with a joblog or a halt each item is a task of its own.
local function check_alone(pool, func, options, level)
  if options.name ~= nil then check.type(func, "name", options.name, "function", level + 1) end
  if not pool.book then return options.chunksize end
  if options.chunksize ~= nil and options.chunksize ~= 1 then
    check.fail(func, "chunksize", "1, as the pool has a joblog or a halt,", options.chunksize,
      level + 1)
  end
  return 1
end

-- Its arguments: checked here, since no worker sees the item as such.
local function check_items(func, list, n)
  for i = 1, n do check.type(func, ("list[%d]"):format(i), list[i], "table", 4) end
end

-- The name of an item's task: what the option says, or the item itself, or its number.
local function name_of(job, item, index)
  if job.name then return job.name(item, index) end
  local kind = type(item)
  return (kind == "string" or kind == "number") and item or index
end

local function map_options(pool, func, options, n)
  if type(options) ~= "table" then options = { chunksize = options } end
  check.options(func, options, MAP_OPTIONS, 4)
  local chunksize = check_alone(pool, func, options, 4)
  if chunksize == nil then
    chunksize = pool.chunksize or math.max(1, math.ceil(n / (4 * pool.processes)))
  end
  return {
    chunksize = check.integer(func, "chunksize", chunksize, 1, math.maxinteger, 4),
    retries = retry.check(func, options.retries, pool.retries, 4),
    capture = capture.check(func, options.capture, pool.capture, 4),
    timeout = check.timeout(func, "timeout", options.timeout, 4) or pool.timeout,
    progress = options.progress,
    name = options.name,
    callback = options.callback,
    error_callback = options.error_callback,
  }
end

local function finish_part(job, first, n, err)
  job.under_way = job.under_way - 1
  if err ~= nil and (not job.error_index or first < job.error_index) then
    job.error, job.error_index = err, first
    if type(err) == "table" then err.index = first end
  end
  if job.bar then job.bar:step(n) end
  job.feed()
  if job.under_way > 0 or job.next <= job.n then return end
  if job.bar then job.bar:close() end
  if job.written then job.result.stdout, job.result.stderr = capture.join(job.written) end
  if job.error_index then
    result.raised(job.result, job.error)
  else
    result.returned(job.result, { job.out, n = 1 })
  end
end

-- A chunk of one item goes as a call: no list to be packed and unpacked on either side.
local function give_item(pool, job)
  local at = job.next
  job.next = at + 1
  job.under_way = job.under_way + 1
  local item = job.list[at]
  pool:give{
    mode = mapping.CALL,
    fn = job.fn,
    args = job.mode == mapping.STARMAP and item or { item, n = 1 },
    name = pool.book and name_of(job, item, at),
    passed = function(why)
      job.out[at] = why
      finish_part(job, at, 1)
    end,
    result = job.result,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
    wrote = job.wrote and function(...) job.wrote(at, ...) end,
    returned = function(values)
      job.out[at] = values[1]
      finish_part(job, at, 1)
    end,
    raised = function(err) finish_part(job, at, 1, err) end,
    cancelled = function() result.cancelled(job.result) end,
  }
end

local function give_part(pool, job)
  local first = job.next
  local last = math.min(first + job.chunksize - 1, job.n)
  local items = table.move(job.list, first, last, 1, parts.list(last - first + 1))
  items.n = last - first + 1
  job.next = last + 1
  job.under_way = job.under_way + 1
  pool:give{
    mode = job.mode,
    fn = job.fn,
    args = { items, n = 1 },
    result = job.result,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
    wrote = job.wrote and function(...) job.wrote(first, ...) end,
    returned = function(values)
      table.move(values[1], 1, values[1].n, first, job.out)
      finish_part(job, first, last - first + 1)
    end,
    raised = function(err)
      local index = type(err) == "table" and rawget(err, "index")
      finish_part(job, first + (index and index - 1 or 0), last - first + 1, err)
    end,
    cancelled = function() result.cancelled(job.result) end,
  }
end

local function give_some(pool, job)
  local give = (pool.book or job.chunksize == 1 and job.mode == mapping.MAP) and give_item
    or give_part
  while job.next <= job.n and job.under_way < WINDOW and job.result.state == "pending" do
    give(pool, job)
  end
end

-- Gives a good many at a time, or a worker falls asleep and is woken for each. Giving may take
-- results in, whose parts call this again: one call at a time is enough.
local function feed(pool, job)
  if job.feeding or job.under_way > WINDOW // 2 then return end
  job.feeding = true
  local ok, err = pcall(give_some, pool, job)
  job.feeding = false
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
local function start(pool, func, mode, fn, list, options)
  check.type(func, "fn", fn, "function", 3)
  check.type(func, "list", list, "table", 3)
  local n = math.type(list.n) == "integer" and list.n or #list
  if pool.book and mode == mapping.STARMAP then check_items(func, list, n) end
  local job = map_options(pool, func, options, n)
  job.mode, job.list, job.n, job.next, job.under_way = mode, list, n, 1, 0
  -- With room for all: results come in any order, and what is beyond a table's end is hashed.
  job.out = parts.list(n)
  job.result = result.new(pool, job)
  if n == 0 then
    result.returned(job.result, { job.out, n = 1 })
    return job.result
  end
  job.fn = pool:prepare(fn)
  if job.progress then
    job.bar = mooncrew.progress(n, { label = job.progress ~= true and job.progress or nil })
  end
  if job.capture and job.capture > 0 then
    job.written = {}
    function job.wrote(first, stdout, stderr, index)
      job.written[first - 1 + (index or 1)] = { stdout = stdout, stderr = stderr }
    end
  end
  function job.feed() feed(pool, job) end
  job.feed()
  if job.stopped then error(job.stopped, 0) end
  return job.result
end

-- -- imap ---------------------------------------------------------------------------------------

---@class mooncrew.Pool.imap_options
---@field chunksize? integer items in a task; default 1
---@field buffer? integer items that are taken from the source ahead of the caller
---@field retries? integer|mooncrew.Pool.retries
---@field timeout? number seconds for each item
---@field name? fun(item: any, index: integer): string|number a task's name in the joblog

local IMAP_OPTIONS = {
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

-- Takes up to a chunk from the source and gives it; false at the source's end.
local function give_next(pool, job)
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
  if n == 0 then return false end
  items.n = n
  job.given = job.given + 1
  job.under_way = job.under_way + 1
  local number = job.given
  local function came(chunk)
    job.under_way = job.under_way - 1
    job.ready[job.ordered and number or job.n_ready + 1] = chunk
    job.n_ready = job.n_ready + 1
  end
  local alone = pool.book ~= nil
  local ok, err = pcall(pool.give, pool, {
    mode = alone and mapping.CALL or mapping.MAP,
    fn = job.fn,
    args = { alone and items[1] or items, n = 1 },
    name = alone and name_of(job, items[1], number),
    passed = function() came({ n = 0 }) end,
    timeout = job.timeout,
    retries = job.retries,
    capture = job.capture,
    returned = function(values) came(alone and { values[1], n = 1 } or values[1]) end,
    mixed = function(out, errors)
      out.errors = errors
      came(out)
    end,
    raised = function(err) came({ n = 0, error = err }) end,
    cancelled = function() came({ n = 0, cancelled = true }) end,
  })
  if not ok and interrupt.is(err) then error(err, 0) end
  if not ok then came({ n = 0, error = err }) end -- its items can't be sent
  return true
end

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
local function wait_chunk(pool, job)
  while true do
    pool:poll()
    local chunk = next_chunk(job)
    if chunk then return chunk end
    local ahead = job.given - job.taken
    if not job.exhausted and ahead * job.chunksize < job.buffer then
      give_next(pool, job)
    elseif ahead == 0 then
      local err = job.source_error
      job.source_error = nil
      if err ~= nil then error(err, 0) end
      return nil
    else
      pool:await()
    end
  end
end

---An iterator of first results. The source is a list, or a function that gives the next item.
---@param ordered boolean in the order of the source, or as they come
---@return fun(): any raises a task's error in its place; nil at the end
local function iterate(pool, func, ordered, fn, source, options)
  check.type(func, "fn", fn, "function", 3)
  if type(options) ~= "table" then options = { chunksize = options } end
  check.options(func, options, IMAP_OPTIONS, 3)
  local chunksize = check.integer(func, "chunksize", check_alone(pool, func, options, 3) or 1, 1,
    math.maxinteger, 3)
  local job = {
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
    given = 0, taken = 0, n_ready = 0, under_way = 0, ready = {},
  }
  local chunk, at = { n = 0 }, 0
  return function()
    while true do
      while at >= chunk.n do
        chunk, at = wait_chunk(pool, job), 0
        if not chunk then
          chunk = { n = 0 }
          return nil
        end
        if chunk.error ~= nil then error(chunk.error, 0) end
        if chunk.cancelled then error(mooncrew.Cancelled, 0) end
      end
      at = at + 1
      local err = chunk.errors and chunk.errors[at]
      if err == nil then return chunk[at] end
      if err then error(err, 0) end -- false: it was not run
    end
  end
end

-- -- the methods of a pool ------------------------------------------------------------------------

---Gives a class of pools its methods for many tasks. It has check_open(func) as well.
-- No tail calls: an error of an argument is raised at the caller, so many levels up.
function mapping.install(class)
  ---Applies fn to each item; the first results, in order. Raises the first error, by index.
  ---@param fn function
  ---@param list any[] of list.n or #list items
  ---@param options? integer|mooncrew.Pool.map_options the chunk size, or options
  ---@return any[]
  function class:map(fn, list, options)
    self:check_open("map")
    return start(self, "map", mapping.MAP, fn, list, options):get()
  end

  ---@return mooncrew.Result
  function class:map_async(fn, list, options)
    self:check_open("map_async")
    return (start(self, "map_async", mapping.MAP, fn, list, options))
  end

  ---As map, with the elements of each item as the arguments.
  ---@return any[]
  function class:starmap(fn, list, options)
    self:check_open("starmap")
    return start(self, "starmap", mapping.STARMAP, fn, list, options):get()
  end

  ---@return mooncrew.Result
  function class:starmap_async(fn, list, options)
    self:check_open("starmap_async")
    return (start(self, "starmap_async", mapping.STARMAP, fn, list, options))
  end

  ---An iterator of the first results, in order; takes from the source as results are taken.
  ---@param fn function
  ---@param iterable any[]|fun(): any a list, or a function that gives the next item or nil
  ---@param options? integer|mooncrew.Pool.imap_options the chunk size, or options
  ---@return fun(): any raises a task's error in its place
  function class:imap(fn, iterable, options)
    self:check_open("imap")
    return (iterate(self, "imap", true, fn, iterable, options))
  end

  ---As imap, as results come.
  ---@return fun(): any
  function class:imap_unordered(fn, iterable, options)
    self:check_open("imap_unordered")
    return (iterate(self, "imap_unordered", false, fn, iterable, options))
  end
end

return mapping
