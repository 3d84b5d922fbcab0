-- A bar of bytes with the count of files beside it. How much there is in all is counted by a
-- process of its own while the copying goes on.

local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"

local copy_progress = {}

---@class copier.Progress
local Progress = {}
Progress.__index = Progress

-- Runs in the counting process.
local function count(roots, is_left_out, answer)
  local files, bytes = 0, 0
  for _, root in ipairs(roots) do
    if root.info.type ~= "directory" then
      files, bytes = files + 1, bytes + root.info.size
    else
      for path, entry in fs.walk(root.from) or function() end do
        local inner = path:sub(#root.from:gsub("/+$", "") + 2)
        if is_left_out and is_left_out(inner, entry.type) then
          entry.enter = false
        elseif entry.type == "file" then
          files, bytes = files + 1, bytes + entry.size
        end
      end
    end
  end
  answer:put({ files = files, bytes = bytes })
end

---@param roots copier.root[]
---@param is_left_out? fun(path: string, type: string): boolean
function copy_progress.new(roots, is_left_out)
  local answer = mooncrew.Queue(1)
  local counter = mooncrew.Process{
    target = count, args = { roots, is_left_out, answer, n = 3 }, name = "count", daemon = true,
  }
  counter:start()
  local bar = mooncrew.progress(nil, { label = "copy", unit = "bytes" })
  return setmetatable({ bar = bar, answer = answer, counter = counter, files = 0 }, Progress)
end

---Counts files and bytes that are done.
function Progress:step(files, bytes)
  self.files = self.files + files
  if not self.total then
    self.total = self.answer:get(false)
    if self.total then self.bar.total = self.total.bytes end
  end
  self.bar.note = self.total and string.format("%d/%d files", self.files, self.total.files)
    or string.format("%d files", self.files)
  self.bar:step(bytes)
end

function Progress:close()
  self.bar:close()
  self.counter:terminate()
  self.counter:join()
  self.counter:close()
end

Progress.__close = Progress.close

return copy_progress
