-- Every row of the tutorial: the program is run as a user runs it, with shorter sleeps, and what
-- it shows is compared with what the row says.

local command = dofile "tests/spec/support/command.lua"
local fs = require "mooncrew.fs"
local mooncrew = require "mooncrew"
local site_maker = require "lib.site_maker"
local site_server = require "lib.site_server"
local uv = require "luv"

local function run(name, ...)
  local outcome = command.run("tutorial/" .. name .. ".lua", ...)
  assert.equal("", outcome.err)
  assert.equal(0, outcome.status)
  return command.lines(outcome.out), outcome.out
end

local function index_of(lines, text)
  for i, line in ipairs(lines) do
    if line:find(text, 1, true) then return i end
  end
  error("no line with " .. text)
end

local function elapsed(lines, label)
  return tonumber(lines[index_of(lines, label)]:match("[%d.]+"))
end

-- "start i" and "end i" lines: the most that ran at the same time.
local function most_at_once(lines)
  local running, most = 0, 0
  for _, line in ipairs(lines) do
    if line:find("^start\t") then running = running + 1 end
    if line:find("^end\t") then running = running - 1 end
    most = math.max(most, running)
  end
  assert.equal(0, running)
  return most
end

local function is_gone(pid)
  local _, _, code = uv.kill(pid, 0)
  return code == "ESRCH"
end

local servers = {}

