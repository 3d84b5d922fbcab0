-- mooncrew scrape URL: downloads the images that listing pages show.
--
--   mooncrew scrape 'https://example.org/list?page={page}' --pages 1-10 -o img
--
-- Page processes find the addresses, one downloader process fetches the images, twenty at a time.
-- The file names are the last parts of the addresses, made safe; the second of the same name is
-- numbered. Exit status 1 when anything failed.

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local command = require "mooncrew.command"
local scraper = require "lib.scraper"

local XPATH = "//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']/@data-original"
local MAX_PAGES = 1000000
local DEFAULT_PROCESSES = 10

local function page_range(text)
  local first, last = text:match("^(%d+)%-(%d+)$")
  first = math.tointeger(tonumber(first or text:match("^%d+$")))
  last = math.tointeger(tonumber(last or first))
  if first and last and first <= last and last - first < MAX_PAGES then
    return { first = first, last = last }
  end
  return nil, string.format("expected pages such as 1-10 or 3, got '%s'", text)
end

local function listing_url(text)
  if text:match("^https?://[^/]") then return text end
  return nil, string.format("expected an http or https address, got '%s'", text)
end

local parser = command.parser("scrape", "Downloads the images that listing pages show.")
parser:argument("url", "a listing page; {page} stands for the page's number")
  :convert(listing_url)
parser:option("--pages", "numbers of the pages, such as 1-10"):convert(page_range):argname("A-B")
parser:option("-o --output", "the folder for the images"):default("img"):argname("DIR")
parser:option("--xpath", "where the images' addresses are in a page"):default(XPATH)
parser:option("-j --jobs", "processes for pages; default: one a page, at most 10")
  :convert(command.whole(1, 1000)):argname("N")
parser:option("-c --concurrency", "downloads at once")
  :convert(command.whole(1, 10000)):default("20"):argname("N")
parser:option("--timeout", "seconds for each request")
  :convert(command.seconds):default("30"):argname("SECONDS")
parser:option("--retries", "how often a failed request is repeated")
  :convert(command.whole(0, 100)):default("2"):argname("N")
parser:option("--max-size", "what is larger is not downloaded")
  :convert(command.size):default("100M"):argname("SIZE")
parser:option("--manifest", "a file for the list of what was downloaded: name, size, address")
  :argname("FILE")
parser:mutex(
  parser:flag("--progress", "show progress even when stderr is no terminal"),
  parser:flag("-q --quiet", "print failures only")
)
local options = command.parse(parser, arg)

local function pages()
  local range, urls = options.pages, {}
  local has_number = options.url:find("{page}", 1, true)
  if not range and not has_number then return { options.url } end
  if not range then command.fail("scrape", "the address has {page}: which --pages?", 2) end
  if not has_number then command.fail("scrape", "--pages needs {page} in the address", 2) end
  for page = range.first, range.last do
    urls[#urls + 1] = options.url:gsub("{page}", tostring(page))
  end
  return urls
end

local function write_manifest(path, images)
  local file, err = io.open(path, "w")
  if not file then command.fail("scrape", err) end
  for _, image in ipairs(images) do
    file:write(image.name, "\t", image.size, "\t", image.url, "\n")
  end
  local ok
  ok, err = file:close()
  if not ok then command.fail("scrape", path .. ": " .. err) end
end

local urls = pages()
local terminal = require("luv").guess_handle(2) == "tty"
local summary, reason = scraper.run{
  pages = urls,
  folder = options.output,
  xpath = options.xpath,
  processes = options.jobs or math.min(#urls, DEFAULT_PROCESSES),
  concurrency = options.concurrency,
  timeout = options.timeout,
  retries = options.retries,
  max_size = options.max_size,
  progress = options.progress or (not options.quiet and terminal),
}
if not summary then command.fail("scrape", reason) end

for _, failure in ipairs(summary.failures) do
  io.stderr:write("scrape: ", failure.url, ": ", failure.reason, "\n")
end
if options.manifest then write_manifest(options.manifest, summary.images) end
if not options.quiet then
  print(string.format("%s, %s, %s, %d failed, %s",
    command.count(summary.pages, "page"), command.count(#summary.images, "image"),
    command.throughput(summary.bytes, summary.seconds), #summary.failures,
    command.count(summary.processes, "process", "processes")))
end
if #summary.failures > 0 then os.exit(1) end
