-- Fetches listing pages, finds the images in them, and downloads each image once.
--
--   page addresses ─▶ pages: fetch, XPath ─▶ queue ─▶ downloaders: coroutine tasks ─▶ folder/
--                                       └─▶ outcomes of all addresses ◀─┘
--
-- What fails is reported and the rest go on. When the last page is done the queue is closed; the
-- downloaders take what is left in it and end. The queue is bounded, so pages that list images
-- faster than they can be downloaded wait.

local mooncrew = require "mooncrew"
local address = require "lib.address"
local downloaders = require "lib.downloaders"
local fs = require "mooncrew.fs"
local manners = require "lib.manners"
local outcomes = require "lib.outcomes"
local pages = require "lib.pages"
local reason_of = require "lib.reason"
local uv = require "luv"

local QUEUE_SIZE = 10000
local BATCH = 1000 -- addresses that are put at once
local PATIENCE = 1 -- seconds between two looks whether the downloaders live
local BAR_PATIENCE = 0.1 -- with a bar that moves

---@class scraper.options
---@field pages string[] addresses of the listing pages
---@field addresses string[] what is downloaded besides what they show
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

---What all processes are given.
---@class scraper.common: scraper.options
---@field shared manners.shared
---@field in_turns boolean whether one process downloads all

---@class scraper.failure
---@field url string
---@field reason string

---@class scraper.summary
---@field images integer that were downloaded
---@field bytes integer of them
---@field failures scraper.failure[]
---@field pages integer that were read
---@field kept integer addresses that an earlier run had got
---@field processes integer
---@field seconds number

local scraper = {}

-- Whether the addresses are of more than one site.
local function are_of_several(...)
  local first
  for _, urls in ipairs{ ... } do
    for _, url in ipairs(urls) do
      local parts = address.parse(url)
      first = first or parts and parts.origin
      if parts and parts.origin ~= first then return true end
    end
  end
  return false
end

local function common_of(options)
  local common = {}
  for name, value in pairs(options) do common[name] = value end
  common.pages, common.addresses = nil, nil
  common.shared = manners.shared(options)
  -- Limits of requests, and turns between sites of which one may be slow, are kept best by one
  -- who knows all addresses.
  common.in_turns = options.per_host ~= nil or options.rate ~= nil
    or are_of_several(options.pages, options.addresses)
  return common
end

-- Puts what is given, each address once. Ends early when nobody takes it.
local function put_all(urls, q, known, patience, look)
  local fresh = {}
  for _, url in ipairs(urls) do
    if outcomes.find(known, url) then fresh[#fresh + 1] = url end
  end
  local first = 1
  while first <= #fresh do
    local some = table.move(fresh, first, math.min(first + BATCH - 1, #fresh), 1, {})
    local n, reason = q:put_many(some, true, patience)
    if not n and reason == mooncrew.Closed then return end
    first = first + (n or 0)
    look()
  end
end

---Scrapes. Nothing is ever written outside of the folder.
---@param options scraper.options
---@return scraper.summary? summary nil when nothing was begun
---@return string? reason
function scraper.run(options)
  local started = uv.hrtime()
  local made, err = fs.mkdirs(options.folder)
  if not made then return nil, reason_of(err) end
  local list
  if options.json then
    -- Loaded where it is needed: what reads JSON is a twelfth of the start.
    list, err = require("lib.manifest").open(options.json, options.resume)
    if not list then return nil, err end
  end

  local q, known, common = mooncrew.Queue(QUEUE_SIZE), outcomes.new(), common_of(options)
  local group <close> = downloaders.new(q, known, common, list)
  local readers <close> = pages.start(q, known, options.pages, common)
  group:start()
  local bar <close> = options.progress and mooncrew.progress(nil, { label = "images" }) or nil
  local function show()
    if bar then bar:step(group.shared.done.value - bar.count) end
  end
  local function look()
    show()
    group:look()
  end
  local patience = bar and BAR_PATIENCE or PATIENCE
  put_all(options.addresses, q, known, patience, look)
  local read, failures = readers:wait(patience, look)
  q:close()
  local summary, reason = group:wait(patience, look)
  show()
  if not summary then return nil, reason end
  table.move(summary.failures, 1, #summary.failures, #failures + 1, failures)
  summary.pages, summary.failures, summary.kept = read, failures, group.kept
  summary.processes = options.processes + #group.processes
  summary.seconds = (uv.hrtime() - started) / 1e9
  return summary
end

return scraper
