-- What becomes of a scrape that loses some of its processes.

local command = dofile "tests/spec/support/command.lua"
local connections = dofile "tests/spec/support/connections.lua"
local mooncrew = require "mooncrew"
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

  it("ends when a process that downloads is lost, and leaves nothing half done", function()
    local hanging = mooncrew.Event()
    serve(function(request)
      if request.path == "/list" then return { body = "<img src=a>" } end
      hanging:set()
      return { hang = true }
    end)
    local child = start("list")
    hanging:wait()
    kill_connected(child)
    local outcome = child:finish()
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("^scrape: downloader %d failed: .* ended with signal 9"),
      outcome.err)
    assert.equal(1, #command.lines(outcome.err))
    assert.same({}, command.names(folder))
  end)
end)