local function serve(options)
  local server, port = site_server.process(options)
  assert(server, port)
  servers[#servers + 1] = server
  return string.format("http://127.0.0.1:%d/", port)
end

describe("tutorial", function()
  after_each(function()
    for _, server in ipairs(servers) do
      server:kill()
      server:join()
    end
    servers = {}
    command.clean_up()
  end)

  it("1: two endless loops interleave, and Ctrl-C ends both, quietly", function()
    local child = command.start("tutorial/01_process.lua", 0.02)
    local changes, last = 0, nil
    while changes < 6 do
      local line = assert(child:line(), "the program ended by itself")
      local who = line:match("^run%d")
      if who and who ~= last then
        changes, last = changes + 1, who
      end
    end
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true))
    assert.is_true(#command.lines(outcome.err) <= 1)
    assert.is_false(child:has_processes())
  end)

  it("2: the time is printed at once; the script ends when both children have ended", function()
    local lines = run("02_start", 0.1)
    assert.is_true(elapsed(lines, "elapsed") < 5 * 0.1)
    assert.is_true(index_of(lines, "elapsed") < index_of(lines, "p2\tdone"))
    assert.is_true(index_of(lines, "p2\tdone") < index_of(lines, "p1\tdone"))
    assert.equal(7 + 5 + 2 + 1, #lines)
  end)

  it("3: with join the time is that of the longer child, not the sum", function()
    local lines = run("03_join", 0.1)
    assert.equal(#lines, index_of(lines, "elapsed"))
    assert.is_true(elapsed(lines, "elapsed") >= 7 * 0.1)
    -- No clock can tell on a busy machine, but the order can: each was at work while the other was.
    assert.is_true(index_of(lines, "p1\t1") < index_of(lines, "p2\tdone"))
    assert.is_true(index_of(lines, "p2\t1") < index_of(lines, "p1\tdone"))
    assert.is_true(index_of(lines, "p2\tdone") < index_of(lines, "p1\tdone"))
    assert.equal(7 + 5 + 2 + 1, #lines)
  end)

  it("4: a global number is the child's own", function()
    assert.same({ "child\t11", "parent\t10" }, (run("04_global_number")))
  end)

  it("5: a global table is the child's own", function()
    assert.same({ "child\t1", "parent\t0" }, (run("05_global_table")))
  end)

  it("6: a pool of two runs six tasks, two at a time", function()
    local lines = run("06_pool", 0.5)
    assert.equal("processors\t" .. mooncrew.cpu_count(), lines[1])
    assert.equal("all done", lines[#lines])
    assert.equal(2, most_at_once(lines))
    local tasks, workers, times = {}, {}, {}
    for _, line in ipairs(lines) do
      local task, pid, time = line:match("^end\t(%d+)\t(%d+)\t([%d.e-]+)$")
      if task then
        tasks[task], workers[pid], times[time] = true, true, true
      end
    end
    local function count(set)
      local n = 0
      for _ in pairs(set) do n = n + 1 end
      return n
    end
    assert.equal(6, count(tasks))
    assert.equal(6, count(times))
    assert.is_true(count(workers) <= 2)
  end)

  it("7: get at once makes the tasks run one at a time, in order", function()
    local expected = {}
    for i = 1, 5 do
      table.insert(expected, "start\t" .. i)
      table.insert(expected, "end\t" .. i)
      table.insert(expected, "result\t" .. i * i)
    end
    assert.same(expected, (run("07_pool_get", 0.02)))
  end)

  it("8: map over four pages, one of which can't be reached", function()
    local site = command.folder()
    for i = 1, 3 do command.write_file(site .. "/" .. i .. ".html", "<p>" .. i) end
    local base = serve{ root = site }
    local dead = string.format("http://127.0.0.1:%d/", command.free_port())
    local urls = { base .. "1.html", base .. "2.html", dead, base .. "3.html" }
    local lines = run("08_pool_map", 10, table.unpack(urls))
    for _, url in ipairs(urls) do
      assert.truthy(index_of(lines, url .. ": handled"))
      local what = url == dead and ": an error occurred: " or ": status 200, 4 bytes"
      assert.truthy(index_of(lines, url .. what))
    end
    assert.equal("3 of 4 pages", lines[#lines])
    assert.equal(9, #lines)
  end)

  it("9: both copies of a folder have the same bytes", function()
    local folder = command.folder()
    local from, to1, to2 = folder .. "/from", folder .. "/to1", folder .. "/to2"
    assert(fs.mkdirs(from))
    for i = 0, 20 do
      command.write_file(string.format("%s/%d.bin", from, i), string.rep(string.char(i), i * 1000))
    end
    local lines = run("09_copy_files", 0, from, to1, to2)
    assert.truthy(index_of(lines, "one process: 21 files"))
    assert.truthy(index_of(lines, "pool: 21 files"))
    for _, to in ipairs{ to1, to2 } do
      assert.same(command.names(from), command.names(to))
      for _, name in ipairs(command.names(from)) do
        local same = command.read_file(from .. "/" .. name) == command.read_file(to .. "/" .. name)
        assert.is_true(same, name)
      end
    end
  end)

  it("10: both lists arrive whole, in the order in which they were put", function()
    assert.same({ "from the parent", "from the child" }, (run("10_queue")))
  end)

  it("11: empty and full are told apart, and time-outs are kept to", function()
    local lines = run("11_queue_functions", 0.1)
    local waits = {}
    for i = #lines, 1, -1 do
      local seconds = lines[i]:match("^waited\t(.*)")
      if seconds then
        table.insert(waits, tonumber(seconds))
        table.remove(lines, i)
      end
    end
    assert.equal(2, #waits)
    assert.is_true(waits[1] >= 0.1 and waits[2] >= 0.1)
    assert.same({
      "empty\ttrue\tfull\tfalse\tsize\t0",
      "get_nowait\tnil\ttrue",
      "get\tnil\ttrue",
      "put\ttrue",
      "put_nowait\ttrue",
      "empty\tfalse\tfull\ttrue\tsize\t2",
      "put_nowait\tnil\ttrue",
      "put\tnil\ttrue",
      "get\tone",
      "get_nowait\ttwo",
      "empty\ttrue\tfull\tfalse\tsize\t0",
    }, lines)
  end)

  it("12: the parent sees what the child wrote to the shared dict", function()
    assert.same({ "x\t1", "y\t2", "z\t3" }, (run("12_manager_dict")))
  end)

  it("13: the parent sees what the child appended to the shared list, in order", function()
    assert.same({ "items\t3", "1\tfirst", "2\tsecond", "3\tthird" }, (run("13_manager_list")))
  end)

  it("14: a daemon does not keep the script alive, and is gone with it", function()
    local lines = run("14_daemon", 1)
    assert.equal("over", lines[2])
    assert.equal(2, #lines)
    assert.is_true(is_gone(tonumber(lines[1]:match("^child\t(%d+)$"))))
  end)

  it("15: a terminated child ends at once, with exit code -15", function()
    local lines = run("15_terminate", 1)
    local pid = lines[1]:match("^child\t(%d+)\talive\ttrue$")
    assert.equal("exitcode\t-15\talive\tfalse", lines[2])
    assert.equal(2, #lines)
    assert.is_true(is_gone(tonumber(pid)))
  end)

  it("16: each word is consumed once, in order, and nothing hangs", function()
    local lines = run("16_producer_consumer", 0.05)
    local put, got = {}, {}
    for _, line in ipairs(lines) do
      table.insert(put, line:match("^put\t(.*)"))
      table.insert(got, line:match("^got\t(.*)"))
    end
    assert.same({ "one", "two", "three", "four" }, put)
    assert.same(put, got)
    assert.equal("over", lines[#lines])
  end)

  it("17: the scraper gets every image once; one that fails is reported", function()
    local site, folder = command.folder(), command.folder()
    local images = site_maker.make(site, { pages = 10, images = 1, bytes = 200000 })
    local missing = table.remove(images, 4)
    assert(os.remove(site .. "/" .. missing.path))
    local asked = mooncrew.Queue()
    local base = serve{
      root = site,
      hook = function(request) asked:put(request.path) end,
    }
    local lines = run("17_image_scraper", 0.2, base .. "list/{page}.html", folder)

    local times = {}
    while true do
      local path = asked:get_nowait()
      if not path then break end
      times[path] = (times[path] or 0) + 1
    end
    for _, image in ipairs(images) do
      assert.equal(1, times["/" .. image.path], image.path)
      local name = image.url:match("[^/]*$")
      local same = command.read_file(site .. "/" .. image.path)
        == command.read_file(folder .. "/" .. name)
      assert.is_true(same, image.path)
      assert.truthy(index_of(lines, "saved\t" .. name))
    end
    assert.truthy(index_of(lines, base .. missing.url .. " failed: "))
    assert.equal(#images, #command.names(folder))
    assert.truthy(lines[#lines]:match("^%d+%.%d%d minutes$"))
  end)
end)
