local mooncrew = require "mooncrew"
local http = require "mooncrew.http"
local fs = require "mooncrew.fs"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"
local web = dofile "tests/spec/support/web.lua"

-- Loopback is reached without a proxy, whatever the environment says.
local function options(more)
  local all = { proxy = "" }
  for name, value in pairs(more or {}) do all[name] = value end
  return all
end

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function fails_with(kind, code, answer, err)
  assert.is_nil(answer)
  assert.equal(kind, err.kind)
  assert.equal(code, err.code)
  assert.is_true(#err.message > 0)
  return err
end

describe("http.get", function()
  after_each(command.clean_up)

  it("is a field of mooncrew too", function()
    assert.equal(http, mooncrew.http)
  end)

  it("returns status, headers, body and address", function()
    local server <close> = web.serve(function()
      return { status = "201 Made", body = "a\0b", headers = {
        "X-One: 1", "x-one: 2", "Set-Cookie: a=1, x", "Set-Cookie: b=2",
        "Content-Type: text/html; charset=\"GBK\"",
      } }
    end)
    local answer = assert(http.get(server.url .. "/a b", options()))
    assert.equal(201, answer.status)
    assert.equal("a\0b", answer.body)
    assert.equal(server.url .. "/a%20b", answer.url)
    assert.equal("1, 2", answer.headers["x-one"])
    assert.equal("a=1, x\nb=2", answer.headers["set-cookie"])
    assert.equal("GBK", answer.encoding)
    assert.truthy(server.requests[1].head:find("User%-Agent: mooncrew/%d"))
  end)

  it("finds hosts in letters of any language", function()
    local server <close> = web.serve(function() return { body = "" } end)
    local port = server.url:match(":(%d+)$")
    for i, host in ipairs{ "bücher.localhost", "B%C3%9Ccher.localhost" } do
      local answer = assert(http.get("http://" .. host .. ":" .. port .. "/x", options()))
      assert.equal("http://xn--bcher-kva.localhost:" .. port .. "/x", answer.url)
      local named = "\r\nHost: xn--bcher-kva.localhost:" .. port .. "\r\n"
      assert.truthy(server.requests[i].head:find(named, 1, true))
    end
    local err = fails_with("Http", "URL", http.get("http://\xff.localhost/", options()))
    assert.truthy(err.message:find("not a URL: its host: string", 1, true), err.message)
  end)

  it("takes a 404 for an answer", function()
    local server <close> = web.serve(function() return { status = "404 No", body = "none" } end)
    local answer = assert(http.get(server.url, options()))
    assert.equal(404, answer.status)
    assert.equal("none", answer.body)
    assert.is_nil(answer.encoding)
  end)

  it("sends headers of any form", function()
    local server <close> = web.serve(function() return { body = "" } end)
    local headers = { ["X-A"] = "1", ["X-B"] = { "2", "3" }, ["X-C"] = 4, "X-D: 5" }
    assert(http.get(server.url, options{ headers = headers }))
    local head = server.requests[1].head
    for _, line in ipairs{ "X-A: 1", "X-B: 2", "X-B: 3", "X-C: 4", "X-D: 5" } do
      assert.truthy(head:find("\r\n" .. line .. "\r\n", 1, true), line)
    end
    assert(http.get(server.url, options{ headers = { "X-A: 1", "X-B: 2" } }))
    assert.truthy(server.requests[2].head:find("\r\nX-A: 1\r\nX-B: 2\r\n", 1, true))
    -- A list with a gap.
    headers = { "X-A: 1", "X-B: 2", [4] = "X-C: 3", [-1] = "X-D: 4" }
    assert(http.get(server.url, options{ headers = headers }))
    for _, line in ipairs{ "X-A: 1", "X-B: 2", "X-C: 3", "X-D: 4" } do
      assert.truthy(server.requests[3].head:find("\r\n" .. line .. "\r\n", 1, true), line)
    end
  end)

  it("follows redirects, as far as it is told", function()
    local server <close> = web.serve(function(request)
      if request.path == "/end" then return { body = "there" } end
      local to = request.path == "/file" and "file:///etc/passwd"
        or request.path == "/loop" and "/loop" or "/end"
      return { status = "302 Found", headers = { "Location: " .. to } }
    end)
    local answer = assert(http.get(server.url .. "/start", options()))
    assert.equal("there", answer.body)
    assert.equal(server.url .. "/end", answer.url)
    assert.equal(302, assert(http.get(server.url, options{ follow = false })).status)
    fails_with("Http", "URL", http.get(server.url .. "/file", options()))
    fails_with("Http", "REDIRECTS", http.get(server.url .. "/loop", options{ max_redirects = 2 }))
  end)

  it("uses a connection again", function()
    local server <close> = web.serve(function() return { body = "x" } end)
    for _ = 1, 20 do assert(http.get(server.url, options())) end
    assert.equal(20, #server.requests)
    assert.equal(1, server.connections)
  end)

  it("leaves nothing to the next request", function()
    local server <close> = web.serve(function(request)
      local to = request.path == "/from" and { "Location: /to" }
      return { status = to and "302 Found" or "200 OK", headers = to or nil, body = request.path }
    end)
    local function get(path, more) return http.get(server.url .. path, options(more)) end
    local plain = assert(get("/plain"))
    assert(get("/headers", { headers = { "X-A: 1", "User-Agent: me", "Accept-Encoding: x" } }))
    assert.equal(server.url .. "/to", assert(get("/from")).url)
    assert.equal(302, assert(get("/from", { follow = false })).status)
    fails_with("TooLarge", nil, get("/large", { max_size = 1 }))
    assert(http.request(options{ url = server.url .. "/head", method = "HEAD" }))
    assert(http.request(options{ url = server.url .. "/put", method = "PUT", body = "x" }))
    assert(http.get(server.url:gsub("//", "//me:secret@") .. "/secret", options()))
    assert.truthy(server.requests[#server.requests].head:find("\r\nAuthorization: ", 1, true))
    assert(get("/timed", { try_timeout = 60, stall_timeout = 60, min_rate = 9, insecure = true }))
    assert.same(plain, get("/plain"))
    assert.equal(server.requests[1].head, server.requests[#server.requests].head)
  end)

  it("says why there is no answer", function()
    local refused = "http://127.0.0.1:" .. web.free_port() .. "/"
    local err = fails_with("Http", "CONNECT", http.get(refused, options()))
    assert.truthy(err.message:find(refused, 1, true))
    assert.equal(refused, err.url)
    assert.equal(err.message, tostring(err))
    fails_with("Http", "RESOLVE", http.get("http://no-such-host.invalid/", options()))
    for _, url in ipairs{ "", "nonsense", "http://", "file:///etc/passwd", "javascript:x" } do
      fails_with("Http", "URL", http.get(url, options()))
    end
  end)

  it("says that a connection was reset", function()
    local server <close> = web.serve(function()
      return function(peer) peer:close_reset() end
    end)
    local err = fails_with("Http", "TRUNCATED", http.get(server.url, options()))
    assert.truthy(err.message:find("reset by peer", 1, true), err.message)
  end)

  it("tries again on a connection of its own after one that died", function()
    -- Ten connections are kept, which all die when they are used again.
    local waiting, used = {}, {}
    local server <close> = web.serve(function(request)
      return function(peer)
        if used[peer] then return peer:close() end
        if request.path == "/fails" then return peer:close() end
        used[peer] = true
        waiting[#waiting + 1] = peer
        if #waiting < 10 then return end
        for _, one in ipairs(waiting) do
          one:write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        end
      end
    end)
    do
      local pool <close> = mooncrew.CoroutinePool(10)
      for i = 1, 10 do pool:submit(http.get, { server.url .. "/" .. i, options() }) end
    end
    assert.equal(10, server.connections)
    local err = fails_with("Http", "TRUNCATED",
      http.get(server.url .. "/fails", options{ retries = 2, backoff = 0.01 }))
    assert.truthy(err.message:find("Empty reply", 1, true), err.message)
    assert.equal(3, err.attempts)
    assert.is_true(#server.requests - 10 <= 6 + 2, #server.requests)
  end)

  it("gives up a server that never answers", function()
    local server <close> = web.serve(function() end)
    local before = uv.hrtime()
    local answer, err = http.get(server.url, options{ timeout = 0.1 })
    assert.is_nil(answer)
    assert.equal(mooncrew.Timeout, err)
    assert.is_true(uv.hrtime() - before >= 0.099e9)
    fails_with("Timeout", "STALLED", http.get(server.url, options{ stall_timeout = 1 }))
  end)

  it("refuses what breaks off, is broken, or too large", function()
    local server <close> = web.serve(function(request)
      if request.path == "/half" then
        return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang_up = true }
      elseif request.path == "/gzip" then
        return { headers = { "Content-Encoding: gzip" }, body = "this is no gzip" }
      end
      return { body = ("x"):rep(1000) }
    end)
    fails_with("Http", "TRUNCATED", http.get(server.url .. "/half", options()))
    fails_with("Http", "ENCODING", http.get(server.url .. "/gzip", options()))
    fails_with("TooLarge", nil, http.get(server.url, options{ max_size = 999 }))
    assert.equal(1000, #assert(http.get(server.url, options{ max_size = 1000 })).body)
  end)

  it("sees that a gzip breaks off which nothing but the connection ends", function()
    local text = "some text, some text"
    local path = command.folder() .. "/text"
    command.write_file(path, text)
    local pipe <close> = assert(io.popen("gzip -nc " .. path))
    local bytes = pipe:read("a")
    local server <close> = web.serve(function(request)
      local sent = bytes:sub(1, tonumber(request.path:sub(2)))
      return {
        raw = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" .. sent, hang_up = true,
      }
    end)
    for n = 1, #bytes - 1 do
      local answer, err = http.get(server.url .. "/" .. n, options())
      assert.is_nil(answer, n)
      assert.equal("TRUNCATED", err.code)
    end
    assert.equal(text, assert(http.get(server.url .. "/" .. #bytes, options())).body)
    assert.equal("", assert(http.get(server.url .. "/0", options())).body)
  end)

  it("tries again when told to", function()
    local server <close> = web.serve(function(_, n)
      return { status = n < 3 and "503 Busy" or "200 OK", body = tostring(n) }
    end)
    assert.equal("1", assert(http.get(server.url, options())).body)
    assert.equal("3", assert(http.get(server.url, options{ retries = 3, backoff = 0.01 })).body)
  end)

  it("waits in its task alone", function()
    local held
    local server <close> = web.serve(function(request)
      if request.path == "/held" then held = true return nil end
      return { body = request.path }
    end)
    local order = {}
    local slow = mooncrew.spawn(function()
      local _, err = http.get(server.url .. "/held", options{ timeout = 0.3 })
      order[#order + 1] = "slow"
      return err
    end)
    local fast = mooncrew.spawn(function()
      while not held do mooncrew.sleep(0.001) end
      for i = 1, 3 do assert(http.get(server.url .. "/" .. i, options())) end
      order[#order + 1] = "fast"
    end)
    fast:join()
    assert.equal(mooncrew.Timeout, slow:get())
    assert.same({ "fast", "slow" }, order)
  end)

  it("works in a child of a process that used it", function()
    local server <close> = web.serve(function(request) return { body = request.path } end)
    assert(http.get(server.url .. "/parent", options()))
    local child = mooncrew.Process{ target = function()
      return assert(http.get(server.url .. "/child", options())).body
    end }:start()
    -- The server is ours, and runs while a task of ours waits.
    local body
    mooncrew.spawn(function() body = child:get() end):join()
    assert.equal("/child", body)
    assert.equal(2, server.connections)
  end)

  it("raises for wrong arguments", function()
    local function refuses(text, ...)
      local ok, err = pcall(...)
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
    refuses("bad argument #1 to 'mooncrew.http.get' (string expected, got no value)", http.get)
    refuses("string expected, got table", http.get, {})
    refuses("NUL", http.get, "http://a\0b/")
    local url = "http://127.0.0.1/"
    refuses("table expected, got number", http.get, url, 5)
    refuses("unknown option 'tiemout'", http.get, url, { tiemout = 1 })
    refuses("option 'timeout': number of seconds expected, got string", http.get, url,
      { timeout = "5" })
    refuses("nan)", http.get, url, { timeout = 0 / 0 })
    refuses("option 'retries': count expected, got -1", http.get, url, { retries = -1 })
    refuses("option 'retries': count expected, got 1.5", http.get, url, { retries = 1.5 })
    refuses("option 'max_size'", http.get, url, { max_size = {} })
    refuses("option 'follow': boolean expected, got 1", http.get, url, { follow = 1 })
    refuses("option 'ca_file': string expected", http.get, url, { ca_file = true })
    refuses("option 'headers'", http.get, url, { headers = "X: y" })
    refuses("option 'headers'", http.get, url, { headers = { X = true } })
    refuses("got 'X' with a line break", http.get, url, { headers = { X = "a\r\nY: b" } })
    refuses("option 'url': string expected, got nil", http.request, {})
    refuses("got 'GET /'", http.request, { url = url, method = "GET /" })
    refuses("string expected, got no value", http.download, url)
    refuses("NUL", http.download, url, "a\0b")
  end)
end)

describe("http.request", function()
  it("sends methods and bodies", function()
    local server <close> = web.serve(function(request)
      return { body = request.method .. " " .. request.body }
    end)
    local function ask(request)
      request.url, request.proxy = server.url, ""
      return assert(http.request(request)).body
    end
    assert.equal("POST a=1\0", ask{ body = "a=1\0" })
    assert.equal("PUT x", ask{ method = "PUT", body = "x" })
    assert.equal("POST ", ask{ body = "" })
    assert.equal("DELETE ", ask{ method = "DELETE" })
    assert.equal("GET ", ask{})
  end)
end)

describe("http.download", function()
  local folder
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  it("makes a file of an answer", function()
    local bytes = ("\0\1\2\3"):rep(250000)
    local server <close> = web.serve(function() return { body = bytes } end)
    local path = fs.join(folder, "a")
    local saved = assert(http.download(server.url .. "/x", path, options()))
    assert.equal(200, saved.status)
    assert.equal(#bytes, saved.size)
    assert.equal(path, saved.path)
    assert.equal(server.url .. "/x", saved.url)
    assert.equal(tostring(#bytes), saved.headers["content-length"])
    assert.is_nil(saved.body)
    assert.equal(bytes, read_file(path))
  end)

  it("leaves what was there when it fails", function()
    local server <close> = web.serve(function(request)
      if request.path == "/half" then
        return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang_up = true }
      elseif request.path == "/large" then
        return { body = ("x"):rep(100000) }
      end
      return { status = "404 No", body = "none" }
    end)
    local path = fs.join(folder, "a")
    command.write_file(path, "old")
    local err = fails_with("Http", "STATUS", http.download(server.url, path, options()))
    assert.equal(404, err.status)
    fails_with("Http", "TRUNCATED", http.download(server.url .. "/half", path, options()))
    fails_with("TooLarge", nil, http.download(server.url .. "/large", path,
      options{ max_size = 10 }))
    assert.equal("old", read_file(path))
    assert.same({ "a" }, fs.listdir(folder))
  end)

  it("says which path can't be written, before it asks", function()
    local server <close> = web.serve(function() return { body = "x" } end)
    local path = fs.join(folder, "no/such")
    local err = fails_with("OSError", "ENOENT", http.download(server.url, path, options()))
    assert.equal("download: " .. path .. ": No such file or directory", err.message)
    assert.equal(path, err.path)
    fails_with("OSError", "EISDIR", http.download(server.url, folder, options()))
    fails_with("OSError", "EEXIST", http.download(server.url, "/dev/full", options()))
    assert.equal(0, server.connections)
  end)

  it("does twenty at once", function()
    local server <close> = web.serve(function(request) return { body = request.path } end)
    local pool <close> = mooncrew.CoroutinePool(20)
    local results = {}
    for i = 1, 60 do
      results[i] = pool:apply_async(http.download,
        { server.url .. "/" .. i, fs.join(folder, tostring(i)), options() })
    end
    for i = 1, 60 do assert.equal(#tostring(i) + 1, results[i]:get().size) end
    for i = 1, 60 do assert.equal("/" .. i, read_file(fs.join(folder, tostring(i)))) end
    assert.equal(60, #fs.listdir(folder))
    assert.is_true(server.connections <= 20)
  end)

  it("is broken off with its task", function()
    local asked
    local server <close> = web.serve(function()
      asked = true
      return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" }
    end)
    local task = mooncrew.spawn(http.download, server.url, fs.join(folder, "a"), options())
    mooncrew.spawn(function()
      while not asked do mooncrew.sleep(0.001) end
    end):join()
    task:cancel()
    local answer, err = task:get()
    assert.is_nil(answer)
    assert.equal(mooncrew.Cancelled, err)
    assert.same({}, fs.listdir(folder))
    mooncrew.spawn(function() -- the server sees the connection end
      while next(server.peers) do mooncrew.sleep(0.001) end
    end):join()
  end)
end)
