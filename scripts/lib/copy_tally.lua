-- What a copy has done so far: what its summary counts, what failed, and how far its bar is. What
-- a dry run would do is told here too.

local copy_task = require "lib.copy_task"
local reason_of = require "lib.reason"

---@class copier.failure
---@field path string
---@field reason string

---@class copier.summary
---@field files integer copied
---@field bytes integer of these
---@field skipped integer files that were there already
---@field folders integer
---@field links integer symbolic links
---@field hard_links integer further names of files
---@field special integer pipes, sockets, devices
---@field deleted integer
---@field lost integer entries whose owner or attributes could not be kept
---@field full boolean something failed since no space was left
---@field failures copier.failure[]
---@field processes integer
---@field seconds number

---@class copier.Tally
---@field summary copier.summary
---@field bar? copier.Progress
local Tally = {}
Tally.__index = Tally

local copy_tally = {}

---@param processes integer
---@param on_action? fun(action: string, path: string) is told what a dry run would do
---@return copier.Tally
function copy_tally.new(processes, on_action)
  return setmetatable({
    summary = {
      files = 0, bytes = 0, skipped = 0, folders = 0, links = 0, hard_links = 0, special = 0,
      deleted = 0, lost = 0, full = false, failures = {}, seconds = 0, processes = processes,
    },
    on_action = on_action, failed = {},
  }, Tally)
end

---@param field string of the summary
---@param n? integer default: 1
function Tally:add(field, n)
  self.summary[field] = self.summary[field] + (n or 1)
end

---@param path string
---@param err any
function Tally:fail(path, err)
  local failures = self.summary.failures
  failures[#failures + 1] = { path = path, reason = reason_of(err, path) }
  self.failed[path] = true
  if type(err) == "table" and copy_task.is_full(err) then self.summary.full = true end
end

---@param path string
---@return boolean
function Tally:has_failed(path)
  return self.failed[path] == true
end

---Tells of an action of a dry run.
---@param action string
---@param path string
function Tally:report(action, path)
  if self.on_action then self.on_action(action, path) end
end

---Adds up what a worker did with a batch of files or of folders.
---@param done table see copy_task.batch
function Tally:add_batch(done)
  for _, field in ipairs{ "files", "bytes", "skipped", "lost" } do self:add(field, done[field]) end
  for _, failure in ipairs(done.failures) do self:fail(failure.path, failure.reason) end
  for _, path in ipairs(done.actions) do self:report("copy", path) end
  self.summary.full = self.summary.full or done.full or false
end

---Adds a large file that is copied.
---@param bytes integer
---@param lost any what could not be kept of it, or nil
function Tally:add_large(bytes, lost)
  self:add("files")
  self:add("bytes", bytes)
  if lost then self:add("lost") end
end

---Moves the bar on.
---@param files integer
---@param bytes integer
function Tally:step(files, bytes)
  if self.bar then self.bar:step(files, bytes) end
end

return copy_tally
