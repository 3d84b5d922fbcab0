-- Takes away the temporary files of processes that were killed in the middle of a file.
--
-- Where the file system knows nameless files there are none. Elsewhere, and for the instant in
-- which one file replaces another, `fs.copy_file` and `http.download` write to
-- ".mooncrew-PID-SALT.part" beside the target.

local uv = require "luv"

local leftovers = {}

local function is_alive(pid)
  local _, _, code = uv.kill(pid, 0)
  return code ~= "ESRCH"
end

---The folder in which there may be leftovers of a file.
---@param path string
---@return string
function leftovers.folder(path)
  return path:match("^(.*/)[^/]*$") or "."
end

---A fresh name for something that will be renamed to `target`, in the same folder.
---@param target string
---@return string
function leftovers.name(target)
  local folder = target:match("^(.*/)[^/]*$") or ""
  return string.format("%s.mooncrew-%d-%016x.part", folder, uv.os_getpid(), math.random(0))
end

---A fresh name like that, for a block: `local temporary <close> = leftovers.guard(target)`. What
---still has that name when the block is left, by Ctrl-C too, is removed.
---@param target string
---@return { name: string }
function leftovers.guard(target)
  return setmetatable({ name = leftovers.name(target) }, {
    __close = function(self) uv.fs_unlink(self.name) end,
  })
end

---Whether a file of this name is, or was, on its way to another name.
---@param name string
---@return boolean
function leftovers.is_temporary(name)
  return name:find("^%.mooncrew%-%d+%-%x+%.part$") ~= nil
end

---Removes temporary files of dead processes from a folder.
---@param folder string
---@return integer removed
function leftovers.remove(folder)
  local listing = uv.fs_scandir(folder)
  local removed = 0
  while listing do
    local name = uv.fs_scandir_next(listing)
    if not name then break end
    local pid = name:match("^%.mooncrew%-(%d+)%-%x+%.part$")
    if pid and not is_alive(tonumber(pid)) and uv.fs_unlink(folder .. "/" .. name) then
      removed = removed + 1
    end
  end
  return removed
end

---Removes them from several folders.
---@param folders table<string, true>
function leftovers.remove_from(folders)
  for folder in pairs(folders) do leftovers.remove(folder) end
end

return leftovers
