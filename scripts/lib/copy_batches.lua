-- The small files of a copy, handed to its pool in batches: a task costs more than a small file.

local copy_task = require "lib.copy_task"
local leftovers = require "lib.leftovers"

local BATCH_FILES = 64

---A task.
---@class copier.Batch: copier.Task
---@field list any[] see copy_task.add
---@field files integer
local Batch = {}
Batch.__index = Batch

function Batch:settle(done)
  self.tally:add_batch(done)
  return self.files
end

-- Which of its files are done is not known.
function Batch:lose(err)
  self:clean_up()
  for file in copy_task.files(self.list) do self.tally:fail(file.from, err) end
  return self.files
end

function Batch:clean_up()
  local folders = {}
  for file in copy_task.files(self.list) do folders[leftovers.folder(file.to)] = true end
  leftovers.remove_from(folders)
end

local function new_batch(tally)
  return setmetatable({ list = {}, files = 0, bytes = 0, tally = tally }, Batch)
end

---@class copier.Batches
local Batches = {}
Batches.__index = Batches

local copy_batches = {}

---@param pool copier.Pool
---@param tally copier.Tally
---@param settings copier.settings
---@param room integer bytes of a batch
---@return copier.Batches
function copy_batches.new(pool, tally, settings, room)
  return setmetatable({
    pool = pool, tally = tally, settings = settings, room = room, batch = new_batch(tally),
  }, Batches)
end

---@param from string
---@param to string
---@param info mooncrew.fs.Info
function Batches:add(from, to, info)
  local batch = self.batch
  copy_task.add(batch.list, from, to, info.size, info.mtime_ns, info.nlink)
  batch.files = batch.files + 1
  batch.bytes = batch.bytes + info.size
  if batch.files >= BATCH_FILES or batch.bytes >= self.room then self:submit() end
end

---Whether no file waits for others.
---@return boolean
function Batches:is_empty()
  return self.batch.files == 0
end

---Hands out the files that have come together.
function Batches:submit()
  if self:is_empty() then return end
  local batch = self.batch
  self.batch = new_batch(self.tally)
  self.pool:start(batch, copy_task.batch, batch.list, self.settings)
end

return copy_batches
