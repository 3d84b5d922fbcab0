-- What becomes of a scrape that loses some of its processes.

local command = dofile "tests/spec/support/command.lua"
local connections = dofile "tests/spec/support/connections.lua"
local dkjson = require "dkjson"
local downloaders = require "lib.downloaders"
local fs = require "mooncrew.fs"
local manners = require "lib.manners"
local mooncrew = require "mooncrew"
local outcomes = require "lib.outcomes"
local site_server = require "lib.site_server"
local uv = require "luv"

describe("mooncrew scrape", function()
  local folder, server, port

  before_each(function() folder = command.folder() .. "/img" end)

  after_each(function()
    server:kill()
    server:join()
    command.clean_up()
  end)

  local function serve(hook)
    server, port = site_server.process{ hook = hook }
    assert(server, port)
  end

  local function start(pages, ...)
    return command.start("scrape.lua", ("http://127.0.0.1:%d/%s"):format(port, pages), "-o", folder,
      "--no-robots", ...)
  end

  -- Kills the processes of a command that are connected to the server.
  local function kill_connected(child)
    local pids = connections.of(child.pid, port)
    assert.is_true(#pids > 0)
    for _, pid in ipairs(pids) do uv.kill(pid, "sigkill") end
  end

  -- Any of them, if there is one.
  local function kill_one(child)
    local pids = connections.of(child.pid, port)
    if #pids > 0 then uv.kill(pids[math.random(#pids)], "sigkill") end
  end

  -- A page that shows so many of them.
  local function images(n)
    local parts = {}
    for i = 1, n do parts[i] = string.format("<img src=/%d>", i) end
    return table.concat(parts)
  end

  it("reads once more what a lost process had in hand, each page by itself", function()
    local hanging, asked = mooncrew.Queue(), mooncrew.Value(0)
    serve(function(request)
      local number = request.path:match("^/list(%d)$")
      if not number then return { body = request.path } end
      local nth = asked:incr()
      if nth >= 4 and (nth == 4 or number == "1") then hanging:put(true) end
      if nth <= 4 or number == "1" then return { hang = true } end
      return { body = "<img src=img" .. number .. ">" }
    end)
    local child = start("list{1..4}", "-j", "1")
    hanging:get() -- all pages are under way
    kill_connected(child)
    hanging:get() -- the first alone is
    kill_connected(child)
    local outcome = child:finish()
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("^scrape: %S+/list1: .* ended with signal 9"), outcome.err)
    assert.equal(1, #command.lines(outcome.err))
    assert.same({ "img2", "img3", "img4" }, command.names(folder))
    assert.truthy(outcome.out:find("^3 pages, 3 images"))
    assert.equal(8, asked.value)
  end)

  -- Each of thirty addresses takes down its downloader the first time, the seventh again, when at
  -- least so many others are there.
  local function lose_all(concurrency, others)
    local hanging, asked = mooncrew.Queue(), mooncrew.dict{}
    serve(function(request)
      if request.path == "/list" then return { body = images(30) } end
      local nth = mooncrew.dict.incr(asked, request.path)
      if request.path ~= "/7" and nth > 1 then return { body = request.path } end
      hanging:put(true)
      return { hang = true }
    end)
    local child = start("list", "--json", "-", "-c", concurrency)
    for i = 1, 30 do
      hanging:get()
      if i % concurrency == 0 then kill_connected(child) end
    end
    hanging:get()
    while #command.names(folder) < others do mooncrew.sleep(0.01) end
    kill_connected(child)
    local outcome = child:finish()
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("^scrape: %S+/7: .* ended with signal 9"), outcome.err)
    assert.equal(1, #command.lines(outcome.err))
    assert.equal(29, #command.names(folder))
    for path, n in pairs(asked) do assert.equal(2, n, path) end
    local listed = {}
    for _, line in ipairs(command.lines(outcome.out)) do
      local entry = dkjson.decode(line)
      assert.is_nil(listed[entry.url])
      listed[entry.url] = entry
      if entry.url:find("/7$") then
        assert.truthy(entry.error:find("signal 9"))
      else
        assert.equal(entry.url:match("/%d+$"), command.read_file(folder .. "/" .. entry.file))
      end
    end
    assert.equal(30, #command.lines(outcome.out))
  end

  it("fetches once more what lost downloaders had in hand, each by itself", function()
    lose_all(30, 29) -- by two processes, so that it is known that nothing else is under way
  end)

  it("gives to a new downloader what the only one had at hand", function() lose_all(5, 0) end)

  it("fetches what a lost process found and told nobody of", function()
    serve(function(request) return { body = request.path } end)
    assert(fs.mkdirs(folder))
    local q, known = mooncrew.Queue(), outcomes.new()
    local url = ("http://127.0.0.1:%d/found"):format(port)
    outcomes.find(known, url)
    q:close()
    local group <close> = downloaders.new(q, known, {
      folder = folder, concurrency = 1, request = {},
      shared = manners.shared{ user_agent = "test" },
    })
    group:start()
    local sum = assert(group:wait(1, function() end))
    assert.same({ images = 1, bytes = #"/found", failures = {}, open = {} }, sum)
    assert.equal("/found", command.read_file(folder .. "/found"))
  end)

  -- Each address has one line in the list, whose file is there whole, or which says that a
  -- process was lost.
  local function assert_complete(path, n)
    local lines, listed = command.lines(command.read_file(path)), {}
    for _, line in ipairs(lines) do
      local entry = assert(dkjson.decode(line))
      local number = entry.url:match("/(%d+)$")
      listed[number] = true
      if entry.file then
        assert.equal(("/" .. number):rep(2000), command.read_file(folder .. "/" .. entry.file))
      else
        assert.truthy(entry.error:find("signal 9", 1, true), entry.error)
      end
    end
    for i = 1, n do assert.is_true(listed[tostring(i)], tostring(i)) end
  end

  it("gets all there is while its processes are killed", function()
    for _, words in ipairs{ {}, { "-c", "1" }, { "--per-host", "9" }, { "-j", "1" } } do
      local moment, asked = mooncrew.Queue(), mooncrew.Value(0)
      serve(function(request)
        if asked:incr() % 40 == 0 then moment:put(true) end
        if request.path:find("^/list") then return { body = images(240) } end
        return { body = request.path:rep(2000) }
      end)
      folder = command.folder() .. "/img"
      local path = folder .. ".json"
      local child = start("list{1..4}", "--json", path, table.unpack(words))
      for _ = 1, 6 do
        moment:get()
        kill_one(child)
      end
      local outcome = child:finish()
      assert_complete(path, 240)
      assert.equal(outcome.err == "" and 0 or 1, outcome.status, outcome.err)
      for _, name in ipairs(command.names(folder)) do assert.truthy(name:find("^%d+$"), name) end
      server:kill()
      server:join()
    end
  end)

  it("ends when downloaders are lost again and again, and leaves nothing half done", function()
    local hanging = mooncrew.Queue()
    serve(function(request)
      if request.path == "/list" then return { body = images(30) } end
      hanging:put(true)
      return { hang = true }
    end)
    local child = start("list", "-c", "1")
    for _ = 1, 11 do
      hanging:get()
      kill_connected(child)
    end
    local outcome = child:finish()
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("^scrape: downloader 1 failed: .* ended with signal 9"),
      outcome.err)
    assert.equal(1, #command.lines(outcome.err))
    assert.same({}, command.names(folder))
  end)
end)
