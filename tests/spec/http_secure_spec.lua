-- TLS, HTTP/2 and compression, with a real nginx on loopback.

local http = require "mooncrew.http"
local mooncrew = require "mooncrew"
local command = dofile "tests/spec/support/command.lua"
local nginx = dofile "tests/spec/support/nginx.lua"
local web = dofile "tests/spec/support/web.lua"

describe("http with nginx", function()
  local folder, server
  local text = string.rep("a page that is well worth compressing\n", 1000)

  local function start(options)
    options = options or {}
    options.root = folder
    server = nginx.start(folder, options)
  end

  local function secure(more)
    local options = { proxy = "", ca_file = server.ca }
    for name, value in pairs(more or {}) do options[name] = value end
    return options
  end

  before_each(function()
    folder = command.folder()
    command.write_file(folder .. "/a.txt", "alpha")
    command.write_file(folder .. "/page.html", text)
  end)

  after_each(function()
    if server then server:stop() end
    server = nil
    command.clean_up()
  end)

  it("trusts who it is told to, and nobody else", function()
    start()
    assert.equal("alpha", assert(http.get(server.tls_url .. "/a.txt", secure())).body)
    for _, options in ipairs{ { proxy = "" }, { proxy = "", ca_file = folder .. "/none" } } do
      local answer, err = http.get(server.tls_url .. "/a.txt", options)
      assert.is_nil(answer)
      assert.equal("TLS", err.code)
    end
    local unchecked = http.get(server.tls_url .. "/a.txt", { proxy = "", insecure = true })
    assert.equal("alpha", unchecked.body)
  end)

  it("asks for fifty files at once over one connection of HTTP/2", function()
    for i = 1, 50 do command.write_file(folder .. "/" .. i, "file " .. i) end
    start()
    local pool <close> = mooncrew.CoroutinePool(50)
    local list = {}
    for i = 1, 50 do list[i] = i end
    local bodies = pool:map(function(i)
      return assert(http.get(server.tls_url .. "/" .. i, secure())).body
    end, list)
    for i = 1, 50 do assert.equal("file " .. i, bodies[i]) end
    server:stop()
    local log = server:log()
    assert.equal(50, #log)
    for _, request in ipairs(log) do
      assert.equal("HTTP/2.0", request.protocol)
      assert.equal(log[1].connection, request.connection)
    end
  end)

  it("says of HTTP/2, too, that a body breaks off", function()
    local behind <close> = web.serve(function()
      return { raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hang_up = true }
    end)
    start{ server = "location /up { proxy_pass " .. behind.url .. "; proxy_buffering off; }" }
    local answer, err = http.get(server.tls_url .. "/up", secure())
    assert.is_nil(answer)
    assert.equal("TRUNCATED", err.code)
    assert.equal(200, err.status)
  end)

  it("uses a connection of HTTP/1.1 again", function()
    start()
    for _ = 1, 5 do assert(http.get(server.url .. "/a.txt", secure())) end
    server:stop()
    local log = server:log()
    assert.equal(5, #log)
    for _, request in ipairs(log) do
      assert.equal("HTTP/1.1", request.protocol)
      assert.equal(log[1].connection, request.connection)
    end
  end)

  it("decodes gzip and brotli, in memory and in files", function()
    for _, kind in ipairs{ "gzip", "brotli" } do
      start{ http = kind .. " on; " .. kind .. "_min_length 1;" }
      local answer = assert(http.get(server.url .. "/page.html", { proxy = "" }))
      assert.equal(kind == "gzip" and "gzip" or "br", answer.headers["content-encoding"])
      assert.is_true(answer.body == text)
      local saved = assert(http.download(server.tls_url .. "/page.html", folder .. "/got",
        secure()))
      assert.equal(#text, saved.size)
      assert.is_true(command.read_file(folder .. "/got") == text)
      server:stop()
    end
  end)

  it("uploads a file, over HTTP/2 too", function()
    local bytes = string.rep("0123456789abcdef", 1 << 16)
    command.write_file(folder .. "/out", bytes)
    start{
      http = "client_max_body_size 10m;",
      server = "location /put/ { dav_methods PUT; create_full_put_path on; }",
    }
    for i, base in ipairs{ server.url, server.tls_url } do
      local request = secure{ url = base .. "/put/" .. i, body_file = folder .. "/out" }
      assert.equal(201, assert(http.request(request)).status)
      assert.is_true(command.read_file(folder .. "/put/" .. i) == bytes)
    end
  end)

  it("sends forms with files, and what a function gives, over HTTP/2 too", function()
    local picture = string.rep("\0\xFF\r\n", 1 << 18)
    command.write_file(folder .. "/cat.png", picture)
    start{
      http = "client_max_body_size 10m;",
      server = "location /put/ { dav_methods PUT; create_full_put_path on; }",
    }
    for i, base in ipairs{ server.url, server.tls_url } do
      local form = secure{
        url = base .. "/put/form" .. i, method = "PUT", form = { a = "b" },
        files = { cat = { path = folder .. "/cat.png" } },
      }
      assert.equal(201, assert(http.request(form)).status)
      local got = command.read_file(folder .. "/put/form" .. i)
      assert.truthy(got:find('name="cat"; filename="cat.png"\r\nContent-Type: image/png\r\n', 1,
        true))
      assert.truthy(got:find(picture, 1, true))
      local n = 0
      local request = secure{ url = base .. "/put/pieces" .. i, method = "PUT", body = function()
        n = n + 1
        mooncrew.sleep(0.001)
        return n <= 20 and picture:sub(1, 50000 + n) or nil
      end }
      assert.equal(201, mooncrew.spawn(http.request, request):get().status)
      got = command.read_file(folder .. "/put/pieces" .. i)
      assert.equal(20 * 50000 + 210, #got)
      assert.is_true(got:sub(-50020) == picture:sub(1, 50020))
    end
    server:stop()
    for _, request in ipairs(server:log()) do
      local i = request.target:sub(-1)
      assert.equal(i == "1" and "HTTP/1.1" or "HTTP/2.0", request.protocol)
    end
  end)

  it("streams over HTTP/2, holding back what is not read", function()
    local bytes = string.rep("0123456789abcdef", 1 << 18)
    command.write_file(folder .. "/large", bytes)
    start()
    local request = secure{ url = server.tls_url .. "/large" }
    local stream <close> = assert(http.stream(request))
    local parts = {}
    for piece in function() return stream:read() end do
      parts[#parts + 1] = piece
      -- Others on the connection are not held up by the one that is read slowly.
      if #parts == 1 then
        assert.equal("alpha", assert(http.get(server.tls_url .. "/a.txt", secure())).body)
      end
    end
    assert.is_true(table.concat(parts) == bytes)
  end)
end)
