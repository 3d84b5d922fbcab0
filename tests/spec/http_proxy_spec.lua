-- Proxies, by options and by the environment, with one on loopback and a real nginx behind it.

local http = require "mooncrew.http"
local mooncrew = require "mooncrew"
local uv = require "luv"
local command = dofile "tests/spec/support/command.lua"
local nginx = dofile "tests/spec/support/nginx.lua"
local proxy = dofile "tests/spec/support/proxy.lua"
local web = dofile "tests/spec/support/web.lua"

local NAMES = {
  "http_proxy", "https_proxy", "all_proxy", "no_proxy",
  "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
}

-- Of all that speaks of proxies, these alone.
local function set_environment(variables)
  for _, name in ipairs(NAMES) do
    if variables[name] then
      uv.os_setenv(name, variables[name])
    else
      uv.os_unsetenv(name)
    end
  end
end

local function fails_with(code, answer, err)
  assert.is_nil(answer)
  assert.equal("Http", err.kind)
  assert.equal(code, err.code)
  return err
end

describe("http through a proxy", function()
  local before, folder, server

  -- A name that exists for the proxy alone, over TLS.
  local function hidden_url()
    return "https://somewhere.invalid:" .. server.tls_url:match("%d+$") .. "/a.txt"
  end

  -- A tunnel to it has been asked for.
  local function connect_line(url)
    return "CONNECT " .. url:match("//([^/]+)")
  end

  local function get(url, options)
    local all = { insecure = true }
    for name, value in pairs(options or {}) do all[name] = value end
    return http.get(url, all)
  end

  local function alpha(url, options)
    return assert.equal("alpha", assert(get(url, options)).body)
  end

  setup(function()
    before = {}
    for _, name in ipairs(NAMES) do before[name] = os.getenv(name) end
  end)

  before_each(function()
    folder = command.folder()
    command.write_file(folder .. "/a.txt", "alpha")
    server = nginx.start(folder, { root = folder })
    set_environment{}
  end)

  after_each(function()
    set_environment(before)
    server:stop()
    command.clean_up()
  end)

  it("goes through its tunnel, and checks who is behind it", function()
    local through <close> = proxy.serve()
    local url, options = server.tls_url .. "/a.txt", { proxy = through.url, ca_file = server.ca }
    assert.equal("alpha", assert(http.get(url, options)).body)
    assert.same({ connect_line(url) }, through:log())
    fails_with("TLS", http.get(url, { proxy = through.url }))
  end)

  it("as an option says, which counts more than the environment", function()
    local through <close> = proxy.serve()
    local nowhere = "http://127.0.0.1:" .. web.free_port()
    local url = "http://somewhere.invalid/x"
    set_environment{ http_proxy = nowhere, https_proxy = nowhere }
    assert.equal("proxy " .. url, assert(http.get(url, { proxy = through.url })).body)
    alpha(hidden_url(), { proxy = through.url })
    alpha(server.url .. "/a.txt", { proxy = "" })
    set_environment{ no_proxy = "*" }
    assert.equal("proxy " .. url, assert(http.get(url, { proxy = through.url })).body)
    set_environment{ http_proxy = through.url, https_proxy = through.url }
    fails_with("CONNECT", http.get(url, { proxy = nowhere }))
    fails_with("CONNECT", http.get(hidden_url(), { proxy = nowhere }))
  end)

  it("tells it a name and a password", function()
    local through <close> = proxy.serve()
    local url = hidden_url()
    local named = through.url:gsub("//", "//me:secret@")
    set_environment{ https_proxy = named }
    alpha(url)
    assert.matches("\r\nProxy%-Authorization: Basic bWU6c2VjcmV0\r\n", through.requests[1].head)
  end)

  describe("of the environment", function()
    it("by https_proxy, all_proxy, in lower and in upper case", function()
      for _, name in ipairs{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
        local through <close> = proxy.serve()
        local url = hidden_url()
        set_environment{ [name] = through.url }
        alpha(url)
        assert.same({ connect_line(url) }, through:log(), name)
      end
    end)

    it("by http_proxy, all_proxy, ALL_PROXY, but not by HTTP_PROXY", function()
      local url = "http://somewhere.invalid/x"
      for _, name in ipairs{ "http_proxy", "all_proxy", "ALL_PROXY" } do
        local through <close> = proxy.serve()
        set_environment{ [name] = through.url }
        assert.equal("proxy " .. url, assert(get(url)).body)
        assert.same({ "GET " .. url }, through:log(), name)
      end
      -- A web server that runs a CGI script calls a visitor's header "Proxy" so.
      local through <close> = proxy.serve()
      set_environment{ HTTP_PROXY = through.url }
      alpha(server.url .. "/a.txt")
      fails_with("RESOLVE", get(url))
      assert.same({}, through:log())
    end)

    it("for its own scheme alone", function()
      local through <close> = proxy.serve()
      set_environment{ https_proxy = through.url }
      alpha(server.url .. "/a.txt")
      set_environment{ http_proxy = through.url }
      alpha(server.tls_url .. "/a.txt")
      assert.same({}, through:log())
    end)

    it("by what is said of the scheme, in lower case, if there are several", function()
      local through <close> = proxy.serve()
      local url, nowhere = hidden_url(), "http://127.0.0.1:" .. web.free_port()
      for _, variables in ipairs{
        { https_proxy = through.url, HTTPS_PROXY = nowhere },
        { https_proxy = through.url, all_proxy = nowhere },
        { HTTPS_PROXY = through.url, all_proxy = nowhere },
        { all_proxy = through.url, ALL_PROXY = nowhere },
        { https_proxy = "", all_proxy = through.url },
      } do
        set_environment(variables)
        alpha(url)
      end
      for _, variables in ipairs{
        { https_proxy = nowhere, HTTPS_PROXY = through.url },
        { https_proxy = nowhere, all_proxy = through.url },
        { all_proxy = nowhere, ALL_PROXY = through.url },
      } do
        set_environment(variables)
        fails_with("CONNECT", get(url))
      end
    end)

    it("for what no_proxy does not name, in lower and in upper case", function()
      local through <close> = proxy.serve()
      local url, nowhere = server.tls_url .. "/a.txt", "http://127.0.0.1:" .. web.free_port()
      for _, name in ipairs{ "no_proxy", "NO_PROXY" } do
        for _, named in ipairs{ "127.0.0.1", "example.org, 127.0.0.1", "127.0.0.0/8", "*" } do
          set_environment{ https_proxy = nowhere, http_proxy = nowhere, [name] = named }
          alpha(url)
          alpha(server.url .. "/a.txt")
        end
        for _, named in ipairs{ "", "127.0.0.2", "example.org", "127.0.0.1.example.org" } do
          set_environment{ https_proxy = nowhere, http_proxy = nowhere, [name] = named }
          fails_with("CONNECT", get(url))
          fails_with("CONNECT", get(server.url .. "/a.txt"))
        end
        for _, named in ipairs{ "somewhere.invalid", "invalid", ".invalid" } do
          set_environment{ https_proxy = through.url, [name] = named }
          fails_with("RESOLVE", get(hidden_url()))
        end
        set_environment{ https_proxy = through.url, [name] = "where.invalid" }
        alpha(hidden_url())
      end
      set_environment{ https_proxy = nowhere, no_proxy = "example.org", NO_PROXY = "*" }
      fails_with("CONNECT", get(url))
    end)

    it("as a program is started with", function()
      local through <close> = proxy.serve()
      command.write_file(folder .. "/get.lua", [[
        local answer, err = require("mooncrew").http.get(arg[1], { insecure = true, timeout = 20 })
        print(answer and answer.body or err)
      ]])
      -- The proxy is ours, and runs while a task waits for the child.
      local function run(environment, url)
        local lines = mooncrew.Queue()
        local child = command.start_in(environment, folder .. "/get.lua", url)
        local reader = mooncrew.Process{ target = function() lines:put(child:line()) end }:start()
        local line = mooncrew.spawn(function() return lines:get() end):get()
        reader:join()
        assert.equal(0, child:finish().status)
        return line
      end
      local url = server.url .. "/a.txt"
      assert.equal("proxy " .. url, run({ http_proxy = through.url }, url))
      assert.equal("alpha", run({ HTTPS_PROXY = through.url }, hidden_url()))
      assert.equal("alpha", run({ all_proxy = through.url, no_proxy = "127.0.0.1" }, url))
      assert.same({ "GET " .. url, connect_line(hidden_url()) }, through:log())
    end)

    it("that isn't there", function()
      local nowhere = "127.0.0.1:" .. web.free_port()
      set_environment{ all_proxy = "http://" .. nowhere }
      for _, url in ipairs{ "http://somewhere.invalid/x", hidden_url() } do
        local err = fails_with("CONNECT", get(url, { retries = 1, backoff = 0.01 }))
        assert.equal(2, err.attempts)
      end
      set_environment{ all_proxy = "http://proxy.invalid:3128" }
      fails_with("RESOLVE", get(hidden_url()))
    end)
  end)

  -- What the proxy answers is not what the site answers.
  it("that refuses the tunnel", function()
    for status, attempts in pairs{ ["403 No"] = 1, ["407 Who"] = 1, ["503 Busy"] = 3 } do
      local through <close> = proxy.serve(function()
        return { status = status, hang_up = true }
      end)
      set_environment{ https_proxy = through.url }
      local err = fails_with("PROXY", get(hidden_url(), { retries = 2, backoff = 0.01 }))
      assert.matches("response " .. status:match("%d+"), err.message)
      assert.is_nil(err.status)
      assert.equal(attempts, err.attempts)
      assert.equal(attempts, #through:log())
    end
  end)

  it("that refuses the tunnel once", function()
    local through <close> = proxy.serve(function(_, n)
      return n == 1 and { status = "503 Busy", hang_up = true } or nil
    end)
    set_environment{ https_proxy = through.url }
    local answer = assert(get(hidden_url(), { retries = 1, backoff = 0.01 }))
    assert.equal("alpha", answer.body)
    assert.equal(2, answer.attempts)
  end)

  it("that breaks off, or finds nobody behind it", function()
    local through <close> = proxy.serve(function(_, n)
      return n == 1 and { raw = "", hang_up = true } or nil
    end)
    set_environment{ https_proxy = through.url }
    local url = "https://somewhere.invalid:" .. web.free_port() .. "/"
    fails_with("TRUNCATED", get(url))
    fails_with("PROXY", get(url))
  end)
end)
