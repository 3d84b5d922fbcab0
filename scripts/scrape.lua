-- mooncrew scrape URL…: downloads the images that listing pages show.
--
--   mooncrew scrape 'https://example.org/list?page={1..10}' -o img
--   mooncrew scrape https://example.org/ -s 'a[href$=.pdf]@href' --json list.jsonl --resume
--   mooncrew scrape -i addresses -o img
--
-- Page processes find the addresses, others fetch the images, twenty at a time.
-- The file names are the last parts of the addresses, made safe; the second of the same name is
-- numbered. Exit status 1 when anything failed.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local address = require "lib.address"
local address_list = require "lib.address_list"
local command = require "mooncrew.command"
local listing = require "lib.listing"
local mooncrew = require "mooncrew"
local page_ranges = require "lib.page_ranges"
local scraper = require "lib.scraper"
local selector = require "lib.selector"

local USER_AGENT = mooncrew._VERSION:gsub(" ", "/")

local function pages(text)
  local list, reason = page_ranges.expand(text)
  if not list then return nil, reason end
  for i, url in ipairs(list) do
    list[i] = address.normal(url)
    if not list[i] then
      return nil, string.format("expected an http or https address, got '%s'", url)
    end
  end
  return list
end

local function xpath(text)
  local ok, reason = listing.check(text)
  if not ok then return nil, reason end
  return text
end

local function header(text)
  if text:match("^[%w_-]+:[^\r\n]*$") then return text end
  return nil, string.format("expected a header such as 'Name: value', got '%s'", text)
end

local function line(text)
  if not text:find("[\r\n]") and text:find("%S") then return text end
  return nil, "expected a line of text"
end

local function rate(text)
  local n = text:match("^[%d.]+$") and tonumber(text)
  if n and n > 0 then return n end
  return nil, string.format("expected requests a second, more than 0, got '%s'", text)
end

local parser = command.parser("scrape", "Downloads the images that listing pages show.")
parser:argument("url", "listing pages; {1..10} stands for each of the numbers")
  :args("*"):convert(pages)
parser:option("-i --input", "a file of addresses, one a line, that are downloaded; -: stdin")
  :convert(address_list.read):argname("FILE")
parser:option("-o --out", "the folder for the images"):default("img"):argname("DIR")
parser:mutex(
  parser:option("-s --select", "what in a page has the addresses, such as 'li.item > img@src'")
    :convert(selector.to_xpath):argname("SELECTOR"),
  parser:option("--xpath", "the same as an XPath"):convert(xpath):argname("XPATH")
)
parser:option("--attr", "the attribute of elements found; default: data-original, data-src, src"
  .. " or href"):argname("NAME")
parser:option("-j --jobs", "processes for pages; default: one for each processor")
  :convert(command.whole(1, 1000)):argname("N")
parser:option("-c --concurrency", "downloads at once")
  :convert(command.whole(1, 10000)):default("20"):argname("N")
parser:option("--per-host", "requests at once to one host"):convert(command.whole(1, 10000))
  :argname("N")
parser:option("--rate", "requests a second"):convert(rate):argname("N")
parser:option("--retries", "how often a failed request is repeated")
  :convert(command.whole(0, 100)):default("2"):argname("N")
parser:option("--timeout", "seconds for each try of a request")
  :convert(command.seconds):default("300"):argname("SECONDS")
parser:option("--stall", "seconds that a try may be slower than --min-speed")
  :convert(command.seconds):default("30"):argname("SECONDS")
parser:option("--min-speed", "bytes a second"):convert(command.size):default("1K")
  :argname("SIZE")
parser:option("--max-size", "what is larger is not downloaded")
  :convert(command.size):default("100M"):argname("SIZE")
parser:option("--user-agent", "who asks"):convert(line):default(USER_AGENT):argname("TEXT")
parser:option("-H --header", "a header of each request"):convert(header):count("*")
  :argname("'NAME: VALUE'")
parser:flag("--no-robots", "don't ask for robots.txt, or do as it says")
parser:option("--json", "a file for a line of JSON about each image; -: stdout"):argname("FILE")
parser:flag("--resume", "leave out what the file of --json has")
parser:mutex(
  parser:flag("--progress", "show progress even when stderr is no terminal"),
  parser:flag("-q --quiet", "print failures only")
)
local options = command.parse(parser, arg)
if #options.url == 0 and not options.input then
  command.fail("scrape", "expected addresses of pages, or --input FILE", 2)
end
if options.resume and (not options.json or options.json == "-") then
  command.fail("scrape", "--resume needs --json FILE, which says what is there", 2)
end

-- All the pages, each once.
local function all_pages()
  local urls, seen = {}, {}
  for _, list in ipairs(options.url) do
    for _, url in ipairs(list) do
      if not seen[url] then urls[#urls + 1] = url end
      seen[url] = true
    end
  end
  return urls
end

local headers = options.header
headers[#headers + 1] = "User-Agent: " .. options.user_agent
local urls = all_pages()
local summary, reason = scraper.run{
  pages = urls,
  addresses = options.input or {},
  folder = options.out,
  xpath = options.select or options.xpath or "//img",
  attribute = options.attr,
  processes = math.min(#urls, options.jobs or mooncrew.cpu_count()),
  concurrency = options.concurrency,
  request = {
    try_timeout = options.timeout, stall_timeout = options.stall, min_rate = options.min_speed,
    retries = options.retries, max_size = options.max_size, headers = headers,
  },
  user_agent = options.user_agent,
  robots = not options.no_robots,
  per_host = options.per_host,
  rate = options.rate,
  json = options.json,
  resume = options.resume,
  progress = options.progress
    or (not options.quiet and require("luv").guess_handle(2) == "tty"),
}
if not summary then command.fail("scrape", reason) end

for _, failure in ipairs(summary.failures) do
  io.stderr:write("scrape: ", failure.url, ": ", failure.reason, "\n")
end
if not options.quiet and options.json ~= "-" then
  local kept = summary.kept > 0 and string.format(" (%d more were there)", summary.kept) or ""
  command.print("scrape", string.format("%s, %s%s, %s, %d failed, %s",
    command.count(summary.pages, "page"), command.count(summary.images, "image"), kept,
    command.throughput(summary.bytes, summary.seconds), #summary.failures,
    command.count(summary.processes, "process", "processes")))
end
command.flush "scrape"
if #summary.failures > 0 then os.exit(1) end
