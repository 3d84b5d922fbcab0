-- What a worker does with a task of a host: a function of a module, a piece of source, a file.

local parts = require "mooncrew.parts"

local runner = {}

-- A host may take these from its scripts.
local require, load, loadfile = require, load, loadfile

local MAX_CHUNKS = 64

-- By name, then by source: text that is put together for a key would cost more than a look-up.
local chunks, n_chunks = {}, 0 ---@type table<string, table<string, function>>

---Calls a function of a module.
---@param module string
---@param name string
function runner.call(module, name, ...)
  local loaded = require(module)
  local fn = type(loaded) == "table" and loaded[name] or nil
  if fn == nil then
    error(("module '%s' has no function '%s'"):format(module, name), 0)
  end
  return fn(...)
end

---Runs a chunk; the last few are kept compiled.
---@param source string
---@param name string the chunk's name
function runner.source(source, name, ...)
  local named = chunks[name]
  local chunk = named and named[source]
  if not chunk then
    chunk = assert(load(source, name, "t"))
    if n_chunks == MAX_CHUNKS then chunks, n_chunks, named = {}, 0, nil end
    if not named then
      named = {}
      chunks[name] = named
    end
    named[source] = chunk
    n_chunks = n_chunks + 1
  end
  return chunk(...)
end

---Runs a file, which is read anew each time.
---@param path string
function runner.file(path, ...)
  return assert(loadfile(path, "t"))(...)
end

---Calls a function in C that knows mooncrew.h, not Lua.
---@param path string of a shared library
---@param symbol string
function runner.library(path, symbol, ...) return parts.call_library(path, symbol, ...) end

return runner
