-- docs/recordings/session.md is what its script records today, but for what the machine is like.

local command = dofile "tests/spec/support/command.lua"

-- Without the bar's moments and copy's bar (how much there is may come too late for it), and with
-- one number and one unit for all.
local function shape(text)
  local rows = {}
  for row in text:gmatch("[^\n]*") do
    if not row:find("^~ ") and not row:find("^copy  ") then rows[#rows + 1] = row end
  end
  return (table.concat(rows, "\n"):gsub("[%d.:]+", "0")
    :gsub("0 [KMG]?i?B/", "0 B/"):gsub("processes", "process"))
end

describe("the recording of a session", function()
  after_each(command.clean_up)

  it("is made by its script, and is what the documents show", function()
    local path = command.folder() .. "/session.md"
    local script = command.root .. "/docs/recordings/make.py"
    local words = ("python3 '%s' '%s' '%s' 2>&1"):format(script, command.binary(), path)
    local pipe = assert(io.popen(words))
    local said = pipe:read("a")
    assert.is_true(pipe:close(), said)
    local made = command.read_file(path)
    local shown = command.read_file(command.root .. "/docs/recordings/session.md")
    assert.equal(shape(shown), shape(made))
    for _, text in ipairs{ shown, made } do
      assert.truthy(text:find("\n~ images  %d+  %d+/s  0:%d%d\n"))
      assert.truthy(text:find("\n~ copy  %[#+%-*%]  [%d.]+ MiB/29.7 MiB  %d+%%  "))
      assert.truthy(text:find("\nimages  200  ", 1, true))
      assert.truthy(text:find("\n10 pages, 200 images, 31.1 MB, ", 1, true))
      assert.truthy(text:find("\n200 files, 1 folder, 0 links, 31.1 MB, ", 1, true))
      assert.truthy(text:find("\ncopy: img/inside is inside of img\n$ echo $?\n1\n", 1, true))
    end
  end)
end)
