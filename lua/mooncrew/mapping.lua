-- What pools have for many tasks: map, starmap and imap.
--
-- They work on any pool that has
--   prepare(fn)   what its tasks take as the function, made once
--   give(task, more), flush()   starts a task; when more come, at the flush at the latest
--   poll()        deals with what has come back, without waiting
--   await()       waits until there is something to deal with
--   processes     how many run at once
--   chunksize     the default of the option; nil: chunks adapt to what their items take
--   retries       the default of the option
--   gone          nobody is left to do anything; why_gone() is the error that says so
--
-- A task is an object with fn, mode, timeout, retries, and
--   args                     for CALL: the packed arguments
--   called, number           of these, in a refusal: called[number] is the first; default args[1]
--   list, first, last, out   else: items of a list; their results go into out, at the same places
--   before                   of the latter: so many items of the source came before this list
--   divisible                of the latter: the pool may take a part of it from its worker
-- and one of its methods is called, once, when it is over:
--   returned(...)              the results of a call
--   mapped(n, errors, seconds) n of the items are done, the rest was not begun
--   raised(err), cancelled()
--   passed(why)                it was not run: for pools with a book
-- and take_out(first, last) makes a new task for a part of its items.

local mooncrew = require "mooncrew"
local check = require "mooncrew.check"
local interrupt = require "mooncrew.interrupt"

local mapping = {}

-- How a task applies its function: enum bind_task_mode.
mapping.CALL, mapping.MAP, mapping.STARMAP = 0, 1, 2

-- What only workers have.
local function check_possible(pool, func, options, level)
  for _, name in ipairs{ "timeout", "retries" } do
    if options[name] ~= nil and not pool.core then
      error(("%s: %s: only a Pool of processes can do that"):format(func, name), level + 1)
    end
  end
end

---Of a pool with a joblog or a halt each item is a task of its own.
---@return integer? chunksize
function mapping.check_alone(pool, func, options, level)
  check_possible(pool, func, options, level + 1)
  if options.name ~= nil then check.type(func, "name", options.name, "function", level + 1) end
  if not pool.book then return options.chunksize end
  if options.chunksize ~= nil and options.chunksize ~= 1 then
    check.fail(func, "chunksize", "1, as the pool has a joblog or a halt,", options.chunksize,
      level + 1)
  end
  return 1
end

---The name of an item's task: what the option says, or the item itself, or its number.
---@return string|number
function mapping.name_of(job, item, index)
  if job.name then return (interrupt.open(job.name, item, index)) end
  local kind = type(item)
  return (kind == "string" or kind == "number") and item or index
end

---Waits for a pool that was closed at the end of its block. The task that waits may be cancelled:
---then the block is left by an error after all.
function mapping.join(pool)
  local ok, err = pcall(pool.join, pool)
  if ok then return end
  if err == mooncrew.Cancelled then pool:terminate() end
  error(err, 0)
end

---Gives a class of pools its methods for many tasks. It has check_open(func) as well.
-- No tail calls: an error of an argument is raised at the caller, so many levels up.
function mapping.install(class)
  local map_job, imap = require "mooncrew.map_job", require "mooncrew.imap" -- they need this one

  ---Applies fn to each item; the first results, in order. Raises the first error, by index.
  ---@param fn function
  ---@param list any[] of list.n or #list items
  ---@param options? integer|mooncrew.Pool.map_options the chunk size, or options
  ---@return any[]
  function class:map(fn, list, options)
    self:check_open("map")
    return map_job.start(self, "map", mapping.MAP, fn, list, options):get()
  end

  ---@return mooncrew.Result
  function class:map_async(fn, list, options)
    self:check_open("map_async")
    return (map_job.start(self, "map_async", mapping.MAP, fn, list, options))
  end

  ---As map, with the elements of each item as the arguments.
  ---@return any[]
  function class:starmap(fn, list, options)
    self:check_open("starmap")
    return map_job.start(self, "starmap", mapping.STARMAP, fn, list, options):get()
  end

  ---@return mooncrew.Result
  function class:starmap_async(fn, list, options)
    self:check_open("starmap_async")
    return (map_job.start(self, "starmap_async", mapping.STARMAP, fn, list, options))
  end

  ---An iterator of the first results, in order; takes from the source as results are taken.
  ---@param fn function
  ---@param iterable any[]|fun(): any a list, or a function that gives the next item or nil
  ---@param options? integer|mooncrew.Pool.imap_options the chunk size, or options
  ---@return fun(): any raises a task's error in its place
  function class:imap(fn, iterable, options)
    self:check_open("imap")
    return (imap.start(self, "imap", true, fn, iterable, options))
  end

  ---As imap, as results come.
  ---@return fun(): any
  function class:imap_unordered(fn, iterable, options)
    self:check_open("imap_unordered")
    return (imap.start(self, "imap_unordered", false, fn, iterable, options))
  end
end

return mapping
