-- The part in Lua of a host's helper process (runtime/bind/helper.c): it sets the state up from
-- which the workers are forked, as the host's options say; and it does what the host asks of
-- shared objects, and passes on what scripts ask of the host.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"

local helper = {}

-- Tasks that are in the pool at a time: what a worker does, and what it goes on with at once.
local EACH, MOST = 32, 4096

-- -- the pool -----------------------------------------------------------------------------------

local function prepend(field, path)
  if path then package[field] = path .. ";" .. package[field] end
end

local function limits_of(options)
  if not (options.memory or options.cpu or options.files) then return nil end
  return { memory = options.memory, cpu = options.cpu, files = options.files }
end

-- In a worker: lines of the log go to the host.
local function log_to(calls)
  require("mooncrew.log").stream = {
    write = function(_, line) calls:put{ line = line } end,
    flush = function() end,
  }
end

---Makes the pool that runs the host's tasks.
---@param options table the hello of the host's library
---@return userdata core the C part of the pool
---@return function[] runners by form of task: what a worker calls, in the order of mc_task_form
function helper.start(options)
  prepend("path", options.package_path)
  prepend("cpath", options.package_cpath)
  require "mooncrew.runner"
  local without = require("mooncrew.without").prepare(options.without or 0)
  local calls = mooncrew.Queue()
  require("mooncrew.host").calls = calls
  if options.preload then require(options.preload) end
  local confine, wrong = parts.confine(limits_of(options))
  if wrong then error("options.worker_…: " .. wrong, 0) end
  local function begin()
    parts.leave_host()
    if options.log then log_to(calls) end
    without()
  end
  local workers = options.workers or mooncrew.cpu_count()
  local core = parts.pool(workers, "host", options.tasks_per_worker or 0, begin, nil, nil, nil,
    confine, math.min(EACH * workers, MOST))
  mooncrew.spawn(helper.pass_calls, calls)
  -- None has an upvalue, so a worker decodes each only once.
  return core, {
    function(...) return require("mooncrew.runner").call(...) end,
    function(...) return require("mooncrew.runner").source(...) end,
    function(...) return require("mooncrew.runner").file(...) end,
    function(...) return require("mooncrew.runner").library(...) end,
  }
end

-- -- what the host asks -------------------------------------------------------------------------

local makers = {
  Queue = mooncrew.Queue,
  dict = function() return mooncrew.dict{} end,
  list = function() return mooncrew.list{} end,
}

-- Methods that only hosts have, or that Lua writes in another way: by class, by name.
local methods = {
  ["mooncrew.Queue"] = {},
  ["mooncrew.list"] = {
    get = function(list, index) return list[index] end,
    set = function(list, index, value) list[index] = value end,
    len = function(list) return #list end,
  },
}

-- The time-out as arguments of a method: nil waits for ever, 0 does not wait.
local function blocking(timeout) return timeout ~= 0, timeout end

methods["mooncrew.Queue"].host_put = function(queue, timeout, items)
  local block, seconds = blocking(timeout)
  local deadline = seconds and parts.now() + seconds
  local put, n = 0, items.n or #items
  while put < n do
    local left = deadline and math.max(0, deadline - parts.now())
    local item = items[put + 1]
    local ok, err = queue:put(item, block, left)
    if not ok then return put, err end
    put = put + 1
  end
  return put
end

-- One by one, since an item may be nil.
methods["mooncrew.Queue"].host_get = function(queue, timeout, most)
  local items, n = {}, 0
  local item, err = queue:get(blocking(timeout))
  if err then
    error(setmetatable({ kind = err.kind, message = err.message }, mooncrew.Error), 0)
  end
  repeat
    n = n + 1
    items[n] = item
    if n == most then break end
    item, err = queue:get(false)
  until err
  return table.unpack(items, 1, n)
end

-- A name in front of a dot says what the object must be: mooncrew_dict_…() and mooncrew_list_…().
local function find(object, name)
  if not object then return makers[name] end
  local class = debug.getmetatable(object).__name
  local kind, method = name:match "^(%a+)%.(%a+)$"
  if kind then
    if class ~= "mooncrew." .. kind then
      error(("a %s expected, got a %s"):format(kind, class), 0)
    end
    name = method
  end
  if class == "mooncrew.dict" then return mooncrew.dict[name] end
  return methods[class] and methods[class][name] or object[name]
end

local function run(object, name, ...)
  local fn = find(object, name)
  if type(fn) ~= "function" then
    error(("object_call: method: one of the object's methods expected, got '%s'"):format(name), 0)
  end
  if object then return fn(object, ...) end
  return fn(...)
end

local function answer(id, ok, ...)
  local sent, err = pcall(parts.host_send, "done", id, not ok, ...)
  if not sent then parts.host_send("done", id, true, err) end
end

-- Where in here a method was called is of no interest to a host.
local function explain(err)
  if type(err) == "string" then err = err:gsub("^mooncrew%.helper:%d+: ", "") end
  return parts.error_handler(err, 2)
end

---A question of the host; `object` is false for the makers.
---@param id integer
function helper.ask(id, _, object, name, ...)
  mooncrew.spawn(function(...)
    answer(id, xpcall(run, explain, object, name, ...))
  end, ...)
end

-- -- what scripts ask of the host ---------------------------------------------------------------

local replies, last_call = {}, 0 -- by id of the call: the queue that its script waits on

local function pass_call(call)
  if call.line then return pcall(parts.host_send, "call", 0, false, call.line) end
  last_call = last_call + 1
  replies[last_call] = call.reply
  local ok, err = pcall(parts.host_send, "call", last_call, false, call.name,
    table.unpack(call.args, 1, call.args.n))
  if not ok then helper.reply(last_call, true, tostring(err)) end
end

---Passes calls of host functions on, and lines of the log. A coroutine task.
---@param calls userdata a mooncrew.Queue
function helper.pass_calls(calls)
  for call in calls:items() do pass_call(call) end
end

---The host's answer to a call.
---@param id integer
---@param failed boolean
function helper.reply(id, failed, ...)
  local reply = replies[id]
  replies[id] = nil
  if not reply then return end
  mooncrew.spawn(function(outcome)
    local ok, err = pcall(reply.put, reply, outcome)
    if not ok then reply:put{ failed = true, values = { tostring(err), n = 1 } } end
  end, { failed = failed, values = table.pack(...) })
end

return helper
