-- The image scraper: a process for each listing page finds addresses of images and puts them in a
-- queue; one downloader takes them out and keeps twenty downloads going at once.
--
--   page 1 ──┐
--   page 2 ──┼── queue ── downloader ═╦═ download ── img/…
--     …      │                        ╠═ download
--   page 10 ─┘                        ╚═ … (20)
--
--   mooncrew scripts/tutorial/17_image_scraper.lua [seconds per 1/20 of the wait] [URL] [FOLDER]
--
-- The URL has {page} where the number of the page belongs. scripts/scrape.lua is the grown-up
-- version of this program.

local mooncrew = require "mooncrew"
local fs = require "mooncrew.fs"
local html = require "mooncrew.html"
local http = require "mooncrew.http"
local uv = require "luv"

io.stdout:setvbuf "line"

local unit = tonumber(arg[1]) or 1
local listing = arg[2] or "http://127.0.0.1:8000/list/{page}.html"
local folder = arg[3] or "img"

local images = "//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']/@data-original"

-- Runs in a process for each page.
local function get_addresses(page, q)
  local url = listing:gsub("{page}", page)
  local answer, err = http.get(url)
  if not answer or answer.status ~= 200 then
    print(string.format("%s failed: %s", url, err or answer.status))
    return
  end
  local doc = html.parse(answer.body, { base = answer.url, encoding = answer.encoding })
  for _, address in ipairs(doc:xpath(images)) do
    q:put(doc:url(address:match("^%s*(.-)%s*$")))
  end
end

-- Runs in a coroutine task; twenty of them at a time.
local function download(url)
  local name = fs.safe_name(url:match("[^/]*$"))
  local file, err = http.download(url, fs.join(folder, name))
  if file then
    print("saved", name)
  else
    print(string.format("%s failed: %s", url, err.message))
  end
end

-- Runs in the downloader's process.
local function downloader(q)
  local pool <close> = mooncrew.CoroutinePool(20)
  local seen = {} -- an image may stand on several pages
  while true do
    local url = q:get(true, 20 * unit)
    if not url then
      break -- nothing for so long: there will be no more
    end
    if not seen[url] then
      seen[url] = true
      pool:submit(download, { url })
    end
  end
end

local start = uv.hrtime()
assert(fs.mkdirs(folder))
local q = mooncrew.Queue()

local processes = {}
for page = 1, 10 do
  processes[page] = mooncrew.Process{ target = get_addresses, args = { page, q } }
  processes[page]:start()
end
local d = mooncrew.Process{ target = downloader, args = { q } }
d:start()

for _, p in ipairs(processes) do
  p:join()
end
d:join()

print(string.format("%.2f minutes", (uv.hrtime() - start) / 1e9 / 60))
