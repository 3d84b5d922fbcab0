-- mooncrew copy SRC… DST: copies files and trees with a pool of processes.
--
--   mooncrew copy photos /backup/photos
--   mooncrew copy --resume --delete --exclude '*.tmp' photos /backup/photos
--   mooncrew copy -j 8 --verify a.iso b.iso /mnt

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local command = require "mooncrew.command"
local copier = require "lib.copier"
local copy_report = require "lib.copy_report"

local parser = command.parser("copy", "Copies files and trees with a pool of processes: data, "
  .. "holes, links, modes, times, extended attributes and, for root, owners.")
parser:argument("paths", "what to copy, and last where to; one folder becomes the last path, "
  .. "several things go into it"):args("2+"):argname("path")
parser:option("-j --jobs", "processes; default: one for each processor")
  :convert(command.whole(1, 1000)):argname("N")
parser:flag("--resume", "pass over files that are there with the same size and time")
parser:flag("--checksum", "pass over files that are there with the same bytes (implies --resume)")
parser:flag("--verify", "compare each copy with its source")
parser:flag("--delete", "remove from the target what the source does not have")
parser:option("--exclude", "leave out what matches: *.o, cache/, /top, a/**/b"):count("*")
  :argname("PATTERN")
parser:option("--bwlimit", "bytes a second, at most: 500K, 10M"):convert(command.size)
  :argname("SIZE")
parser:flag("-n --dry-run", "change nothing, print what would be done")
parser:flag("--json", "print the summary as JSON")
parser:mutex(
  parser:flag("--progress", "draw a progress bar even when stderr is no terminal"),
  parser:flag("-q --quiet", "print failures only")
)
local options = command.parse(parser, arg)
local target = table.remove(options.paths)

local function is_terminal()
  return require("luv").guess_handle(2) == "tty"
end

local summary, reason = copier.copy(options.paths, target, {
  processes = options.jobs, verify = options.verify, resume = options.resume,
  checksum = options.checksum, delete = options.delete, exclude = options.exclude,
  bwlimit = options.bwlimit, dry_run = options.dry_run,
  on_action = not (options.quiet or options.json) and copy_report.action or nil,
  progress = options.progress or (not (options.quiet or options.dry_run) and is_terminal()),
})
if not summary then command.fail("copy", reason) end

copy_report.failures(summary)
if not options.quiet then copy_report.warning(summary) end
if options.json then
  command.print("copy", copy_report.json(summary))
elseif not options.quiet then
  command.print("copy", copy_report.line(summary, options.dry_run))
end
command.flush "copy"
if #summary.failures > 0 then os.exit(1) end
