-- The scraper against a real nginx and a server with a fault of each kind: what can be had is
-- there, byte for byte, once; what can't is reported with its reason; nothing is asked for twice
-- without one.

local command = dofile "tests/spec/support/command.lua"
local dkjson = require "dkjson"
local fault_server = dofile "tests/spec/support/fault_server.lua"
local nginx = dofile "tests/spec/support/nginx.lua"
local web = dofile "tests/spec/support/web.lua"

-- What becomes of an address of the fault server, and by how many requests.
local FAULTS = {
  { "/drop/once/a.png" }, { "/reset/once/b.png" }, { "/half/once/c.png" },
  { "/chunks/once/d.png" }, { "/busy/once/e.png" }, { "/slow_down/once/f.png" },
  { "/error/once/g.png" }, { "/hang/once/h.png" }, { "/drip/once/i.png" }, { "/fine/j.png" },
  { "/cut/once/aa.png" }, { "/cut/always/ab.png", "breaks off", 3 },
  { "/drop/always/k.png", "Empty reply" }, { "/reset/always/l.png", "reset by peer" },
  { "/half/always/m.png", "transfer closed", 3 }, { "/chunks/always/n.png", "transfer closed", 3 },
  { "/gzip/always/o.png", "[Ee]ncoding", 1 }, { "/busy/always/p.png", "HTTP status 503", 3 },
  { "/slow_down/always/q.png", "HTTP status 429", 3 },
  { "/error/always/r.png", "HTTP status 500", 3 },
  { "/missing/always/s.png", "HTTP status 404", 1 }, { "/hang/always/t.png", "too slow", 3 },
  { "/drip/always/u.png", "too slow", 3 },
  { "/large/always/v.png", "larger than 1048576 bytes", 1 },
  { "/endless/always/w.png", "larger than 1048576 bytes", 1 },
  { "/rubbish/always/x.png", "HTTP/0.9", 1 }, { "/loop/always/y.png", "more than 10 redirects", 1 },
  { "/elsewhere/always/z.png", "redirected to file:///etc/passwd", 1 },
}

-- Files of nginx: names, and what the pages call them.
local GOOD = {
  ["img/1.png"] = "one", ["img/2&3.png"] = "two", ["more/img/1.png"] = "another one",
  ["img/月.png"] = "moon", ["img/é.png"] = "e", ["img/a b.png"] = "blank",
  ["img/gzip.svg"] = string.rep("<svg>", 1000), ["img/brotli.bmp"] = string.rep("BM", 1000),
  ["img/relative.png"] = "relative", ["index.html"] = "the root", ["img/none.png"] = "",
}

local function image(address)
  return '<img src="' .. address .. '">\n'
end

local function images(...)
  local parts = {}
  for i, address in ipairs{ ... } do parts[i] = image(address) end
  return table.concat(parts)
end

