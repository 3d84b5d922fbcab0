-- `map` calls a function with each value of a list, in parallel. A page that can't be had is the
-- function's own business: it catches the error, so `map` doesn't fail.
--
--   mooncrew scripts/tutorial/08_pool_map.lua [time limit in seconds] [URL …]

local mooncrew = require "mooncrew"
local http = require "mooncrew.http"

io.stdout:setvbuf "line"

local limit = tonumber(arg[1]) or 10
local urls = { table.unpack(arg, 2) }
if #urls == 0 then
  urls = {
    "https://www.lua.org/",
    "https://www.debian.org/",
    "https://no-such-host.invalid/",
    "https://www.kernel.org/",
  }
end

local function scrape(url)
  local page, err = http.get(url, { timeout = limit })
  if page then
    print(string.format("%s: status %d, %d bytes", url, page.status, #page.body))
  else
    print(string.format("%s: an error occurred: %s", url, err.message))
  end
  print(string.format("%s: handled", url))
  return page ~= nil
end

local pool <close> = mooncrew.Pool(4) -- at the end of the block: close and join
local reached = pool:map(scrape, urls)

local n = 0
for _, ok in ipairs(reached) do
  if ok then n = n + 1 end
end
print(string.format("%d of %d pages", n, #urls))
