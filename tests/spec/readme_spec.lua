-- The README's scripts do what the README says.

local binary = assert(os.getenv("MOONCREW"), "MOONCREW is not set")

---@return string[] scripts the page's Lua blocks
local function scripts_of(page)
  local file = assert(io.open(page))
  local text = file:read("a")
  file:close()
  local scripts = {}
  for script in text:gmatch("\n```lua\n(.-\n)```\n") do
    scripts[#scripts + 1] = script
  end
  return scripts
end

---@return string output, string how, integer status
local function run(script)
  local path = (os.getenv("TMPDIR") or "/tmp") .. "/readme.lua"
  local file = assert(io.open(path, "w"))
  file:write(script)
  file:close()
  local pipe = assert(io.popen(("'%s' '%s' 2>&1"):format(binary, path)))
  local output = pipe:read("a")
  local _, how, status = pipe:close()
  os.remove(path)
  return output, how, status
end

describe("README.md", function()
  local scripts = scripts_of("README.md")

  it("has a first script", function()
    assert.is_truthy(scripts[1] and scripts[1]:find("mooncrew.Process", 1, true))
  end)

  it("has a first script that runs", function()
    local output, how, status = run(scripts[1])
    local expected = "many\t4\nthings\t6\nat\t2\nonce\t4\n1\t1.0\n2\t4.0\n3\t9.0\n4\t16.0\n"
    assert.equal(expected, output)
    assert.equal("exit", how)
    assert.equal(0, status)
  end)

  it("has no other script that would go untested", function()
    assert.equal(1, #scripts)
  end)
end)
