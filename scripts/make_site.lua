-- mooncrew make_site DIR: makes a small site of listing pages and images to try scrape on.
--
--   mooncrew make_site site
--   mooncrew serve_site site --port 8000
--   mooncrew scrape 'http://127.0.0.1:8000/list/{page}.html' --pages 1-10 -o img

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local command = require "mooncrew.command"
local site_maker = require "lib.site_maker"

local parser = command.parser("make_site", "Makes a site of listing pages and images.")
parser:argument("folder", "where to; made when it isn't there")
parser:option("--pages", "listing pages"):convert(command.whole(1, 10000)):default("10")
  :argname("N")
parser:option("--images", "images on each page"):convert(command.whole(1, 10000)):default("20")
  :argname("N")
parser:option("--size", "of all images, about"):convert(command.size):default("30M")
  :argname("SIZE")
parser:option("--seed", "another seed, other bytes"):convert(command.whole(0)):default("1")
  :argname("N")
local options = command.parse(parser, arg)

local ok, images = pcall(site_maker.make, options.folder, {
  pages = options.pages, images = options.images, bytes = options.size, seed = options.seed,
})
if not ok then
  command.fail("make_site", type(images) == "table" and images.message or tostring(images))
end

local bytes = 0
for _, image in ipairs(images) do bytes = bytes + image.size end
print(string.format("%s, %s, %.1f MB", command.count(options.pages, "page"),
  command.count(#images, "image"), bytes / 1e6))
