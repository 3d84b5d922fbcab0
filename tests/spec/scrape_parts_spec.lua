-- What the scraper is made of: addresses, ranges, selectors, names, robots.txt, turns, lists.

local command = dofile "tests/spec/support/command.lua" -- says where lib. is found
local address = require "lib.address"
local file_names = require "lib.file_names"
local html = require "mooncrew.html"
local manifest = require "lib.manifest"
local page_ranges = require "lib.page_ranges"
local robots = require "lib.robots"
local selector = require "lib.selector"
local turns = require "lib.turns"

describe("page ranges", function()
  it("are written out", function()
    local cases = {
      ["a{1..3}"] = "a1 a2 a3",
      ["{08..10}.html"] = "08.html 09.html 10.html",
      ["{1..9..4}"] = "1 5 9",
      ["{1..2}/{3..4}x"] = "1/3x 1/4x 2/3x 2/4x",
      ["{a}{1}{1..1}"] = "{a}{1}1",
      ["{0..2}"] = "0 1 2",
      plain = "plain",
    }
    for text, wanted in pairs(cases) do
      assert.equal(wanted, table.concat(page_ranges.expand(text), " "))
    end
  end)

  it("are refused when they are wrong or too many", function()
    for _, text in ipairs{
      "{2..1}", "{1..2..0}", "{1..}", "{1..b}", "{0..1000000000000}", "{1..1001}{1..1000}",
      "{1..99999999999999999999}", "{1..2..3..4}",
    } do
      local list, reason = page_ranges.expand(text)
      assert.is_nil(list, text)
      assert.truthy(reason:find("expected a range") or reason:find("more than"), reason)
    end
  end)
end)

