-- Fetches listing pages, finds the images in them, and downloads each image once.
--
--   page addresses ─▶ pool: fetch, XPath ─▶ queue ─▶ downloader: 20 coroutine tasks ─▶ folder/
--
-- What fails is reported and the rest go on. When the last page is done the queue is closed; the
-- downloader takes what is left in it and ends. The queue is bounded, so pages that list images
-- faster than they can be downloaded wait.

local mooncrew = require "mooncrew"
local file_names = require "lib.file_names"
local fs = require "mooncrew.fs"
local html = require "mooncrew.html"
local http = require "mooncrew.http"
local leftovers = require "lib.leftovers"
local reason_of = require "lib.reason"
local uv = require "luv"

local QUEUE_SIZE = 1000
local IDLE = 20 -- seconds after which the downloader looks up from an empty queue
local PATIENCE = 1 -- seconds between two looks whether the downloader lives

---@class scraper.options
---@field pages string[] addresses of the listing pages
---@field folder string
---@field xpath string
---@field processes integer for pages
---@field concurrency integer downloads at once
---@field timeout number seconds, for each request
---@field retries integer
---@field max_size integer bytes, of a page or an image
---@field progress? boolean

---@class scraper.failure
---@field url string
---@field reason string

---@class scraper.image
---@field url string
---@field name string of the file, in the folder
---@field size integer

---@class scraper.summary
---@field pages integer that were read
---@field images scraper.image[] that were downloaded
---@field bytes integer of the images
---@field failures scraper.failure[]
---@field processes integer
---@field seconds number

local scraper = {}

local function strip(text)
  return text:match("^%s*(.-)%s*$")
end

-- Addresses in listings are written by hand: spaces and the like must be escaped to be sent.
local function escape(url)
  return (url:gsub("[%c%s\127-\255\"<>\\^`{|}]", function(c)
    return string.format("%%%02X", c:byte())
  end))
end

-- Runs in a worker: reads one listing page and puts what it finds. Returns how many addresses it
-- found, or nil and why the page could not be read.
local function scrape_page(url, q, options)
  local answer, err = http.get(url, {
    timeout = options.timeout, retries = options.retries, max_size = options.max_size,
  })
  if not answer then return nil, reason_of(err, url) end
  if answer.status < 200 or answer.status > 299 then
    return nil, string.format("the server answered with status %d", answer.status)
  end
  local doc = html.parse(answer.body, { base = answer.url, encoding = answer.encoding })
  local urls = {}
  for _, address in ipairs(doc:xpath(options.xpath)) do
    if type(address) ~= "string" then
      return nil, "the XPath finds elements; it must find attributes or texts"
    end
    address = escape(strip(address))
    if address ~= "" then urls[#urls + 1] = doc:url(address) or address end
  end
  for _, found in ipairs(urls) do
    if not q:put(found) then return nil, "the downloader has ended" end
  end
  return #urls
end

-- Runs in a coroutine task of the downloader.
local function download(url, name, state)
  local options = state.options
  local ok, answer, err = pcall(http.download, url, fs.join(options.folder, name), {
    timeout = options.timeout, retries = options.retries, max_size = options.max_size,
  })
  if not ok then answer, err = nil, answer end -- an address that is none
  if answer then
    local done = state.done
    done.images[#done.images + 1] = { url = url, name = name, size = answer.size }
    done.bytes = done.bytes + answer.size
  else
    local failures = state.done.failures
    failures[#failures + 1] = { url = url, reason = reason_of(err, url) }
  end
  if state.bar then state.bar:step() end
  state.slots:get()
end

-- Runs in a process of its own, until the queue is closed and drained.
local function download_all(q, options)
  local done = { images = {}, bytes = 0, failures = {} }
  local bar <close> = options.progress and mooncrew.progress(nil, { label = "images" }) or nil
  -- What waits for a task shall wait in the queue, not here: so many are handed out at a time.
  local slots = mooncrew.Queue(2 * options.concurrency)
  local state = { options = options, done = done, bar = bar, slots = slots }
  local names, seen = file_names.new(), {}
  local pool <close> = mooncrew.CoroutinePool(options.concurrency)
  while true do
    local url, err = q:get(true, IDLE)
    if err == mooncrew.Closed then break end
    if url and not seen[url] then
      seen[url] = true
      if url:match("^https?://") then
        slots:put(true)
        pool:submit(download, { url, names:pick(url), state })
      else
        done.failures[#done.failures + 1] = { url = url, reason = "not an http address" }
      end
    end
  end
  pool:close()
  pool:join()
  return done
end

-- Waits for one page. Returns what scrape_page did; raises what is not the page's own failure.
local function settle_page(page, q, downloader)
  while true do
    local ok, found, reason = pcall(page.result.get, page.result, PATIENCE)
    if not ok then
      if type(found) == "table" and found.kind then return nil, reason_of(found) end
      error(found, 0)
    end
    if found or reason ~= mooncrew.Timeout then return found, reason end
    -- With nobody left to take them, addresses would wait for ever.
    if not downloader:is_alive() then q:close() end
  end
end

-- Waits for the pages; returns how many were read.
local function settle_pages(pages, q, downloader, failures)
  local read = 0
  for _, page in ipairs(pages) do
    local found, reason = settle_page(page, q, downloader)
    if found then
      read = read + 1
    else
      failures[#failures + 1] = { url = page.url, reason = reason }
    end
  end
  return read
end

---Scrapes. Nothing is ever written outside of the folder.
---@param options scraper.options
---@return scraper.summary? summary nil when nothing was begun
---@return string? reason
function scraper.run(options)
  local started = uv.hrtime()
  local made, err = fs.mkdirs(options.folder)
  if not made then return nil, reason_of(err) end

  -- Closed last: after an error (Ctrl-C is one) the downloader is ended in the middle of files.
  local downloader
  local _ <close> = setmetatable({}, {
    __close = function(_, failed)
      if failed == nil or not downloader then return end
      downloader:kill()
      downloader:join()
      leftovers.remove(options.folder)
    end,
  })
  local q = mooncrew.Queue(QUEUE_SIZE)
  downloader = mooncrew.Process{
    target = download_all, args = { q, options }, name = "downloader", daemon = true,
  }
  downloader:start()

  local summary = { failures = {}, processes = options.processes + 1 }
  do
    local pool <close> = mooncrew.Pool{ processes = options.processes, name = "pages" }
    local pages = {}
    for i, url in ipairs(options.pages) do
      pages[i] = { url = url, result = pool:apply_async(scrape_page, { url, q, options }) }
    end
    summary.pages = settle_pages(pages, q, downloader, summary.failures)
  end
  q:close()

  local ok, done = pcall(downloader.get, downloader)
  if not ok then
    if type(done) ~= "table" or not done.kind then error(done, 0) end
    return nil, "the downloader failed: " .. reason_of(done)
  end
  table.move(done.failures, 1, #done.failures, #summary.failures + 1, summary.failures)
  summary.images, summary.bytes = done.images, done.bytes
  summary.seconds = (uv.hrtime() - started) / 1e9
  return summary
end

return scraper
