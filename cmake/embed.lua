-- Writes the Lua modules named on the command line as one C file: embed.lua OUT ROOT FILE…
--
-- They are compiled here, debug information and all: to read a chunk of bytecode takes a fifth of
-- the instructions that its source would, and that is most of what `require "mooncrew"` takes.
local out_path, root = arg[1], arg[2]
local out = assert(io.open(out_path, "wb"))

local function module_name(path)
  local name = path:sub(#root + 2):gsub("%.lua$", ""):gsub("/", ".")
  return (name:gsub("%.init$", ""))
end

out:write('/* Made by cmake/embed.lua. */\n#include "bind/embedded.h"\n')
local entries = {}
for i = 3, #arg do
  local file = assert(io.open(arg[i], "rb"))
  local name = module_name(arg[i])
  local chunk = string.dump(assert(load(file:read("a"), "=" .. name, "t")))
  file:close()
  out:write(("static const unsigned char module_%d[] = {"):format(i))
  for at = 1, #chunk do
    out:write(at % 20 == 1 and "\n" or "", chunk:byte(at), ",")
  end
  out:write("};\n")
  entries[#entries + 1] = ('  {"%s", module_%d, %d},\n'):format(name, i, #chunk)
end
out:write("const struct bind_embedded bind_embedded[] = {\n")
out:write(table.concat(entries), "  {0, 0, 0}};\n")
assert(out:close())
