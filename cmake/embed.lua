-- Writes the Lua modules named on the command line as one C file: embed.lua OUT ROOT FILE…
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
  local source = file:read("a")
  file:close()
  out:write(("static const char module_%d[] = {"):format(i))
  for at = 1, #source do
    out:write(at % 20 == 1 and "\n" or "", source:byte(at), ",")
  end
  out:write("0};\n")
  entries[#entries + 1] = ('  {"%s", module_%d, %d},\n'):format(module_name(arg[i]), i, #source)
end
out:write("const struct bind_embedded bind_embedded[] = {\n")
out:write(table.concat(entries), "  {0, 0, 0}};\n")
assert(out:close())
