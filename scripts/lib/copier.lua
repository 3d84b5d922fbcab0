-- Copies a tree with a pool of processes.
--
--   walk ── folders are made, links copied, here
--     └──── files, in batches ──▶ pool ──▶ { files, bytes, failures } ── sum
--
-- Small files go in batches, since a task costs more than a small file. No more than a few
-- batches per process are under way, so a tree of any size needs little memory. A file that
-- fails is reported and the rest go on. Folders get their modes at the end: one that is read-only
-- in the source must be writable until it is filled.

local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"
local leftovers = require "lib.leftovers"
local reason_of = require "lib.reason"
local uv = require "luv"

local BATCH_FILES = 64
local BATCH_BYTES = 8 * 2 ^ 20
local BATCHES_PER_PROCESS = 4
local COMPARE_BYTES = 2 ^ 20

---@class copier.options
---@field processes? integer default: mooncrew.cpu_count()
---@field verify? boolean compare each copy with its source
---@field progress? boolean draw a bar on stderr

---@class copier.failure
---@field path string
---@field reason string

---@class copier.summary
---@field files integer
---@field bytes integer
---@field links integer
---@field folders integer
---@field failures copier.failure[]
---@field processes integer
---@field seconds number

local copier = {}

-- Runs in a worker. nil when both files have the same bytes, else a reason.
local function difference(from, to)
  local a, why = io.open(from, "rb")
  if not a then return why end
  local b
  b, why = io.open(to, "rb")
  if not b then
    a:close()
    return why
  end
  local x, y
  repeat
    x, y = a:read(COMPARE_BYTES), b:read(COMPARE_BYTES)
  until x ~= y or x == nil
  a:close()
  b:close()
  return x ~= y and "the copy differs from the source" or nil
end

