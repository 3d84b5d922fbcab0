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
---@param begun boolean those too that somebody has begun with
---@return string[] urls without an outcome
function outcomes.open(known, begun)
  local urls = {}
  for url, outcome in pairs(known) do
    if outcome == WAITING or begun and outcome == BEGUN then urls[#urls + 1] = url end
  end
  return urls
end

---@param known mooncrew.dict
---@return { images: integer, bytes: integer, failures: scraper.failure[] } sum failures by address
function outcomes.sum(known)
  local sum = { images = 0, bytes = 0, failures = {} }
  for url, outcome in pairs(known) do
    if math.type(outcome) == "integer" and outcome >= 0 then
      sum.images, sum.bytes = sum.images + 1, sum.bytes + outcome
    elseif type(outcome) == "string" then
      sum.failures[#sum.failures + 1] = { url = url, reason = outcome }
    end
  end
  table.sort(sum.failures, function(a, b) return a.url < b.url end)
  return sum
end

return outcomes
