-- The module `mooncrew`: what the parts in C offer, and the classes built on it in Lua.
--
-- Called by the library with the module table (public functions of the C parts) and a table of
-- parts that only the files of this folder use.

local mooncrew, parts = ...

package.loaded["mooncrew.parts"] = parts
package.loaded["mooncrew"] = mooncrew

mooncrew._VERSION = "mooncrew 0.1.0"
for name, maker in pairs(require("mooncrew.sync")) do mooncrew[name] = maker end
mooncrew.Pipe = require("mooncrew.pipe").new
mooncrew.wait = require("mooncrew.wait")
mooncrew.Manager = require("mooncrew.manager").new
require("mooncrew.tables")

-- What is loaded when it is first used: modules, and makers of what never crosses to a process
-- that has not used it itself (the classes of the others get their methods above, at once).
local modules = {
  http = true, html = true, fs = true, log = true, progress = true, main = true, host = true,
}
local makers = { Pool = "mooncrew.pool", CoroutinePool = "mooncrew.coroutine_pool" }

return setmetatable(mooncrew, {
  __index = function(module, name)
    local value
    if makers[name] then
      value = require(makers[name]).new
    elseif modules[name] then
      value = require("mooncrew." .. name)
    else
      return nil
    end
    rawset(module, name, value)
    return value
  end,
})
