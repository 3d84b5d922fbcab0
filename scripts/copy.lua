-- mooncrew copy SRC DST: copies a file or a tree with a pool of processes.
--
--   mooncrew copy photos /backup/photos
--   mooncrew copy -j 8 --verify photos /backup/photos

package.path = (arg[0]:match("^.*/") or "./") .. "?.lua;" .. package.path

local command = require "mooncrew.command"
local copier = require "lib.copier"

local parser = command.parser("copy", "Copies a file or a tree of files with a pool of processes.")
parser:argument("source", "the file or folder to copy"):args(1)
parser:argument("target", "what becomes the copy; an existing folder is merged into"):args(1)
parser:option("-j --jobs", "processes; default: one for each processor")
  :convert(command.whole(1, 1000)):argname("N")
parser:flag("--verify", "compare each copy with its source")
parser:mutex(
  parser:flag("--progress", "draw a progress bar even when stderr is no terminal"),
  parser:flag("-q --quiet", "print failures only")
)
local options = command.parse(parser, arg)

local function is_terminal()
  return require("luv").guess_handle(2) == "tty"
end

local summary, reason = copier.copy(options.source, options.target, {
  processes = options.jobs,
  verify = options.verify,
  progress = options.progress or (not options.quiet and is_terminal()),
})
if not summary then command.fail("copy", reason) end

for _, failure in ipairs(summary.failures) do
  io.stderr:write("copy: ", failure.path, ": ", failure.reason, "\n")
end
if not options.quiet then
  print(string.format("%s, %s, %s, %s, %d failed, %s",
    command.count(summary.files, "file"), command.count(summary.folders, "folder"),
    command.count(summary.links, "link"), command.throughput(summary.bytes, summary.seconds),
    #summary.failures, command.count(summary.processes, "process", "processes")))
end
if #summary.failures > 0 then os.exit(1) end
