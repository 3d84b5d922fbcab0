-- Makes a small web site to scrape: the same bytes for the same seed, on every machine.
--
--   DIR/list/1.html … N.html     listing pages, some of them broken as the real ones are
--   DIR/img/…                    the images: noise of various sizes, from nothing to megabytes
--   DIR/more/img/…               others of the same names
--
-- Pages also show what a scraper must pass over (icons, advertisements), and images that other
-- pages have already shown.

local fs = require "mooncrew.fs"

local NOISE = 1 << 20 -- bytes of noise that images are pieced together from

local site_maker = {}

---@class site_maker.options
---@field pages? integer default 10
---@field images? integer on each page; default 20
---@field bytes? integer of all images, about; default 30 million
---@field seed? integer

---@class site_maker.image
---@field path string below the site's folder
---@field url string below the site's address, escaped
---@field size integer

-- A generator of our own (xorshift64*): math.random belongs to the caller.
local function generator(seed)
  local state = seed * 0x9E3779B97F4A7C15 | 1
  return function()
    state = state ~ (state >> 12)
    state = state ~ (state << 25)
    state = state ~ (state >> 27)
    return state * 0x2545F4914F6CDD1D
  end
end

-- A whole number from 0 to n - 1.
local function below(random, n)
  return (random() >> 1) % n
end

local function make_noise(random)
  local words = {}
  for i = 1, NOISE // 8 do words[i] = string.pack("<i8", random()) end
  return table.concat(words)
end

-- Bytes that no other image has: its number, then slices of the noise.
local function make_bytes(random, noise, number, size)
  local parts, length = { string.pack("<i8", number) }, 8
  while length < size do
    local from = below(random, #noise) + 1
    local slice = noise:sub(from, from + below(random, #noise))
    parts[#parts + 1] = slice
    length = length + #slice
  end
  return table.concat(parts):sub(1, size)
end

-- Edges first; the rest share what is left of the bytes, unevenly.
local EDGES = { 0, 1, 2, 7, 1023, 1024, 4095, 4096, 4097, 65535, 65536, 65537 }

local function make_sizes(random, count, bytes)
  local sizes, left = {}, bytes
  for i = 1, math.min(#EDGES, count) do sizes[i] = EDGES[i] end
  if count > #EDGES then
    sizes[#EDGES + 1] = bytes // 8 -- one that takes many pieces: some MiB in the whole site
  end
  for _, size in ipairs(sizes) do left = left - size end
  local mean = math.max(1, left // math.max(1, count - #sizes))
  for i = #sizes + 1, count do sizes[i] = below(random, 2 * mean) end
  return sizes
end

-- The names that make trouble: percent signs, spaces, other scripts, the same name twice.
local function make_image(number)
  local name = string.format("img/%03d.jpg", number)
  local url = name
  if number % 20 == 5 then
    name = string.format("img/moon %03d.png", number)
    url = string.format("img/moon%%20%03d.png", number)
  elseif number % 20 == 9 then
    name = string.format("img/月%03d.gif", number)
    url = string.format("img/%%E6%%9C%%88%03d.gif", number)
  elseif number % 20 == 13 then
    name = string.format("more/img/%03d.jpg", number - 1)
    url = name
  end
  return { path = name, url = url }
end

local HEADS = {
  '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Page %d</title></head>\n<body>\n',
  '<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">'
    .. "<title>P\xE1gina %d</title>\n<body>\n",
  "<TITLE>Page %d & more</TITLE>\n<BODY bgcolor=white>\n</div>\n", -- no html, a stray end
}

local ITEMS = {
  "<li class='list-group-item'><a href=\"/view/%d\"><img class=\"lazy\" src=\"/icon.gif\""
    .. " referrerpolicy=\"no-referrer\" data-original=\"%s\" alt=\"%d\"></a></li>\n",
  -- Spaces around the address, an ampersand, no end tags.
  "<li class=list-group-item><a href=/view/%d?a=1&b=2><img referrerpolicy=no-referrer"
    .. " data-original=' %s\n' alt='%d'>\n",
  -- Upper case, crossed end tags.
  "<LI CLASS=\"list-group-item\"><B><A HREF=\"/view/%d\"><IMG REFERRERPOLICY=\"no-referrer\""
    .. " DATA-ORIGINAL=\"%s\" ALT=\"%d\"></B></A></LI>\n",
}

-- Stands before the list: an item without an end tag would take it in.
local AD = "<div class='ad'><img referrerpolicy='no-referrer' data-original='/ad.gif'></div>\n"

local DECOYS = {
  "<li class='list-group-item'><img src='/icon.gif' data-original='/icon.gif'></li>\n",
  "<li class='list-group-item'><img referrerpolicy='origin' data-original='/icon.gif'></li>\n",
}

-- How the address is written: from the root, or relative to the page.
local function written(image, index)
  return index % 2 == 0 and "/" .. image.url or "../" .. image.url
end

local function make_page(number, images, shown_before)
  local parts = { string.format(HEADS[(number - 1) % #HEADS + 1], number), AD, "<ul>\n" }
  for i, image in ipairs(images) do
    parts[#parts + 1] = string.format(ITEMS[(number + i) % #ITEMS + 1], i, written(image, i), i)
    if i % 5 == 0 then parts[#parts + 1] = DECOYS[i // 5 % #DECOYS + 1] end
  end
  if shown_before then
    parts[#parts + 1] = string.format(ITEMS[1], 0, "/" .. shown_before.url, 0)
  end
  if number % 2 == 1 then parts[#parts + 1] = "</ul></body></html>\n" end
  return table.concat(parts)
end

local function write_file(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

---Makes the site in a folder. Raises when that can't be written.
---@param folder string
---@param options? site_maker.options
---@return site_maker.image[]
function site_maker.make(folder, options)
  options = options or {}
  local pages, per_page = options.pages or 10, options.images or 20
  local random = generator(options.seed or 1)
  local noise = make_noise(random)
  local sizes = make_sizes(random, pages * per_page, options.bytes or 30000000)
  for _, name in ipairs{ "list", "img", "more/img" } do
    assert(fs.mkdirs(fs.join(folder, name)))
  end
  write_file(fs.join(folder, "icon.gif"), "GIF89a")
  write_file(fs.join(folder, "ad.gif"), "GIF89a")

  local images = {}
  for number, size in ipairs(sizes) do
    local image = make_image(number)
    image.size = size
    images[number] = image
    write_file(fs.join(folder, image.path), make_bytes(random, noise, number, size))
  end
  for page = 1, pages do
    local first = (page - 1) * per_page + 1
    local shown = table.move(images, first, first + per_page - 1, 1, {})
    local before = page > 1 and images[first - 1] or nil
    write_file(fs.join(folder, "list", page .. ".html"), make_page(page, shown, before))
  end
  return images
end

return site_maker
