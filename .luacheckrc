-- Rules of luacheck: Lua 5.4, 100 columns, no globals.
std = "lua54"
cache = false
max_line_length = 100
max_comment_line_length = 100
self = false
exclude_files = { "build", "build-*", "tests/fuzz/corpus" }

-- Specs are run by busted, and luassert adds to `assert`.
files["tests/spec/*.lua"] = { std = "lua54+busted" }
files["tests/regress/*_spec.lua"] = { std = "lua54+busted" }
