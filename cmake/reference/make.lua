-- make.lua [--check]: writes docs/reference.md; with --check, fails when it should be another.

local root = arg[0]:match("^(.*)/cmake/reference/[^/]*$") or "."
package.path = root .. "/cmake/reference/?.lua;" .. package.path
local annotations = require "annotations"
local page = require "page"

local path = root .. "/docs/reference.md"
local text = page.write(annotations.of_module(root))

local function read()
  local file <close> = io.open(path, "rb")
  return file and file:read("a")
end

if arg[1] == "--check" then
  if read() ~= text then
    io.stderr:write("docs/reference.md is not what the annotations say: ./dev fmt writes it\n")
    os.exit(1)
  end
elseif read() ~= text then
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end