describe("mooncrew scrape", function()
  local site, folder, list, server

  local function put(path, bytes)
    os.execute("mkdir -p '" .. site .. "/" .. path:gsub("[^/]*$", "") .. "'")
    command.write_file(site .. "/" .. path, bytes)
  end

  before_each(function()
    site, folder = command.folder(), command.folder() .. "/img"
    list = folder .. ".jsonl"
    for path, bytes in pairs(GOOD) do put(path, bytes) end
  end)

  after_each(function()
    if server then server:stop() end
    server = nil
    command.clean_up()
  end)

  local function scrape(...)
    return command.run("scrape.lua", server.url .. "/list/{1..5}.html", "-o", folder, "--json",
      list, "--retries", "2", "--stall", "1", "--max-size", "1M", ...)
  end

  local function read_list()
    local entries = {}
    for _, line in ipairs(command.lines(command.read_file(list))) do
      local entry = assert(dkjson.decode(line))
      assert.is_nil(entries[entry.url], entry.url)
      entries[entry.url] = entry
    end
    return entries
  end

  -- Pages in several encodings, declared and not, with addresses of every form.
  local function make_pages(faults, dead)
    local at = server.url
    local trouble = {}
    for i, fault in ipairs(FAULTS) do trouble[i] = faults.url .. fault[1] end
    put("list/1.html", images("/img/1.png", at .. "/img/1.png#twice", "../img/1.png",
      "//127.0.0.1:" .. server.port .. "/img/1.png", "/img/2&amp;3.png", "/img/a b.png",
      "/x/../img/1.png", "&#x2F;img&#47;none.png", "/img/gzip.svg", "/img/brotli.bmp"))
    put("list/2.html", '<meta charset="GBK"><base href="/more/img/">'
      .. images("1.png", "/img/\xD4\xC2.png"))
    put("list/3.html", images("/img/é.png", "/img/月.png")) -- UTF-8, which nothing says
    put("list/4.html", images("/img/\xE9.png", "../img/relative.png", at)) -- Latin-1, likewise
    put("list/5.html", images(table.unpack(trouble))
      .. images(dead .. "/x.png", "http://no-such-host.invalid/x.png", "/img/missing.png",
        at .. "/..%2f..%2fetc/passwd", "http://", "/img/1.png"))
  end

  local function check_nginx_log()
    server:stop()
    local times = {}
    for _, request in ipairs(server:log()) do
      times[request.target] = (times[request.target] or 0) + 1
      if request.target:find("gzip.svg") then assert.equal("gzip", request.encoding) end
      if request.target:find("brotli.bmp") then assert.equal("br", request.encoding) end
    end
    for target, n in pairs(times) do assert.equal(1, n, target) end
    assert.equal(1, times["/robots.txt"])
    assert.equal(1, times["/list/1.html"])
  end

  -- Only a faulty answer is a reason to ask again, and Retry-After is waited for.
  local function check_fault_log(faults)
    local last, times = {}, {}
    for _, request in ipairs(faults:log()) do
      local path, before = request.path, last[request.path]
      assert.is_true(before == nil or before.fault, path)
      if before and (path:find("^/busy") or path:find("^/slow_down")) then
        assert.is_true(request.time - before.time >= 0.99, path)
      end
      last[path] = request
      times[path] = (times[path] or 0) + 1
    end
    for _, fault in ipairs(FAULTS) do
      if fault[3] then assert.equal(fault[3], times[fault[1]], fault[1]) end
    end
  end

  it("gets what can be had, and says of the rest why not", function()
    local faults <close> = fault_server.start()
    server = nginx.start(command.folder(), {
      root = site, http = "gzip on; gzip_min_length 1; gzip_types image/svg+xml;"
        .. " brotli on; brotli_min_length 1; brotli_types image/x-ms-bmp;",
    })
    local dead = "http://127.0.0.1:" .. web.free_port()
    make_pages(faults, dead)
    local outcome = scrape()
    assert.equal(1, outcome.status)

    local entries = read_list()
    local function check_file(url, bytes)
      local entry = entries[url]
      assert.truthy(entry and entry.file, url)
      assert.is_true(command.read_file(folder .. "/" .. entry.file) == bytes, url)
      assert.equal(#bytes, entry.size)
    end
    local files, reasons = 0, {}
    for path, bytes in pairs(GOOD) do
      local name = path:gsub("[\128-\255 ]", function(c) return ("%%%02X"):format(c:byte()) end)
      check_file(server.url .. "/" .. (path == "index.html" and "" or name), bytes)
      files = files + 1
    end
    for _, fault in ipairs(FAULTS) do
      local url = faults.url .. fault[1]
      if fault[2] then
        reasons[url] = fault[2]
      else
        check_file(url, fault[1])
        files = files + 1
      end
    end
    reasons[dead .. "/x.png"] = "robots.txt: Failed to connect"
    reasons["http://no-such-host.invalid/x.png"] = "Could not resolve host"
    reasons[server.url .. "/img/missing.png"] = "HTTP status 404"
    reasons[server.url .. "/..%2f..%2fetc/passwd"] = "HTTP status 40[04]"
    reasons["http://"] = "not an http address"
    assert.equal(files, #command.names(folder))

    local failures = {}
    for _, line in ipairs(command.lines(outcome.err)) do
      local url, reason = line:match("^scrape: (%S+): (.*)$")
      assert.is_nil(failures[url], line)
      failures[url] = reason
      assert.truthy(reasons[url] and reason:find(reasons[url]), line)
      assert.equal(reason, entries[url].error)
    end
    for url in pairs(reasons) do assert.truthy(failures[url], url) end
    check_fault_log(faults)
    check_nginx_log()
  end)

  it("refuses a page of 200 MB, and goes on with the others", function()
    server = nginx.start(command.folder(), { root = site })
    for i = 1, 4 do put("list/" .. i .. ".html", images("/img/1.png")) end
    put("list/5.html", "")
    os.execute("truncate -s 200M '" .. site .. "/list/5.html'")
    local outcome = command.run("scrape.lua", server.url .. "/list/{1..5}.html", "-o", folder)
    assert.equal(1, outcome.status)
    assert.equal("scrape: " .. server.url
      .. "/list/5.html: the body is larger than 33554432 bytes\n", outcome.err)
    assert.same({ "1.png" }, command.names(folder))
  end)

  it("gives up a page that takes too long to be searched, and goes on with the others", function()
    server = nginx.start(command.folder(), { root = site })
    put("list/1.html", images("/img/1.png"))
    put("list/2.html", string.rep("<p><b>", 1000))
    local outcome = command.run("scrape.lua", server.url .. "/list/{1..2}.html", "-o", folder,
      "--xpath", "//img | //p[count(//b[count(//p) > 1]) > 1]")
    assert.equal(1, outcome.status)
    assert.truthy(outcome.err:find("^scrape: " .. server.url .. "/list/2.html: .*too many steps"),
      outcome.err)
    assert.equal(1, #command.lines(outcome.err))
    assert.same({ "1.png" }, command.names(folder))
  end)
end)
