local command = dofile "tests/spec/support/command.lua"
local dkjson = require "dkjson"
local mooncrew = require "mooncrew"
local site_maker = require "lib.site_maker"
local site_server = require "lib.site_server"
local uv = require "luv"

local SELECT = "li.list-group-item img[referrerpolicy=no-referrer]@data-original"

local servers = {}

local function serve(options)
  local server, port = site_server.process(options)
  assert(server, port)
  servers[#servers + 1] = server
  return string.format("http://127.0.0.1:%d/", port)
end

-- A listing page with these addresses.
local function listing(addresses)
  local parts = {}
  for i, address in ipairs(addresses) do
    parts[i] = string.format(
      '<li class="list-group-item"><img referrerpolicy="no-referrer" data-original="%s"></li>',
      address)
  end
  return { body = table.concat(parts, "\n"), headers = { ["Content-Type"] = "text/html" } }
end

-- The lines of --json, by address.
local function read_list(text)
  local entries = {}
  for _, line in ipairs(command.lines(text)) do
    local entry = assert(dkjson.decode(line))
    assert.is_nil(entries[entry.url], entry.url)
    entries[entry.url] = entry
  end
  return entries
end

local function assert_failed(outcome, url, reason)
  for _, line in ipairs(command.lines(outcome.err)) do
    if line:find("scrape: " .. url .. ": ", 1, true) and line:find(reason) then return end
  end
  error(string.format("no failure of %s with %s in:\n%s", url, reason, outcome.err))
end

local function assert_refused(outcome, status, text)
  assert.equal(status, outcome.status)
  assert.equal("", outcome.out)
  assert.truthy(outcome.err:find(text, 1, true), outcome.err)
  assert.falsy(outcome.err:find("traceback", 1, true))
end

describe("mooncrew scrape", function()
  local parent, folder

  before_each(function()
    parent = command.folder()
    folder = parent .. "/img"
  end)

  after_each(function()
    for _, server in ipairs(servers) do
      server:kill()
      server:join()
    end
    servers = {}
    command.clean_up()
  end)

  it("gets every image of a site once, byte for byte", function()
    local site = command.folder()
    local images = site_maker.make(site, { pages = 4, images = 20, bytes = 3000000 })
    local asked = mooncrew.Queue()
    local base = serve{ root = site, hook = function(request) asked:put(request.path) end }
    local list = parent .. "/list"
    local outcome = command.run("scrape.lua", base .. "list/{1..4}.html", "-s", SELECT,
      "-o", folder, "--json", list)
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)

    local entries = read_list(command.read_file(list))
    for _, image in ipairs(images) do
      local got = entries[base .. image.url]
      assert.truthy(got, image.url)
      assert.equal(image.size, got.size)
      assert.equal(200, got.status)
      local path = folder .. "/" .. got.file
      assert.is_true(command.read_file(site .. "/" .. image.path) == command.read_file(path))
      local sum = assert(io.popen("sha256sum <" .. "'" .. path .. "'"))
      assert.equal(sum:read("a"):match("^%x+"), got.sha256)
      sum:close()
    end
    assert.equal(#images, #command.names(folder))
    local times = {}
    for _ = 1, asked:qsize() do
      local path = asked:get()
      times[path] = (times[path] or 0) + 1
    end
    for path, n in pairs(times) do assert.equal(1, n, path) end
    assert.equal(1, times["/robots.txt"])
    assert.is_nil(times["/icon.gif"])
    assert.is_nil(times["/ad.gif"])
    local cores = mooncrew.cpu_count()
    assert.truthy(outcome.out:find("^4 pages, 80 images, [%d.]+ MB, [%d.]+ s, [%d.]+ MB/s,"
      .. " 0 failed, " .. math.min(4, cores) + math.min(2, cores) .. " processes\n$"), outcome.out)
  end)

  it("finds what an XPath, a selector or an attribute says, in one page", function()
    local page = [[<p class="x y"><a href=' pic/1.png '>one</a><a rel=/2.png></a></p>
      <img src=/3.png><img src=data:image/gif;base64,R0 data-src=//HOST/4.png>
      <img data-original="/5.png&amp;x" src=/no><img alt=none>]]
    local base = serve{
      hook = function(request)
        if request.path ~= "/page" then return { body = request.path } end
        return { body = (page:gsub("HOST", request.headers.host)) }
      end,
    }
    local cases = {
      { { "1.png" }, "--xpath", "//a/@href" },
      { { "1.png" }, "--xpath", "string(//a/@href)" },
      { { "1.png" }, "--select", "p.x > a" },
      { { "2.png" }, "-s", ".y a", "--attr", "rel" },
      { { "1.png", "3.png" }, "-s", "p a@href, img[src$='3.png']@src" },
      { { "3.png", "4.png", "5.png&x" } },
    }
    for i, case in ipairs(cases) do
      local to = folder .. i
      local outcome = command.run("scrape.lua", base .. "page", "-o", to, table.unpack(case, 2))
      assert.equal("", outcome.err)
      assert.equal(0, outcome.status)
      assert.same(case[1], command.names(to))
    end
    assert.equal("/pic/1.png", command.read_file(folder .. "1/1.png"))
  end)

  it("downloads a list of addresses, and what pages show, each once", function()
    local asked = mooncrew.dict{}
    local base = serve{
      hook = function(request)
        mooncrew.dict.incr(asked, request.path)
        if request.path == "/list" then return listing{ "/1", "/4" } end
        return { body = request.path }
      end,
    }
    local path = parent .. "/addresses"
    command.write_file(path, ("# ours\n%s1\n\n  %s2\r\nnonsense\n%s1\n%s3"):gsub("%%s", base))
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-i", path, "-o",
      folder)
    assert.equal(1, outcome.status)
    assert.equal("scrape: nonsense: not an http address\n", outcome.err)
    assert.truthy(outcome.out:find("^1 page, 4 images"), outcome.out)
    assert.same({ "1", "2", "3", "4" }, command.names(folder))
    for name, times in pairs(asked) do assert.equal(1, times, name) end

    outcome = command.run_shell("exec <" .. path, "scrape.lua", "-i", "-", "-o", folder .. "2")
    assert.truthy(outcome.out:find("^0 pages, 3 images"), outcome.out)
    assert.same({ "1", "2", "3" }, command.names(folder .. "2"))
    command.write_file(path, "")
    outcome = command.run("scrape.lua", "-i", path, "-o", folder .. "3")
    assert.equal(0, outcome.status, outcome.err)
  end)

  it("puts a list that is longer than the queue", function()
    local lines = {}
    local base = serve{ hook = function() return { body = "User-agent: *\nDisallow: /" } end }
    for i = 1, 25000 do lines[i] = base .. i end
    command.write_file(parent .. "/addresses", table.concat(lines, "\n"))
    local outcome = command.run("scrape.lua", "-i", parent .. "/addresses", "-o", folder)
    assert.equal(1, outcome.status)
    assert.equal(25000, #command.lines(outcome.err))
    assert.truthy(outcome.err:find("/25000: robots.txt forbids it\n", 1, true))
  end)

  it("reports what fails, with the reason, and gets the rest", function()
    local dead = string.format("http://127.0.0.1:%d/", command.free_port())
    local base = serve{
      hook = function(request)
        local path = request.path
        if path == "/1" then
          return listing{ "/good", "/missing", "/hanging", "/large", dead .. "x", "/dropped" }
        end
        if path == "/2" then return { status = 500, body = "" } end
        if path == "/3" then return listing{ "/other" } end
        if path == "/hanging" then return { hang = true } end
        if path == "/dropped" then return { drop = true } end
        if path == "/missing" then return { status = 404, body = "not here" } end
        return { body = path == "/large" and string.rep("x", 5000) or path }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "{1..3}", "-s", SELECT, "-o", folder,
      "--timeout", "2", "--retries", "0", "--max-size", "1K", "--json", parent .. "/list")
    assert.equal(1, outcome.status)
    assert_failed(outcome, base .. "missing", "404")
    assert_failed(outcome, base .. "hanging", "[Tt]ime")
    assert_failed(outcome, base .. "large", ".")
    assert_failed(outcome, base .. "dropped", ".")
    assert_failed(outcome, dead .. "x", ".")
    assert_failed(outcome, base .. "2", "500")
    assert.equal(6, #command.lines(outcome.err))
    assert.same({ "good", "other" }, command.names(folder))
    assert.equal("/good", command.read_file(folder .. "/good"))
    assert.truthy(outcome.out:find("^2 pages, 2 images, .* 6 failed"))
    local entries = read_list(command.read_file(parent .. "/list"))
    assert.equal(404, entries[base .. "missing"].status)
    assert.equal("HTTP status 404", entries[base .. "missing"].error)
    assert.is_nil(entries[base .. "missing"].file)
    assert.equal("good", entries[base .. "good"].file)
  end)

  it("reports listing pages that can't be had", function()
    local dead = string.format("http://127.0.0.1:%d/", command.free_port())
    local outcome = command.run("scrape.lua", dead .. "{1..2}", "-o", folder, "--retries", "0")
    assert.equal(1, outcome.status)
    assert_failed(outcome, dead .. "1", ": Failed to connect")
    assert_failed(outcome, dead .. "2", ": Failed to connect")
    outcome = command.run("scrape.lua", dead, "-o", folder, "--retries", "0", "--no-robots")
    assert_failed(outcome, dead, ": Failed to connect")
  end)

  it("writes nothing outside of its folder, whatever the addresses say", function()
    local base = serve{
      hook = function(request)
        if request.path == "/list" then
          return listing{
            "/img/..%2f..%2fescaped", "/%2e%2e%2f%2e%2e%2fescaped", "/..", "/img/%2e%2e",
            "/img/%2e", "/img/", "//" .. request.headers.host .. "//etc/escaped",
            "/img/%2fetc%2fescaped", "/a%00b", "/img/..%5c..%5cescaped", "/%0aline",
            "/" .. string.rep("long", 1000) .. ".jpg", "/" .. string.rep("%C3%A9", 300),
            "file:///etc/passwd", "javascript:alert(1)", "data:image/gif;base64,R0lGODdh",
            "/img/x/../../../escaped", "/-rf", "/~root", "/.hidden", "/%FF%FE", "http://",
          }
        end
        return { body = "hostile" }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder)
    assert.equal(1, outcome.status)
    assert_failed(outcome, "file:///etc/passwd", "not an http address")
    assert_failed(outcome, "javascript:alert(1)", "not an http address")
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    assert.same({ "img" }, command.names(parent))
    local names = command.names(folder)
    assert.is_true(#names >= 13, table.concat(names, " "))
    for _, name in ipairs(names) do
      assert.is_true(#name <= 255)
      assert.falsy(name:find("[/%c]"), name)
      assert.equal("file", uv.fs_lstat(folder .. "/" .. name).type)
      assert.equal("hostile", command.read_file(folder .. "/" .. name))
    end
  end)

  it("keeps images of the same name apart", function()
    local base = serve{
      hook = function(request)
        if request.path == "/list" then
          return listing{ "/a/x.jpg", "/b/x.jpg", "/c/x.jpg?size=2", "/d/x-2.jpg", "/a/x.jpg" }
        end
        return { body = request.path }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder)
    assert.equal(0, outcome.status, outcome.err)
    local bodies = {}
    for i, name in ipairs(command.names(folder)) do
      bodies[i] = command.read_file(folder .. "/" .. name)
    end
    table.sort(bodies)
    assert.same({ "/a/x.jpg", "/b/x.jpg", "/c/x.jpg", "/d/x-2.jpg" }, bodies)
  end)

  it("keeps at most so many downloads going as asked", function()
    local addresses = {}
    for i = 1, 30 do addresses[i] = "/" .. i end
    local most = mooncrew.Queue()
    local base = serve{
      latency = 0.02,
      hook = function(request)
        if request.path == "/list" then return listing(addresses) end
        return { body = request.path }
      end,
      watch = function(under_way) most:put(under_way) end,
    }
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder, "-c", "3")
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(30, #command.names(folder))
    local highest = 0
    for _ = 1, most:qsize() do highest = math.max(highest, most:get()) end
    assert.equal(3, highest)
  end)

  it("refuses a folder or a list that can't be made", function()
    command.write_file(parent .. "/file", "")
    local url = "http://127.0.0.1:1/"
    for _, words in ipairs{
      { "-o", parent .. "/file/below" }, { "-o", folder, "--json", parent .. "/file/list" },
    } do
      local outcome = command.run("scrape.lua", url, table.unpack(words))
      assert_refused(outcome, 1, "scrape: " .. parent .. "/file")
      assert.equal(1, #command.lines(outcome.err))
    end
  end)

  it("ends when its list can't be written", function()
    local base = serve{
      hook = function(request)
        if request.path == "/list" then return listing{ "/1", "/2", "/3" } end
        return { body = "x" }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder,
      "--json", "/dev/full")
    assert_refused(outcome, 1, "/dev/full: No space left on device")
    assert.equal(1, #command.lines(outcome.err))
    outcome = command.run_shell("exec >/dev/full", "scrape.lua", base .. "list", "-o", folder)
    assert_refused(outcome, 1, "scrape: stdout: No space left on device")
  end)

  it("ends with status 2 for bad usage", function()
    local url = "http://127.0.0.1:1/"
    local cases = {
      { "expected addresses of pages, or --input FILE" },
      { "/none/such: No such file or directory", "-i", "/none/such" },
      { "/tmp: Is a directory", "-i", "/tmp" },
      { "expected an http or https address, got 'ftp://x/'", "ftp://x/" },
      { "expected an http or https address, got 'http://'", "http://" },
      { "expected a range such as {1..10}, got '{2..1}'", url .. "{2..1}" },
      { "expected a range such as {1..10}, got '{1..x}'", url .. "{1..x}" },
      { "expected a range such as {1..10}, got '{0..9999999999}'", url .. "{0..9999999999}" },
      { "got '0'", url, "-c", "0" },
      { "expected seconds, more than 0, got '-1'", url, "--timeout=-1" },
      { "expected a size such as 500K or 10M, got '1X'", url, "--max-size", "1X" },
      { "expected a whole number from 0 to 100, got 'x'", url, "--retries", "x" },
      { "expected requests a second, more than 0, got '0'", url, "--rate", "0" },
      { "XPath '//p[': ", url, "--xpath", "//p[" },
      { "finds a number", url, "--xpath", "count(//p)" },
      { "unknown function", url, "--xpath", "nope(//p)" },
      { "expected a selector such as", url, "--select", "p >> a" },
      { "can not be used together", url, "--select", "p", "--xpath", "//p" },
      { "expected a header such as 'Name: value', got 'x'", url, "--header", "x" },
      { "expected a line of text", url, "--user-agent", "a\nb: c" },
      { "--resume needs --json FILE", url, "--resume" },
    }
    for _, case in ipairs(cases) do
      assert_refused(command.run("scrape.lua", table.unpack(case, 2)), 2, case[1])
    end
  end)

  it("sends headers and a name", function()
    local heads = mooncrew.Queue()
    local base = serve{
      hook = function(request)
        heads:put(request.headers)
        return request.path == "/list" and listing{ "/a" } or { body = "x" }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder,
      "--user-agent", "Reader/2", "-H", "X-Key: 7", "-H", "Referer: http://r/")
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(3, heads:qsize()) -- robots.txt, the page, the image
    for _ = 1, 3 do
      local headers = heads:get()
      assert.equal("Reader/2", headers["user-agent"])
      assert.equal("7", headers["x-key"])
      assert.equal("http://r/", headers.referer)
    end
  end)

  it("does as robots.txt says, unless told otherwise", function()
    local asked = mooncrew.Queue()
    local other = serve{
      hook = function(request)
        if request.path == "/robots.txt" then return { status = 503, body = "" } end
        return { body = "x" }
      end,
    }
    local base = serve{
      hook = function(request)
        asked:put(request.path)
        if request.path == "/robots.txt" then
          return { body = "User-agent: *\nDisallow: /private\nDisallow: /list2\n" }
        elseif request.path:find("^/list") then
          return listing{ "/a", "/private/b", other .. "c" }
        end
        return { body = "x" }
      end,
    }
    local function paths()
      local times = {}
      for _ = 1, asked:qsize() do
        local path = asked:get()
        times[path] = (times[path] or 0) + 1
      end
      return times
    end
    local outcome = command.run("scrape.lua", base .. "list{1..2}", "-s", SELECT, "-o", folder,
      "--retries", "0")
    assert.equal(1, outcome.status)
    assert_failed(outcome, base .. "list2", "robots.txt forbids it")
    assert_failed(outcome, base .. "private/b", "robots.txt forbids it")
    assert_failed(outcome, other .. "c", "robots.txt: HTTP status 503")
    assert.equal(3, #command.lines(outcome.err))
    assert.same({ "a" }, command.names(folder))
    assert.same({ ["/robots.txt"] = 1, ["/list1"] = 1, ["/a"] = 1 }, paths())

    outcome = command.run("scrape.lua", base .. "list{1..2}", "-s", SELECT, "-o", folder,
      "--no-robots")
    assert.equal(0, outcome.status, outcome.err)
    assert.same({ "a", "b", "c" }, command.names(folder))
    assert.same({ ["/list1"] = 1, ["/list2"] = 1, ["/a"] = 1, ["/private/b"] = 1 }, paths())
  end)

  it("keeps to so many requests at once to a host, and so many a second", function()
    local addresses = {}
    for i = 1, 12 do addresses[i] = "/" .. i end
    local most = mooncrew.Queue()
    local base = serve{
      latency = 0.02,
      hook = function(request)
        if request.path:find("^/list") then return listing(addresses) end
        return { body = request.path }
      end,
      watch = function(under_way) most:put(under_way) end,
    }
    local outcome = command.run("scrape.lua", base .. "list{1..6}", "-s", SELECT, "-o", folder,
      "--per-host", "2")
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(12, #command.names(folder))
    local highest = 0
    for _ = 1, most:qsize() do highest = math.max(highest, most:get()) end
    assert.equal(2, highest)

    local started = uv.hrtime()
    outcome = command.run("scrape.lua", base .. "list1", "-s", SELECT, "-o", folder,
      "--rate", "50")
    assert.equal(0, outcome.status, outcome.err)
    -- 14 requests: robots.txt, the page and the images.
    assert.is_true(uv.hrtime() - started >= 13 / 50 * 1e9)
  end)

  it("follows redirects, to what it has not had", function()
    local asked = mooncrew.Queue()
    local base = serve{
      hook = function(request)
        local path = request.path
        asked:put(path)
        local to = ({
          ["/old"] = "/list", ["/moved"] = "b", ["/round"] = "/round2", ["/round2"] = "/round",
          ["/away"] = "ftp://x/y", ["/new"] = "/c",
        })[path]
        if to then return { status = 302, headers = { Location = to }, body = "moved" } end
        if path == "/list" then
          return listing{ "/a", "/b", "/moved", "/new", "/round", "/away", "/b#top", "/x/../b" }
        end
        return { body = path }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "old", "-s", SELECT, "-o", folder,
      "--json", "-", "-c", "1")
    assert.equal(1, outcome.status)
    assert_failed(outcome, base .. "away", "redirected to ftp://x/y")
    assert.same({ "a", "b", "new" }, command.names(folder))
    assert.equal("/c", command.read_file(folder .. "/new"))
    local entries = read_list(outcome.out)
    assert.equal(base .. "b", entries[base .. "moved"].location)
    assert.is_nil(entries[base .. "moved"].file)
    local times = {}
    for _ = 1, asked:qsize() do
      local path = asked:get()
      times[path] = (times[path] or 0) + 1
    end
    for path, n in pairs(times) do assert.equal(1, n, path) end
  end)

  it("resumes: what is listed and there is not fetched again", function()
    local asked = mooncrew.Queue()
    local broken = true
    local base
    local function hook(request)
      asked:put(request.path)
      if request.path == "/list" then return listing{ "/1/x", "/2/x", "/3/x", "/4/x" } end
      if broken and request.path == "/2/x" then return { status = 404, body = "" } end
      return { body = request.path }
    end
    base = serve{ hook = hook }
    local port = base:match(":(%d+)")
    local list = parent .. "/list"
    local function run(...)
      return command.run("scrape.lua", base .. "list", "-s", SELECT, "-o", folder,
        "--json", list, "--no-robots", ...)
    end
    assert.equal(1, run().status)
    -- One file is gone, another is not whole, and the list's last line is torn.
    local entries = read_list(command.read_file(list))
    os.remove(folder .. "/" .. entries[base .. "3/x"].file)
    command.write_file(folder .. "/" .. entries[base .. "4/x"].file, "")
    command.write_file(list, command.read_file(list) .. '{"url":"' .. base .. '9/x","fi')
    for _ = 1, asked:qsize() do asked:get() end
    servers[1]:kill()
    servers[1]:join()
    broken = false
    serve{ hook = hook, port = math.tointeger(tonumber(port)) }

    local outcome = run("--resume")
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)
    assert.truthy(outcome.out:find("^1 page, 3 images %(1 more were there%)"), outcome.out)
    local paths = {}
    for i = 1, asked:qsize() do paths[i] = asked:get() end
    table.sort(paths)
    assert.same({ "/2/x", "/3/x", "/4/x", "/list" }, paths)
    local bodies = {}
    for i, name in ipairs(command.names(folder)) do
      bodies[i] = command.read_file(folder .. "/" .. name)
    end
    table.sort(bodies)
    assert.same({ "/1/x", "/2/x", "/3/x", "/4/x" }, bodies)

    outcome = run("--resume")
    assert.truthy(outcome.out:find("^1 page, 0 images %(4 more were there%)"), outcome.out)
  end)

  it("goes on after SIGKILL where it was", function()
    local asked = mooncrew.Queue()
    local hanging = mooncrew.Event()
    local base = serve{
      hook = function(request)
        asked:put(request.path)
        if request.path == "/list" then return listing{ "/1/x", "/2/x", "/3/x" } end
        if request.path == "/2/x" and not hanging:is_set() then
          hanging:set()
          return { hang = true }
        end
        return { body = request.path }
      end,
    }
    local words = {
      base .. "list", "-s", SELECT, "-o", folder, "--json", parent .. "/list", "-c", "1",
      "--no-robots",
    }
    local child = command.start("scrape.lua", table.unpack(words))
    hanging:wait() -- the first is there and listed, the second under way
    child:signal("sigkill")
    child:finish()
    assert.same({ "x" }, command.names(folder))
    words[#words + 1] = "--resume"
    local outcome = command.run("scrape.lua", table.unpack(words))
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)
    local times = {}
    for _ = 1, asked:qsize() do
      local path = asked:get()
      times[path] = (times[path] or 0) + 1
    end
    assert.same({ ["/list"] = 2, ["/1/x"] = 1, ["/2/x"] = 2, ["/3/x"] = 1 }, times)
    local entries = read_list(command.read_file(parent .. "/list"))
    for i, name in ipairs{ "x", "x-2", "x-3" } do
      assert.equal(name, entries[base .. i .. "/x"].file)
      assert.equal("/" .. i .. "/x", command.read_file(folder .. "/" .. name))
    end
    assert.equal(3, #command.names(folder))
  end)

  it("leaves whole files only, and no process, after Ctrl-C", function()
    local hanging = mooncrew.Queue()
    local base = serve{
      hook = function(request)
        if request.path == "/list" then return listing{ "/good", "/hanging" } end
        if request.path == "/hanging" then
          hanging:put(true)
          return { hang = true }
        end
        return { body = "good" }
      end,
    }
    local child = command.start("scrape.lua", base .. "list", "-s", SELECT, "-o", folder)
    hanging:get() -- the download is under way
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status, outcome.err)
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    assert.is_false(child:has_processes())
    for _, name in ipairs(command.names(folder)) do assert.equal("good", name) end
  end)
end)
