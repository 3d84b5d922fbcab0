-- The processes that download, and what became of what they were given.
--
-- One that is lost is replaced. What it had in hand is fetched again when all else is done, each
-- address in a process of its own: that shows whose fault it was.

local downloader = require "lib.downloader"
local file_names = require "lib.file_names"
local leftovers = require "lib.leftovers"
local mooncrew = require "mooncrew"
local outcomes = require "lib.outcomes"
local processes = require "lib.processes"
local reason_of = require "lib.reason"

local SHARE = 10 -- downloads at once that are worth a process
local MAX_LOST = 10 -- processes; after that it is no accident

---@class downloaders
---@field shared downloader.shared
---@field options scraper.common
---@field list? manifest
---@field kept integer addresses that an earlier run had got
---@field processes? processes nil before they are started
---@field lost integer how many processes
local Downloaders = {}
Downloaders.__index = Downloaders

local function count_of(options)
  if options.in_turns then return 1 end
  return math.max(1, math.min(mooncrew.cpu_count(), options.concurrency // SHARE))
end

-- What an earlier run has got is known, and its names are taken.
local function remember(shared, options)
  local kept = 0
  if not options.resume then return kept end
  local names = file_names.new(shared.names)
  for url, entry in pairs(require("lib.manifest").done(options.json, options.folder)) do
    outcomes.set(shared.known, url, true)
    names:take(entry.file, url)
    kept = kept + 1
  end
  return kept
end

-- To be called before anything is found: what an earlier run has got is not fetched again.
---@param q mooncrew.Queue of addresses
---@param known mooncrew.dict of outcomes
---@param options scraper.common
---@param list? manifest
---@return downloaders
local function new(q, known, options, list)
  local shared = downloader.shared(q, known)
  return setmetatable({
    shared = shared, options = options, list = list, kept = remember(shared, options), lost = 0,
  }, Downloaders)
end

function Downloaders:start()
  local n, concurrency = count_of(self.options), self.options.concurrency
  self.processes = processes.start("downloader", n, downloader.run, function(i)
    return { self.shared, self.options, self.list, {
      concurrency = concurrency // n + (i <= concurrency % n and 1 or 0),
      alone = n == 1,
      takes_over = self.lost > 0,
    } }
  end)
end

-- Puts another in the place of a process that was killed. False: it was not, or too often.
local function replace(self, i)
  local killed = (self.processes[i].exitcode or 0) < 0
  if not killed or self.lost == MAX_LOST then return false end
  self.lost = self.lost + 1
  self.processes:restart(i)
  return true
end

---Looks whether all of them live. With nobody left to take them, addresses would wait for ever.
function Downloaders:look()
  for i, process in ipairs(self.processes) do
    if not process:is_alive() and not replace(self, i) then self.shared.q:close() end
  end
end

-- Waits until all have ended. Returns true, or nil and why they could not do their work.
local function wait_all(self, patience, look)
  local i = 1
  while i <= #self.processes do
    local process = self.processes[i]
    local ok, outcome, reason = processes.await(process, patience, look)
    if ok and not outcome then return nil, reason end
    local replaced = process ~= self.processes[i]
    if ok then
      i = i + 1
    elseif not processes.is_lost(outcome) or not (replaced or replace(self, i)) then
      if type(outcome) ~= "table" or not outcome.kind then error(outcome, 0) end
      return nil, process.name .. " failed: " .. reason_of(outcome)
    end
  end
  return true
end

-- Fetches what lost processes had in hand. Returns true, or nil and why not all of it could be
-- noted.
local function fetch_again(self, urls, patience, look)
  local shared, options, results = self.shared, self.options, {}
  local pool <close> = mooncrew.Pool{ processes = #self.processes, name = "downloader" }
  for _, url in ipairs(urls) do
    results[url] = pool:apply_async(downloader.fetch_again, { shared, options, url })
  end
  for url, result in pairs(results) do
    local ok, done, reason = processes.await(result, patience, look)
    if not ok and not processes.is_lost(done) then error(done, 0) end
    if not ok then
      done, reason = downloader.fail(shared, options, self.list, url, reason_of(done))
    end
    if not done then return nil, reason end
  end
  return true
end

---Waits for them to end, which they do when their queue is closed.
---@param patience number seconds between two calls of `look`
---@param look fun()
---@return outcomes.sum? sum
---@return string? reason why there is none
function Downloaders:wait(patience, look)
  local known = self.shared.known
  local ok, reason = wait_all(self, patience, look)
  local sum = ok and outcomes.sum(known)
  if sum and #sum.open > 0 then
    ok, reason = fetch_again(self, sum.open, patience, look)
    sum = ok and outcomes.sum(known)
  end
  if sum then return sum end
  self.processes:kill()
  return nil, reason
end

-- After an error (Ctrl-C is one) they are ended in the middle of files.
function Downloaders:__close(failed)
  if failed ~= nil and self.processes then self.processes:kill() end
  if failed ~= nil or self.lost > 0 then leftovers.remove(self.options.folder) end
end

return { new = new }
