-- A process that downloads: takes addresses from a queue until that is closed, and fetches them,
-- many at a time, with a coroutine task each. There may be several such processes.
--
--   queue ─▶ turns of the hosts, if alone ─▶ tasks ─▶ folder/, manifest, outcomes

local mooncrew = require "mooncrew"
local address = require "lib.address"
local fetch = require "lib.fetch"
local file_names = require "lib.file_names"
local fs = require "mooncrew.fs"
local http = require "mooncrew.http"
local outcomes = require "lib.outcomes"
local turns = require "lib.turns"

local BATCH = 100 -- addresses that are taken from the queue at once
local MAX_WAITING = 10000 -- addresses here that wait for their hosts; more wait in the queue

---What the downloaders of a scrape share.
---@class downloader.shared
---@field q mooncrew.Queue of addresses
---@field known mooncrew.dict of outcomes
---@field names mooncrew.dict of files
---@field done mooncrew.Value how many addresses are done with
---@field stopped mooncrew.Event nothing is begun from now on
---@field writing mooncrew.Lock of the manifest

---@class downloader.role
---@field concurrency integer downloads at once of this process
---@field alone? boolean it is the only such process
---@field takes_over? boolean it comes in the place of one that was killed

local downloader = {}

---@param q mooncrew.Queue
---@param known mooncrew.dict
---@return downloader.shared
function downloader.shared(q, known)
  return {
    q = q, known = known, names = mooncrew.dict{}, done = mooncrew.Value(0),
    stopped = mooncrew.Event(), writing = mooncrew.Lock(),
  }
end

-- Begins nothing from now on: what happened is not an address's own.
local function stop(state)
  state.shared.stopped:set()
  state.shared.q:close()
end

local function write_line(state, entry)
  local held <close>, abandoned = state.shared.writing:hold() -- luacheck: ignore 211
  if abandoned then state.list:repair() end
  return state.list:write(entry)
end

-- An address is done with.
local function note(state, entry, outcome)
  if state.list then
    local ok, err = write_line(state, entry)
    if not ok then
      state.trouble = string.format("%s: %s", state.options.json, err)
      stop(state)
    end
  end
  outcomes.set(state.shared.known, entry.url, outcome)
  state.shared.done:incr()
end

local function failed(state, url, failure)
  note(state, { url = url, status = failure.status, error = failure.reason }, failure.reason)
end

local function download(parts, state)
  local url = parts.url
  local name = state.names:pick(url)
  local answer, failure = fetch(parts, state.job, fs.join(state.options.folder, name))
  if answer then
    note(state, {
      url = url, file = name, size = answer.size, sha256 = answer.sha256, status = answer.status,
    }, answer.size)
  elseif failure.reason then
    failed(state, url, failure)
  else
    note(state, { url = url, status = failure.status, location = failure.location }, true)
  end
end

-- An address taken apart. nil: it is none.
local function receive(state, found)
  local parts = address.parse(found)
  if not parts and outcomes.begin(state.shared.known, found) then
    failed(state, found, { reason = "not an http address" })
  end
  return parts
end

-- With addresses of many hosts at hand, one whose turn it is can be found.
local function look_ahead(state)
  while state.turns.waiting < MAX_WAITING do
    local found = state.shared.q:get_many(BATCH, false)
    if not found then return end
    for _, one in ipairs(found) do
      local parts = receive(state, one)
      if parts then state.turns:add(parts.origin, parts) end
    end
  end
end

-- What one before it, which was killed, had here to wait for its host.
local function take_over(state)
  for _, url in ipairs(outcomes.waiting(state.shared.known)) do
    local parts = receive(state, url)
    if parts then state.turns:add(parts.origin, parts) end
  end
end

