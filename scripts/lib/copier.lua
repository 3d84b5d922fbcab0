-- Copies trees with a pool of processes.
--
--   copy_walk ── folders are made here
--     ├── copy_folders ── whole folders of files ─▶ copy_pool ──┬──▶ copy_tally
--     │     └◀─ what folders had that is not plain              │
--     └── copy_entries ── links, special files are made here    │
--           ├── copy_batches ── small files, in batches ─▶ pool ┤
--           └── copy_ranges ─── large files, in ranges ──▶ pool ┘
--   then: hard_links, and finish_folders with deletions
--
-- Unless some option is about each file, a folder's files are not even listed here: a worker
-- copies what it can. What it leaves comes back and goes like all files otherwise. What workers do
-- is copy_task. What fails is reported and the rest go on, on a full disk too: what is smaller may
-- fit. Whatever gets its name is whole.

local mooncrew = require "mooncrew"
local copy_batches = require "lib.copy_batches"
local copy_entries = require "lib.copy_entries"
local copy_folders = require "lib.copy_folders"
local copy_pace = require "lib.copy_pace"
local copy_pool = require "lib.copy_pool"
local copy_progress = require "lib.copy_progress"
local copy_ranges = require "lib.copy_ranges"
local copy_tally = require "lib.copy_tally"
local copy_walk = require "lib.copy_walk"
local exclude = require "lib.exclude"
local finish_folders = require "lib.finish_folders"
local hard_links = require "lib.hard_links"
local leftovers = require "lib.leftovers"
local places = require "lib.places"
local uv = require "luv"

local BATCH_BYTES = 8 * 2 ^ 20 // 1

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

local copier = {}

---@param options copier.options
---@return copier.settings
local function settings_of(options)
  return {
    keep = { owner = uv.getuid() == 0, group = true, xattrs = true, follow = false },
    verify = options.verify or false,
    resume = options.resume or options.checksum or false,
    checksum = options.checksum or false,
    delete = options.delete or false,
    dry_run = options.dry_run or false,
  }
end

---@class copier.Job the parts of a copy, made for each other
---@field settings copier.settings
---@field is_left_out? fun(path: string, type: string): boolean
---@field tally copier.Tally
---@field pool copier.Pool
---@field batches copier.Batches
---@field ranges copier.Ranges
---@field folders copier.Folders
---@field links copier.HardLinks
---@field entries copier.Entries
---@field walk copier.Walk

---@param options copier.options
---@return copier.Job
local function new_job(options, is_left_out)
  local settings = settings_of(options)
  local dry_run = settings.dry_run
  local processes = options.processes or mooncrew.cpu_count()
  local tally = copy_tally.new(processes, dry_run and options.on_action or nil)
  local pace = copy_pace.new(not dry_run and options.bwlimit or nil)
  local pool = copy_pool.new(processes, pace, tally)
  local room = pace:share(BATCH_BYTES)
  local job = {
    settings = settings, is_left_out = is_left_out, tally = tally, pool = pool,
    batches = copy_batches.new(pool, tally, settings, room),
    ranges = copy_ranges.new(pool, tally, settings, pace),
    folders = copy_folders.new(pool, tally, settings, room),
    links = hard_links.new(),
  }
  job.entries = copy_entries.new{
    links = job.links, ranges = job.ranges, batches = job.batches,
    tally = tally, settings = settings,
  }
  job.walk = copy_walk.new{
    entries = job.entries, folders = job.folders, is_left_out = is_left_out,
    by_folder = not (is_left_out or pace.limit or settings.verify or settings.checksum or dry_run),
    tally = tally, settings = settings,
  }
  return job
end

-- Waits until all that was found is copied.
local function settle_all(job)
  local pool, batches, ranges, folders = job.pool, job.batches, job.ranges, job.folders
  repeat
    -- For a single task no processes are started.
    pool.alone = not pool:is_running() and ranges:is_empty()
      and (batches:is_empty() or folders:is_empty())
    folders:submit()
    batches:submit()
    pool.alone = false
    ranges:submit()
    pool:settle_all()
    job.walk:add_left()
  until batches:is_empty() and ranges:is_empty() and pool:is_idle()
end

-- What an earlier run left beside single files. In trees it is taken away where they are gone
-- through.
local function clean_up_beside(roots)
  local folders = {}
  for _, root in ipairs(roots) do
    if root.info.type ~= "directory" then folders[leftovers.folder(root.to)] = true end
  end
  leftovers.remove_from(folders)
end

local function run(job, roots)
  local settings, tally = job.settings, job.tally
  if settings.resume and not settings.dry_run then clean_up_beside(roots) end
  for _, root in ipairs(roots) do job.walk:add(root) end
  settle_all(job)
  job.links:make(settings, tally, function(name)
    job.entries:copy(name.from, name.to, name.info)
  end)
  settle_all(job)
  finish_folders(job.walk.made, job.is_left_out, settings, tally)
end

-- For a block: what an end of it by an error (Ctrl-C is one) leaves half done is taken away.
local function guard(job)
  return setmetatable({}, {
    __close = function(_, err)
      if err == nil then return end
      job.ranges:discard()
      job.pool:clean_up()
    end,
  })
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

  local began = uv.hrtime()
  local job = new_job(options, is_left_out)
  -- Closed in the reverse order: after an error the pool is ended first, maybe in the middle of a
  -- file, then what it left is taken away.
  local _ <close> = guard(job)
  local bar <close> = options.progress and copy_progress.new(roots, is_left_out) or nil
  local _ <close> = job.pool
  job.tally.bar = bar
  run(job, roots)
  local summary = job.tally.summary
  summary.seconds = (uv.hrtime() - began) / 1e9
  return summary
end

return copier
