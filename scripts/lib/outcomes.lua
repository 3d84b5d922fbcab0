-- What became of each address that was found, shared by all processes of a scrape.
--
-- An address is entered before anybody is told of it. So what a lost process had in hand, wherever
-- that was, is known by having no outcome.

local mooncrew = require "mooncrew"

local dict = mooncrew.dict

-- What is there until there is an outcome.
local WAITING, BEGUN, FOLLOWED = false, -1, -2

local outcomes = {}

---@alias outcome
---| integer # bytes of its file
---| string # why there is none
---| true # nothing to be told: it is listed elsewhere, or an earlier run has got it

---@return mooncrew.dict
function outcomes.new()
  return dict{}
end

---Enters an address as one that waits.
---@param known mooncrew.dict made by outcomes.new
---@param url string
---@return boolean first false: somebody has found it already
function outcomes.find(known, url)
  return dict.cas(known, url, nil, WAITING)
end

---Enters where a redirect leads to. Its file is that of the address that was redirected.
---@param known mooncrew.dict
---@param url string
---@return boolean first
function outcomes.follow(known, url)
  return dict.cas(known, url, nil, FOLLOWED)
end

---@param known mooncrew.dict
---@param url string
---@return boolean
function outcomes.was_followed(known, url)
  return known[url] == FOLLOWED
end

---Takes an address that waits.
---@param known mooncrew.dict
---@param url string
---@return boolean first false: somebody has begun with it already
function outcomes.begin(known, url)
  return dict.cas(known, url, WAITING, BEGUN)
end

---@param known mooncrew.dict
---@param url string
---@param outcome outcome
function outcomes.set(known, url, outcome)
  known[url] = outcome
end

---@param known mooncrew.dict
---@return string[] urls that wait
function outcomes.waiting(known)
  local urls = {}
  for url, outcome in pairs(known) do
    if outcome == WAITING then urls[#urls + 1] = url end
  end
  return urls
end

---@class outcomes.sum
---@field images integer
---@field bytes integer of them
---@field failures scraper.failure[] by address
---@field open string[] addresses without an outcome

---@param known mooncrew.dict
---@return outcomes.sum
function outcomes.sum(known)
  local sum = { images = 0, bytes = 0, failures = {}, open = {} }
  for url, outcome in pairs(known) do
    if outcome == WAITING or outcome == BEGUN then
      sum.open[#sum.open + 1] = url
    elseif type(outcome) == "string" then
      sum.failures[#sum.failures + 1] = { url = url, reason = outcome }
    elseif outcome ~= true and outcome ~= FOLLOWED then
      sum.images, sum.bytes = sum.images + 1, sum.bytes + outcome
    end
  end
  table.sort(sum.failures, function(a, b) return a.url < b.url end)
  return sum
end

return outcomes
