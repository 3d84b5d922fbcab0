-- Where things are copied to, and what must not be: a folder into itself.

local fs = require "mooncrew.fs"
local reason_of = require "lib.reason"
local uv = require "luv"

local places = {}

local WOULD_REMOVE = "%s is inside of %s, where --delete would remove it"

-- The real path of something that need not be there yet.
local function real_path(path)
  local real, missing = uv.fs_realpath(path), {}
  while not real do
    local folder, name = path:match("^(.-)/*([^/]+)/*$")
    if not name or path == "." then return path end
    table.insert(missing, 1, name)
    if folder == "" then folder = path:sub(1, 1) == "/" and "/" or "." end
    path = folder
    real = uv.fs_realpath(path)
  end
  -- What isn't there is no link, so ".." takes back the name before it.
  for _, name in ipairs(missing) do
    if name == ".." then
      real = real:match("^(.+)/[^/]*$") or "/"
    elseif name ~= "." then
      real = real:gsub("/$", "") .. "/" .. name
    end
  end
  return real
end

local NOWHERE = " is a link that leads nowhere"

local function is_inside(inner, outer)
  outer = outer:gsub("/$", "") .. "/"
  return inner:sub(1, #outer) == outer
end

-- One folder may be mounted in two places.
local function is_same_folder(info, target)
  local there = info.type == "directory" and fs.stat(target)
  return there and there.inode == info.inode and there.device == info.device
end

-- A device or a pipe that is named as the target is not meant to be replaced by a file.
local function is_special(target)
  local there = fs.stat(target)
  return there ~= nil and there.type ~= "file" and there.type ~= "directory"
end

-- Why this can't be copied there, or nil.
local function refusal(source, target, info, delete)
  local real_source, real_target = real_path(source), real_path(target)
  if real_source == real_target or is_same_folder(info, target) then
    return string.format("%s and %s are the same", source, target)
  elseif info.type == "file" and is_special(target) then
    return target .. " is there and is neither a file nor a folder"
  elseif info.type == "directory" and is_inside(real_target, real_source) then
    return string.format("%s is inside of %s", target, source)
  elseif info.type == "directory" and delete and is_inside(real_source, real_target) then
    return WOULD_REMOVE:format(source, target)
  end
  return nil
end

-- The last name of a path, whatever slashes end it; of "." or ".." the folder's own name.
local function name_of(path)
  local name = path:gsub("/+$", ""):match("[^/]*$")
  if name == "" or name == "." or name == ".." then name = fs.basename(real_path(path)) end
  return name
end

---@class copier.root
---@field from string
---@field to string
---@field info mooncrew.fs.Info

local function leads_nowhere(path)
  local info = fs.stat(path, false)
  return info ~= nil and info.type == "link" and fs.stat(path) == nil
end

-- A link that is given as a source stands for what it leads to.
local function root(source, target, delete)
  local info, err = fs.stat(source)
  if not info and leads_nowhere(source) then return nil, source .. NOWHERE end
  if not info then return nil, reason_of(err) end
  local refused = refusal(source, target, info, delete)
  if refused then return nil, refused end
  local itself = fs.stat(source, false)
  local from = itself and itself.type == "link" and uv.fs_realpath(source) or source
  return { from = from, to = target, info = info }
end

local function is_folder(path)
  local info = fs.stat(path)
  return info ~= nil and info.type == "directory"
end

-- Whether a path can only be a folder's: it has a slash, or dots, at its end.
local function names_folder(path)
  return path:find("/%.?%.?$") ~= nil or path == "." or path == ".."
end

-- Why a path can't be one, whatever is there, or nil.
local function wrong_path(sources, target)
  local relative = target:sub(1, 1) ~= "/"
  for i, source in ipairs(sources) do
    if source == "" then return ("path %d is empty"):format(i) end
    relative = relative or source:sub(1, 1) ~= "/"
  end
  if target == "" then return ("path %d, where to, is empty"):format(#sources + 1) end
  return relative and not uv.cwd() and "the current folder is no more" or nil
end

-- Why one source would be removed for another one, or nil.
local function removal(roots)
  local targets = {}
  for _, place in ipairs(roots) do
    if place.info.type == "directory" then targets[real_path(place.to)] = place.to end
  end
  for _, place in ipairs(roots) do
    local outer = real_path(place.from)
    repeat
      outer = outer:match("^(.+)/[^/]*$")
      if targets[outer] then return WOULD_REMOVE:format(place.from, targets[outer]) end
    until not outer
  end
  return nil
end

---Where each source goes. One folder becomes the target; anything else goes into a target that is
---a folder, and so do several sources.
---@param sources string[]
---@param target string
---@param delete boolean
---@param is_left_out? fun(path: string, type: string): boolean asked of the names of several
---@return copier.root[]? roots
---@return string? reason
function places.plan(sources, target, delete, is_left_out)
  local several = #sources > 1
  local roots, taken = {}, {}
  local wrong = wrong_path(sources, target)
  if wrong then return nil, wrong end
  for _, source in ipairs(sources) do
    local to = target
    if several or ((is_folder(target) or names_folder(target)) and not is_folder(source)) then
      to = fs.join(target, name_of(source))
    end
    if taken[to] then
      return nil, string.format("%s and %s would both become %s", taken[to], source, to)
    end
    taken[to] = source
    local planned, reason = root(source, to, delete)
    if not planned then return nil, reason end
    if not (several and is_left_out and is_left_out(name_of(source), planned.info.type)) then
      roots[#roots + 1] = planned
    end
  end
  local refused = delete and removal(roots)
  if refused then return nil, refused end
  return roots
end

local function make_folder(path)
  local ok, err = fs.mkdirs(path)
  if ok then return true end
  local there = fs.stat(path)
  if there and there.type ~= "directory" then
    return false, path .. " is there and is no folder"
  end
  return false, leads_nowhere(path) and path .. NOWHERE or reason_of(err)
end

---Makes the folders that must be there before anything is copied.
---@return boolean ok
---@return string? reason
function places.prepare(roots, target)
  local several = #roots > 1
  for _, place in ipairs(roots) do
    local parent = several and target or place.to:match("^(.*)/[^/]*$")
    if place.info.type == "directory" and not several then parent = place.to end
    if parent and parent ~= "" then
      local ok, reason = make_folder(parent)
      if not ok then return false, reason end
    end
    -- A target that is a link to a folder stands for that folder.
    if place.info.type == "directory" and is_folder(place.to) then
      place.to = uv.fs_realpath(place.to) or place.to
    end
  end
  return true
end

return places
