-- What the folders of a copy get in the end: what the source does not have is deleted, and they get
-- the mode, owner, times and attributes of their sources.

local fs = require "mooncrew.fs"
local folder_tree = require "lib.folder_tree"

---@class copier.MadeFolder
---@field from string
---@field to string
---@field new boolean it was not there before
---@field root string what `from` was found in

---@return copier.Removal
local function new_removal(is_left_out, settings, tally)
  return {
    dry_run = settings.dry_run,
    is_kept = is_left_out,
    report = function(path, err)
      if err then return tally:fail(path, err) end
      tally:add("deleted")
      tally:report("delete", path)
    end,
  }
end

local function delete_others(folder, removal)
  local inner = folder.from:sub(#folder.root + 1):gsub("^/+", "")
  folder_tree.delete_others(folder.from, folder.to, inner, removal)
end

local function keep_attributes(folder, settings, tally)
  local ok, err = fs.copy_attributes(folder.from, folder.to, settings.keep)
  if not ok then
    tally:fail(folder.from, err)
  elseif err then
    tally:add("lost")
  end
end

---The innermost first: a folder that becomes read-only can't be reached through for long.
---@param folders copier.MadeFolder[] in the order in which they were made
---@param is_left_out? fun(path: string, type: string): boolean
---@param settings copier.settings
---@param tally copier.Tally
return function(folders, is_left_out, settings, tally)
  local removal = new_removal(is_left_out, settings, tally)
  for i = #folders, 1, -1 do
    local folder = folders[i]
    if settings.delete and not folder.new then delete_others(folder, removal) end
    if not settings.dry_run then keep_attributes(folder, settings, tally) end
  end
end
