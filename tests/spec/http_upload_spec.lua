-- Forms, files in forms, and bodies that a function gives piece by piece.

local fs = require "mooncrew.fs"
local http = require "mooncrew.http"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"
local web = dofile "tests/spec/support/web.lua"

local MIB = 1 << 20

local function echo()
  return web.serve(function(request) return { body = request.method } end)
end

-- A request to loopback, without a proxy, whatever the environment says.
local function send(server, more)
  local request = { url = server.url, proxy = "" }
  for name, value in pairs(more) do request[name] = value end
  return http.request(request)
end

local function header(request, name)
  return request.head:match("\r\n" .. name:gsub("%-", "%%-") .. ": ([^\r]*)")
end

-- The parts of a multipart body: { head, body } each.
local function parts_of(request)
  local boundary = header(request, "Content-Type"):match("^multipart/form%-data; boundary=(%S+)$")
  local parts, rest = {}, "\r\n" .. request.body
  local from = #"\r\n--" + #boundary + #"\r\n" + 1
  while true do
    assert.equal("\r\n--" .. boundary, rest:sub(1, #boundary + 4))
    if rest:sub(#boundary + 5) == "--\r\n" then return parts end
    local stop = assert(rest:find("\r\n--" .. boundary, from, true))
    local head, body = rest:sub(from, stop - 1):match("^(.-)\r\n\r\n(.*)$")
    parts[#parts + 1] = { head = head, body = body }
    rest = rest:sub(stop)
  end
end

local function disposition(part)
  return part.head:match("Content%-Disposition: form%-data; ([^\r]*)")
end

local function refuses(text, request)
  request.url = "http://127.0.0.1:1/"
  local ok, err = pcall(http.request, request)
  assert.is_false(ok)
  assert.truthy(tostring(err):find(text, 1, true), tostring(err))
end

describe("form", function()
  it("is sent as browsers send one, sorted by name", function()
    local server <close> = echo()
    local answer = assert(send(server, {
      form = { name = "a b&c=d", list = { 1, 2.5, true }, ["ü*"] = "\0\r\n~", empty = "" },
    }))
    assert.equal("POST", answer.body)
    local request = server.requests[1]
    assert.equal("application/x-www-form-urlencoded", header(request, "Content-Type"))
    assert.equal("empty=&list=1&list=2.5&list=true&name=a+b%26c%3Dd&%C3%BC*=%00%0D%0A%7E",
      request.body)
  end)

  it("keeps the order of a list, and takes another method and type", function()
    local server <close> = echo()
    local answer = assert(send(server, {
      method = "PUT", form = { { "b", 1 }, { "a", { 2, 3 } }, { "b", 4 } },
      headers = { ["Content-Type"] = "text/x-form" },
    }))
    assert.equal("PUT", answer.body)
    assert.equal("b=1&a=2&a=3&b=4", server.requests[1].body)
    assert.equal("text/x-form", header(server.requests[1], "Content-Type"))
    assert(send(server, { form = {} }))
    assert.equal("POST", server.requests[2].method)
    assert.equal("", server.requests[2].body)
  end)

  it("is refused by the field's name", function()
    refuses("option 'form': { name = value } or a list of { name, value } expected",
      { form = "a=1" })
    refuses("option 'form': { name = value }", { form = { { "a" } } })
    refuses("option 'form': { name = value }", { form = { [true] = "a" } })
    refuses("option 'form', field 'a': string, number or boolean, or a list of them expected, "
      .. "got function", { form = { a = print } })
    refuses("field 'a': string, number or boolean, or a list of them expected, got table",
      { form = { a = { { 1 } } } })
    for _, other in ipairs{ { body = "" }, { body_file = "x" }, { body = print } } do
      other.form = { a = 1 }
      refuses("options 'body', 'body_file', and 'form' with 'files' exclude each other", other)
    end
  end)
end)

describe("files", function()
  local folder
  before_each(function() folder = command.folder() end)
  after_each(command.clean_up)

  it("go as multipart/form-data behind the form's fields", function()
    local server <close> = echo()
    local picture = string.rep("\0\xFF\r\n--", 50000)
    command.write_file(folder .. "/cat.jpg", picture)
    assert(send(server, {
      form = { title = "a \"cat\"", tags = { "x", "y" } },
      files = {
        picture = { path = folder .. "/cat.jpg" },
        list = { { data = "1,2\n", name = "a\"b.csv", type = "text/csv" }, "bytes" },
      },
    }))
    local parts = parts_of(server.requests[1])
    assert.equal(6, #parts)
    local said = {}
    for i, part in ipairs(parts) do
      said[i] = disposition(part) .. " " .. (part.head:match("Content%-Type: (%S+)") or "-")
    end
    assert.same({
      'name="tags" -', 'name="tags" -', 'name="title" -',
      'name="list"; filename="a%22b.csv" text/csv',
      'name="list"; filename="list" -',
      'name="picture"; filename="cat.jpg" image/jpeg',
    }, said)
    assert.equal("x", parts[1].body)
    assert.equal("a \"cat\"", parts[3].body)
    assert.equal("1,2\n", parts[4].body)
    assert.equal("bytes", parts[5].body)
    assert.is_true(parts[6].body == picture)
    assert.equal(#server.requests[1].body, tonumber(header(server.requests[1], "Content-Length")))
  end)

  it("are read again when the request is repeated or redirected", function()
    command.write_file(folder .. "/a", string.rep("x", 3 * MIB))
    local server <close> = web.serve(function(request, n)
      if n == 1 then return { status = "503 Busy" } end
      if request.path == "/" then
        return { status = "307 There", headers = { "Location: /there" } }
      end
      return { body = request.path }
    end)
    local answer = assert(send(server, {
      method = "PUT", files = { a = { path = folder .. "/a", name = "b", type = "text/plain" } },
      retries = 1, backoff = 0.01,
    }))
    assert.equal("/there", answer.body)
    assert.equal(3, #server.requests)
    for _, request in ipairs(server.requests) do
      local part = parts_of(request)[1]
      assert.equal('name="a"; filename="b"', disposition(part))
      assert.equal(3 * MIB, #part.body)
    end
  end)

  it("are read while they are sent, however large", function()
    -- Sparse, so that it costs no disk; larger than what the process may have of memory.
    local path = folder .. "/large"
    assert(os.execute("truncate -s 256M " .. path))
    local ready = mooncrew.Queue()
    local server = mooncrew.Process{ daemon = true, target = function()
      local uv = require "luv"
      local listener = uv.new_tcp()
      assert(listener:bind("127.0.0.1", 0))
      assert(listener:listen(8, function()
        local peer, got, wanted = uv.new_tcp(), 0, nil
        listener:accept(peer)
        peer:read_start(function(_, chunk)
          if not chunk then return peer:close() end
          got = got + #chunk
          wanted = wanted or tonumber(chunk:match("Content%-Length: (%d+)"))
          if got < wanted then return end
          peer:write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        end)
      end))
      ready:put(math.tointeger(listener:getsockname().port))
      while true do mooncrew.sleep(3600) end
    end }:start()
    finally(function()
      server:kill()
      server:join()
    end)
    local url = "http://127.0.0.1:" .. ready:get() .. "/"
    local function resident()
      return tonumber(command.read_file("/proc/self/status"):match("VmHWM:%s+(%d+)"))
    end
    local client = mooncrew.Process{ target = function()
      local before = resident()
      local answer = assert(http.request{ url = url, proxy = "", files = {
        a = { path = path },
      } })
      return answer.body, resident() - before
    end }:start()
    local body, kib = client:get()
    assert.equal("ok", body)
    assert.is_true(kib < 64 << 10, kib)
  end)

  it("that can't be sent are told before anything is asked", function()
    local server <close> = echo()
    command.write_file(folder .. "/good", "x")
    for path, code in pairs{
      [folder .. "/none"] = "ENOENT", [folder] = "EISDIR", ["/dev/null"] = "EEXIST",
    } do
      local answer, err = send(server, {
        files = { a = { path = folder .. "/good" }, b = { path = path } },
      })
      assert.is_nil(answer)
      assert.equal("OSError", err.kind)
      assert.equal(code, err.code)
      assert.equal(path, err.path)
    end
    assert.equal(0, server.connections)
    assert.equal("x", command.read_file(folder .. "/good"))
  end)

  it("leave no descriptor open, in children neither", function()
    local server <close> = echo()
    command.write_file(folder .. "/a", "x")
    local function holders()
      local n = 0
      for _, name in ipairs(fs.listdir("/proc/self/fd")) do
        local target = require("luv").fs_readlink("/proc/self/fd/" .. name)
        if target == folder .. "/a" then n = n + 1 end
      end
      return n
    end
    local files = { a = { path = folder .. "/a" }, b = { path = folder .. "/a" } }
    assert(send(server, { files = files }))
    assert.equal(0, holders())
    send(server, { files = { a = { path = folder .. "/a" }, b = { path = folder .. "/none" } } })
    assert.equal(0, holders())
    local silent <close> = web.serve(function() end)
    local task = mooncrew.spawn(send, silent, { files = files })
    mooncrew.spawn(function()
      while #silent.requests == 0 do mooncrew.sleep(0.001) end
    end):join()
    assert.equal(2, holders())
    assert.equal(0, mooncrew.Process{ target = holders }:start():get())
    task:cancel()
    task:get()
    assert.equal(0, holders())
  end)

  it("are refused by the field's name", function()
    refuses("option 'files': { name = value } or a list of { name, value } expected",
      { files = 5 })
    local expected = "option 'files', field 'a': { path = \"…\" }, { data = \"…\" }, a string of "
      .. "bytes, or a list of them expected, got "
    refuses(expected .. "number", { files = { a = 5 } })
    refuses(expected .. "userdata", { files = { a = io.stdout } })
    refuses(expected .. "neither", { files = { a = {} } })
    refuses(expected .. "both", { files = { a = { data = "", path = "x" } } })
    refuses(expected .. "'pat'", { files = { { "a", { pat = "x" } } } })
    refuses("field 'a': string for 'path' expected, got number", { files = { a = { path = 5 } } })
    refuses("field 'a': one line of text for 'type' expected, got line breaks or NUL bytes",
      { files = { a = { data = "", type = "a\r\nX: y" } } })
    refuses("field 'a': one line of text for 'path' expected", { files = { a = { path = "a\0" } } })
    local ok, err = pcall(http.get, "http://127.0.0.1:1/", { files = {} })
    assert.is_false(ok)
    assert.truthy(err:find("unknown option 'files'", 1, true))
  end)
end)

describe("a body that is a function", function()
  local function pieces(list)
    local i = 0
    return function()
      i = i + 1
      return list[i]
    end
  end

  it("is sent piece by piece, as long as it gives some", function()
    local server <close> = echo()
    local body = pieces{ "one", "", "two\0", string.rep("x", MIB) }
    local answer = assert(send(server, { body = body }))
    assert.equal("POST", answer.body)
    local request = server.requests[1]
    assert.equal("chunked", header(request, "Transfer-Encoding"))
    assert.is_nil(header(request, "Content-Length"))
    assert.is_nil(header(request, "Content-Type"))
    assert.is_true(request.body == "onetwo\0" .. string.rep("x", MIB))
    assert(send(server, { body = pieces{}, method = "PUT" }))
    assert.equal("PUT", server.requests[2].method)
    assert.equal("", server.requests[2].body)
  end)

  it("says its length when it is told", function()
    local server <close> = echo()
    assert(send(server, { body = pieces{ "one", "two" }, body_length = 6 }))
    assert.equal("6", header(server.requests[1], "Content-Length"))
    assert.equal("onetwo", server.requests[1].body)
    for text, list in pairs{ fewer = { "one" }, more = { "one", "twoo" } } do
      local ok, err = pcall(send, server, { body = pieces(list), body_length = 6 })
      assert.is_false(ok)
      assert.truthy(err:find("option 'body': the function returned " .. text
        .. " bytes than 'body_length' says", 1, true), err)
    end
    refuses("option 'body_length' is for a body that is a function",
      { body = "x", body_length = 1 })
  end)

  it("may wait, in a task for itself alone, and goes in thousands of pieces", function()
    local server <close> = echo()
    local queue = mooncrew.Queue()
    local n = 1000
    for _, run in ipairs{ pcall, function(fn) return true, mooncrew.spawn(fn):get() end } do
      local turns, running = 0, true
      mooncrew.spawn(function()
        while running do
          mooncrew.sleep(0.001)
          turns = turns + 1
        end
      end)
      local feeder = mooncrew.Process{ target = function()
        for i = 1, n do queue:put(i .. "\n") end
        queue:put("")
        queue:put(false)
      end }:start()
      local _, answer = run(function()
        return assert(send(server, { body = function() return queue:get() or nil end }))
      end)
      running = false
      feeder:join()
      assert.equal("POST", answer.body)
      local request = table.remove(server.requests)
      local lines = command.lines(request.body)
      assert.equal(n, #lines)
      assert.equal(tostring(n), lines[n])
      assert.is_true(turns > 0)
    end
  end)

  it("is asked no second time: no retry, no redirect with it", function()
    local server <close> = web.serve(function(request)
      if request.path == "/busy" then return { status = "503 Busy" } end
      return { status = "307 There", headers = { "Location: /there" } }
    end)
    local request = { url = server.url .. "/busy", method = "PUT", retries = 3, backoff = 0.01 }
    request.body = pieces{ "x" }
    local answer = assert(send(server, request))
    assert.equal(503, answer.status)
    assert.equal(1, answer.attempts)
    request.url, request.body = server.url .. "/moved", pieces{ "x" }
    local none, err = send(server, request)
    assert.is_nil(none)
    assert.equal("PROTOCOL", err.code)
    assert.truthy(err.message:find("can't be asked twice", 1, true), err.message)
    -- Nobody is there: nothing was asked for yet, so it is tried again.
    local called = false
    request.url = "http://127.0.0.1:" .. web.free_port() .. "/"
    request.body = function() called = true end
    none, err = send(server, request)
    assert.is_nil(none)
    assert.equal("CONNECT", err.code)
    assert.equal(4, err.attempts)
    assert.is_false(called)
  end)

  it("breaks the request off by an error, and is heard out no more once it failed", function()
    local server <close> = web.serve(function() end)
    local ok, err = pcall(send, server, { body = function() error("no more", 0) end })
    assert.is_false(ok)
    assert.equal("no more", err)
    ok, err = pcall(send, server, { body = function() return {} end })
    assert.is_false(ok)
    assert.truthy(err:find("option 'body': the function has to return a string, or nil at the "
      .. "end, not a table", 1, true), err)
    mooncrew.spawn(function() -- the server sees the connections end
      while next(server.peers) do mooncrew.sleep(0.001) end
    end):join()
    local before = server.connections
    local none, late = send(server, { timeout = 0.1, body = function()
      while server.connections == before or next(server.peers) do mooncrew.sleep(0.001) end
      return "x"
    end })
    assert.is_nil(none)
    assert.equal(mooncrew.Timeout, late)
    refuses("option 'body': string or function expected, got table", { body = {} })
  end)

  it("comes before the head of a stream", function()
    local server <close> = web.serve(function(request)
      return { body = request.body:upper() }
    end)
    local stream <close> = assert(http.stream{
      url = server.url, proxy = "", body = pieces{ "a", "b", "c" },
    })
    assert.equal(200, stream.status)
    assert.equal("ABC", stream:read())
    assert.is_nil(stream:read())
  end)
end)
