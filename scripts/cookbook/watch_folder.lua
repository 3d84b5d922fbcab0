-- Runs a command for each file that arrives in a folder, several at a time, until Ctrl-C.
--
--   mooncrew scripts/cookbook/watch_folder.lua inbox flac --best
--
-- The file's path is the last argument. Then the file goes to inbox/done, or to inbox/failed.
-- A file must arrive whole: whoever writes it calls it .something first, and renames it.

local fs = require "mooncrew.fs"
local mooncrew = require "mooncrew"
local uv = require "luv"

local RESCAN = 60 -- seconds; the kernel drops notifications when there are too many

local inbox = arg[1]
if not arg[2] then
  io.stderr:write("usage: watch_folder.lua FOLDER COMMAND [ARGUMENT…]\n")
  os.exit(2)
end
local found = fs.stat(inbox)
if not found or found.type ~= "directory" then
  io.stderr:write("watch_folder: ", inbox, ": no folder\n")
  os.exit(1)
end
io.stdout:setvbuf "line"

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local command = {}
for i = 2, #arg do command[i - 1] = quote(arg[i]) end

-- Runs in a worker.
local function process(name)
  local path = fs.join(inbox, name)
  local ok = os.execute(table.concat(command, " ") .. " " .. quote(assert(uv.fs_realpath(path))))
  local place = ok and "done" or "failed"
  assert(os.rename(path, fs.join(inbox, place, name)))
  return place
end

for _, place in ipairs{ "done", "failed" } do assert(fs.mkdirs(fs.join(inbox, place))) end

local changed = mooncrew.Event()
local watcher = uv.new_fs_event()
assert(watcher:start(inbox, {}, function() changed:set() end))

-- The first Ctrl-C lets the commands that run come to their end.
local pool <close> = mooncrew.Pool{ on_interrupt = "drain" }
local in_hand = {} -- by the name of a file that a worker has or will have: the result
local stuck = {} -- names of files that could not be moved away: not tried again and again

local function submit_new()
  for _, name in ipairs(assert(fs.listdir(inbox))) do
    local known = in_hand[name] or stuck[name] or name:find("^%.")
    local info = not known and fs.stat(fs.join(inbox, name))
    if info and info.type == "file" then in_hand[name] = pool:apply_async(process, { name }) end
  end
end

local function report(name, result)
  local ok, place = pcall(result.get, result)
  if ok then
    print(place, name)
  else
    stuck[name] = true
    io.stderr:write(("watch_folder: %s: %s\n"):format(name, place.message or place))
  end
end

while true do
  changed:clear() -- before the look, so that no change between them is missed
  submit_new()
  local awaited = { changed }
  for _, result in pairs(in_hand) do awaited[#awaited + 1] = result end
  mooncrew.wait(awaited, RESCAN)
  for name, result in pairs(in_hand) do
    if result:ready() then
      in_hand[name] = nil
      report(name, result)
    end
  end
end
