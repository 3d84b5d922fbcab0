local command = dofile "tests/spec/support/command.lua"
local file_names = require "lib.file_names"
local mooncrew = require "mooncrew"
local site_maker = require "lib.site_maker"
local site_server = require "lib.site_server"
local uv = require "luv"

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

local function read_manifest(path)
  local names = {}
  for line in assert(io.lines(path)) do
    local name, size, url = line:match("^([^\t]+)\t(%d+)\t(.+)$")
    names[url] = { name = name, size = tonumber(size) }
  end
  return names
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
    local manifest = parent .. "/manifest"
    local outcome = command.run("scrape.lua", base .. "list/{page}.html", "--pages", "1-4",
      "-o", folder, "--manifest", manifest)
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)

    local names = read_manifest(manifest)
    for _, image in ipairs(images) do
      local got = names[base .. image.url]
      assert.truthy(got, image.url)
      assert.equal(image.size, got.size)
      local same = command.read_file(site .. "/" .. image.path)
        == command.read_file(folder .. "/" .. got.name)
      assert.is_true(same, image.path)
    end
    assert.equal(#images, #command.names(folder))
    local times = {}
    for _ = 1, asked:qsize() do
      local path = asked:get()
      times[path] = (times[path] or 0) + 1
    end
    for path, n in pairs(times) do assert.equal(1, n, path) end
    assert.is_nil(times["/icon.gif"])
    assert.is_nil(times["/ad.gif"])
    assert.truthy(outcome.out:find("^4 pages, 80 images, [%d.]+ MB, [%d.]+ s, [%d.]+ MB/s,"
      .. " 0 failed, 5 processes\n$"), outcome.out)
  end)

  it("finds what another XPath says, in one page without a number", function()
    local base = serve{
      hook = function(request)
        if request.path == "/page" then return { body = "<p><a href=' pic/1.png '>one</a>" } end
        return { body = "picture" }
      end,
    }
    local outcome = command.run("scrape.lua", base .. "page", "--xpath", "//a/@href", "-o", folder)
    assert.equal("", outcome.err)
    assert.equal(0, outcome.status)
    assert.equal("picture", command.read_file(folder .. "/1.png"))
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
    local outcome = command.run("scrape.lua", base .. "{page}", "--pages", "1-3", "-o", folder,
      "--timeout", "2", "--retries", "0", "--max-size", "1K")
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
  end)

  it("reports listing pages that can't be had or a wrong XPath", function()
    local dead = string.format("http://127.0.0.1:%d/", command.free_port())
    local outcome = command.run("scrape.lua", dead .. "{page}", "--pages", "1-2", "-o", folder,
      "--retries", "0")
    assert.equal(1, outcome.status)
    assert_failed(outcome, dead .. "1", ": Failed to connect")
    assert_failed(outcome, dead .. "2", ": Failed to connect")

    local base = serve{ hook = function() return { body = "<p>x" } end }
    for _, xpath in ipairs{ "//p[", "//p" } do
      outcome = command.run("scrape.lua", base .. "page", "--xpath", xpath, "-o", folder)
      assert.equal(1, outcome.status)
      assert_failed(outcome, base .. "page", "XPath")
      assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    end
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
    local outcome = command.run("scrape.lua", base .. "list", "-o", folder)
    assert.equal(1, outcome.status)
    assert_failed(outcome, "file:///etc/passwd", "not an http address")
    assert_failed(outcome, "javascript:alert(1)", "not an http address")
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    assert.same({ "img" }, command.names(parent))
    local names = command.names(folder)
    assert.is_true(#names >= 15, table.concat(names, " "))
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
    local outcome = command.run("scrape.lua", base .. "list", "-o", folder)
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
    local outcome = command.run("scrape.lua", base .. "list", "-o", folder, "-c", "3")
    assert.equal(0, outcome.status, outcome.err)
    assert.equal(30, #command.names(folder))
    local highest = 0
    for _ = 1, most:qsize() do highest = math.max(highest, most:get()) end
    assert.equal(3, highest)
  end)

  it("refuses a folder that can't be made", function()
    command.write_file(parent .. "/file", "")
    local outcome = command.run("scrape.lua", "http://127.0.0.1:1/", "-o", parent .. "/file/below")
    assert_refused(outcome, 1, "scrape: " .. parent .. "/file")
    assert.equal(1, #command.lines(outcome.err))
  end)

  it("ends with status 2 for bad usage", function()
    local url = "http://127.0.0.1:1/{page}"
    local cases = {
      { "missing argument 'url'" },
      { "expected an http or https address, got 'ftp://x/'", "ftp://x/" },
      { "expected an http or https address, got 'http://'", "http://" },
      { "which --pages?", url },
      { "--pages needs {page}", "http://127.0.0.1:1/", "--pages", "1-2" },
      { "expected pages such as 1-10 or 3, got '2-1'", url, "--pages", "2-1" },
      { "expected pages such as 1-10 or 3, got 'all'", url, "--pages", "all" },
      { "got '0'", url, "--pages", "1", "-c", "0" },
      { "expected seconds, more than 0, got '-1'", url, "--pages", "1", "--timeout=-1" },
      { "expected a size such as 500K or 10M, got '1X'", url, "--pages", "1", "--max-size", "1X" },
      { "expected a whole number from 0 to 100, got 'x'", url, "--pages", "1", "--retries", "x" },
    }
    for _, case in ipairs(cases) do
      assert_refused(command.run("scrape.lua", table.unpack(case, 2)), 2, case[1])
    end
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
    local child = command.start("scrape.lua", base .. "list", "-o", folder)
    hanging:get() -- the download is under way
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true), outcome.err)
    assert.is_false(child:has_processes())
    for _, name in ipairs(command.names(folder)) do assert.equal("good", name) end
  end)
end)

describe("file names of addresses", function()
  it("are the last part, decoded and made safe, each once", function()
    local names = file_names.new()
    local cases = {
      { "http://a/img/cat.jpg?size=1", "cat.jpg" },
      { "http://b/cat.jpg#top", "cat-2.jpg" },
      { "http://c/cat-2.jpg", "cat-2-2.jpg" },
      { "http://a/moon%20%E6%9C%88.png", "moon 月.png" },
      { "http://a/", "index" },
      { "http://a", "index-2" },
      { "http://a/.hidden", ".hidden" },
      { "http://b/.hidden", ".hidden-2" },
      { "http://a/archive.tar.gz", "archive.tar.gz" },
      { "http://b/archive.tar.gz", "archive.tar-2.gz" },
    }
    for _, case in ipairs(cases) do assert.equal(case[2], names:pick(case[1])) end
  end)

  it("are cut between characters, the extension kept, with room for a number", function()
    local names = file_names.new()
    local url = "http://a/" .. string.rep("é", 300) .. ".jpeg"
    local first, second = names:pick(url), names:pick(url)
    assert.not_equal(first, second)
    for _, name in ipairs{ first, second } do
      assert.is_true(#name <= 255 and #name > 150)
      assert.truthy(utf8.len(name))
      assert.equal(".jpeg", name:sub(-5))
    end
  end)
end)
