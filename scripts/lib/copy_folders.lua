-- Folders whose files are not listed by who walks: workers copy of them what they can
-- (copy_task.folders). What they leave, each says by name, is had from here and goes like all files
-- otherwise.

local copy_task = require "lib.copy_task"
local leftovers = require "lib.leftovers"

local TASK_FILES = 256
local PARTS = 8 -- of one folder at most, for each process

---What is left of a folder.
---@class copier.left
---@field from string
---@field to string
---@field names? string[] nil: it is not known, all of it is to be looked at

---A task.
---@class copier.FolderBatch: copier.Task
---@field list any[] see copy_task.add_folder
local FolderBatch = {}
FolderBatch.__index = FolderBatch

function FolderBatch:settle(done)
  local left = self.folders.left
  self.folders.tally:add_batch(done)
  table.move(done.left, 1, #done.left, #left + 1, left)
  self.bytes = done.bytes + done.skipped_bytes
  return done.files + done.skipped
end

-- Which files its worker had done is not known: they are looked at one by one, with smaller tasks.
function FolderBatch:lose()
  self:clean_up()
  local left, lost = self.folders.left, self.folders.lost
  for from, to in copy_task.each_folder(self.list) do
    -- Of a folder in parts each may be lost.
    if not lost[from] then left[#left + 1] = { from = from, to = to } end
    lost[from] = true
  end
  return 0
end

function FolderBatch:clean_up()
  local folders = {}
  for _, to in copy_task.each_folder(self.list) do folders[to] = true end
  leftovers.remove_from(folders)
end

---@class copier.Folders
---@field left copier.left[]
local Folders = {}
Folders.__index = Folders

local copy_folders = {}

---@param pool copier.Pool
---@param tally copier.Tally
---@param settings copier.settings
---@param room integer bytes of a task
---@return copier.Folders
function copy_folders.new(pool, tally, settings, room)
  return setmetatable({
    pool = pool, tally = tally, settings = settings, room = room,
    list = {}, files = 0, left = {}, lost = {},
  }, Folders)
end

---@param from string
---@param to string
---@param files integer how many there are, about
function Folders:add(from, to, files)
  local most = PARTS * self.pool.processes
  local parts = math.max(1, math.min(files // TASK_FILES, most))
  for part = 1, parts do
    copy_task.add_folder(self.list, from, to, part, parts)
    self.files = self.files + files // parts
    if self.files >= TASK_FILES then self:submit() end
  end
end

---Whether no folder waits for others.
---@return boolean
function Folders:is_empty()
  return #self.list == 0
end

---Hands out the folders that have come together.
function Folders:submit()
  if self:is_empty() then return end
  local task = setmetatable({ list = self.list, bytes = 0, folders = self }, FolderBatch)
  self.list, self.files = {}, 0
  self.pool:start(task, copy_task.folders, task.list, self.settings, self.room)
end

---A folder of which something is left, once; nil: there is none now.
---@return copier.left?
function Folders:take_left()
  return table.remove(self.left)
end

return copy_folders
