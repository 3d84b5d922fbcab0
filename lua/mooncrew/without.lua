-- Which libraries the scripts of a host do not have (MOONCREW_NO_… of mooncrew.h). It keeps honest
-- scripts from what they should not need: it is no prison, a sandbox is.

local without = {}

local IO, OS, PACKAGE, DEBUG = 1, 2, 4, 8

-- What require gives besides what the host's preload has loaded.
local ALWAYS = {
  ["mooncrew.host"] = true, ["mooncrew.runner"] = true, _G = true, string = true, table = true,
  math = true, utf8 = true, coroutine = true,
}

local loaded = package.loaded

local function remove(name)
  _G[name] = nil
  loaded[name] = nil
end

-- Only names that are loaded, and were not before `preload` was.
local function restricted_require(before)
  local allowed = {}
  for name in pairs(loaded) do
    if not before[name] then allowed[name] = true end
  end
  return function(name)
    if (allowed[name] or ALWAYS[name]) and loaded[name] ~= nil then return loaded[name] end
    error(("module '%s' is not one that the host has loaded"):format(tostring(name)), 2)
  end
end

---Notes what is loaded before the host's own modules are.
---@param flags integer
---@return fun() begin to be called in each worker, before its first task
function without.prepare(flags)
  local before = {}
  for name in pairs(loaded) do before[name] = true end
  return function()
    local function is_off(flag) return flags & flag ~= 0 end
    local new_require = is_off(PACKAGE) and restricted_require(before)
    if is_off(IO) then
      remove("io")
      dofile, loadfile = nil, nil -- luacheck: ignore 121
    end
    if is_off(OS) then remove("os") end
    if is_off(DEBUG) then remove("debug") end
    if new_require then
      remove("package")
      require = new_require -- luacheck: ignore 121
    end
  end
end

return without
