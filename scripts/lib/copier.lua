-- Copies trees with a pool of processes.
--
--   walk ── folders, links, special files are made here (folder_tree)
--     ├──── whole folders of files ───▶ pool (copy_task) ──┬──▶ sum
--     ├──── small files, in batches ──▶ pool (copy_task) ──┤
--     ├──── large files, in ranges ───▶ pool (copy_task) ──┘
--     └◀─── what folders had that is not plain
--   then: further names of files, deletions, and what folders must have in the end
--
-- Unless some option is about each file, a folder's files are not even listed here: a worker
-- copies what it can (copy_task.folders). What it leaves comes back and goes like all files
-- otherwise, in batches, since a task costs more than a small file. No more than a few tasks per
-- process are under way, so a tree of any size needs little memory. What fails is reported and the
-- rest go on, on a full disk too: what is smaller may fit. Whatever gets its name is whole.

local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"
local copy_progress = require "lib.copy_progress"
local copy_task = require "lib.copy_task"
local exclude = require "lib.exclude"
local folder_tree = require "lib.folder_tree"
local large_file = require "lib.large_file"
local leftovers = require "lib.leftovers"
local places = require "lib.places"
local reason_of = require "lib.reason"
local uv = require "luv"

local BATCH_FILES = 64
local BATCH_BYTES = 8 * 2 ^ 20 // 1
local RANGE_BYTES = 64 * 2 ^ 20 // 1
local LARGE_BYTES = 256 * 2 ^ 20 // 1
local FOLDER_FILES = 256 -- of a task
local FOLDER_PARTS = 8 -- of one folder, for each process
local TASKS_PER_PROCESS = 4
local LEAST_PACE = 64 * 2 ^ 10 // 1 -- bytes of a task under a limit of bandwidth

---@class copier.options
---@field processes? integer default: mooncrew.cpu_count()
---@field verify? boolean compare each copy with its source
---@field resume? boolean pass over files that are there with the same size and time
---@field checksum? boolean pass over files that are there with the same bytes
---@field delete? boolean remove from the target what the source does not have
---@field exclude? string[] patterns of what is left out; see lib.exclude
---@field dry_run? boolean change nothing; `on_action` says what would be done
---@field on_action? fun(action: string, path: string)
---@field bwlimit? integer bytes a second
---@field progress? boolean draw a bar on stderr

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

local copier = {}

---@class copier.Job
local Job = {}
Job.__index = Job

