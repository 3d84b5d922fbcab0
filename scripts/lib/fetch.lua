-- Asks for an address, redirects followed by hand: where they lead to is subject to the same
-- manners, and may have been fetched already.

local address = require "lib.address"
local manners = require "lib.manners"
local reason_of = require "lib.reason"

local MAX_REDIRECTS = 10
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

---@class fetch.job
---@field shared manners.shared
---@field request table options for http
---@field ask fun(url: string, ...): table?, any one request, redirects not followed
---@field go_on? fun(url: string): boolean whether a redirect to there is followed

---@class fetch.failure
---@field reason? string nil: there was a redirect, and go_on refused to follow it
---@field status? integer
---@field location? string

---@param parts address.parts
---@param job fetch.job
---@param ... any for `ask`
---@return table? answer
---@return fetch.failure? failure
return function(parts, job, ...)
  for _ = 0, MAX_REDIRECTS do
    local answer, err
    do
      local permit <close>, reason = manners.enter(job.shared, parts, job.request)
      if not permit then return nil, { reason = reason } end
      answer, err = job.ask(parts.url, ...)
    end
    local outcome = answer or err
    if not outcome.location or not REDIRECTS[outcome.status] then
      if answer then return answer end
      return nil, { reason = reason_of(err, parts.url), status = err.status }
    end
    local target = address.parse(outcome.location)
    if not target then
      return nil, { reason = "redirected to " .. outcome.location, status = outcome.status }
    end
    if job.go_on and not job.go_on(target.url) then
      return nil, { status = outcome.status, location = target.url }
    end
    parts = target
  end
  return nil, { reason = string.format("more than %d redirects", MAX_REDIRECTS) }
end
