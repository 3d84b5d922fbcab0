-- Processes that read listing pages, several at once in each.
--
--   todo ─▶ processes: coroutine tasks: fetch, XPath ─▶ addresses of images
--                                                    └▶ outcomes
--
-- A process that is lost takes down the pages that it had in hand. Each of those, and what nobody
-- has begun, is read once more in a process of its own: that shows whose fault it was.

local mooncrew = require "mooncrew"
local listing = require "lib.listing"
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

-- Reads one listing page and puts what it finds. Returns true, or nil and why it could not be read.
local function read_page(url, q, options)
  local urls, reason = listing.read(url, options)
  if not urls then return nil, reason end
  for i = 1, #urls, BATCH do
    local some = table.move(urls, i, math.min(i + BATCH - 1, #urls), 1, {})
    if q:put_many(some) ~= #some then return nil, "the downloaders have ended" end
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
        local ok, read, reason = pcall(read_page, url, job.q, job.options)
        job.outcomes[url] = ok and (read or reason) or reason_of(read)
      end
    end)
  end
  for _, result in ipairs(results) do result:get() end
end

-- What the processes need of the options.
local function common_of(options)
  local common = {}
  for name, value in pairs(options) do common[name] = value end
  common.pages, common.list = nil, nil -- long, and a file
  return common
end

---Begins to read all pages.
---@param q mooncrew.Queue takes the addresses found
---@param options scraper.options
---@return pages
local function start(q, options)
  local todo = mooncrew.Queue()
  todo:put_many(options.pages)
  todo:close()
  local job = {
    todo = todo, q = q, options = common_of(options), outcomes = mooncrew.dict{},
    at_once = math.max(1, AT_ONCE // options.processes),
  }
  local function args() return { job } end
  return setmetatable({
    job = job, list = options.pages,
    processes = processes.start("pages", options.processes, read_some, args),
  }, Pages)
end

-- Those of which nothing is known, each as a task of a pool: results by address.
local function read_again(self, pool)
  local results = {}
  for _, url in ipairs(self.list) do
    if self.job.outcomes[url] == nil then
      results[url] = pool:apply_async(read_page, { url, self.job.q, self.job.options })
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
    if not ok and not (type(err) == "table" and err.kind == "WorkerLost") then error(err, 0) end
  end
  if not lost then return sum_up(self, {}, patience, look) end
  local pool <close> = mooncrew.Pool{ processes = #self.processes, name = "pages" }
  return sum_up(self, read_again(self, pool), patience, look)
end

function Pages:__close(failed)
  if failed ~= nil then self.processes:kill() end
end

return { start = start }
