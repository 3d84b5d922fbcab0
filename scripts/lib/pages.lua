-- Reads listing pages in a pool of processes, each of which has several under way.
--
--   todo ─▶ processes: coroutine tasks: fetch, XPath ─▶ addresses of images
--                                                    └▶ outcomes
--
-- A process that is lost takes down the pages that it had in hand. Each of those, and what nobody
-- has begun, is read once more in a process of its own: that shows whose fault it was.

local mooncrew = require "mooncrew"
local listing = require "lib.listing"
local reason_of = require "lib.reason"

local AT_ONCE = 10 -- pages, of all processes, unless there are more of these
local BATCH = 100 -- addresses that are put at once

local pages = {}

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

-- The result of a call: true, or nil and the reason. Raises what is not the page's own failure.
local function outcome_of(ok, read, reason)
  if ok then return read, reason end
  if type(read) == "table" and read.kind then return nil, reason_of(read) end
  error(read, 0)
end

-- A task of a pool's worker: reads pages until there are none to begin.
local function read_some(job)
  local coroutines <close> = mooncrew.CoroutinePool(job.at_once)
  local results = {}
  for i = 1, job.at_once do
    results[i] = coroutines:apply_async(function()
      for url in job.todo:items() do
        local read, reason = outcome_of(pcall(read_page, url, job.q, job.options))
        job.outcomes[url] = read or reason
      end
    end)
  end
  for _, result in ipairs(results) do result:get() end
end

local function await(result, patience, look)
  while true do
    local ok, read, reason = pcall(result.get, result, patience)
    if not ok or reason ~= mooncrew.Timeout then return ok, read, reason end
    look()
  end
end

-- What the tasks need of the options.
local function common_of(options)
  local common = {}
  for name, value in pairs(options) do common[name] = value end
  common.pages, common.list = nil, nil -- long, and a file
  return common
end

local function read_all(pool, job, options, patience, look)
  local results = {}
  for i = 1, options.processes do results[i] = pool:apply_async(read_some, { job }) end
  for _, result in ipairs(results) do
    local ok, err = await(result, patience, look)
    -- A worker that is lost is no fault of ours.
    if not ok and not (type(err) == "table" and err.kind == "WorkerLost") then error(err, 0) end
  end
end

---Reads all pages.
---@param q mooncrew.Queue takes the addresses found
---@param options scraper.options
---@param patience number seconds between two calls of `look`
---@param look fun()
---@return integer read how many pages
---@return scraper.failure[] failures
function pages.read(q, options, patience, look)
  local todo = mooncrew.Queue()
  todo:put_many(options.pages)
  todo:close()
  local job = {
    todo = todo, q = q, options = common_of(options), outcomes = mooncrew.dict{},
    at_once = math.max(1, AT_ONCE // options.processes),
  }
  local pool <close> = mooncrew.Pool{ processes = options.processes, name = "pages" }
  read_all(pool, job, options, patience, look)
  local again = {}
  for _, url in ipairs(options.pages) do
    if job.outcomes[url] == nil then
      again[url] = pool:apply_async(read_page, { url, q, job.options })
    end
  end
  local read, failures = 0, {}
  for _, url in ipairs(options.pages) do
    local ok, reason = job.outcomes[url], job.outcomes[url]
    if again[url] then ok, reason = outcome_of(await(again[url], patience, look)) end
    if ok == true then
      read = read + 1
    else
      failures[#failures + 1] = { url = url, reason = reason }
    end
  end
  return read, failures
end

return pages