describe("selectors", function()
  local doc = html.parse([[
    <div id=a><p class="x y"><a href=1.jpg data-k="it's">one</a></p><a href=2.png>two</a></div>
    <p class=xy><a HREF=3.jpg rel="u v">three</a></p><img src=4.gif>]])

  local function found(text)
    local list = {}
    for _, one in ipairs(doc:xpath(assert(selector.to_xpath(text)))) do
      list[#list + 1] = type(one) == "string" and one or one:text()
    end
    return table.concat(list, " ")
  end

  it("find what CSS finds", function()
    assert.equal("1.jpg 2.png 3.jpg", found("a@href"))
    assert.equal("one two three", found("A"))
    assert.equal("one", found(".x a"))
    assert.equal("one", found("p.x.y > a"))
    assert.equal("two", found("#a > a"))
    assert.equal("one two", found("div#a a"))
    assert.equal("1.jpg 3.jpg", found("a[href$=.jpg]@href"))
    assert.equal("one", found("a[href^='1']"))
    assert.equal("two", found('a[href*=".p"]'))
    assert.equal("three", found("a[rel~=v]"))
    assert.equal("three", found("[rel]"))
    assert.equal("one", found("a[data-k=\"it's\"]"))
    assert.equal("2.png 4.gif", found("div > a@href, img@src"))
    assert.equal("one two", found("div>*>a, div>a"))
    assert.equal("", found("a[href='1,2']"))
  end)

  it("are refused when they are none", function()
    for _, text in ipairs{
      "", "a >", "> a", "a >> b", "a[", "a[]", "a[b", "a[b=]", "a[b=c]d]", "a@", "@href x", "a,",
      "a[b='c]", "a[b=c']", "a[b='c\"]", "a[b=']", "a[1b]", "a[-b=c]", "a@1b", "a[b='\xFF']",
      "a[b='\0']", ".\xFF", "a[b=c", "a]b", "a[b=\"x]y\"]",
      "a:first", "a + b", "a[b='\"'\"]x", "//a", ".", "#", "a..b", "a'", "a[b='x\"y'z']",
    } do
      local xpath, reason = selector.to_xpath(text)
      assert.is_nil(xpath, text)
      assert.truthy(reason:find("expected a selector", 1, true))
    end
  end)
end)

describe("addresses", function()
  it("have one form", function()
    local cases = {
      ["HTTP://Example.org:80"] = "http://example.org/",
      ["https://a:443/x?y#z"] = "https://a/x?y",
      ["http://a:8080/b/../c/./d/.."] = "http://a:8080/c/",
      ["http://a/../../x"] = "http://a/x",
      ["http://a/..%2f..%2fx"] = "http://a/..%2f..%2fx",
      ["http://a//b//c"] = "http://a//b//c",
      ["http://u:P@A/x y"] = "http://u:P@a/x%20y",
      ["http://a?q=/../"] = "http://a/?q=/../",
      ["http://[::1]:80/"] = "http://[::1]/",
      ["http://a/\"<é"] = "http://a/%22%3C%C3%A9",
    }
    for given, wanted in pairs(cases) do assert.equal(wanted, address.normal(given)) end
    for _, none in ipairs{ "", "ftp://a/", "http://", "http:///x", "javascript:x", "//a/b", "a" } do
      assert.is_nil(address.normal(none), none)
    end
    for _ = 1, 2 do -- the origin is new, and known
      assert.same({ url = "http://a:81/x?y", origin = "http://a:81", target = "/x?y" },
        address.parse("http://A:81/x?y#z/"))
    end
  end)
end)

describe("robots.txt", function()
  local function allowed(text, target, user_agent)
    return robots.allows(robots.parse(text, user_agent or "Crew/1.0 (us)"), target)
  end

  it("is read as RFC 9309 says", function()
    local text = table.concat({
      "\xEF\xBB\xBFUser-Agent: *", "Disallow: /", "", "User-agent: other", "User-agent: CREW",
      "Disallow: /private # not for us", "allow: /private/open", "Disallow: /*.gif$",
      "Disallow: /a%3cb", "Disallow:", "Crawl-delay: 5", "", "rubbish", "User-agent: crew",
      "Disallow: /x*z",
    }, "\r\n")
    local cases = {
      ["/"] = true, ["/private"] = false, ["/privately"] = false, ["/private/open/x"] = true,
      ["/a.gif"] = false, ["/a.gif?x"] = true, ["/a%3Cb"] = false, ["/x"] = true,
      ["/xyz"] = false, ["/x/y/zz"] = false, ["/PRIVATE"] = true,
    }
    for target, wanted in pairs(cases) do
      assert.equal(wanted, allowed(text, target), target)
    end
    assert.is_false(allowed(text, "/anything", "nobody"))
    assert.is_true(allowed("", "/x"))
    assert.is_true(allowed("User-agent: *\nDisallow:", "/x"))
    assert.is_true(allowed("Disallow: /", "/x")) -- of no group
    assert.is_true(allowed("User-agent: *\nDisallow: /p\nAllow: /p", "/p"))
    assert.is_false(allowed("User-agent: *\nDisallow: /a$", "/a"))
    assert.is_true(allowed("User-agent: *\nDisallow: /a$", "/ab"))
    assert.is_false(allowed("User-agent: *\nDisallow: /a*b$", "/abb"))
  end)

  it("takes no long time, however it is made", function()
    local text = "User-agent: *\nDisallow: /" .. string.rep("*a", 100000) .. "$\n"
    assert.is_true(allowed(text, "/" .. string.rep("a", 5000) .. "b"))
    assert.is_true(allowed(string.rep("\0\255: *", 1 << 18), "/x"))
  end)
end)

describe("turns", function()
  it("go round the hosts, each with so many at a time", function()
    local line = turns.new(2)
    for i = 1, 3 do line:add("a", "a" .. i) end
    line:add("b", "b1")
    local order = {}
    for item in function() return (line:take()) end do order[#order + 1] = item end
    assert.equal("a1 b1 a2", table.concat(order, " "))
    assert.equal(1, line.waiting)
    line:done("a")
    assert.equal("a3", (line:take()))
    assert.equal(0, line.waiting)
    line:add("b", "b2")
    line:clear()
    line:done("a")
    line:done("b")
    assert.is_nil(line:take())
    line:add("b", "b3")
    assert.equal("b3", (line:take()))
  end)

  it("are those of the host with the fewest under way", function()
    local line = turns.new(9)
    for i = 1, 6 do line:add("slow", "s" .. i) end
    for _ = 1, 3 do line:take() end
    for i = 1, 4 do line:add("late", "l" .. i) end
    assert.equal("l1", (line:take()))
    line:done("late")
    assert.equal("l2", (line:take()))
    assert.equal("l3", (line:take()))
    assert.equal("l4", (line:take()))
    assert.equal("s4", (line:take()))
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
      { "http://a/%FF%C3.gif", "%FF%C3.gif" },
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
    local path = "/" .. string.rep("é", 300) .. ".jpeg"
    local first, second = names:pick("http://a" .. path), names:pick("http://b" .. path)
    assert.not_equal(first, second)
    assert.equal(second, names:pick("http://b" .. path))
    for _, name in ipairs{ first, second } do
      assert.is_true(#name <= 255 and #name > 150)
      assert.truthy(utf8.len(name))
      assert.equal(".jpeg", name:sub(-5))
    end
  end)
end)

describe("the list of what was scraped", function()
  local path

  before_each(function() path = command.folder() .. "/list" end)
  after_each(command.clean_up)

  local function contents() return command.read_file(path) end

  it("is written by several processes, each line behind the others", function()
    command.write_file(path, "something else")
    local first = assert(manifest.open(path))
    assert(first:write{ url = "http://a/1" })
    local second = assert(manifest.join(path))
    assert(second:write{ url = "http://a/2" })
    assert(first:write{ url = "http://a/3" })
    local lines = '{"url":"http://a/1"}\n{"url":"http://a/2"}\n{"url":"http://a/3"}\n'
    assert.equal(lines, contents())
    local third = assert(manifest.open(path, true))
    assert(third:write{ url = "http://a/4" })
    assert.equal(lines .. '{"url":"http://a/4"}\n', contents())
  end)

  it("loses lines that were torn, however long", function()
    for _, torn in ipairs{ "{", ('{"url":"' .. ("x"):rep(20000)) } do
      for _, whole in ipairs{ "", '{"url":"http://a/1"}\n' } do
        command.write_file(path, whole .. torn)
        assert(manifest.open(path, true))
        assert.equal(whole, contents())
        local list = assert(manifest.join(path))
        command.write_file(path, whole .. torn)
        list:repair()
        assert(list:write{ url = "http://a/2" })
        assert.equal(whole .. '{"url":"http://a/2"}\n', contents())
      end
    end
  end)

  it("may be no file, and is refused where it can't be", function()
    local list = assert(manifest.open("/dev/null", true))
    list:repair()
    assert(list:write{ url = "http://a/1" })
    local none, reason = manifest.open(path .. "/list")
    assert.is_nil(none)
    assert.truthy(reason:find(path .. "/list: No such file", 1, true), reason)
  end)
end)