-- Waits for an address that may be fetched. nil: there will be none, or none but for hosts that
-- have enough to do: whoever fetches from them goes on with those.
local function next_in_turn(state)
  while not state.shared.stopped:is_set() do
    look_ahead(state)
    local parts, host = state.turns:take()
    if parts then return parts, host end
    if state.turns.waiting >= MAX_WAITING then return nil end
    local found = state.shared.q:get()
    if not found then return nil end
    parts = receive(state, found)
    if parts then state.turns:add(parts.origin, parts) end
  end
end

-- Likewise, for one of several processes: it takes no more than it is about to fetch, so that none
-- is done while others have some left.
local function next_found(state)
  while not state.shared.stopped:is_set() do
    local found = state.shared.q:get()
    if not found then return nil end
    local parts = receive(state, found)
    if parts then return parts end
  end
end

-- Downloads one after another, as long as there are any. There is one more task than there are
-- downloads under way, up to the limit: it waits for the next address.
local function download_all(state)
  local next_address = state.turns and next_in_turn or next_found
  local parts, host = next_address(state)
  while parts do
    if state.running < state.concurrency then state.start() end
    if outcomes.begin(state.shared.known, parts.url) then download(parts, state) end
    if host then state.turns:done(host) end
    parts, host = next_address(state)
  end
end

-- A coroutine task.
local function work(state)
  local ok, err = pcall(download_all, state)
  if not ok then
    state.fault = state.fault or err
    stop(state)
  end
  state.running = state.running - 1
  if state.running == 0 then state.idle:set() end
end

-- How an address is fetched, to a path.
local function new_job(shared, options)
  local request = { sha256 = options.json ~= nil, follow = false, bare = true }
  for name, value in pairs(options.request) do request[name] = value end
  return {
    shared = options.shared,
    request = options.request,
    ask = function(at, path) return http.download(at, path, request) end,
    go_on = function(target) return outcomes.follow(shared.known, target) end,
  }
end

local function new_state(shared, options, list, role)
  local concurrency = role.concurrency
  return {
    shared = shared, options = options, list = list, job = new_job(shared, options),
    concurrency = concurrency, running = 0, idle = mooncrew.Event(),
    names = file_names.new(shared.names),
    turns = role.alone and turns.new(options.per_host or concurrency) or nil,
  }
end

---Runs in a process of its own, until the queue is closed and drained.
---@param shared downloader.shared
---@param options scraper.common
---@param list? manifest
---@param role downloader.role
---@return true? ok
---@return string? reason why it stopped
function downloader.run(shared, options, list, role)
  local state = new_state(shared, options, list, role)
  local pool <close> = mooncrew.CoroutinePool(role.concurrency)
  state.start = function()
    state.running = state.running + 1
    pool:submit(work, { state })
  end
  if role.alone and role.takes_over then take_over(state) end
  state.start()
  state.idle:wait()
  if state.fault then error(state.fault, 0) end
  if state.trouble then return nil, state.trouble end
  return true
end

---Fetches an address once more that a lost process had begun with.
---@param shared downloader.shared
---@param options scraper.common
---@param url string
---@return true? ok
---@return string? reason why its end can't be noted
function downloader.fetch_again(shared, options, url)
  local list, reason
  if options.json then
    list, reason = require("lib.manifest").join(options.json)
    if not list then return nil, reason end
  end
  local state = new_state(shared, options, list, { concurrency = 1 })
  local follow = state.job.go_on
  state.job.go_on = function(target)
    return follow(target) or outcomes.was_followed(shared.known, target)
  end
  local parts = receive(state, url)
  if parts then download(parts, state) end
  if state.trouble then return nil, state.trouble end
  return true
end

---Notes an address as failed.
---@param shared downloader.shared
---@param options scraper.common
---@param list? manifest
---@param url string
---@param reason string
---@return true? ok
---@return string? reason why that can't be noted
function downloader.fail(shared, options, list, url, reason)
  local state = new_state(shared, options, list, { concurrency = 1 })
  failed(state, url, { reason = reason })
  if state.trouble then return nil, state.trouble end
  return true
end

return downloader
