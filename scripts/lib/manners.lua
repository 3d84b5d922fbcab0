-- How the processes of a scraper treat servers together: what robots.txt allows, so many requests
-- a second, so many at once to one host.
--
--   local permit <close> = manners.enter(shared, url)      -- waits for its turn
--
-- What is shared lies in shared memory, so the limits are of all processes, and each robots.txt is
-- fetched once.

local mooncrew = require "mooncrew"
local http = require "mooncrew.http"
local reason_of = require "lib.reason"
local robots = require "lib.robots"
local uv = require "luv"

local MAX_ROBOTS = 10 << 20

local manners = {}

---@class manners.shared
---@field user_agent string
---@field robots? table a dict: what is known of each origin's robots.txt; nil: it does not count
---@field fetching table a dict: who fetches it
---@field hosts? table a dict: the semaphore of each host; nil: no limit
---@field per_host? integer
---@field next? table a Value: when the next request may go out, in seconds
---@field interval? number

---@param options { user_agent: string, robots: boolean, per_host?: integer, rate?: number }
---@return manners.shared
function manners.shared(options)
  return {
    user_agent = options.user_agent,
    robots = options.robots and mooncrew.dict{} or nil,
    fetching = mooncrew.dict{},
    hosts = options.per_host and mooncrew.dict{} or nil,
    per_host = options.per_host,
    next = options.rate and mooncrew.Value(0.0) or nil,
    interval = options.rate and 1 / options.rate,
  }
end

local function wait_for_turn(shared)
  if not shared.next then return end
  local now, due, after
  repeat
    now, after = uv.hrtime() / 1e9, shared.next.value
    due = math.max(now, after)
  until shared.next:cas(after, due + shared.interval)
  if due > now then mooncrew.sleep(due - now) end
end

-- A permit is given back when its block is left.
local Permit = {
  __close = function(permit)
    if permit.semaphore then permit.semaphore:release() end
  end,
}

-- For where nothing is limited.
local FREE = setmetatable({}, Permit)

local function take_permit(shared, origin)
  if not shared.hosts and not shared.next then return FREE end
  local permit = setmetatable({}, Permit)
  if shared.hosts then
    local semaphore = mooncrew.dict.get(shared.hosts, origin)
      or mooncrew.dict.setdefault(shared.hosts, origin, mooncrew.Semaphore(shared.per_host))
    semaphore:acquire()
    permit.semaphore = semaphore
  end
  wait_for_turn(shared)
  return permit
end

-- robots.txt is a page like another, but for its size and that its redirects are followed.
local function robots_request(request)
  local copy = {}
  for name, value in pairs(request) do copy[name] = value end
  copy.max_size, copy.follow, copy.max_redirects = MAX_ROBOTS, true, 5
  return copy
end

-- Gets a robots.txt: its text, and why nothing at all is allowed.
local function fetch_robots(shared, origin, request)
  local permit <close> = take_permit(shared, origin) -- luacheck: ignore 211
  local answer, err = http.get(origin .. "/robots.txt", robots_request(request))
  if not answer then return { reason = reason_of(err, origin .. "/robots.txt") } end
  if answer.status == 429 or answer.status >= 500 then
    return { reason = string.format("HTTP status %d", answer.status) }
  end
  return { text = answer.status < 300 and answer.body or "" }
end

-- What is known of an origin's robots.txt; the first one to ask fetches it.
local function known_robots(shared, origin, request)
  local known = mooncrew.dict.get(shared.robots, origin)
  if known then return known end
  local lock = mooncrew.dict.setdefault(shared.fetching, origin, mooncrew.Lock())
  local held <close> = lock:hold() -- luacheck: ignore 211
  known = mooncrew.dict.get(shared.robots, origin)
  if not known then
    known = fetch_robots(shared, origin, request)
    shared.robots[origin] = known
  end
  return known
end

local parsed = {} -- by origin: rules of this process's scrape

-- What is known stays as it is for the whole scrape, so whoever has seen it need not look again.
local function rules_of(shared, origin, request)
  local rules = parsed[origin]
  if rules and rules.shared == shared then return rules end
  local known = known_robots(shared, origin, request)
  if not rules or rules.text ~= known.text then
    rules = { text = known.text, list = known.text and robots.parse(known.text, shared.user_agent) }
    parsed[origin] = rules
  end
  rules.shared, rules.reason = shared, known.reason
  return rules
end

local function robots_allow(shared, parts, request)
  local rules = rules_of(shared, parts.origin, request)
  if rules.reason then return nil, "robots.txt: " .. rules.reason end
  if robots.allows(rules.list, parts.target) then return true end
  return nil, "robots.txt forbids it"
end

---Waits until an address may be asked for.
---@param shared manners.shared
---@param parts address.parts
---@param request table options of http for robots.txt
---@return table? permit to be closed after the request
---@return string? reason why it may not be asked for
function manners.enter(shared, parts, request)
  if shared.robots then
    local ok, reason = robots_allow(shared, parts, request)
    if not ok then return nil, reason end
  end
  return take_permit(shared, parts.origin)
end

return manners
