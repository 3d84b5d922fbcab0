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
local PATIENCE = 1 -- seconds between two looks whether the downloaders live
local BAR_PATIENCE = 0.1 -- with a bar that moves

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

local function are_of_one_origin(urls)
  local first = address.parse(urls[1]).origin
  for _, url in ipairs(urls) do
    if address.parse(url).origin ~= first then return false end
  end
  return true
end

local function common_of(options)
  local common = {}
  for name, value in pairs(options) do common[name] = value end
  common.pages = nil
  common.shared = manners.shared(options)
  -- Limits of requests, and turns between sites of which one may be slow, are kept best by one
  -- who knows all addresses.
  common.in_turns = options.per_host ~= nil or options.rate ~= nil
    or not are_of_one_origin(options.pages)
  return common
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
