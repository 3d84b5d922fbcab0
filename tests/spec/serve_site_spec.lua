local command = dofile "tests/spec/support/command.lua"
local http = require "mooncrew.http"
local site_maker = require "lib.site_maker"
local site_server = require "lib.site_server"
local uv = require "luv"

describe("site server", function()
  local root, server

  before_each(function()
    root = command.folder() .. "/root"
    assert(uv.fs_mkdir(root, tonumber("755", 8)))
    command.write_file(root .. "/a.txt", "alpha")
    command.write_file(root .. "/index.html", "<p>index")
    command.write_file(root .. "/empty", "")
    command.write_file(root .. "/a b é", "odd")
    command.write_file(root .. "/../secret", "secret")
    assert(uv.fs_symlink("../secret", root .. "/way-out"))
    assert(uv.fs_symlink("a.txt", root .. "/way-in"))
  end)

  after_each(function()
    if server then server:close() end
    server = nil
    command.clean_up()
  end)

  -- Sends bytes as they are and returns all that comes back until the server ends the connection.
  local function exchange(bytes)
    local socket, parts, done = uv.new_tcp(), {}, false
    socket:connect("127.0.0.1", server.port, function(failed)
      assert(not failed, failed)
      socket:read_start(function(err, piece)
        if piece then
          parts[#parts + 1] = piece
        else
          done = true
          socket:close()
        end
        assert(not err or err == "ECONNRESET", err)
      end)
      socket:write(bytes)
    end)
    while not done do uv.run("once") end
    return table.concat(parts)
  end

  local function get(path, method)
    return exchange(string.format("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      method or "GET", path))
  end

  local function start(options)
    options = options or {}
    options.root = options.root or root
    server = assert(site_server.start(options))
  end

  it("serves files with their exact length and a type", function()
    start()
    local answer = get("/a.txt")
    assert.truthy(answer:find("^HTTP/1.1 200 OK\r\n"))
    assert.truthy(answer:find("\r\nContent-Length: 5\r\n", 1, true))
    assert.truthy(answer:find("\r\nContent-Type: text/plain", 1, true))
    assert.truthy(answer:find("\r\n\r\nalpha$"))
    assert.truthy(get("/empty"):find("\r\nContent-Length: 0\r\n", 1, true))
    assert.truthy(get("/"):find("\r\n\r\n<p>index$"))
    assert.truthy(get("/a%20b%20%C3%A9?query=1"):find("\r\n\r\nodd$"))
    assert.truthy(get("/way-in"):find("\r\n\r\nalpha$"))
  end)

  it("answers HEAD with the head alone", function()
    start()
    local answer = get("/a.txt", "HEAD")
    assert.truthy(answer:find("\r\nContent-Length: 5\r\n", 1, true))
    assert.truthy(answer:find("\r\n\r\n$"))
  end)

  it("sends large files whole", function()
    local bytes = string.rep("0123456789abcdef", 100000)
    command.write_file(root .. "/large", bytes)
    start()
    local body = get("/large"):match("\r\n\r\n(.*)$")
    assert.equal(#bytes, #body)
    assert.is_true(bytes == body)
  end)

  it("keeps a connection open and answers pipelined requests in order", function()
    start()
    local answer = exchange("GET /a.txt HTTP/1.1\r\n\r\nGET /empty HTTP/1.1\r\n\r\n"
      .. "GET /nope HTTP/1.1\r\nConnection: close\r\n\r\nGET /a.txt HTTP/1.1\r\n\r\n")
    local statuses = {}
    for status in answer:gmatch("HTTP/1.1 (%d+)") do statuses[#statuses + 1] = status end
    assert.same({ "200", "200", "404" }, statuses)
    assert.equal(1, server.connections)
    assert.equal(3, server.requests)
  end)

  it("never serves what is outside of its root", function()
    start()
    for _, path in ipairs{
      "/../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/a/../../secret", "/way-out",
      "/..", "/a.txt%00.html", "//../secret", "/nope",
    } do
      local answer = get(path)
      assert.truthy(answer:find("^HTTP/1.1 404 "), path)
      assert.falsy(answer:find("secret", 1, true), path)
    end
    assert.truthy(get("secret"):find("^HTTP/1.1 404 "))
  end)

  it("refuses what is no request, and goes on", function()
    start()
    assert.truthy(exchange("rubbish\r\n\r\n"):find("^HTTP/1.1 400 "))
    assert.truthy(exchange("GET / HTTP/1.1\r\nno colon\r\n\r\n"):find("^HTTP/1.1 400 "))
    assert.truthy(exchange(string.rep("x", 20000)):find("^HTTP/1.1 431 "))
    local posted = exchange("POST /a.txt HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
    assert.truthy(posted:find("^HTTP/1.1 405 "))
    assert.truthy(get("/a.txt"):find("^HTTP/1.1 200 "))
  end)

  it("lets a hook answer, drop, or pass on to the file", function()
    start{
      hook = function(request)
        if request.path == "/hooked" then
          return { status = 503, body = request.query, headers = { ["X-Method"] = request.method } }
        end
        if request.path == "/drop" then return { drop = true } end
      end,
    }
    local answer = get("/hooked?a=b")
    assert.truthy(answer:find("^HTTP/1.1 503 Service Unavailable\r\n"))
    assert.truthy(answer:find("\r\nX%-Method: GET\r\n"))
    assert.truthy(answer:find("\r\n\r\na=b$"))
    assert.equal("", get("/drop"))
    assert.truthy(get("/a.txt"):find("\r\n\r\nalpha$"))
  end)

  it("waits before each answer when asked", function()
    start{ latency = 0.05 }
    local started = uv.hrtime()
    assert.truthy(get("/a.txt"):find("\r\n\r\nalpha$"))
    assert.is_true(uv.hrtime() - started >= 0.05e9)
  end)

  it("survives clients that leave before their answer", function()
    command.write_file(root .. "/large", string.rep("x", 1000000))
    local process, port = site_server.process{ root = root, latency = 0.05 }
    finally(function()
      process:kill()
      process:join()
    end)
    local closed = 0
    for _ = 1, 5 do
      local socket = uv.new_tcp()
      socket:connect("127.0.0.1", port, function(err)
        assert(not err, err)
        socket:write("GET /large HTTP/1.1\r\n\r\n", function()
          socket:close(function() closed = closed + 1 end)
        end)
      end)
    end
    while closed < 5 do uv.run("once") end
    local url = string.format("http://127.0.0.1:%d/", port)
    assert.equal(1000000, #assert(http.get(url .. "large")).body)
    assert.equal("alpha", assert(http.get(url .. "a.txt")).body)
    assert.is_true(process:is_alive())
  end)

  it("says why it can't start", function()
    local none, reason = site_server.start{ root = root .. "/none" }
    assert.is_nil(none)
    assert.truthy(reason:find("ENOENT", 1, true))
    start()
    none, reason = site_server.start{ root = root, port = server.port }
    assert.is_nil(none)
    assert.truthy(reason:find("EADDRINUSE", 1, true))
    local process, why = site_server.process{ root = root, port = server.port }
    assert.is_nil(process)
    assert.truthy(why:find("EADDRINUSE", 1, true))
  end)

  it("runs as a command until Ctrl-C", function()
    local child = command.start("serve_site.lua", root)
    local base = assert(child:line())
    assert.truthy(base:find("^http://127%.0%.0%.1:%d+/$"))
    assert.equal("alpha", assert(http.get(base .. "a.txt")).body)
    child:signal("sigint")
    local outcome = child:finish()
    assert.equal(130, outcome.status)
    assert.falsy(outcome.err:find("traceback", 1, true))
  end)

  it("ends with a message when the command can't serve", function()
    local outcome = command.run("serve_site.lua", root .. "/none")
    assert.equal(1, outcome.status)
    assert.equal(1, #command.lines(outcome.err))
    assert.truthy(outcome.err:find("^serve_site: "))
    for _, port in ipairs{ "x", "70000", "-1" } do
      assert.equal(2, command.run("serve_site.lua", root, "--port=" .. port).status)
    end
  end)
end)

describe("site maker", function()
  after_each(command.clean_up)

  local function all_bytes(folder)
    local parts = {}
    for _, name in ipairs(command.names(folder)) do
      local path = folder .. "/" .. name
      local is_folder = uv.fs_stat(path).type == "directory"
      parts[#parts + 1] = name
      parts[#parts + 1] = is_folder and all_bytes(path) or command.read_file(path)
    end
    return table.concat(parts, "\0")
  end

  it("makes the same site for the same seed, and another for another", function()
    local a, b, c = command.folder(), command.folder(), command.folder()
    local options = { pages = 2, images = 10, bytes = 400000 }
    local images = site_maker.make(a, options)
    site_maker.make(b, options)
    site_maker.make(c, { pages = 2, images = 10, bytes = 400000, seed = 2 })
    assert.is_true(all_bytes(a) == all_bytes(b))
    assert.is_false(all_bytes(a) == all_bytes(c))
    assert.equal(20, #images)
    for _, image in ipairs(images) do
      assert.equal(image.size, uv.fs_stat(a .. "/" .. image.path).size)
    end
  end)

  it("runs as a command", function()
    local folder = command.folder()
    local outcome = command.run("make_site.lua", folder .. "/site", "--pages", 2, "--images", 3,
      "--size", "1K")
    assert.equal("", outcome.err)
    assert.truthy(outcome.out:find("^2 pages, 6 images, "))
    assert.same({ "1.html", "2.html" }, command.names(folder .. "/site/list"))
  end)

  it("says in one line why it can't", function()
    local folder = command.folder()
    command.write_file(folder .. "/file", "")
    local outcome = command.run("make_site.lua", folder .. "/file/site")
    assert.equal(1, outcome.status)
    assert.equal(1, #command.lines(outcome.err))
    assert.truthy(outcome.err:find("^make_site: "))
    assert.equal(2, command.run("make_site.lua").status)
    assert.equal(2, command.run("make_site.lua", folder, "--pages", "none").status)
  end)
end)
