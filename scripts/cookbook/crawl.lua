-- Follows the links of a site to a depth, each page once, and tells which are broken and where.
--
--   mooncrew scripts/cookbook/crawl.lua https://example.org/ --depth 3
--
-- depth 0: the address given ─▶ 1: what it links to ─▶ 2: …
--
-- Pages of other hosts are not asked for. It is for your own site: robots.txt is not read.

local command = require "mooncrew.command"
local html = require "mooncrew.html"
local http = require "mooncrew.http"
local mooncrew = require "mooncrew"

local MAX_PAGE = 16 << 20 -- bytes

local parser = command.parser("crawl", "Follows the links of a site and tells which are broken.")
parser:argument("url", "where to begin")
parser:option("-d --depth", "how many links away"):convert(command.whole(0)):default("2")
  :argname("N")
parser:option("-c --concurrency", "pages at once"):convert(command.whole(1, 1000)):default("20")
  :argname("N")
local options = command.parse(parser, arg)

-- "https://example.org:8080", or nil for mailto: and the like.
local function site_of(url)
  local scheme, host = url:match("^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]+)")
  return scheme and (scheme .. "://" .. host):lower()
end

local site = site_of(options.url)
if not site then command.fail("crawl", "expected an http or https address", 2) end

-- The links of a page that stay on the site, without the #places in pages.
local function links_of(text, base, encoding)
  local doc, links = html.parse(text, { base = base, encoding = encoding }), {}
  for _, href in ipairs(doc:xpath("//a/@href | //area/@href")) do
    local url = doc:url(href)
    url = url and url:gsub("#.*", "")
    if url and site_of(url) == site then links[#links + 1] = url end
  end
  return links
end

local function read_all(stream)
  local pieces = {}
  while true do
    local piece, err = stream:read()
    if err then return nil, err end
    if not piece then return table.concat(pieces) end
    pieces[#pieces + 1] = piece
  end
end

-- Runs in a coroutine task. What is no page is not read.
local function visit(url)
  local stream <close>, err = http.stream{ url = url, retries = 2, timeout = 60,
    max_size = MAX_PAGE }
  if not stream then return { url = url, error = err.message } end
  if stream.status ~= 200 then return { url = url, error = "HTTP status " .. stream.status } end
  local is_page = (stream.headers["content-type"] or ""):lower():find("^text/html")
  if not is_page or site_of(stream.url) ~= site then -- redirected to elsewhere
    return { url = url, links = {} }
  end
  local text
  text, err = read_all(stream)
  if not text then return { url = url, error = err.message } end
  return { url = url, links = links_of(text, stream.url, stream.encoding) }
end

local first = options.url:gsub("#.*", "")
local level, found_on, broken = { first }, { [first] = "the command line" }, 0
local pool <close> = mooncrew.CoroutinePool(options.concurrency)
for depth = 0, options.depth do
  local next_level = {}
  for page in pool:imap(visit, level) do
    if page.error then
      broken = broken + 1
      io.stderr:write(("crawl: %s: %s (on %s)\n"):format(page.url, page.error, found_on[page.url]))
    else
      print(depth, page.url)
    end
    for _, url in ipairs(page.links or {}) do
      if not found_on[url] then
        found_on[url] = page.url
        next_level[#next_level + 1] = url
      end
    end
  end
  level = next_level
end
if broken > 0 then os.exit(1) end
