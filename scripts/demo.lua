-- The demonstration: everything at once, checked byte by byte.
--
--   make a site ─▶ serve it (a process) ─▶ scrape it (a command) ─▶ copy the result (a command)
--        └───────────────── compare ──────────────┴────── compare ───────────┘
--
--   ./dev demo, or mooncrew demo

local here = arg[0]:match("^.*/") or "./"
package.path = here .. "?.lua;" .. package.path

local dkjson = require "dkjson"
local mooncrew = require "mooncrew"
local command = require "mooncrew.command"
local fs = require "mooncrew.fs"
local site_maker = require "lib.site_maker"
local site_server = require "lib.site_server"
local uv = require "luv"

local PAGES = 10
local IMAGES = "li.list-group-item img[referrerpolicy=no-referrer]@data-original"

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Runs a task script with this very binary. Returns what it printed and how many seconds it took;
-- raises when it failed.
local function run_script(name, ...)
  local words = { quote(uv.exepath()), quote(here .. name .. ".lua") }
  for _, word in ipairs{ ... } do words[#words + 1] = quote(word) end
  local started = uv.hrtime()
  local output = assert(io.popen(table.concat(words, " ")))
  local text = output:read("a")
  local ok, how, status = output:close()
  if not ok then
    error(string.format("%s ended with %s %d: %s", name, how, status, text), 0)
  end
  return text, (uv.hrtime() - started) / 1e9
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("a")
  file:close()
  return bytes
end

local function assert_equal(a, b)
  if read_file(a) ~= read_file(b) then error(string.format("%s and %s differ", a, b), 0) end
end

-- The scraper's list of files: { address below the site = file name }.
local function read_list(path, base)
  local names = {}
  for line in io.lines(path) do
    local entry = dkjson.decode(line)
    assert(entry.url:sub(1, #base) == base, "an image of another site")
    names[entry.url:sub(#base + 1)] = entry.file
  end
  return names
end

-- Every image of the site was scraped, once, with the right bytes, and nothing else was.
local function check_scraped(images, site, scraped, names)
  for _, image in ipairs(images) do
    local name = names[image.url]
    if not name then error(image.url .. " was not scraped", 0) end
    assert_equal(fs.join(site, image.path), fs.join(scraped, name))
  end
  local files = #assert(fs.listdir(scraped))
  if files ~= #images then
    error(string.format("%d images of the site, %d files scraped", #images, files), 0)
  end
end

local function check_copied(from, to)
  local names = assert(fs.listdir(from))
  for _, name in ipairs(names) do assert_equal(fs.join(from, name), fs.join(to, name)) end
  if #assert(fs.listdir(to)) ~= #names then error("the copy has other files", 0) end
end

-- A folder of our own that goes away when the block is left, by an error too.
local function temporary_folder()
  local path = assert(uv.fs_mkdtemp((os.getenv("TMPDIR") or "/tmp") .. "/mooncrew-demo-XXXXXX"))
  return setmetatable({ path = path }, {
    __close = function() os.execute("rm -rf " .. quote(path)) end,
  })
end

local function processes_in(text)
  return tonumber(text:match("(%d+) process"))
end

local function demonstrate()
  local started = uv.hrtime()
  local folder <close> = temporary_folder()
  local site = fs.join(folder.path, "site")
  local scraped, copied = fs.join(folder.path, "img"), fs.join(folder.path, "copy")
  local list = fs.join(folder.path, "list")

  local images = site_maker.make(site, { pages = PAGES })
  local bytes = 0
  for _, image in ipairs(images) do bytes = bytes + image.size end
  print(string.format("site    %d pages, %d images, %.1f MB", PAGES, #images, bytes / 1e6))

  local server, port = site_server.process{ root = site }
  if not server then error("no server: " .. port, 0) end
  local base = string.format("http://127.0.0.1:%d/", port)

  local scrape_text, scrape_seconds = run_script("scrape",
    string.format("%slist/{1..%d}.html", base, PAGES), "-s", IMAGES, "-o", scraped, "--json", list)
  io.write("scrape  ", scrape_text)
  server:terminate()
  server:join()
  check_scraped(images, site, scraped, read_list(list, base))

  local copy_text, copy_seconds = run_script("copy", scraped, copied)
  io.write("copy    ", copy_text)
  check_copied(scraped, copied)

  -- Besides: this process, the server, and the two commands' main processes. (Foremen, which
  -- only watch over the workers of a pool, are not counted.)
  local processes = processes_in(scrape_text) + processes_in(copy_text) + 4
  print(string.format("equal   %s, every byte: site, scraped folder, copied folder",
    command.count(#images, "file")))
  print(string.format("demo    %.1f s: scrape %.2f s (%.1f MB/s), copy %.2f s (%.1f MB/s); %s, %s",
    (uv.hrtime() - started) / 1e9, scrape_seconds, bytes / 1e6 / scrape_seconds, copy_seconds,
    bytes / 1e6 / copy_seconds, command.count(processes, "process", "processes"),
    command.count(mooncrew.cpu_count(), "processor")))
end

command.parse(command.parser("demo",
  "Makes a small site, scrapes it, copies what came, and compares every byte."), arg)
io.stdout:setvbuf "line"
demonstrate()
