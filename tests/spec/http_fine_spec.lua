-- Where HTTP, servers or users are odd: redirects of methods, answers that break off in their
-- headers, passwords in messages, descriptors that are used up.

local http = require "mooncrew.http"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"
local web = dofile "tests/spec/support/web.lua"

-- Loopback is reached without a proxy, whatever the environment says.
local function ask(url, more)
  local request = { url = url, proxy = "" }
  for name, value in pairs(more or {}) do request[name] = value end
  return http.request(request)
end

local function fails_with(code, answer, err)
  assert.is_nil(answer)
  assert.equal(code, err.code)
  return err
end

local function refuses(text, func, ...)
  local ok, err = pcall(func, ...)
  assert.is_false(ok)
  assert.truthy(tostring(err):find(text, 1, true), tostring(err))
end

-- A server that answers with these bytes, and hangs up.
local function says(raw)
  return web.serve(function() return { raw = raw, hang_up = true } end)
end

describe("a redirect", function()
  after_each(command.clean_up)

  -- What becomes of a method is what browsers make of it.
  local GET = { [301] = "POST", [302] = "POST", [303] = "POST PUT PATCH DELETE OPTIONS" }

  local function bodies()
    local path = command.folder() .. "/body"
    command.write_file(path, "BODY")
    return {
      none = {}, body = { body = "BODY" }, file = { body_file = path },
      form = { form = { a = "1" } }, files = { files = { a = "1" } },
    }
  end

  it("keeps the method and its body, or becomes a GET without one", function()
    local server <close> = web.serve(function(request)
      local status = request.path:match("^/(%d+)")
      return status and { status = status .. " X", headers = { "Location: /there" } } or {}
    end)
    for name, body in pairs(bodies()) do
      for method in ("POST PUT PATCH DELETE OPTIONS"):gmatch("%a+") do
        for _, status in ipairs{ 301, 302, 303, 307, 308 } do
          local more = { method = method }
          for key, value in pairs(body) do more[key] = value end
          local what = ("%s %d %s"):format(method, status, name)
          assert.equal(200, assert(ask(server.url .. "/" .. status, more)).status, what)
          local n = #server.requests
          local first, second = server.requests[n - 1], server.requests[n]
          assert.equal(method, first.method, what)
          if (GET[status] or ""):find(method, 1, true) then
            assert.equal("GET", second.method, what)
            assert.equal("", second.body, what)
            assert.is_nil(second.head:lower():find("\r\ncontent-", 1, true), what)
          else
            assert.equal(method, second.method, what)
            assert.equal(#first.body, #second.body, what)
          end
        end
      end
    end
  end)

  it("of a body that is a function becomes a GET where it needs no body", function()
    local server <close> = web.serve(function(request)
      local status = request.path:match("^/(%d+)")
      return status and { status = status .. " X", headers = { "Location: /there" } } or {}
    end)
    for _, status in ipairs{ 301, 302, 303 } do
      local pieces = { "two", "one" }
      local function body() return table.remove(pieces) end
      assert.equal(200, assert(ask(server.url .. "/" .. status, { body = body })).status)
      local n = #server.requests
      assert.equal("onetwo", server.requests[n - 1].body)
      assert.equal("GET", server.requests[n].method)
    end
  end)

  it("that led to an error is gone again, as the method that was given", function()
    local server <close> = web.serve(function(request, n)
      if request.path == "/" then return { status = "303 X", headers = { "Location: /there" } } end
      return { status = n < 3 and "503 Busy" or "200 OK" }
    end)
    local options = { method = "PUT", body = "BODY", retries = 1, backoff = 0.01 }
    assert.equal(200, assert(ask(server.url, options)).status)
    local seen = {}
    for i, request in ipairs(server.requests) do seen[i] = request.method .. request.body end
    assert.same({ "PUTBODY", "GET", "PUTBODY", "GET" }, seen)
  end)

  it("takes no password to another host", function()
    local other <close> = web.serve(function() return {} end)
    local server <close> = web.serve(function()
      return { status = "302 X", headers = { "Location: " .. other.url .. "/there" } }
    end)
    local headers = { Authorization = "Bearer secret", Cookie = "a=secret", ["X-A"] = "1" }
    assert(ask(server.url:gsub("//", "//me:secret@"), { headers = headers }))
    assert.matches("secret", server.requests[1].head)
    assert.not_matches("secret", other.requests[1].head)
    assert.not_matches("Authorization", other.requests[1].head)
    assert.matches("X-A: 1", other.requests[1].head, 1, true)
  end)
end)

describe("a request", function()
  it("without a body says so where servers want to know", function()
    local server <close> = web.serve(function() return {} end)
    for _, method in ipairs{ "POST", "PUT", "PATCH" } do
      assert(ask(server.url, { method = method }))
      local head = server.requests[#server.requests].head
      assert.matches("\r\nContent-Length: 0\r\n", head, 1, true)
      assert.is_nil(head:find("Content-Type", 1, true))
    end
    for _, method in ipairs{ "GET", "HEAD", "DELETE", "OPTIONS" } do
      assert(ask(server.url, { method = method }))
      assert.is_nil(server.requests[#server.requests].head:find("Content-", 1, true))
    end
  end)

  it("says itself where its body ends, whatever headers say", function()
    local server <close> = web.serve(function() return {} end)
    local path = command.folder() .. "/body"
    finally(command.clean_up)
    command.write_file(path, "BODY")
    local headers = { ["content-length"] = "2", ["Transfer-Encoding"] = "identity", ["X-A"] = "1" }
    local function once()
      local pieces = { "BODY" }
      return function() return table.remove(pieces) end
    end
    for _, body in ipairs{ { body = "BODY" }, { body_file = path }, { body = once() },
        { body = once(), body_length = 4 }, { method = "GET" }, { form = { BODY = "" } } } do
      body.headers = headers
      assert.equal(200, assert(ask(server.url, body)).status)
      local request = server.requests[#server.requests]
      assert.equal(body.method and "" or body.form and "BODY=" or "BODY", request.body)
      local _, lengths = request.head:lower():gsub("\r\ncontent%-length: %d", "")
      local _, chunked = request.head:lower():gsub("\r\ntransfer%-encoding: chunked", "")
      assert.equal(body.method and 0 or 1, lengths + chunked, request.head)
      assert.is_nil(request.head:find("identity", 1, true))
      assert.matches("\r\nX-A: 1\r\n", request.head, 1, true)
    end
    for _, body in ipairs{ { body = "x" }, { body_file = path }, { form = {} },
        { body = once() } } do
      body.method, body.url = "head", server.url
      refuses("option 'method': one that has a body expected, got 'head'", http.request, body)
    end
  end)

  it("has its method in upper case, as far as it is a usual one", function()
    local server <close> = web.serve(function() return {} end)
    for given, sent in pairs{ get = "GET", Head = "HEAD", post = "POST", purge = "purge" } do
      assert(ask(server.url, { method = given }))
      assert.equal(sent, server.requests[#server.requests].method)
    end
  end)

  it("takes options from a metatable, as defaults are", function()
    local server <close> = web.serve(function(request)
      if request.path ~= "/held" then return {} end
    end)
    local defaults = { proxy = "", timeout = 0.1, headers = { "X-A: 1" } }
    local with = { __index = function(_, name) return defaults[name] end }
    assert(http.get(server.url, setmetatable({}, with)))
    assert.matches("\r\nX-A: 1\r\n", server.requests[1].head, 1, true)
    local _, err = http.get(server.url .. "/held", setmetatable({}, with))
    assert.equal(mooncrew.Timeout, err)
    defaults.body, defaults.method = "BODY", "PUT"
    assert(http.request(setmetatable({ url = server.url }, with)))
    assert.equal("BODY", server.requests[3].body)
    refuses("unknown option 'x'", http.get, server.url, setmetatable({ x = 1 }, with))
  end)

  it("is timed while its body's function gives nothing", function()
    local server <close> = web.serve(function() return {} end)
    local n = 0
    local _, err = ask(server.url, { timeout = 0.1, body = function()
      n = n + 1
      return n < 1e6 and "" or nil
    end })
    assert.equal(mooncrew.Timeout, err)
    n = 0
    assert(ask(server.url, { body = function()
      n = n + 1
      return n < 100 and (n % 10 == 0 and "x" or "") or nil
    end }))
    assert.equal("xxxxxxxxx", server.requests[#server.requests].body)
  end)

  it("goes on with its body's function whatever becomes of the table", function()
    local server <close> = web.serve(function() return {} end)
    local request = { url = server.url, proxy = "" }
    local pieces = { "two", "one" }
    function request.body()
      request.body = nil
      return table.remove(pieces)
    end
    assert(http.request(request))
    assert.equal("onetwo", server.requests[1].body)
  end)

  it("says that descriptors are used up", function()
    local server <close> = web.serve(function() return {} end)
    local child = mooncrew.Process{
      limits = { files = 60 },
      target = function()
        local files = {}
        assert(ask(server.url)) -- the loop is there
        repeat files[#files + 1] = io.open("/dev/null") until not io.open("/dev/null")
        local _, err = ask("http://127.0.0.2:" .. server.port)
        return { err.kind, err.code, err.message:match("Too many open files") }
      end,
    }:start()
    local got
    mooncrew.spawn(function() got = child:get() end):join()
    assert.same({ "OSError", "EMFILE", "Too many open files" }, got)
  end)
end)

describe("an answer", function()
  after_each(command.clean_up)

  it("that breaks off in its headers is none", function()
    local whole = "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"
    for n = #"HTTP/1.1 200 OK\r\n", #whole - 2 do
      local server <close> = says(whole:sub(1, n))
      fails_with("TRUNCATED", ask(server.url))
      fails_with("TRUNCATED", ask(server.url, { method = "HEAD" }))
      local path = command.folder() .. "/file"
      fails_with("TRUNCATED", http.download(server.url, path, { proxy = "" }))
      assert.is_nil(mooncrew.fs.stat(path))
      fails_with("TRUNCATED", http.stream{ url = server.url, proxy = "" })
    end
    local server <close> = says(whole)
    assert.equal(200, assert(ask(server.url)).status)
  end)

  it("has its headers alone, also those of several lines", function()
    local server <close> = says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: one\r\n"
      .. "  two: three\r\n\t\r\n\tfour\r\nX-B: 1\r\n\r\n"
      .. "2\r\nhi\r\n0\r\nX-B: 2\r\nHTTP/x: y\r\n\r\n")
    local answer = assert(ask(server.url))
    assert.equal("hi", answer.body)
    assert.same({ ["x-a"] = "one two: three four", ["x-b"] = "1",
      ["transfer-encoding"] = "chunked" }, answer.headers)
  end)

  it("with a header that is too long is no lack of memory", function()
    local server <close> = says("HTTP/1.1 200 OK\r\nX-A: " .. ("a"):rep(200000) .. "\r\n\r\n")
    local err = fails_with("PROTOCOL", ask(server.url))
    assert.equal("Http", err.kind)
    assert.matches("header is too long", err.message, 1, true)
  end)

  it("of several gzips says what is wrong", function()
    local path = command.folder() .. "/text"
    command.write_file(path, "text")
    local pipe <close> = assert(io.popen("gzip -nc " .. path))
    local bytes = pipe:read("a")
    local server <close> = web.serve(function()
      return { headers = { "Content-Encoding: gzip" }, body = bytes .. bytes }
    end)
    local err = fails_with("ENCODING", ask(server.url))
    assert.matches("behind its end", err.message, 1, true)
  end)
end)

describe("a message", function()
  it("shows no name and password", function()
    local port = web.free_port()
    local here = "127.0.0.1:" .. port .. "/a@b"
    local _, err = ask("http://me:secret@" .. here)
    assert.matches("http://***@" .. here, err.message, 1, true)
    assert.equal("http://me:secret@" .. here, err.url)
    for _, url in ipairs{ "http://me:sec/ret@host/x", "me:sec/ret@host/x", "ftp://sec:ret@host/x",
        "http://sec ret@[host" } do
      local wrong = fails_with("URL", ask(url))
      assert.is_nil(wrong.message:find("sec", 1, true), wrong.message)
    end
    for _, proxy in ipairs{ "http://me:secret@[x", "ftp://me:secret@x", "me:secret@[x" } do
      local _, why = ask("http://127.0.0.1/", { proxy = proxy })
      assert.is_nil(why.message:find("secret", 1, true), why.message)
    end
    local server <close> = web.serve(function() return {} end)
    local stream <close> = http.stream{ url = server.url:gsub("//", "//me:secret@"), proxy = "" }
    assert.is_nil(tostring(stream):find("secret", 1, true))
  end)

  it("is short when the address is long", function()
    for _, url in ipairs{ ("x"):rep(100000), "http://127.0.0.1:1/" .. ("x"):rep(100000),
        ("x"):rep(100000) .. "://host" } do
      local _, err = ask(url)
      assert.is_true(#err.message < 800, #err.message)
      assert.matches("…", err.message, 1, true)
      assert.equal(url, err.url)
    end
  end)

  it("names the header that can't be sent, and shows no value", function()
    local url = "http://127.0.0.1/"
    local function refuses_headers(text, headers)
      refuses("option 'headers': " .. text, http.get, url, { headers = headers })
    end
    refuses_headers("one line expected, got 'X-Token' with a line break", { ["X-Token"] = "a\n" })
    refuses_headers("one line expected, got 'X-A' with a line break", { "X-A: b\r\nX-C: d" })
    refuses_headers('"Name: value" expected, got a line without a colon', { "secret" })
    for _, name in ipairs{ "A B", "A:B", "A;", "" } do
      refuses_headers("name of letters, digits and hyphens expected, got '" .. name .. "'",
        { [name] = "x" })
    end
    refuses_headers("name of letters, digits and hyphens expected, got 'A?B'", { ["A\nB"] = "x" })
    local shape = '{ Name = "value", Name = { "several" } } or a list of "Name: value" expected'
    refuses_headers(shape .. ", got boolean", { A = true })
    refuses_headers(shape .. ", got string", "A: b")
    refuses_headers(shape .. ", got table", { A = { B = "c" } })
    refuses_headers(shape .. ", got a string with a NUL byte", { A = "b\0c" })
    refuses("option 'method': word of letters expected, got 'G ET'", http.request,
      { url = url, method = "G ET" })
    refuses("option 'ca_file': string expected, got one with a NUL byte", http.get, url,
      { ca_file = "a\0b" })
    refuses("#1 to 'mooncrew.http.cookies' (line of a cookies.txt, or \"Set-Cookie: …\", expected,"
      .. " got number)", http.cookies, { 5 })
    local form = "option 'form': { name = value } or a list of { name, value } expected, got "
    refuses(form .. "number", http.request, { url = url, form = 5 })
    refuses(form .. "a number in it", http.request, { url = url, form = { 5 } })
    refuses(form .. "a list of 3 in it", http.request, { url = url, form = { { 1, 2, 3 } } })
    refuses(form .. "a name that is a boolean", http.request, { url = url, form = { [true] = 1 } })
  end)
end)

describe("a jar", function()
  it("says that it is gone where a finalizer comes after its own", function()
    local said
    local function late()
      local owner = setmetatable({}, { __gc = function(owner)
        said = { pcall(owner.jar.lines, owner.jar) }
      end })
      owner.jar = http.cookies() -- made after its owner, so it goes first
    end
    late()
    collectgarbage()
    collectgarbage()
    assert.is_false(said[1])
    assert.matches("collected already", said[2], 1, true)
  end)
end)
