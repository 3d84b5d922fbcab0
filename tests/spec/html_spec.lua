local mooncrew = require "mooncrew"
local html = require "mooncrew.html"

local page = [[
<html><body class=main>
<ul><li class="list-group-item"><img referrerpolicy="no-referrer" data-original=" a b.jpg ">
<li class='list-group-item'><img referrerpolicy=no-referrer data-original="//cdn/x/2.jpg"></ul>
<p id=p1>One <b>bold</b> word<!-- hidden --></p>
<p id=p2 title="a&amp;b">Zwei</p>
</body>]]

describe("html.parse", function()
  it("is a field of mooncrew too", function()
    assert.equal(html, mooncrew.html)
  end)

  it("finds strings and nodes", function()
    local doc = html.parse(page, { base = "http://h/list/1.html" })
    local found = doc:xpath("//li[@class='list-group-item']"
      .. "//img[@referrerpolicy='no-referrer']/@data-original")
    assert.same({ " a b.jpg ", "//cdn/x/2.jpg" }, found)
    assert.equal("http://h/list/a%20b.jpg", doc:url(found[1]))
    assert.equal("http://cdn/x/2.jpg", doc:url(found[2]))
    local nodes = doc:xpath("//p")
    assert.equal(2, #nodes)
    assert.equal("p", nodes[1].name)
    assert.equal("One bold word", nodes[1]:text())
    assert.equal("a&b", nodes[2]:attr("title"))
    assert.is_nil(nodes[2]:attr("none"))
    assert.equal("", html.parse("<p a=''>"):xpath("//p")[1]:attr("a"))
    assert.same({ "One ", " word" }, nodes[1]:xpath("text()"))
    assert.equal("bold", nodes[1]:xpath("b")[1]:text())
    assert.equal(nodes[1], nodes[1]:xpath("b/..")[1])
    assert.are_not.equal(nodes[1], nodes[2])
    assert.equal('<p id="p2" title="a&amp;b">Zwei</p>', nodes[2]:html())
    assert.equal("mooncrew.html.node: <p>", tostring(nodes[1]))
    assert.equal(" hidden ", nodes[1]:xpath("comment()")[1]:text())
    assert.is_nil(nodes[1].nothing)
    assert.same({}, doc:xpath("//video"))
  end)

  it("evaluates to what the expression is", function()
    local doc = html.parse(page)
    assert.equal(2, doc:xpath("count(//p)"))
    assert.equal("integer", math.type(doc:xpath("count(//p)")))
    assert.equal(0.5, doc:xpath("1 div 2"))
    local nan = doc:xpath("number('x')")
    assert.are_not.equal(nan, nan)
    assert.is_true(doc:xpath("count(//p) = 2"))
    assert.equal("Zwei", doc:xpath("string(//p[2])"))
  end)

  it("keeps a document alive for its nodes", function()
    local node = html.parse(page):xpath("//p")[1]
    for _ = 1, 3 do collectgarbage() end
    assert.equal("One bold word", node:text())
  end)

  it("says that a document is gone where a finalizer comes after its own", function()
    local said = {}
    local function late()
      local owner = setmetatable({}, { __gc = function(owner)
        for i, method in ipairs{ "text", "html", "xpath" } do
          said[i] = { pcall(function() return owner.node[method](owner.node, "//p") end) }
        end
        said[4] = { pcall(function() return owner.doc:text() end) }
      end })
      owner.doc = html.parse(page) -- made after its owner, so it goes first
      owner.node = owner.doc:xpath("//p")[1]
    end
    late()
    collectgarbage()
    collectgarbage()
    assert.equal(4, #said)
    for _, result in ipairs(said) do
      assert.is_false(result[1])
      assert.matches("collected already", result[2], 1, true)
    end
  end)

  it("loses nothing of what is nested deeply", function()
    for _, n in ipairs{ 10, 254, 255, 256, 300, 511, 512, 513, 5000, 100000 } do
      local inside = "<p id=x>in" .. ("</div>"):rep(n)
      local doc = html.parse(("<div>a"):rep(n) .. inside .. "<p id=y>after")
      assert.equal(n, doc:xpath("count(//div)"))
      assert.same({ "in" }, doc:xpath("//p[@id='x']/text()"))
      assert.same({ "after" }, doc:xpath("//p[@id='y']/text()"))
      assert.equal(n + #"inafter", #doc:text())
      assert.equal(n, select(2, doc:html():gsub("<div>", "")))
    end
    -- What a page looks like whose author forgot the end tags.
    local doc = html.parse(("<font>x<a href=l>y</a>"):rep(3000) .. "<table><tr><td>z</table>")
    assert.equal(3000, #doc:xpath("//a/@href"))
    assert.equal(3000, doc:xpath("count(//font)"))
    assert.same({ "z" }, doc:xpath("//td/text()"))
  end)

  it("loses nothing of a long text", function()
    local long = ("x"):rep(12 << 20)
    for _, name in ipairs{ "p", "script", "pre" } do
      local doc = html.parse("<" .. name .. ">" .. long .. "</" .. name .. "><b>after</b>")
      assert.equal(#long, doc:xpath("string-length(//" .. name .. ")"))
      assert.same({ "after" }, doc:xpath("//b/text()"))
    end
  end)

  it("does not let dropped documents pile up", function()
    -- The collector sees a few bytes of each; told what the tree weighs, it runs all the same.
    local cycles, ended = 0, false
    local function watch()
      setmetatable({}, { __gc = function()
        cycles = cycles + 1
        if not ended then watch() end
      end })
    end
    watch()
    local text = "<p>" .. ("<b>x</b>"):rep(20000)
    local before = cycles
    for _ = 1, 200 do html.parse(text) end
    ended = true
    assert.is_true(cycles - before >= 5, cycles - before)
  end)

  it("reads encodings as they are declared", function()
    assert.equal("中", html.parse("<meta charset=gb2312><p>\xd6\xd0"):xpath("//p")[1]:text())
    assert.equal("中", html.parse("<p>\xd6\xd0", { encoding = "GBK" }):xpath("//p")[1]:text())
    assert.equal("é", html.parse("<p>\xe9"):xpath("string(//p)"))
    assert.equal("é", html.parse("<p>é", { encoding = "nonsense" }):xpath("string(//p)"))
    assert.equal("<p>中</p>", html.parse("<p>中"):xpath("//p")[1]:html())
  end)

  it("goes on behind what is wrong in UTF-16", function()
    for _, name in ipairs{ "UTF-16LE", "UTF-16BE", "UTF-16" } do
      local big = name == "UTF-16BE"
      local lone = big and "\xd8\0" or "\0\xd8"
      local function wide(text) return (text:gsub(".", big and "\0%0" or "%0\0")) end
      local mark = name == "UTF-16" and "\xff\xfe" or ""
      local text = mark .. wide "<p>a" .. lone .. wide "b</p><i>c"
      local doc = html.parse(text, { encoding = name })
      assert.same({ "a\u{FFFD}b", "c" }, doc:xpath("//p/text() | //i/text()"))
    end
  end)

  it("takes anything for a page", function()
    for _, text in ipairs{ "", "\0", "<", "</p>", "<p", "&", "\xff", ("<div>"):rep(10000) } do
      local doc = html.parse(text)
      assert.equal(0, doc:xpath("count(//table)"))
      assert.equal("string", type(doc:text()))
      assert.equal("string", type(doc:html()))
    end
  end)

  it("knows the page's own base", function()
    local text = "<base href='/img/'><p>"
    assert.equal("http://h/img/", html.parse(text, { base = "http://h/a/b" }).base)
    assert.is_nil(html.parse("<p>").base)
    for _, href in ipairs{ "javascript:x", "data:text/html,x", "JavaScript:void(0)" } do
      local doc = html.parse("<base href='" .. href .. "'>", { base = "http://h/a/b" })
      assert.equal("http://h/a/c", doc:url("c"))
    end
    assert.equal("x.png", html.parse("<p>"):url("x.png"))
    assert.equal("http://h/a/x.png", html.parse("<p>", { base = "http://h/a/b" }):url("x.png"))
  end)

  it("resolves addresses as RFC 3986 says, and as pages have them", function()
    local base = "http://a/b/c/d;p?q#f"
    for reference, address in pairs{
      ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
      ["/g"] = "http://a/g", ["//g"] = "http://g/", ["?y"] = "http://a/b/c/d;p?y",
      ["g?y"] = "http://a/b/c/g?y", ["#s"] = "http://a/b/c/d;p?q#s",
      ["g#s"] = "http://a/b/c/g#s", [";x"] = "http://a/b/c/;x", [""] = "http://a/b/c/d;p?q",
      ["."] = "http://a/b/c/", [".."] = "http://a/b/", ["../g"] = "http://a/b/g",
      ["../.."] = "http://a/", ["../../../g"] = "http://a/g", ["/../g"] = "http://a/g",
      ["..g"] = "http://a/b/c/..g", ["./g/."] = "http://a/b/c/g/", ["g/../h"] = "http://a/b/c/h",
      ["g?y/../x"] = "http://a/b/c/g?y/../x", ["g#s/../x"] = "http://a/b/c/g#s/../x",
      ["g:h"] = "g:h", ["mailto:me@h"] = "mailto:me@h", ["HTTPS://H/G"] = "https://H/G",
      -- What is encoded stays so: it means something else.
      ["/o/a%2Fb.png"] = "http://a/o/a%2Fb.png", ["..%2fg"] = "http://a/b/c/..%2fg",
      ["/plain/https%3A%2F%2Fx"] = "http://a/plain/https%3A%2F%2Fx", ["%00"] = "http://a/b/c/%00",
      ["/i?url=%2Fg&w=1"] = "http://a/i?url=%2Fg&w=1",
      [" \t/a b\n"] = "http://a/a%20b", ["a?b c"] = "http://a/b/c/a?b%20c",
      ["é"] = "http://a/b/c/%C3%A9", ["100%"] = "http://a/b/c/100%25",
      ["[x]"] = "http://a/b/c/[x]", ["1:2"] = "http://a/b/c/1:2",
      ["http://bücher.de"] = "http://bücher.de/", ["//b%C3%BCcher.de/g"] = "http://bücher.de/g",
      ["http://[::1]:8/g"] = "http://[::1]:8/g", ["http://me:pw@h/g"] = "http://me:pw@h/g",
    } do
      assert.equal(address, html.resolve(base, reference), reference)
    end
    assert.is_nil(html.resolve(base, "http://h:x/"))
    assert.equal("/img/x.png", html.resolve("/img/", "x.png"))
    assert.equal("file:///a/c", html.resolve("file:///a/b", "c"))
  end)

  it("keeps what a metatable makes up for its options", function()
    local base = "http://h/" .. ("x"):rep(100000)
    local options = setmetatable({}, { __index = function(_, name)
      return name == "base" and base .. "y" or nil
    end })
    local text = ("<p>text</p>"):rep(100000)
    for _ = 1, 5 do assert.equal(base .. "y", html.parse(text, options).base) end
  end)

  it("raises for wrong arguments and expressions", function()
    local function refuses(text, ...)
      local ok, err = pcall(...)
      assert.is_false(ok)
      assert.truthy(tostring(err):find(text, 1, true), tostring(err))
    end
    local doc = html.parse(page)
    refuses("bad argument #1 to 'mooncrew.html.parse' (string expected, got nil)", html.parse, nil)
    refuses("unknown option 'url'", html.parse, "", { url = "x" })
    refuses("option 'base': string expected, got number", html.parse, "", { base = 5 })
    refuses("XPath '//[': invalid expression (at character 3)", doc.xpath, doc, "//[")
    refuses("unknown function", doc.xpath, doc, "nosuch()")
    refuses("undefined namespace prefix", doc.xpath, doc, "//x:p")
    refuses("UTF-8", doc.xpath, doc, "//p[.='\xff']")
    refuses("string expected, got no value", doc.xpath, doc)
    refuses("string expected, got no value", doc.url, doc)
    refuses("mooncrew.html.document expected", doc.xpath, {}, "//p")
    refuses("mooncrew.html.node expected", doc:xpath("//p")[1].text, doc)
    refuses("string expected, got no value", html.resolve, "http://a/")
    refuses("#2 to 'mooncrew.html.resolve' (address expected, got one with a NUL byte)",
      html.resolve, "http://a/", "b\0c")
    refuses("option 'base': string expected, got one with a NUL byte", html.parse, "",
      { base = "http://a\0b" })
    local _, err = pcall(doc.xpath, doc, "//p[" .. ("é"):rep(1000))
    assert.is_true(#err < 350 and utf8.len(err) ~= nil, err)
  end)
end)

describe("html.resolve", function()
  it("counts from the base", function()
    assert.equal("http://a/b/d", html.resolve("http://a/b/c", "d"))
    assert.equal("http://a/d?x#y", html.resolve("http://a/b/c", "../d?x#y"))
    assert.equal("http://a/%E4%B8%AD", html.resolve("http://a", " 中\n"))
  end)
end)
