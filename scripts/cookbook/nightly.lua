-- A nightly job: packs each folder below SRC into DST/DATE/NAME.tar.gz, several at a time, and
-- removes the oldest days. Never twice at once, and with a log of its own.
--
--   0 3 * * *  mooncrew …/cookbook/nightly.lua /srv /backup --keep 14 --log /var/log/nightly.log
--
-- Exit status 1 when a folder could not be packed, or another one is at work.

local command = require "mooncrew.command"
local fs = require "mooncrew.fs"
local log = require "mooncrew.log"
local mooncrew = require "mooncrew"
local uv = require "luv"

local parser = command.parser("nightly", "Packs each folder below SRC into DST.")
parser:argument("src", "the folder of folders")
parser:argument("dst", "where the days are")
parser:option("--keep", "how many days to keep"):convert(command.whole(1)):default("14")
  :argname("DAYS")
parser:option("--log", "a file for lines of JSON; default: text on stderr"):argname("FILE")
parser:option("-j --jobs", "folders at once"):convert(command.whole(1, 100)):default("2")
  :argname("N")
local options = command.parse(parser, arg)

if options.log then
  local file, err = io.open(options.log, "a")
  if not file then command.fail("nightly", err, 1) end
  log.stream = file
  log.format = "json"
end

local function give_up(reason)
  log.error("%s", reason)
  os.exit(1)
end

-- Takes a lock that all programs of this machine see, and that ends with this process, however it
-- ends: `flock` has it, says so, and becomes a `cat` that waits for the end of our pipe.
local function lock_file(path)
  local to, from, answered, locked = uv.new_pipe(), uv.new_pipe(), mooncrew.Event(), false
  assert(uv.spawn("flock", {
    args = { "--nonblock", "--no-fork", path, "sh", "-c", "echo locked; exec cat" },
    stdio = { to, from, 2 },
  }, function() end))
  from:read_start(function(_, text)
    locked = text ~= nil
    answered:set()
  end)
  answered:wait()
  return locked
end

-- Runs a command; what it printed, and its status.
local function run(...)
  local words = { "exec setpriv --pdeathsig KILL --" }
  for _, word in ipairs{ ... } do words[#words + 1] = "'" .. word:gsub("'", "'\\''") .. "'" end
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1"))
  local printed = pipe:read("a")
  local _, how, status = pipe:close()
  return printed, how == "exit" and status or 128 + status
end

-- Runs in a worker; a file that is there under its name is whole.
local function pack(name, day)
  local path = fs.join(day, name .. ".tar.gz")
  local part = path .. ".part"
  local printed, status = run("tar", "-czf", part, "-C", options.src, "--", name)
  if status > 1 then -- 1: a file changed while it was read
    os.remove(part)
    error(("tar: %s (status %d)"):format(printed:gsub("%s+$", ""), status), 0)
  end
  if status == 1 then log.warn("tar: %s", printed, { folder = name }) end
  assert(os.rename(part, path))
  log.info("packed", { folder = name, bytes = assert(fs.stat(path)).size })
end

local function pack_all(names, day)
  local failed, own = 0, uv.fs_realpath(options.dst)
  local pool <close> = mooncrew.Pool{ processes = options.jobs, name = "pack" }
  for _, name in ipairs(names) do
    local path = fs.join(options.src, name)
    local info = fs.stat(path, false)
    if info and info.type == "directory" and uv.fs_realpath(path) ~= own then
      pool:apply_async(pack, { name, day }, { error_callback = function(err)
        failed = failed + 1
        log.error("%s", err.message, { folder = name })
      end })
    end
  end
  pool:close()
  pool:join()
  return failed
end

local function remove_old()
  local days = {}
  for _, name in ipairs(assert(fs.listdir(options.dst))) do
    if name:find("^%d%d%d%d%-%d%d%-%d%d$") then days[#days + 1] = name end
  end
  for i = 1, #days - options.keep do
    assert(fs.remove_tree(fs.join(options.dst, days[i])))
    log.info("removed", { day = days[i] })
  end
end

local day = fs.join(options.dst, os.date("%Y-%m-%d"))
local names, err = fs.listdir(options.src)
if not names then give_up(err) end
local made
made, err = fs.mkdirs(options.dst)
if not made then give_up(err) end
if not lock_file(fs.join(options.dst, ".lock")) then
  log.warn("another one is at work")
  os.exit(1)
end
assert(fs.mkdirs(day))
local failed = pack_all(names, day)
if failed > 0 then
  log.error("%d failed, so no old day is removed", failed)
  os.exit(1)
end
remove_old()
log.info("done", { day = day })
