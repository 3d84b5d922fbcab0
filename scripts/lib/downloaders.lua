-- The processes that download, and what became of them.

local mooncrew = require "mooncrew"
local claims = require "lib.claims"
local downloader = require "lib.downloader"
local leftovers = require "lib.leftovers"
local processes = require "lib.processes"
local reason_of = require "lib.reason"

local SHARE = 10 -- downloads at once that are worth a process

---@class downloaders
---@field shared downloader.shared
---@field kept integer addresses that an earlier run had got
---@field processes processes
---@field folder string
local Downloaders = {}
Downloaders.__index = Downloaders

-- Limits of requests are kept best by one who knows all addresses.
local function count_of(options)
  if options.per_host or options.rate then return 1 end
  return math.max(1, math.min(mooncrew.cpu_count(), options.concurrency // SHARE))
end

-- What an earlier run has got is seen, and its names are taken.
local function remember(shared, options)
  local kept = 0
  if not options.resume then return kept end
  for url, entry in pairs(require("lib.manifest").done(options.json, options.folder)) do
    claims.take(shared.seen, url)
    claims.take(shared.names, entry.file)
    kept = kept + 1
  end
  return kept
end

---@param q mooncrew.Queue of addresses
---@param options scraper.options
---@return downloaders
local function start(q, options)
  local shared = downloader.shared(q)
  local kept = remember(shared, options)
  local n, concurrency = count_of(options), options.concurrency
  return setmetatable({
    shared = shared, kept = kept, folder = options.folder,
    processes = processes.start("downloader", n, downloader.run, function(i)
      local own = concurrency // n + (i <= concurrency % n and 1 or 0)
      return { shared, options, own, n == 1 }
    end),
  }, Downloaders)
end

---Waits for them to end, which they do when their queue is closed.
---@param patience number seconds between two calls of `look`
---@param look fun()
---@return downloader.outcome? sum nil when one of them has failed
---@return string? reason
function Downloaders:wait(patience, look)
  local sum = { images = 0, bytes = 0, failures = {} }
  for _, process in ipairs(self.processes) do
    local ok, outcome, reason = processes.await(process, patience, look)
    if not ok then
      if type(outcome) ~= "table" or not outcome.kind then error(outcome, 0) end
      return nil, process.name .. " failed: " .. reason_of(outcome)
    end
    if not outcome then return nil, reason end
    sum.images, sum.bytes = sum.images + outcome.images, sum.bytes + outcome.bytes
    table.move(outcome.failures, 1, #outcome.failures, #sum.failures + 1, sum.failures)
  end
  return sum
end

-- After an error (Ctrl-C is one) they are ended in the middle of files.
function Downloaders:__close(failed)
  if failed == nil then return end
  self.processes:kill()
  leftovers.remove(self.folder)
end

return { start = start }
