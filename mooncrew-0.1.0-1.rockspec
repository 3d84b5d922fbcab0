-- `luarocks --lua-version=5.4 make` in a checkout: builds with CMake, fetches nothing. The task
-- scripts also need argparse, dkjson and luv; they are no dependencies here, since most have them
-- from their system, which luarocks does not see.
rockspec_format = "3.0"
package = "mooncrew"
version = "0.1.0-1"
source = { url = "." }
description = {
  summary = "multiprocessing for Lua over crash-safe shared memory",
  detailed = [[
Runs Lua 5.4 over forked processes that talk through shared memory: processes, pools, queues, shared
tables and locks with the names of Python's multiprocessing. Linux only.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.4, < 5.5" }
build = {
  type = "command",
  build_command = "cmake/rock build",
  install_command = "cmake/rock install '$(PREFIX)' '$(LIBDIR)' '$(BINDIR)'",
}
-- bin/mooncrew is no script of Lua.
deploy = { wrap_bin_scripts = false }
