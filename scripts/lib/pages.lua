-- Processes that read listing pages, several at once in each.
--
--   todo ─▶ processes: coroutine tasks: fetch, XPath ─▶ addresses of images
--                                                    └▶ outcomes
--
-- A process that is lost takes down the pages that it had in hand. Each of those, and what nobody
-- has begun, is read once more in a process of its own: that shows whose fault it was.

local mooncrew = require "mooncrew"
local address = require "lib.address"
local listing = require "lib.listing"
local outcomes = require "lib.outcomes"
local processes = require "lib.processes"
local reason_of = require "lib.reason"

local AT_ONCE = 10 -- pages, of all processes, unless there are more of these
local BATCH = 100 -- addresses that are put at once

---@class pages
---@field job table what the processes are given
---@field list string[] addresses
---@field processes processes
local Pages = {}
Pages.__index = Pages

-- Those that no page has shown yet, in their one form; what is no address is left for the report.
local function new_ones(urls, known)
  local fresh = {}
  for _, found in ipairs(urls) do
    local url = address.normal(found) or found
    if outcomes.find(known, url) then fresh[#fresh + 1] = url end
  end
  return fresh
end

-- Reads one listing page and puts what it finds. Returns true, or nil and why it could not be read.
local function read_page(url, job)
  local urls, reason = listing.read(url, job.options)
  if not urls then return nil, reason end
  local fresh = new_ones(urls, job.known)
  for i = 1, #fresh, BATCH do
    local some = table.move(fresh, i, math.min(i + BATCH - 1, #fresh), 1, {})
    if job.q:put_many(some) ~= #some then return nil, "the downloaders have ended" end
  end
  return true
end

-- The result of a task: true, or nil and the reason. Raises what is not the page's own failure.
local function outcome_of(ok, read, reason)
  if ok then return read, reason end
  if type(read) == "table" and read.kind then return nil, reason_of(read) end
  error(read, 0)
end

-- Runs in a process: reads pages until there are none to begin.
local function read_some(job)
  local coroutines <close> = mooncrew.CoroutinePool(job.at_once)
  local results = {}
  for i = 1, job.at_once do
    results[i] = coroutines:apply_async(function()
      for url in job.todo:items() do
        local ok, read, reason = pcall(read_page, url, job)
        job.outcomes[url] = ok and (read or reason) or reason_of(read)
      end
    end)
  end
  for _, result in ipairs(results) do result:get() end
end

---Begins to read all pages.
---@param q mooncrew.Queue takes the addresses found, each once
---@param known mooncrew.dict of outcomes
---@param urls string[] of the pages
---@param options scraper.common
---@return pages
local function start(q, known, urls, options)
  local todo = mooncrew.Queue()
  todo:put_many(urls)
  todo:close()
  local job = {
    todo = todo, q = q, known = known, options = options, outcomes = mooncrew.dict{},
    at_once = math.max(1, AT_ONCE // math.max(1, options.processes)),
  }
  local function args() return { job } end
  return setmetatable({
    job = job, list = urls,
    processes = processes.start("pages", options.processes, read_some, args),
  }, Pages)
end

-- Those of which nothing is known, each as a task of a pool: results by address.
local function read_again(self, pool)
  local results = {}
  for _, url in ipairs(self.list) do
    if self.job.outcomes[url] == nil then
      results[url] = pool:apply_async(read_page, { url, self.job })
    end
  end
  return results
end

-- How many were read, and what became of the rest; `again` has results of some.
local function sum_up(self, again, patience, look)
  local read, failures = 0, {}
  for _, url in ipairs(self.list) do
    local ok, reason = self.job.outcomes[url], nil
    if again[url] then
      ok, reason = outcome_of(processes.await(again[url], patience, look))
    elseif ok ~= true then
      ok, reason = nil, ok
    end
    if ok then
      read = read + 1
    else
      failures[#failures + 1] = { url = url, reason = reason }
    end
  end
  return read, failures
end

---Waits until all are read.
---@param patience number seconds between two calls of `look`
---@param look fun()
---@return integer read how many pages
---@return scraper.failure[] failures
function Pages:wait(patience, look)
  local lost = false
  for _, process in ipairs(self.processes) do
    local ok, err = processes.await(process, patience, look)
    lost = lost or not ok
    if not ok and not processes.is_lost(err) then error(err, 0) end
  end
  if not lost then return sum_up(self, {}, patience, look) end
  local pool <close> = mooncrew.Pool{ processes = #self.processes, name = "pages" }
  return sum_up(self, read_again(self, pool), patience, look)
end

function Pages:__close(failed)
  if failed ~= nil then self.processes:kill() end
end

return { start = start }