function Job:fail(path, err)
  local failures = self.summary.failures
  failures[#failures + 1] = { path = path, reason = reason_of(err, path) }
  self.failed[path] = true
  if type(err) == "table" and copy_task.is_full(err) then self.summary.full = true end
end

function Job:add(field, n)
  self.summary[field] = self.summary[field] + (n or 1)
end

function Job:report(action, path)
  if self.settings.dry_run and self.on_action then self.on_action(action, path) end
end

-- ---- tasks under way ----

local function settle_batch(self, task, done)
  for _, field in ipairs{ "files", "bytes", "skipped", "lost" } do self:add(field, done[field]) end
  for _, failure in ipairs(done.failures) do self:fail(failure.path, failure.reason) end
  for _, path in ipairs(done.actions) do self:report("copy", path) end
  self.summary.full = self.summary.full or done.full or false
  return task.files
end

local function settle_range(self, task, done)
  local file = task.large
  file.ranges_left = file.ranges_left - 1
  file.failure = file.failure or done.failure
  if file.ranges_left > 0 then return 0 end
  self.large[file] = nil
  local ok, err = file:finish(self.settings)
  if ok then
    self:add("files")
    self:add("bytes", file.size)
    if err then self:add("lost") end
  else
    self:fail(file.from, err)
  end
  return 1
end

local function settle_folders(self, task, done)
  settle_batch(self, task, done)
  table.move(done.left, 1, #done.left, #self.left + 1, self.left)
  task.bytes = done.bytes + done.skipped_bytes
  return done.files + done.skipped
end

-- Takes away what processes that died in the middle of this task left in its folders.
local function clean_up(task)
  local seen = {}
  for file in copy_task.files(task.batch or {}) do seen[leftovers.folder(file.to)] = true end
  for _, to in copy_task.each_folder(task.folders or {}) do seen[to] = true end
  for folder in pairs(seen) do leftovers.remove(folder) end
end

-- What an earlier run left beside single files. In trees it is taken away where they are gone
-- through.
local function clean_up_beside(roots)
  local seen = {}
  for _, root in ipairs(roots) do
    if root.info.type ~= "directory" then seen[leftovers.folder(root.to)] = true end
  end
  for folder in pairs(seen) do leftovers.remove(folder) end
end

-- Which files of a task a worker had done when it died is not known. Those of folders are looked at
-- one by one then, with smaller tasks.
local function settle_lost(self, task, err)
  if task.large then return settle_range(self, task, { failure = err }) end
  clean_up(task)
  if task.folders then
    for from, to in copy_task.each_folder(task.folders) do
      -- Of a folder in parts each may be lost.
      if not self.listed[from] then self.left[#self.left + 1] = { from = from, to = to } end
      self.listed[from] = true
    end
    return 0
  end
  for file in copy_task.files(task.batch) do self:fail(file.from, err) end
  return task.files
end

-- Waits for the oldest task and adds up what it did.
function Job:settle()
  local task = self.pending[1]
  local ok, done = pcall(task.result.get, task.result)
  local files
  if ok then
    local settle = task.large and settle_range or task.folders and settle_folders or settle_batch
    files = settle(self, task, done)
  elseif type(done) == "table" and done.kind == "WorkerLost" then
    files = settle_lost(self, task, done)
  else
    error(done, 0) -- Ctrl-C: the task is still under way
  end
  table.remove(self.pending, 1)
  self.paced = self.paced - (task.bytes - (ok and done.bytes or 0))
  if self.bar then self.bar:step(files, task.bytes) end
end

-- Waits until this many bytes more are allowed. What is under way may turn out to be there already
-- and take nothing.
function Job:pace(bytes)
  while self.bwlimit do
    local due = self.started + math.floor(self.paced / self.bwlimit * 1e9)
    local wait = (due - uv.hrtime()) / 1e9
    if wait <= 0 then break end
    if self.pending[1] then self:settle() else mooncrew.sleep(wait) end
  end
  self.paced = self.paced + bytes
end

-- What a task's result is when it is done here.
local function done_here(fn, ...)
  local done = fn(...)
  return { get = function() return done end }
end

function Job:start(task, fn, ...)
  while #self.pending >= TASKS_PER_PROCESS * self.summary.processes do self:settle() end
  self:pace(task.bytes)
  if self.alone then
    task.result = done_here(fn, ...)
  else
    self.pool = self.pool or mooncrew.Pool{ processes = self.summary.processes, name = "copy" }
    task.result = self.pool:apply_async(fn, { ... })
  end
  self.pending[#self.pending + 1] = task
end

function Job:submit()
  if self.batch_files == 0 then return end
  local task = { batch = self.batch, files = self.batch_files, bytes = self.batch_bytes }
  self.batch, self.batch_files, self.batch_bytes = {}, 0, 0
  self:start(task, copy_task.batch, task.batch, self.settings)
end

function Job:submit_folders()
  if #self.folder_batch == 0 then return end
  local task = { folders = self.folder_batch, bytes = 0 }
  self.folder_batch, self.folder_files = {}, 0
  self:start(task, copy_task.folders, task.folders, self.settings, BATCH_BYTES)
end

function Job:settle_all()
  repeat
    -- For a single task no processes are started.
    self.alone = not self.pool and #self.large_batch == 0
      and (self.batch_files == 0 or #self.folder_batch == 0)
    self:submit_folders()
    self:submit()
    self.alone = false
    self:submit_large()
    while #self.pending > 0 do self:settle() end
    self:add_left()
  until #self.pending + self.batch_files + #self.large_batch == 0
end

-- ---- entries ----

-- True when the whole file could be had by sharing its blocks. Whether a disk can do that is
-- asked once.
function Job:clone(file, device)
  if self.no_clone[device] then return false end
  local keep = { clone_only = true }
  for name, value in pairs(self.settings.keep) do keep[name] = value end
  local ok, lost = fs.copy_file(file.from, file.to, keep)
  if not ok then
    self.no_clone[device] = true
    return false
  end
  self:add("files")
  self:add("bytes", file.size)
  if lost then self:add("lost") end
  if self.bar then self.bar:step(1, file.size) end
  return true
end

-- A large file that is ready to be copied in ranges, or nil.
function Job:begin_large(file)
  local large = large_file.new(file)
  self.large[large] = true
  local ok, err = large:begin()
  if ok then
    large.ranges_left = 1 -- not done before the last one is handed out
    large.next_range = large:ranges(self.range_bytes)
    return large
  end
  self.large[large] = nil
  self:fail(file.from, err)
end

-- The next range of a large file; false when that was the last one.
function Job:start_range(large)
  local offset, length = large.next_range()
  if not offset or large.failure then
    settle_range(self, { large = large }, {})
    return false
  end
  large.ranges_left = large.ranges_left + 1
  self:start({ large = large, bytes = length }, copy_task.range,
    large.from, large.temporary, offset, length, self.settings.verify)
  return true
end

-- The large files that have come together, a range of each in turn: who writes to a file keeps
-- others from writing to it.
function Job:submit_large()
  local files = {}
  for _, file in ipairs(self.large_batch) do files[#files + 1] = self:begin_large(file) end
  self.large_batch = {}
  while #files > 0 do
    for i = #files, 1, -1 do
      if not self:start_range(files[i]) then table.remove(files, i) end
    end
  end
end

function Job:add_large(file, device)
  if self:clone(file, device) then return end
  self.large_batch[#self.large_batch + 1] = file
  if #self.large_batch >= self.summary.processes then self:submit_large() end
end

-- The record of a file that is to be copied in ranges, or nil. One that is compared by its bytes,
-- or is there already, is no matter for ranges.
function Job:large_file(from, to, info)
  local settings = self.settings
  if info.size < self.large_bytes or settings.checksum or settings.dry_run then return nil end
  local file = {
    from = from, to = to, size = info.size, mtime_ns = info.mtime_ns, nlink = info.nlink,
  }
  local there = settings.resume and copy_task.is_current(file, settings)
    or copy_task.is_itself(file)
  return not there and file or nil
end

function Job:add_file(from, to, info)
  local file = self:large_file(from, to, info)
  if file then return self:add_large(file, info.device) end
  copy_task.add(self.batch, from, to, info.size, info.mtime_ns, info.nlink)
  self.batch_files = self.batch_files + 1
  self.batch_bytes = self.batch_bytes + info.size
  if self.batch_files >= BATCH_FILES or self.batch_bytes >= self.batch_limit then
    self:submit()
  end
end

-- True when it is a further name of a file that was seen: such are made when all files are there.
function Job:is_further_name(from, to, info)
  if info.nlink < 2 then return false end
  local key = string.format("%x:%x", info.device, info.inode)
  local first = self.first_names[key]
  if not first then
    self.first_names[key] = { from = from, to = to }
    return false
  end
  self.further_names[#self.further_names + 1] = { from = from, to = to, first = first, info = info }
  return true
end

function Job:add_node(from, to, entry)
  local ok, err, unchanged = folder_tree.copy_node(from, to, entry, self.settings)
  if not ok then return self:fail(from, err) end
  if err then self:add("lost") end
  self:add(entry.type == "link" and "links" or "special")
  if not unchanged then self:report(entry.type, to) end
end

-- True when the folder is there.
function Job:add_folder(from, to, info, root)
  local ok, err, new = folder_tree.make(to, info, self.settings, root)
  if not ok then
    self:fail(from, err)
    return false
  end
  self:add("folders")
  if new then self:report("folder", to) end
  self.folders[#self.folders + 1] = { from = from, to = to, new = new }
  return true
end

-- Anything but a folder.
function Job:add_other(from, to, entry)
  if entry.type == "file" then
    self:add_file(from, to, entry)
  else
    self:add_node(from, to, entry)
  end
end

function Job:add_entry(from, to, entry)
  if entry.type == "directory" then
    entry.enter = self:add_folder(from, to, entry)
  elseif not self:is_further_name(from, to, entry) then
    self:add_other(from, to, entry)
  end
end

-- True when no folder is in the way, or one that whoever copies may remove.
function Job:has_way(from, to, path)
  local there = fs.stat(to, false)
  if not there or there.type ~= "directory"
    or not folder_tree.holds_kept(to, path, "directory", self.is_left_out) then
    return true
  end
  self:fail(from, to .. ": Is a directory, and something in it is left out")
  return false
end

-- The files of a folder, about so many; the walk passes over them.
function Job:add_folder_files(from, to, files)
  local most = FOLDER_PARTS * self.summary.processes
  local parts = math.max(1, math.min(files // FOLDER_FILES, most))
  for part = 1, parts do
    copy_task.add_folder(self.folder_batch, from, to, part, parts)
    self.folder_files = self.folder_files + files // parts
    if self.folder_files >= FOLDER_FILES then self:submit_folders() end
  end
end

-- What workers have left of their folders.
function Job:add_left()
  while #self.left > 0 do
    local left = table.remove(self.left)
    local names, err = left.names, nil
    if not names then names, err = fs.listdir(left.from) end
    if not names then self:fail(left.from, err) end
    for _, name in ipairs(names or {}) do
      local from = fs.join(left.from, name)
      local info, why = fs.stat(from, false)
      if not info then
        self:fail(from, why)
      elseif info.type == "directory" then
        if left.names then self:fail(from, "became a folder while it was copied") end
      elseif info.type == "file" or left.names then
        self:add_entry(from, fs.join(left.to, name), info)
      end
    end
  end
end

function Job:add_tree(source, target, info)
  local walk, err = fs.walk(source, { files = not self.by_folder })
  if not walk then return self:fail(source, err) end
  if not self:add_folder(source, target, info, true) then return end
  local before = #source:gsub("/+$", "") + 2 -- where the path within the tree begins
  local there = fs.join(target, "")
  local spares = self.settings.delete and self.is_left_out
  if self.by_folder then self:add_folder_files(source, target, #(fs.listdir(source) or {})) end
  for from, entry in walk do
    self:add_left()
    local path = from:sub(before)
    if self.is_left_out and self.is_left_out(path, entry.type) then
      entry.enter = false
    elseif entry.error then
      self:fail(from, entry.error)
    elseif not spares or entry.type == "directory"
      or self:has_way(from, there .. path, path) then
      self:add_entry(from, there .. path, entry)
      if entry.files and entry.enter then
        self:add_folder_files(from, there .. path, entry.files)
      end
    end
  end
end

-- ---- the end ----

function Job:make_further_names()
  for _, name in ipairs(self.further_names) do
    local ok, unchanged
    if not self.failed[name.first.from] then
      ok, _, unchanged = folder_tree.link(name.first.to, name.to, self.settings)
    end
    if ok then
      self:add("hard_links")
      if not unchanged then self:report("hard link", name.to) end
    else
      self:add_other(name.from, name.to, name.info) -- that disk has no such links, or no more
    end
  end
  self:settle_all()
end

function Job:delete_others(folder)
  local inner = folder.from:sub(#folder.root + 1):gsub("^/+", "")
  folder_tree.delete_others(folder.from, folder.to, inner, self.removal)
end

-- The innermost first: a folder that becomes read-only can't be reached through for long.
function Job:finish_folders()
  for i = #self.folders, 1, -1 do
    local folder = self.folders[i]
    if self.settings.delete and not folder.new then self:delete_others(folder) end
    if not self.settings.dry_run then
      local ok, err = fs.copy_attributes(folder.from, folder.to, self.settings.keep)
      if not ok then
        self:fail(folder.from, err)
      elseif err then
        self:add("lost")
      end
    end
  end
end

function Job:run(roots)
  if self.settings.resume and not self.settings.dry_run then clean_up_beside(roots) end
  for _, root in ipairs(roots) do
    local first = #self.folders + 1
    if root.info.type == "directory" then
      self:add_tree(root.from, root.to, root.info)
    else
      self:add_entry(root.from, root.to, root.info)
    end
    for i = first, #self.folders do self.folders[i].root = root.from end
  end
  self:settle_all()
  self:make_further_names()
  self:finish_folders()
end

local function new_job(options, is_left_out)
  local limit = not options.dry_run and options.bwlimit or nil
  local function paced(bytes)
    return limit and math.max(LEAST_PACE, math.min(limit // 4, bytes)) or bytes
  end
  local job = setmetatable({
    summary = {
      files = 0, bytes = 0, skipped = 0, folders = 0, links = 0, hard_links = 0, special = 0,
      deleted = 0, lost = 0, full = false, failures = {}, seconds = 0,
      processes = options.processes or mooncrew.cpu_count(),
    },
    settings = {
      keep = { owner = uv.getuid() == 0, group = true, xattrs = true, follow = false },
      verify = options.verify or false,
      resume = options.resume or options.checksum or false,
      checksum = options.checksum or false,
      delete = options.delete or false,
      dry_run = options.dry_run or false,
    },
    on_action = options.on_action,
    is_left_out = is_left_out,
    bwlimit = limit, paced = 0, started = uv.hrtime(),
    batch_limit = paced(BATCH_BYTES), range_bytes = paced(RANGE_BYTES),
    large_bytes = limit and 2 * paced(RANGE_BYTES) or LARGE_BYTES,
    batch = {}, batch_files = 0, batch_bytes = 0, pending = {}, large = {}, folders = {},
    folder_batch = {}, folder_files = 0, left = {}, listed = {}, large_batch = {},
    no_clone = {}, first_names = {}, further_names = {}, failed = {},
  }, Job)
  local settings = job.settings
  job.removal = {
    dry_run = settings.dry_run,
    is_kept = job.is_left_out,
    report = function(path, err)
      if err then return job:fail(path, err) end
      job:add("deleted")
      job:report("delete", path)
    end,
  }
  job.by_folder = not (job.is_left_out or limit or settings.verify or settings.checksum
    or settings.dry_run)
  return job
end

-- Waits for its workers or, after an error, ends them.
function Job:close_pool(err)
  if self.pool then getmetatable(self.pool).__close(self.pool, err) end
end

-- What an end by an error (Ctrl-C is one) leaves half done.
function Job:give_up()
  for file in pairs(self.large) do file:discard() end
  for _, task in ipairs(self.pending) do
    clean_up(task)
  end
end

---Makes `target` a copy of what is at `sources`: see lib.places for what goes where. A folder's
---contents are merged into a target folder that is there already.
---@param sources string[]
---@param target string
---@param options? copier.options
---@return copier.summary? summary nil when nothing was begun
---@return string? reason
function copier.copy(sources, target, options)
  options = options or {}
  local is_left_out = #(options.exclude or {}) > 0 and exclude.matcher(options.exclude) or nil
  local roots, reason = places.plan(sources, target, options.delete or false, is_left_out)
  if not roots then return nil, reason end
  if not options.dry_run then
    local ready
    ready, reason = places.prepare(roots, target)
    if not ready then return nil, reason end
  end

  local job = new_job(options, is_left_out)
  -- Closed in the reverse order: after an error the pool is ended first, maybe in the middle of a
  -- file, then what it left is taken away.
  local _ <close> = setmetatable({}, {
    __close = function(_, err)
      if err ~= nil then job:give_up() end
    end,
  })
  local bar <close> = options.progress and copy_progress.new(roots, job.is_left_out) or nil
  local _ <close> = setmetatable({}, { __close = function(_, err) job:close_pool(err) end })
  job.bar = bar
  job:run(roots)
  job.summary.seconds = (uv.hrtime() - job.started) / 1e9
  return job.summary
end

return copier
