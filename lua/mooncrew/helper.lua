-- The part in Lua of a host's helper process (runtime/bind/helper.c): it sets the state up from
-- which the workers are forked, as the host's options say.

local mooncrew = require "mooncrew"
local parts = require "mooncrew.parts"

local helper = {}

-- Tasks that are in the pool at a time: what a worker does, and what it goes on with at once.
local EACH, MOST = 32, 4096

local function prepend(field, path)
  if path then package[field] = path .. ";" .. package[field] end
end

---Makes the pool that runs the host's tasks.
---@param options table the hello of the host's library
---@return userdata core the C part of the pool
---@return function[] runners by form of task: what a worker calls, in the order of mc_task_form
function helper.start(options)
  prepend("path", options.package_path)
  prepend("cpath", options.package_cpath)
  require "mooncrew.runner"
  if options.preload then require(options.preload) end
  local workers = options.workers or mooncrew.cpu_count()
  local core = parts.pool(workers, "host", options.tasks_per_worker or 0, parts.leave_host, nil,
    nil, nil, nil, math.min(EACH * workers, MOST))
  -- None has an upvalue, so a worker decodes each only once.
  return core, {
    function(...) return require("mooncrew.runner").call(...) end,
    function(...) return require("mooncrew.runner").source(...) end,
    function(...) return require("mooncrew.runner").file(...) end,
  }
end

return helper
