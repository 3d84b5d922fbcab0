-- What `mooncrew copy` says: actions of a dry run, failures, the summary.

local command = require "mooncrew.command"
local json = require "dkjson"

local copy_report = {}

-- A path in one line, whatever bytes it has.
local function printable(path)
  return (path:gsub("%c", function(c) return string.format("\\x%02x", c:byte()) end))
end

function copy_report.action(action, path)
  command.print("copy", action .. " " .. printable(path))
end

---A line on stderr for each failure.
---@param summary copier.summary
function copy_report.failures(summary)
  for _, failure in ipairs(summary.failures) do
    io.stderr:write("copy: ", printable(failure.path), ": ", printable(failure.reason), "\n")
  end
  if summary.full then
    io.stderr:write("copy: no space was left; --resume copies what is missing\n")
  end
end

---A line on stderr when something could not be kept.
---@param summary copier.summary
function copy_report.warning(summary)
  if summary.lost > 0 then
    io.stderr:write("copy: warning: the owner or extended attributes of ",
      command.count(summary.lost, "entry", "entries"), " could not be kept\n")
  end
end

---@param summary copier.summary
---@param dry_run? boolean
---@return string
function copy_report.line(summary, dry_run)
  local parts = {
    command.count(summary.files, "file"), command.count(summary.folders, "folder"),
    command.count(summary.links, "link"),
  }
  local function add(n, noun, plural)
    if n > 0 then parts[#parts + 1] = command.count(n, noun, plural) end
  end
  add(summary.hard_links, "hard link")
  add(summary.special, "special file")
  add(summary.skipped, "unchanged", "unchanged")
  add(summary.deleted, "deleted", "deleted")
  parts[#parts + 1] = command.throughput(summary.bytes, summary.seconds)
  parts[#parts + 1] = #summary.failures .. " failed"
  parts[#parts + 1] = command.count(summary.processes, "process", "processes")
  return (dry_run and "would copy " or "") .. table.concat(parts, ", ")
end

-- Text as JSON must be UTF-8. A byte that is none becomes \udcXX, which Python and others turn
-- back into that byte.
local function escape_bytes(text)
  local out, at = {}, 1
  while true do
    local valid, bad = utf8.len(text, at)
    if valid then
      out[#out + 1] = text:sub(at)
      return table.concat(out)
    end
    out[#out + 1] = text:sub(at, bad - 1) .. string.format("\\udc%02x", text:byte(bad))
    at = bad + 1
  end
end

local ORDER = {
  "files", "bytes", "skipped", "folders", "links", "hard_links", "special", "deleted", "lost",
  "full", "processes", "seconds", "failures", "path", "reason",
}

---@param summary copier.summary
---@return string
function copy_report.json(summary)
  setmetatable(summary.failures, { __jsontype = "array" })
  return escape_bytes(json.encode(summary, { keyorder = ORDER }))
end

return copy_report
