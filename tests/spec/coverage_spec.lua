--- The table of docs/testing.md that says which spec shows what: each one named there is there.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"

---@param path string
---@return string
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- Titles of a spec: of its `it`s and of its helpers' `with_…`. Of those that are put together,
--- the first part.
---@param name string
---@return string[]
local function titles_of(name)
  local titles = {}
  for call, title in read(here .. name .. "_spec.lua"):gmatch('([%w_]+)%(%s*"([^"]*)') do
    if call == "it" or call:find("^with_") then titles[#titles + 1] = title end
  end
  return titles
end

---@param titles string[]
---@param begin string
---@return boolean
local function has(titles, begin)
  for _, title in ipairs(titles) do
    if title:sub(1, #begin) == begin then return true end
  end
  return false
end

--- The specs that a cell names: NAME "title", "another title of NAME", OTHER "title".
---@param cell string
---@return { [1]: string, [2]: string }[]
local function named_in(cell)
  local found, name = {}, nil
  for word, title in cell:gmatch('([%w_]*)%s*"([^"]*)"') do
    if word ~= "" then name = word end
    found[#found + 1] = { name, title }
  end
  return found
end

describe("the table of what shows what", function()
  local rows = {}
  for line in read(here .. "../../docs/testing.md"):gmatch("[^\n]+") do
    local _, success, failure = line:match("^| (.-) | (.-) | (.-) |$")
    if success and success:find('^[%w_]+ "') then
      rows[#rows + 1] = { line, named_in(success), failure, named_in(failure) }
    end
  end

  it("has a spec of success and of failure in each row", function()
    assert.is_true(#rows > 40)
    for _, row in ipairs(rows) do
      assert.is_true(#row[2] > 0, row[1])
      assert.is_true(#row[4] > 0 or row[3] == "(it can't fail)", row[1])
    end
  end)

  it("names specs that are there", function()
    for _, row in ipairs(rows) do
      for _, list in ipairs{ row[2], row[4] } do
        for _, spec in ipairs(list) do
          assert.is_true(has(titles_of(spec[1]), spec[2]), ("%s %q"):format(spec[1], spec[2]))
        end
      end
    end
  end)
end)
