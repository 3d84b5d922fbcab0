-- Fetches listing pages, finds the images in them, and downloads each image once.
--
--   page addresses ─▶ pool: fetch, XPath ─▶ queue ─▶ downloader: coroutine tasks ─▶ folder/
--
-- What fails is reported and the rest go on. When the last page is done the queue is closed; the
-- downloader takes what is left in it and ends. The queue is bounded, so pages that list images
-- faster than they can be downloaded wait.

local mooncrew = require "mooncrew"
local downloader = require "lib.downloader"
local fs = require "mooncrew.fs"
local leftovers = require "lib.leftovers"
local listing = require "lib.listing"
local manifest = require "lib.manifest"
local manners = require "lib.manners"
local reason_of = require "lib.reason"
local uv = require "luv"

local QUEUE_SIZE = 10000
local BATCH = 100 -- addresses that are put at once
local PATIENCE = 1 -- seconds between two looks whether the downloader lives

---@class scraper.options
---@field pages string[] addresses of the listing pages
---@field folder string
---@field xpath string finds elements, attributes or texts
---@field attribute? string of the elements; nil: where images have their addresses
---@field processes integer for pages
---@field concurrency integer downloads at once
---@field request table options for http, of each page and each image: time-outs, headers …
---@field user_agent string what robots.txt may call us
---@field robots boolean do as robots.txt says
---@field per_host? integer requests at once to one host
---@field rate? number requests a second
---@field json? string where the list of images goes; "-": stdout
---@field resume? boolean leave out what that list has
---@field progress? boolean
---@field shared? manners.shared made by scraper.run
---@field list? manifest likewise

---@class scraper.failure
---@field url string
---@field reason string

---@class scraper.summary: downloader.outcome
---@field pages integer that were read
---@field processes integer
---@field seconds number

local scraper = {}

-- Runs in a worker: reads one listing page and puts what it finds. Returns how many addresses it
-- found, or nil and why the page could not be read.
local function scrape_page(url, q, options)
  local urls, reason = listing.read(url, options)
  if not urls then return nil, reason end
  for i = 1, #urls, BATCH do
    local some = table.move(urls, i, math.min(i + BATCH - 1, #urls), 1, {})
    if q:put_many(some) ~= #some then return nil, "the downloader has ended" end
  end
  return #urls
end

-- Waits for one page. Returns what scrape_page did; raises what is not the page's own failure.
local function settle_page(page, q, process)
  while true do
    local ok, found, reason = pcall(page.result.get, page.result, PATIENCE)
    if not ok then
      if type(found) == "table" and found.kind then return nil, reason_of(found) end
      error(found, 0)
    end
    if found or reason ~= mooncrew.Timeout then return found, reason end
    -- With nobody left to take them, addresses would wait for ever.
    if not process:is_alive() then q:close() end
  end
end

-- Waits for the pages; returns how many were read.
local function settle_pages(pages, q, process, failures)
  local read = 0
  for _, page in ipairs(pages) do
    local found, reason = settle_page(page, q, process)
    if found then
      read = read + 1
    else
      failures[#failures + 1] = { url = page.url, reason = reason }
    end
  end
  return read
end

-- Reads all pages in a pool of processes; returns how many could be read.
local function read_pages(q, process, options, failures)
  local pool <close> = mooncrew.Pool{ processes = options.processes, name = "pages" }
  local common = {}
  for name, value in pairs(options) do common[name] = value end
  common.pages, common.list = nil, nil -- long, and a file: the tasks need neither
  local pages = {}
  for i, url in ipairs(options.pages) do
    pages[i] = { url = url, result = pool:apply_async(scrape_page, { url, q, common }) }
  end
  return settle_pages(pages, q, process, failures)
end

---Scrapes. Nothing is ever written outside of the folder.
---@param options scraper.options
---@return scraper.summary? summary nil when nothing was begun
---@return string? reason
function scraper.run(options)
  local started = uv.hrtime()
  local made, err = fs.mkdirs(options.folder)
  if not made then return nil, reason_of(err) end
  if options.json then
    options.list, err = manifest.open(options.json, options.resume)
    if not options.list then return nil, err end
  end
  options.shared = manners.shared(options)

  -- Closed last: after an error (Ctrl-C is one) the downloader is ended in the middle of files.
  local process
  local _ <close> = setmetatable({}, {
    __close = function(_, failed)
      if failed == nil or not process then return end
      process:kill()
      process:join()
      leftovers.remove(options.folder)
    end,
  })
  local q = mooncrew.Queue(QUEUE_SIZE)
  process = mooncrew.Process{
    target = downloader.run, args = { q, options }, name = "downloader", daemon = true,
  }
  process:start()
  local failures = {}
  local pages = read_pages(q, process, options, failures)
  q:close()

  local ok, summary, reason = pcall(process.get, process)
  if not ok then
    if type(summary) ~= "table" or not summary.kind then error(summary, 0) end
    return nil, "the downloader failed: " .. reason_of(summary)
  end
  if not summary then return nil, reason end
  table.move(summary.failures, 1, #summary.failures, #failures + 1, failures)
  summary.pages, summary.failures = pages, failures
  summary.processes = options.processes + 1
  summary.seconds = (uv.hrtime() - started) / 1e9
  return summary
end

return scraper
