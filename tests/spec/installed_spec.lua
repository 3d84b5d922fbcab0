--- `mooncrew NAME`: task scripts by name.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")
local run, write, path = standalone.run, standalone.write, standalone.path

---@param ... string
local function make_folders(...)
  for _, name in ipairs{ ... } do
    assert(os.execute("mkdir -p " .. standalone.quote(path(name))))
  end
end

--- Where a command called `name` would be in an installation below this spec's folder.
---@param name string
---@return string
local function install(name)
  make_folders(name:match("^(.*)/"))
  assert(os.execute(("cp %s %s"):format(standalone.quote(standalone.binary),
    standalone.quote(path(name)))))
  return path(name)
end

describe("installed scripts", function()
  local env = { MOONCREW_SCRIPTS = path("tasks") }

  setup(function()
    make_folders("tasks", "more", "tasks/folder.lua")
    write("tasks/greet.lua", "print('hello', arg[0], ...)")
    write("more/greet.lua", "print'hidden'")
    write("more/other.lua", "print'other'")
  end)
  teardown(standalone.remove_folder)

  it("run by name, with their path in arg[0]", function()
    local outcome = run({ "greet", "a", "b" }, { env = env })
    assert.equal(("hello\t%s\ta\tb\n"):format(path("tasks/greet.lua")), outcome.out)
    assert.equal(0, outcome.status)
  end)

  it("run behind options and --", function()
    assert.matches("^1\nhello", run({ "-e", "print(1)", "--", "greet" }, { env = env }).out)
  end)

  it("show their path in errors", function()
    write("tasks/fails.lua", "error'x'")
    local outcome = run({ "fails" }, { env = env })
    assert.equal(("lua: %s:1: x"):format(path("tasks/fails.lua")), outcome.err:match("^[^\n]*"))
    assert.equal(1, outcome.status)
    write("tasks/syntax.lua", "= 1")
    assert.matches("unexpected symbol", run({ "syntax" }, { env = env }).err)
  end)

  it("are looked for in each folder in turn", function()
    local both = { MOONCREW_SCRIPTS = "::" .. path("tasks") .. ":" .. path("more") .. ":" }
    assert.matches("^hello", run({ "greet" }, { env = both }).out)
    assert.equal("other\n", run({ "other" }, { env = both }).out)
  end)

  it("give way to a file of that name, not to a folder", function()
    make_folders("folder_first", "other")
    write("tasks/folder_first.lua", "print'script'")
    assert.equal("script\n", run({ "folder_first" }, { env = env }).out)
    write("greet", "print'file'")
    assert.equal("file\n", run({ "greet" }, { env = env }).out)
    assert(os.remove(path("greet")))
  end)

  it("are never meant by a path", function()
    local outcome = run({ "./greet" }, { env = env })
    assert.equal("lua: cannot open ./greet: No such file or directory\n", outcome.err)
    assert.equal(1, run({ "tasks/greet" }, { env = env }).status)
  end)

  it("that do not exist are one clear error", function()
    for _, name in ipairs{ "no-such-name", "greet.lua", "folder" } do
      local outcome = run({ name }, { env = env })
      assert.equal(("lua: cannot open file or installed script '%s'\n"):format(name),
        outcome.err)
      assert.equal("", outcome.out)
      assert.equal(1, outcome.status)
    end
    local outcome = run({ "-e", "print(1)", "no-such-name" }, { env = {} })
    assert.equal("1\n", outcome.out)
    assert.equal(1, outcome.status)
  end)

  it("have names of any length, found or not", function()
    local long = ("x"):rep(5000)
    assert.equal(1, run({ long }, { env = env }).status)
    assert.equal(1, run({ long }, { env = { MOONCREW_SCRIPTS = long } }).status)
    assert.equal(1, run({ "" }, { env = env }).status)
  end)

  it("of the environment are not looked for with -E", function()
    assert.equal(1, run({ "-E", "greet" }, { env = env }).status)
  end)

  it("are found beside an installed binary and beside a built one", function()
    local installed, built = install("prefix/bin/mooncrew"), install("tree/build/mooncrew")
    make_folders("prefix/share/mooncrew/scripts", "tree/scripts")
    write("prefix/share/mooncrew/scripts/task.lua", "print'installed'")
    write("tree/scripts/task.lua", "print'built'")
    assert.equal("installed\n", standalone.run_binary(installed, { "task" }).out)
    assert.equal("built\n", standalone.run_binary(built, { "-E", "task" }).out)
    local own = standalone.run_binary(built, { "task" }, { env = env })
    assert.equal("built\n", own.out)
    write("tasks/task.lua", "print'mine'")
    assert.equal("mine\n", standalone.run_binary(built, { "task" }, { env = env }).out)
  end)

  it("are found through a link to the binary", function()
    local installed = install("linked/bin/mooncrew")
    make_folders("linked/share/mooncrew/scripts")
    write("linked/share/mooncrew/scripts/task.lua", "print'through a link'")
    assert(os.execute(("ln -s %s %s"):format(standalone.quote(installed),
      standalone.quote(path("link")))))
    assert.equal("through a link\n", standalone.run_binary(path("link"), { "task" }).out)
  end)
end)
