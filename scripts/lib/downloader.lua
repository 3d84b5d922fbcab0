-- The process that downloads: takes addresses from a queue until that is closed, and fetches each
-- once, many at a time, with a coroutine task each.
--
--   queue ─▶ seen? ─▶ turns of the hosts ─▶ tasks ─▶ folder/, manifest

local mooncrew = require "mooncrew"
local address = require "lib.address"
local fetch = require "lib.fetch"
local file_names = require "lib.file_names"
local fs = require "mooncrew.fs"
local http = require "mooncrew.http"
local manifest = require "lib.manifest"
local turns = require "lib.turns"

local IDLE = 20 -- seconds after which it looks up from an empty queue
local BATCH = 20 -- addresses that are taken from the queue at once
local MAX_WAITING = 10000 -- addresses here that wait for their hosts; more wait in the queue

---@class downloader.outcome
---@field images integer
---@field bytes integer
---@field kept integer that an earlier run had got
---@field failures scraper.failure[]

local downloader = {}

-- Begins nothing from now on: what happened is not an address's own.
local function stop(state)
  state.stopped = true
  state.turns:clear()
  state.q:close()
end

local function note(state, entry)
  if state.list then
    local ok, err = state.list:write(entry)
    if not ok then
      state.trouble = string.format("%s: %s", state.options.json, err)
      stop(state)
    end
  end
  if state.bar then state.bar:step() end
end

local function failed(state, url, failure)
  local failures = state.outcome.failures
  failures[#failures + 1] = { url = url, reason = failure.reason }
  note(state, { url = url, status = failure.status, error = failure.reason })
end

-- An address that was not seen before is whoever asks's to fetch.
local function claim(state, url)
  if state.seen[url] then return false end
  state.seen[url] = true
  return true
end

local function download(parts, state)
  local options, url = state.options, parts.url
  local name = state.names:pick(url)
  local path = fs.join(options.folder, name)
  local answer, failure = fetch(parts, {
    shared = options.shared,
    request = options.request,
    ask = function(at) return http.download(at, path, state.request) end,
    go_on = function(target) return claim(state, target) end,
  })
  if answer then
    local outcome = state.outcome
    outcome.images, outcome.bytes = outcome.images + 1, outcome.bytes + answer.size
    note(state, {
      url = url, file = name, size = answer.size, sha256 = answer.sha256, status = answer.status,
    })
  elseif failure.reason then
    failed(state, url, failure)
  else
    note(state, { url = url, status = failure.status, location = failure.location })
  end
end

-- Sleeps until a task has come further, and it is so.
---@param state table
---@param is_so fun(state: table): boolean
local function await(state, is_so)
  state.awaited = is_so
  state.changed:wait()
  state.changed:clear()
  state.awaited = nil
end

-- A task has come further: wakes the one who awaits just this.
local function tell(state)
  if state.awaited and state.awaited(state) then state.changed:set() end
end

local function has_room(state)
  return state.turns.waiting < MAX_WAITING
end

local function is_idle(state)
  return state.running == 0
end

-- A coroutine task: downloads this, and then one after another, as long as there are any.
local function work(state, parts, host)
  while parts do
    local ok, err = pcall(download, parts, state)
    state.turns:done(host)
    if not ok then
      state.fault = state.fault or err
      stop(state)
    end
    parts, host = state.turns:take()
    tell(state)
  end
  state.running = state.running - 1
  tell(state)
end

-- Starts as many tasks as may be under way.
local function start_some(state)
  while state.running < state.options.concurrency do
    local parts, host = state.turns:take()
    if not parts then return end
    state.running = state.running + 1
    state.pool:submit(work, { state, parts, host })
  end
end

local function receive(found, state)
  local parts = address.parse(found)
  if not parts then
    if claim(state, found) then failed(state, found, { reason = "not an http address" }) end
  elseif not state.stopped and claim(state, parts.url) then
    state.turns:add(parts.origin, parts)
    start_some(state)
  end
end

-- What an earlier run has got is seen, and its names are taken.
local function remember(state)
  local options = state.options
  if not options.resume then return end
  for url, entry in pairs(manifest.done(options.json, options.folder)) do
    state.seen[url] = true
    state.names:take(entry.file)
    state.outcome.kept = state.outcome.kept + 1
  end
end

local function new_state(q, options)
  local request = { sha256 = options.list ~= nil, follow = false }
  for name, value in pairs(options.request) do request[name] = value end
  return {
    q = q, options = options, request = request, list = options.list,
    seen = {}, names = file_names.new(), running = 0,
    turns = turns.new(options.per_host or options.concurrency), changed = mooncrew.Event(),
    outcome = { images = 0, bytes = 0, kept = 0, failures = {} },
  }
end

---Runs in a process of its own, until the queue is closed and drained.
---@param q table
---@param options scraper.options
---@return downloader.outcome?
---@return string? reason why it stopped
function downloader.run(q, options)
  local state = new_state(q, options)
  remember(state)
  local bar <close> = options.progress and mooncrew.progress(nil, { label = "images" }) or nil
  local pool <close> = mooncrew.CoroutinePool(options.concurrency)
  state.bar, state.pool = bar, pool
  while true do
    local found, err = q:get_many(BATCH, true, IDLE)
    if err == mooncrew.Closed then break end
    for _, one in ipairs(found or {}) do receive(one, state) end
    -- Receiving must not keep downloads from going on.
    if state.running == options.concurrency or not has_room(state) then await(state, has_room) end
  end
  if state.running > 0 then await(state, is_idle) end
  if state.fault then error(state.fault, 0) end
  if state.trouble then return nil, state.trouble end
  return state.outcome
end

return downloader