-- Runs in a worker: one batch of files. A task never fails as a whole for one of its files.
local function copy_batch(batch, verify)
  local done = { files = 0, bytes = 0, failures = {} }
  for _, file in ipairs(batch) do
    local ok, err = fs.copy_file(file.from, file.to)
    local reason
    if not ok then
      reason = reason_of(err, file.from)
    elseif verify then
      reason = difference(file.from, file.to)
    end
    if reason then
      done.failures[#done.failures + 1] = { path = file.from, reason = reason }
    else
      done.files = done.files + 1
      done.bytes = done.bytes + file.size
    end
  end
  return done
end

-- Takes away what processes that died in the middle of these batches left in their folders.
local function clean_up(entries)
  local seen = {}
  for _, entry in ipairs(entries) do
    for _, file in ipairs(entry.batch) do
      local folder = file.to:match("^(.*)/[^/]*$") or "."
      if not seen[folder] then
        seen[folder] = true
        leftovers.remove(folder)
      end
    end
  end
end

---@class copier.Job
local Job = {}
Job.__index = Job

function Job:fail(path, reason)
  local failures = self.summary.failures
  failures[#failures + 1] = { path = path, reason = reason }
end

-- Waits for the oldest batch and adds up what it did.
function Job:settle()
  local oldest = table.remove(self.pending, 1)
  local ok, done = pcall(oldest.result.get, oldest.result)
  local summary = self.summary
  if ok then
    summary.files = summary.files + done.files
    summary.bytes = summary.bytes + done.bytes
    for _, failure in ipairs(done.failures) do self:fail(failure.path, failure.reason) end
  elseif type(done) == "table" and done.kind == "WorkerLost" then
    -- The worker died; which of these files it had done is not known.
    for _, file in ipairs(oldest.batch) do self:fail(file.from, reason_of(done)) end
    clean_up({ oldest })
  else
    self.pending[#self.pending + 1] = oldest -- its folders are still to be cleaned
    error(done, 0)
  end
  if self.bar then self.bar:step(#oldest.batch) end
end

function Job:submit()
  if #self.batch == 0 then return end
  while #self.pending >= BATCHES_PER_PROCESS * self.summary.processes do self:settle() end
  local batch = self.batch
  self.batch, self.batch_bytes = {}, 0
  local result = self.pool:apply_async(copy_batch, { batch, self.verify })
  self.pending[#self.pending + 1] = { batch = batch, result = result }
end

function Job:add_file(from, to, info)
  self.batch[#self.batch + 1] = { from = from, to = to, size = info.size }
  self.batch_bytes = self.batch_bytes + info.size
  if #self.batch >= BATCH_FILES or self.batch_bytes >= BATCH_BYTES then self:submit() end
end

function Job:add_link(from, to)
  local target, err = uv.fs_readlink(from)
  if target then
    local there = uv.fs_lstat(to)
    if there and there.type ~= "directory" then uv.fs_unlink(to) end
    target, err = uv.fs_symlink(target, to)
  end
  if target then
    self.summary.links = self.summary.links + 1
  else
    self:fail(from, err)
  end
end

-- True when the folder is there; its mode comes at the end.
function Job:add_folder(from, to, info)
  local ok, err, code = uv.fs_mkdir(to, tonumber("700", 8))
  if code == "EEXIST" then
    local there = uv.fs_stat(to)
    ok = there and there.type == "directory"
    err = to .. " is there and is no folder"
  end
  if not ok then
    self:fail(from, err)
    return false
  end
  self.summary.folders = self.summary.folders + 1
  self.folders[#self.folders + 1] = { path = to, info = info }
  return true
end

function Job:add_tree(source, target, info)
  if not self:add_folder(source, target, info) then return end
  local left_out -- the folder that could not be made, with a "/"; what is in it is passed over
  for from, entry in fs.walk(source) do
    local to = fs.join(target, (from:sub(#source + 1):gsub("^/+", "")))
    if left_out and from:sub(1, #left_out) == left_out then
      goto continue
    elseif entry.error then
      self:fail(from, reason_of(entry.error, from))
    elseif entry.type == "file" then
      self:add_file(from, to, entry)
    elseif entry.type == "link" then
      self:add_link(from, to)
    elseif entry.type ~= "directory" then
      self:fail(from, "neither a file, a folder nor a link, but a " .. entry.type)
    elseif not self:add_folder(from, to, entry) then
      left_out = from .. "/"
    end
    ::continue::
  end
end

-- The innermost first: a folder that becomes read-only can't be reached through for long.
function Job:finish_folders()
  for i = #self.folders, 1, -1 do
    local path, info = self.folders[i].path, self.folders[i].info
    local ok, err = uv.fs_utime(path, info.mtime, info.mtime)
    if ok then ok, err = uv.fs_chmod(path, info.mode) end
    if not ok then self:fail(path, err) end
  end
end

-- How many files a tree has, for the bar.
local function count_files(source)
  local n = 0
  for _, entry in fs.walk(source) do
    if entry.type == "file" then n = n + 1 end
  end
  return n
end

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

-- Why this can't be copied there, or nil.
local function refusal(source, target, info)
  local real_source, real_target = real_path(source), real_path(target)
  if real_source == real_target then
    return string.format("%s and %s are the same", source, target)
  end
  local inside = real_source:gsub("/$", "") .. "/"
  if info.type == "directory" and real_target:sub(1, #inside) == inside then
    return string.format("%s is inside of %s", target, source)
  end
  return nil
end

-- Where to start: what a link given as the source points to, and for a file a target that is the
-- file's own path and not a folder's.
local function prepare(source, target)
  local info, err = fs.stat(source)
  if not info then return nil, nil, reason_of(err) end
  if info.type ~= "directory" then
    local there = fs.stat(target)
    if there and there.type == "directory" then
      target = fs.join(target, fs.basename(source))
    end
  end
  local refused = refusal(source, target, info)
  if refused then return nil, nil, refused end
  local parent = info.type == "directory" and target or target:match("^(.*)/[^/]*$")
  if parent and parent ~= "" then
    local ok, why = fs.mkdirs(parent)
    if not ok then return nil, nil, reason_of(why) end
  end
  return target, info
end

---Makes `target` a copy of `source`: a file, or a folder whose contents are then merged into a
---target folder that is there already. Links are copied as links; modes and times are kept.
---@param source string
---@param target string
---@param options? copier.options
---@return copier.summary? summary nil when nothing was begun
---@return string? reason
function copier.copy(source, target, options)
  options = options or {}
  local started = uv.hrtime()
  local info, reason
  target, info, reason = prepare(source, target)
  if not target then return nil, reason end

  local processes = options.processes or mooncrew.cpu_count()
  local job = setmetatable({
    summary = {
      files = 0, bytes = 0, links = 0, folders = 0, failures = {}, processes = processes,
    },
    verify = options.verify or false,
    batch = {}, batch_bytes = 0, pending = {}, folders = {},
  }, Job)
  -- Closed in the reverse order: after an error (Ctrl-C is one) the pool is ended first, maybe in
  -- the middle of a file, then what it left is taken away.
  local _ <close> = setmetatable({}, {
    __close = function(_, err)
      if err ~= nil then clean_up(job.pending) end
    end,
  })
  local pool <close> = mooncrew.Pool{ processes = processes, name = "copy" }
  job.pool = pool

  local bar <close> = options.progress and mooncrew.progress(
    info.type == "directory" and count_files(source) or 1, { label = "copy" }) or nil
  job.bar = bar
  if info.type == "directory" then
    job:add_tree(source, target, info)
  else
    job:add_file(source, target, info)
  end
  job:submit()
  while #job.pending > 0 do job:settle() end
  job:finish_folders()
  job.summary.seconds = (uv.hrtime() - started) / 1e9
  return job.summary
end

return copier
