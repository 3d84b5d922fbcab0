-- The module `mooncrew`: what the parts in C offer, and the classes built on it in Lua.
--
-- Called by the library with the module table (public functions of the C parts) and a table of
-- parts that only the files of this folder use.

local mooncrew, parts = ...

package.loaded["mooncrew.parts"] = parts
package.loaded["mooncrew"] = mooncrew

mooncrew._VERSION = "mooncrew 0.1.0"
mooncrew.Pool = require("mooncrew.pool").new
mooncrew.CoroutinePool = require("mooncrew.coroutine_pool").new
for name, maker in pairs(require("mooncrew.sync")) do mooncrew[name] = maker end
mooncrew.Pipe = require("mooncrew.pipe").new
mooncrew.wait = require("mooncrew.wait")
mooncrew.Manager = require("mooncrew.manager").new
require("mooncrew.tables")

-- Modules that are loaded when they are first used.
local lazy = { http = true, html = true, fs = true, log = true, progress = true }

return setmetatable(mooncrew, {
  __index = function(module, name)
    if not lazy[name] then return nil end
    local value = require("mooncrew." .. name)
    rawset(module, name, value)
    return value
  end,
})
