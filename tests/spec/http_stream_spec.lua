-- Bodies that are read or sent piece by piece, cookies, and limits.

local fs = require "mooncrew.fs"
local http = require "mooncrew.http"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"
local web = dofile "tests/spec/support/web.lua"

local MIB = 1 << 20

-- A request to loopback, without a proxy, whatever the environment says.
local function to(url, more)
  local request = { url = url, proxy = "" }
  for name, value in pairs(more or {}) do request[name] = value end
  return request
end

local function read_all(stream)
  local pieces = {}
  while true do
    local piece, err = stream:read()
    if not piece then return table.concat(pieces), err end
    pieces[#pieces + 1] = piece
  end
end

local function refuses(text, ...)
  local ok, err = pcall(...)
  assert.is_false(ok)
  assert.truthy(tostring(err):find(text, 1, true), tostring(err))
end

describe("http.stream", function()
  after_each(command.clean_up)

  it("gives the head at once and the body as it comes", function()
    local peer
    local server <close> = web.serve(function()
      return function(connection)
        peer = connection
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-A: b\r\n\r\n")
      end
    end)
    local stream <close> = assert(http.stream(to(server.url .. "/x")))
    assert.equal(200, stream.status)
    assert.equal("b", stream.headers["x-a"])
    assert.equal(server.url .. "/x", stream.url)
    assert.truthy(tostring(stream):find(server.url, 1, true))
    peer:write("one")
    assert.equal("one", stream:read())
    peer:write("two")
    assert.equal("two", stream:read())
    assert.is_nil(stream:read())
    assert.is_nil(stream:read())
  end)

  it("holds a large body back until it is read", function()
    local bytes = string.rep("0123456789abcdef", 2 * MIB)
    local sent
    local server <close> = web.serve(function()
      return function(peer)
        peer:write(string.format("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", #bytes))
        peer:write(bytes, function() sent = true end)
      end
    end)
    local stream <close> = assert(http.stream(to(server.url)))
    local first = assert(stream:read())
    for _ = 1, 20 do mooncrew.sleep(0.001) end -- the loop turns, and would take in what it may
    assert.is_nil(sent)
    local longest, parts = #first, { first }
    for piece in function() return stream:read() end do
      longest = math.max(longest, #piece)
      parts[#parts + 1] = piece
    end
    assert.is_true(table.concat(parts) == bytes)
    assert.is_true(sent)
    assert.is_true(longest <= MIB, longest)
  end)

  it("decodes, follows redirects, and takes a 404 for an answer", function()
    local server <close> = web.serve(function(request)
      if request.path == "/moved" then
        return { status = "302 Found", headers = { "Location: /there" }, body = "gone" }
      end
      return { status = "404 No", body = "no " .. request.path }
    end)
    local stream <close> = assert(http.stream(to(server.url .. "/moved")))
    assert.equal(404, stream.status)
    assert.equal(server.url .. "/there", stream.url)
    assert.equal("no /there", (read_all(stream)))
  end)

  it("tries again before the body has begun, not after it", function()
    local server <close> = web.serve(function(request, n)
      if request.path == "/half" then
        return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang_up = true }
      end
      return { status = n < 3 and "503 Busy" or "200 OK", body = tostring(n) }
    end)
    local stream <close> = assert(http.stream(to(server.url, { retries = 3, backoff = 0.01 })))
    assert.equal(200, stream.status)
    assert.equal("3", (read_all(stream)))

    local before = #server.requests
    local half, err = http.stream(to(server.url .. "/half", { retries = 3, backoff = 0.01 }))
    if half then
      local _, failed = read_all(half)
      err = failed
    end
    assert.equal("TRUNCATED", err.code)
    assert.equal(1, #server.requests - before)
  end)

  it("says why it ends in the middle", function()
    local server <close> = web.serve(function()
      return function(peer)
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
      end
    end)
    local stream <close> = assert(http.stream(to(server.url, { stall_timeout = 1 })))
    assert.equal("half", stream:read())
    local piece, err = stream:read()
    assert.is_nil(piece)
    assert.equal("STALLED", err.code)
    assert.equal(server.url, err.url)

    piece, err = http.stream(to(server.url, { max_size = 3 }))
    assert.is_nil(piece)
    assert.equal("TooLarge", err.kind)

    local short <close> = assert(http.stream(to(server.url, { timeout = 0.2 })))
    assert.equal("half", short:read())
    assert.equal(mooncrew.Timeout, select(2, short:read()))
  end)

  it("breaks the request off when it is closed", function()
    local server <close> = web.serve(function()
      return function(peer)
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
      end
    end)
    do
      local stream <close> = assert(http.stream(to(server.url)))
      assert.equal("half", stream:read())
    end
    mooncrew.spawn(function() -- the server sees the connection end
      while next(server.peers) do mooncrew.sleep(0.001) end
    end):join()
    local closed = assert(http.stream(to(server.url)))
    closed:close()
    refuses("read: the stream is closed", closed.read, closed)
    refuses("mooncrew.http.stream expected", closed.read, {})
  end)

  it("is of the process that opened it", function()
    local server <close> = web.serve(function()
      return function(peer)
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
      end
    end)
    local stream <close> = assert(http.stream(to(server.url)))
    local child = mooncrew.Process{ target = function()
      local ok, err = pcall(stream.read, stream)
      stream:close()
      return ok, err
    end }:start()
    local ok, err = child:get()
    assert.is_false(ok)
    assert.truthy(err:find("read: the stream is of the process that opened it", 1, true))
    assert.equal("half", stream:read())
  end)

  it("reads in its task alone", function()
    local peers = {}
    local server <close> = web.serve(function()
      return function(peer)
        peers[#peers + 1] = peer
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
        if #peers == 2 then
          peers[2]:write("2")
        end
      end
    end)
    local order = {}
    local function reader(name)
      local stream <close> = assert(http.stream(to(server.url)))
      order[#order + 1] = name .. stream:read()
      if #order == 1 then peers[1]:write("1") end
    end
    local one = mooncrew.spawn(reader, "a")
    local two = mooncrew.spawn(reader, "b")
    one:join()
    two:join()
    table.sort(order)
    assert.equal(2, #order)
    assert.truthy(order[1]:find("^a"))
    assert.truthy(order[2]:find("^b"))
  end)

  it("says why there is no answer", function()
    local refused = "http://127.0.0.1:" .. web.free_port() .. "/"
    local stream, err = http.stream(to(refused))
    assert.is_nil(stream)
    assert.equal("CONNECT", err.code)
    refuses("option 'url': string expected, got nil", http.stream, {})
    refuses("table expected, got string", http.stream, refused)
  end)
end)

describe("body_file", function()
  local folder
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  it("sends a file, again from its start when the request is repeated", function()
    local bytes = string.rep("\0\1\2\3", MIB // 8)
    command.write_file(folder .. "/a", bytes)
    local got, n = {}, 0
    local server <close> = web.serve(function(request)
      got[#got + 1] = request.method .. " " .. #request.body
      n = n + 1
      assert(request.body == bytes)
      return { status = n == 1 and "503 Busy" or "201 Made", body = "" }
    end)
    local answer = assert(http.request(to(server.url,
      { body_file = folder .. "/a", retries = 1, backoff = 0.01 })))
    assert.equal(201, answer.status)
    assert.equal(2, answer.attempts)
    assert.same({ "PUT 524288", "PUT 524288" }, got)
    assert(http.request(to(server.url, { body_file = folder .. "/a", method = "POST" })))
    assert.equal("POST 524288", got[3])
  end)

  it("sends an empty file", function()
    command.write_file(folder .. "/empty", "")
    local server <close> = web.serve(function(request)
      return { body = request.method .. #request.body }
    end)
    local request = to(server.url, { body_file = folder .. "/empty" })
    assert.equal("PUT0", assert(http.request(request)).body)
  end)

  it("says which file can't be sent, before it asks", function()
    local server <close> = web.serve(function() return { body = "" } end)
    for path, code in pairs{
      [folder .. "/none"] = "ENOENT", [folder] = "EISDIR", ["/dev/null"] = "EEXIST",
    } do
      local answer, err = http.request(to(server.url, { body_file = path }))
      assert.is_nil(answer)
      assert.equal("OSError", err.kind)
      assert.equal(code, err.code)
      assert.equal(path, err.path)
      assert.truthy(err.message:find("request: " .. path, 1, true))
    end
    assert.equal(0, server.connections)
    refuses("exclude each other", http.request, to(server.url, { body = "", body_file = "x" }))
    refuses("unknown option 'body_file'", http.get, server.url, { body_file = "x" })
  end)
end)

describe("http.cookies", function()
  -- Sets a cookie on /set, shows on every other path what came.
  local function serve()
    return web.serve(function(request)
      local cookie = request.head:match("\r\nCookie: ([^\r]*)") or "none"
      local headers = request.path == "/set" and { "Set-Cookie: id=7; Path=/" } or nil
      return { headers = headers, body = cookie }
    end)
  end

  it("keeps what servers set, for the requests that share them", function()
    local server <close> = serve()
    local jar = http.cookies()
    local function ask(path, cookies)
      return assert(http.get(server.url .. path, { proxy = "", cookies = cookies })).body
    end
    assert.equal("none", ask("/set", jar))
    assert.equal("id=7", ask("/", jar))
    assert.equal("none", ask("/", http.cookies()))
    assert.equal("none", ask("/"))
    local lines = jar:lines()
    assert.equal(1, #lines)
    assert.truthy(lines[1]:find("^127%.0%.0%.1\t.*\tid\t7$"))
    assert.equal("id=7", ask("/", http.cookies(lines)))
    jar:add("Set-Cookie: b=2; Domain=127.0.0.1; Path=/")
    assert.equal(2, #jar:lines())
    assert.truthy(ask("/", jar):find("b=2", 1, true))
    jar:clear()
    assert.same({}, jar:lines())
    assert.equal("none", ask("/", jar))
  end)

  it("lives as long as a request that uses it", function()
    local server <close> = serve()
    local task
    do
      local jar = http.cookies{ "Set-Cookie: a=1; Domain=127.0.0.1; Path=/" }
      task = mooncrew.spawn(http.get, server.url, { proxy = "", cookies = jar })
    end
    mooncrew.spawn(function() collectgarbage() end)
    assert.equal("a=1", task:get().body)
  end)

  it("refuses what is none", function()
    refuses("option 'cookies'", http.get, "http://127.0.0.1/", { cookies = {} })
    refuses("table expected, got string", http.cookies, "a=1")
    refuses("line of a cookies.txt", http.cookies, { 5 })
    refuses("line break", http.cookies, { "Set-Cookie: a=1\r\nX" })
    refuses("mooncrew.http.cookies expected", http.cookies().add, {}, "x")
  end)
end)

describe("time-outs of tries", function()
  it("try_timeout ends a try, and another may do better", function()
    local server <close> = web.serve(function(_, n)
      if n == 3 then return { body = "third" } end
    end)
    local options = { proxy = "", try_timeout = 0.05, retries = 2, backoff = 0.01 }
    local answer = assert(http.get(server.url, options))
    assert.equal("third", answer.body)
    assert.equal(3, answer.attempts)
    options.retries = 0
    local none, err = http.get(server.url, options)
    assert.is_nil(none)
    assert.equal("Timeout", err.kind)
    assert.equal("TRY", err.code)
    assert.equal(1, err.attempts)
    options.timeout = 0.02
    assert.equal(mooncrew.Timeout, select(2, http.get(server.url, options)))
  end)

  it("min_rate gives up what only drips", function()
    local uv = require "luv"
    local timer
    local server <close> = web.serve(function()
      return function(peer)
        peer:write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        timer = uv.new_timer()
        timer:start(20, 20, function()
          if not peer:is_closing() then peer:write("x") end
        end)
      end
    end)
    local answer, err = http.get(server.url, { proxy = "", stall_timeout = 1, min_rate = 1000 })
    timer:close()
    assert.is_nil(answer)
    assert.equal("STALLED", err.code)
    assert.equal(200, err.status)
  end)
end)

describe("pauses between tries", function()
  it("double, and vary so that clients don't come back together", function()
    local uv = require "luv"
    local times = {}
    local server <close> = web.serve(function(request)
      local of = times[request.path] or {}
      times[request.path] = of
      of[#of + 1] = uv.hrtime() / 1e9
      return { status = "503 Busy", body = "" }
    end)
    local options = { proxy = "", retries = 3, backoff = 0.1 }
    local pool <close> = mooncrew.CoroutinePool(20)
    local paths = {}
    for i = 1, 20 do paths[i] = "/" .. i end
    for _, answer in ipairs(pool:map(function(path)
      return assert(http.get(server.url .. path, options))
    end, paths)) do
      assert.equal(503, answer.status)
      assert.equal(4, answer.attempts)
    end
    local shortest, longest = math.huge, 0
    for _, path in ipairs(paths) do
      local of = times[path]
      assert.equal(4, #of)
      for i = 1, 3 do
        assert.is_true(of[i + 1] - of[i] >= 0.05 * 2 ^ (i - 1) - 0.002, path)
      end
      shortest = math.min(shortest, of[4] - of[3])
      longest = math.max(longest, of[4] - of[3])
    end
    assert.is_true(longest - shortest >= 0.02)
  end)

  it("are not waited for when there is no time", function()
    local server <close> = web.serve(function()
      return { status = "503 Busy", headers = { "Retry-After: 60" }, body = "busy" }
    end)
    local answer = assert(http.get(server.url, { proxy = "", retries = 3, timeout = 5 }))
    assert.equal(503, answer.status)
    assert.equal("busy", answer.body)
    assert.equal(1, answer.attempts)
  end)
end)

describe("http.limits", function()
  after_each(function() http.limits{} end)

  -- Answers nothing until `n` requests are there.
  local function serve_together(n)
    local waiting, most, now = {}, 0, 0
    local server = web.serve(function()
      return function(peer)
        waiting[#waiting + 1] = peer
        now = now + 1
        most = math.max(most, now)
        if #waiting < n then return end
        for _, one in ipairs(waiting) do
          now = now - 1
          one:write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        end
        waiting = {}
      end
    end)
    return server, function() return most end
  end

  it("keeps to so many connections", function()
    http.limits{ per_host = 3 }
    local server, most = serve_together(3)
    local _ <close> = server
    local pool <close> = mooncrew.CoroutinePool(30)
    local results = pool:map(function()
      return assert(http.get(server.url, { proxy = "" })).body
    end, { 1, 2, 3, 4, 5, 6, 7, 8, 9 })
    assert.equal("xxxxxxxxx", table.concat(results))
    assert.equal(3, most())
    assert.equal(3, server.connections)
    http.limits{ connections = 2 }
    refuses("option 'per_host': count expected, got -1", http.limits, { per_host = -1 })
    refuses("unknown option 'perhost'", http.limits, { perhost = 1 })
    refuses("table expected, got no value", http.limits)
  end)

  it("count the time of a request that waits for its turn", function()
    local server <close> = web.serve(function(request)
      return function(peer) -- the first is never answered whole
        local n = request.path == "/held" and 9 or 1
        peer:write(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nx"):format(n))
      end
    end)
    local function get(more)
      more.proxy = ""
      return http.get(server.url, more)
    end
    -- Connections that are kept already don't make room for more.
    for _ = 1, 5 do
      local other <close> = web.serve(function() return {} end)
      assert(http.get(other.url, { proxy = "" }))
    end
    for _, limits in ipairs{ { connections = 1 }, { per_host = 1 } } do
      http.limits(limits)
      local held <close> = assert(http.stream{ url = server.url .. "/held", proxy = "" })
      assert.equal("x", held:read())
      local _, err = get{ timeout = 0.1 }
      assert.equal(mooncrew.Timeout, err)
      _, err = get{ try_timeout = 0.05, retries = 1, backoff = 0.01 }
      assert.same({ "Timeout", "TRY", 2 }, { err.kind, err.code, err.attempts })
      local waits = mooncrew.spawn(get, { timeout = 60 })
      mooncrew.sleep(0)
      held:close()
      assert.equal("x", assert(waits:get()).body)
    end
    -- Those that wait to learn whether they may share a connection.
    local silent <close> = web.serve(function() end)
    local pool <close> = mooncrew.CoroutinePool(3)
    for _, one in ipairs(pool:map(function()
      local _, why = http.get((silent.url:gsub("http:", "https:")), { proxy = "", timeout = 0.1 })
      return why
    end, { 1, 2, 3 })) do
      assert.equal(mooncrew.Timeout, one)
    end
  end)

  it("has a thousand requests under way at once, from one process", function()
    -- Two processes, since each request is a descriptor at both ends; with room for them.
    local limits = { files = 2000 }
    local ready = mooncrew.Queue()
    local server = mooncrew.Process{ limits = limits, daemon = true, target = function()
      local one = serve_together(1000)
      ready:put(one.url)
      while true do mooncrew.sleep(3600) end
    end }:start()
    finally(function()
      server:kill()
      server:join()
    end)
    local url = ready:get()
    local client = mooncrew.Process{ limits = limits, target = function()
      local pool <close> = mooncrew.CoroutinePool(1000)
      local list = {}
      for i = 1, 1000 do list[i] = i end
      return table.concat(pool:map(function()
        return assert(http.get(url, { proxy = "" })).body
      end, list))
    end }:start()
    assert.equal(string.rep("x", 1000), client:get())
  end)
end)

describe("what a failure or an unfollowed redirect says", function()
  after_each(command.clean_up)

  it("has the location", function()
    local server <close> = web.serve(function()
      return { status = "302 Found", headers = { "Location: ../b?c" }, body = "" }
    end)
    local answer = assert(http.get(server.url .. "/a/x", { proxy = "", follow = false }))
    assert.equal(302, answer.status)
    assert.equal(server.url .. "/b?c", answer.location)
    local path = fs.join(command.folder(), "f")
    local saved, err = http.download(server.url .. "/a/x", path, { proxy = "", follow = false })
    assert.is_nil(saved)
    assert.equal(302, err.status)
    assert.equal(server.url .. "/b?c", err.location)
  end)

  it("a download's SHA-256", function()
    local server <close> = web.serve(function(request, n)
      if request.path == "/twice" and n == 2 then
        return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang_up = true }
      end
      return { body = "abc" }
    end)
    local path = fs.join(command.folder(), "f")
    local abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    local options = { proxy = "", sha256 = true, retries = 1, backoff = 0.01 }
    assert.equal(abc, assert(http.download(server.url, path, options)).sha256)
    local saved = assert(http.download(server.url .. "/twice", path, options))
    assert.equal(2, saved.attempts)
    assert.equal(abc, saved.sha256)
    options.sha256 = nil
    assert.is_nil(assert(http.download(server.url, path, options)).sha256)
    refuses("option 'sha256': boolean expected", http.download, server.url, path, { sha256 = 1 })
    refuses("unknown option 'sha256'", http.get, server.url, { sha256 = true })
  end)

  it("a download's answer without headers", function()
    local server <close> = web.serve(function(request)
      return { body = request.path, headers = { "Content-Type: text/html; charset=x" } }
    end)
    local path = fs.join(command.folder(), "f")
    local answer = assert(http.download(server.url .. "/a", path, { proxy = "" }))
    assert.equal("2", answer.headers["content-length"])
    assert.equal("x", answer.encoding)
    answer.headers, answer.encoding = nil, nil
    assert.same(answer, http.download(server.url .. "/a", path, { proxy = "", bare = true }))
    refuses("option 'bare': boolean expected", http.download, server.url, path, { bare = 1 })
    refuses("unknown option 'bare'", http.get, server.url, { bare = true })
  end)
end)
