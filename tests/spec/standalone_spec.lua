--- The binary as a standalone lua: options, environment, `arg`, scripts, errors, exit statuses.
--- Where the two must not differ, the system's lua5.4 runs the same and is compared.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")
local run, same, write = standalone.run, standalone.same, standalone.write

describe("standalone", function()
  teardown(standalone.remove_folder)

  describe("options", function()
    it("-e runs code, glued on or as the next word, in order", function()
      local outcome = same{ "-eprint(1)", "-ea=3", "-e", "print(a)" }
      assert.equal("1\n3\n", outcome.out)
      assert.equal(0, outcome.status)
    end)

    it("-e with an empty statement does nothing", function()
      assert.equal("", same{ "-e ", "-e", " " }.out)
    end)

    it("-e alone does not read stdin", function()
      assert.equal("1\n", same({ "-e", "print(1)" }, { stdin = "print(2)" }).out)
    end)

    it("-e shows its errors as of the command line", function()
      local outcome = same{ "-e", "error'x'" }
      assert.equal("lua: (command line):1: x", outcome.err:match("^[^\n]*"))
      assert.equal(1, outcome.status)
      assert.equal(1, same{ "-e", "a" }.status)
    end)

    it("a failed -e stops everything behind it", function()
      write("never.lua", "print'never'")
      assert.equal("", same{ "-e", "error()", "-e", "print(1)", "never.lua" }.out)
    end)

    it("-l requires into a global of the module's name", function()
      write("amodule.lua", "print(...) ; return { x = 15 }")
      local outcome = same{ "-l", "amodule", "-lstring", "-e", "print(amodule.x, string.len'abc')" }
      assert.matches("^amodule\t.-\n15\t3\n$", outcome.out)
    end)

    it("-l takes another name for the global", function()
      local outcome = same{ "-l", "s=string", "-lm=math", "-e", "print(s.upper'a', m.max(1, 2))" }
      assert.equal("A\t2\n", outcome.out)
    end)

    it("-l names globals that are paths", function()
      write("dotted.lua", "return { y = 1 }")
      local args = { "-l", "./dotted", "-e", "print(_G['./dotted'].y)" }
      assert.equal("1\n", same(args, { env = { LUA_PATH = "?.lua;;" } }).out)
    end)

    it("-l of no module is an error with a traceback", function()
      local outcome = same{ "-l", "no.such", "-e", "print(1)" }
      assert.matches("module 'no.such' not found", outcome.err, 1, true)
      assert.equal(1, outcome.status)
    end)

    it("-v shows one line, and what follows still runs", function()
      local outcome = same{ "-v" }
      assert.matches("^Lua 5%.4%.%d+  Copyright %(C%)[^\n]* PUC%-Rio\n$", outcome.out)
      assert.equal(outcome.out .. "hello\n", same{ "-v", "-e", "print'hello'" }.out)
    end)

    it("-v alone does not read stdin", function()
      local outcome = same({ "-v" }, { stdin = "print'not run'" })
      assert.is_nil(outcome.out:find("not run", 1, true))
    end)

    it("-W turns warnings on, at its place among -e", function()
      local outcome = same{ "-e", "warn'a'", "-W", "-e", "warn('b', 'c')" }
      assert.equal("Lua warning: bc\n", outcome.err)
    end)

    it("warn's control messages work as ever", function()
      write("warn.lua", [[
        warn("@unknown") warn("@off", "x", "@off") warn("@off") warn("@on", "y") warn("@on")
        warn("", "@on") warn("z", "z")]])
      local outcome = same{ "-W", "warn.lua" }
      assert.equal("Lua warning: @offx@off\nLua warning: @on\nLua warning: zz\n", outcome.err)
    end)

    it("warnings that are off hear of each piece whether it turns them on", function()
      local outcome = same{ "-e", "warn('a', '@on') warn('b', '@off') warn'c'" }
      assert.equal("Lua warning: b@off\nLua warning: c\n", outcome.err)
    end)

    it("errors in finalizers at the end become warnings", function()
      write("final.lua", "for i = 1, 2 do _G['x' .. i] = setmetatable({}, " ..
        "{ __gc = function() error('gone' .. i) end }) end")
      local outcome = same{ "-W", "final.lua" }
      assert.matches("gone2.*gone1", outcome.err)
      assert.equal(0, outcome.status)
      assert.equal("", same{ "final.lua" }.err)
    end)

    it("-- ends the options", function()
      write("-e", "print('a file', ...)")
      assert.equal("a file\t-v\n", same{ "--", "-e", "-v" }.out)
      assert.equal("1\n", same({ "--" }, { stdin = "print(1)" }).out)
      write("-", "print'a file called -'")
      assert.equal("a file called -\n", same({ "--", "-" }, { stdin = "print'stdin'" }).out)
    end)

    it("- runs stdin with arguments", function()
      local outcome = same({ "-", "-h", "b" }, { stdin = "print(arg[0], ...)" })
      assert.equal("-\t-h\tb\n", outcome.out)
      assert.equal("", same({ "-" }, { stdin = "" }).out)
    end)

    it("combine", function()
      write("args.lua", "print(x, ...)")
      local outcome = same({ "-W", "-E", "-v", "-e", "x = 1", "--", "args.lua", "-e" },
        { env = { LUA_INIT = "x = 7" } })
      assert.matches("\n1\t%-e\n$", outcome.out)
    end)
  end)

  describe("bad usage", function()
    local mistakes = {
      { "-h", "unrecognized option '-h'" },
      { "-x", "unrecognized option '-x'" },
      { "---", "unrecognized option '---'" },
      { "--no-such", "unrecognized option '--no-such'" },
      { "--helping", "unrecognized option '--helping'" },
      { "-Ex", "unrecognized option '-Ex'" },
      { "-vv", "unrecognized option '-vv'" },
      { "-iv", "unrecognized option '-iv'" },
      { "-Wx", "unrecognized option '-Wx'" },
      { "-e", "'-e' needs argument" },
      { "-l", "'-l' needs argument" },
    }
    for _, mistake in ipairs(mistakes) do
      it("of " .. mistake[1] .. " ends with status 2 and a usage", function()
        local outcome = run{ mistake[1] }
        assert.equal("", outcome.out)
        assert.equal("lua: " .. mistake[2] .. "\nusage: lua [options] [script [args]]",
          outcome.err:match("^[^\n]*\n[^\n]*"))
        assert.equal(2, outcome.status)
      end)
    end

    it("is an option where a statement belongs", function()
      assert.matches("'-e' needs argument", run{ "-e", "-v" }.err, 1, true)
      assert.matches("'-l' needs argument", run{ "-v", "-l", "--" }.err, 1, true)
    end)

    it("runs nothing, wherever it stands", function()
      local outcome = run({ "-e", "print(1)", "-h" }, { env = { LUA_INIT = "print(2)" } })
      assert.equal("", outcome.out)
      assert.equal(2, outcome.status)
    end)
  end)

  describe("long options", function()
    it("--help shows a page on stdout", function()
      local outcome = run{ "--help" }
      assert.matches("^usage: lua %[options%]", outcome.out)
      assert.matches("MOONCREW_SCRIPTS", outcome.out)
      assert.equal("", outcome.err)
      assert.equal(0, outcome.status)
    end)

    it("--version shows ours and Lua's", function()
      local outcome = run{ "--version" }
      assert.matches("^mooncrew %d+%.%d+%.%d+\nLua 5%.4", outcome.out)
      assert.equal(0, outcome.status)
    end)

    it("fail when nothing can be written", function()
      for _, option in ipairs{ "--help", "--version" } do
        local command = standalone.command(standalone.binary, { option })
        local _, how, status = os.execute(command .. " >/dev/full")
        assert.same({ "exit", 1 }, { how, status })
      end
    end)
  end)

  describe("the environment", function()
    it("LUA_INIT runs first, and sees arg", function()
      write("x.lua", "print(X)")
      local options = { env = { LUA_INIT = "X = tonumber(arg[1])" } }
      assert.equal("3.2\n", same({ "x.lua", "3.2" }, options).out)
    end)

    it("LUA_INIT_5_4 wins over LUA_INIT, even when empty", function()
      write("x.lua", "print(X)")
      local env = { LUA_INIT = "X = 3", LUA_INIT_5_4 = "X = 10" }
      assert.equal("10\n", same({ "x.lua" }, { env = env }).out)
      env.LUA_INIT_5_4 = ""
      assert.equal("nil\n", same({ "x.lua" }, { env = env }).out)
    end)

    it("LUA_INIT may name a file", function()
      write("count.lua", "x = (x or 9) + 1 print(x)")
      local outcome = same({ "count.lua" }, { env = { LUA_INIT = "@count.lua" } })
      assert.equal("10\n11\n", outcome.out)
    end)

    it("an error in LUA_INIT is the end", function()
      local outcome = same({ "-e", "print(1)" }, { env = { LUA_INIT = "error'msg'" } })
      assert.matches("^lua: LUA_INIT:1: msg\nstack traceback:\n", outcome.err)
      assert.equal("", outcome.out)
      assert.equal(1, outcome.status)
      outcome = same({ "-e", "print(1)" }, { env = { LUA_INIT_5_4 = "error'msg'" } })
      assert.matches("^lua: LUA_INIT_5_4:1: msg\n", outcome.err)
      assert.matches("syntax error", same({}, { env = { LUA_INIT = "a" } }).err)
      assert.equal(1, same({}, { env = { LUA_INIT = "@no-such-file" } }).status)
    end)

    it("-E ignores all of it", function()
      local env = { LUA_INIT = "error(10)", LUA_PATH = "xxx", LUA_CPATH = "yyy" }
      local outcome = same({ "-E", "-e", "print(package.path, package.cpath)" }, { env = env })
      assert.equal(0, outcome.status)
      assert.is_nil(outcome.out:find("xxx", 1, true) or outcome.out:find("yyy", 1, true))
    end)

    it("gives the paths of modules", function()
      local args = { "-e", "print(package.path, package.cpath)" }
      local env = { LUA_PATH = "a;;b", LUA_CPATH = "c", LUA_CPATH_5_4 = "d" }
      assert.matches("^a;.*;b\td\n$", same(args, { env = env }).out)
    end)
  end)

  describe("arg", function()
    local SHOW = [[
      local low = 0
      while arg[low - 1] do low = low - 1 end
      for i = low, #arg do io.write(i, "=", arg[i], " ") end
      print(#arg, ...)]]

    it("holds the script at 0, its arguments above, the rest below", function()
      write("show.lua", SHOW)
      local outcome = same{ "-e ", "--", "show.lua", "a", "", "c d" }
      assert.equal("-3=lua -2=-e  -1=-- 0=show.lua 1=a 2= 3=c d 3\ta\t\tc d\n", outcome.out)
    end)

    it("has the command at 0 when there is no script", function()
      assert.equal("0=lua 1=-W 2=-e 3=" .. SHOW .. " 3\n", same{ "-W", "-e", SHOW }.out)
      assert.equal("0=lua 0\n", same({}, { stdin = SHOW }).out)
    end)

    it("may be changed on the way to the script", function()
      write("dots.lua", "print(...)")
      assert.equal("100\n", same({ "-e", "arg[1] = 100", "-" }, { stdin = "print(...)" }).out)
      assert.equal("a\tb\n", same{ "-e", "arg = { 'a', 'b' }", "dots.lua", "z" }.out)
    end)

    it("must stay a table", function()
      local outcome = same({ "-e", "arg = 1", "-" }, { stdin = "" })
      assert.equal("lua: 'arg' is not a table\n", outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("is not unpacked beyond the stack", function()
      write("dots.lua", "print(...)")
      local code = "setmetatable(arg, { __len = function() return 10000000 end })"
      local outcome = same{ "-e", code, "dots.lua" }
      assert.matches("too many arguments to script", outcome.err, 1, true)
      assert.equal(1, outcome.status)
    end)

    it("carries many arguments", function()
      write("many.lua", "print(select('#', ...), (select(250, ...)))")
      local args = { "many.lua" }
      for i = 1, 250 do
        args[i + 1] = "a" .. i
      end
      assert.equal("250\ta250\n", same(args).out)
    end)

    it("is there for modules of -l", function()
      write("needs_arg.lua", "assert(arg[0] == '-')")
      assert.equal(0, same({ "-lneeds_arg", "-" }, { stdin = "" }).status)
    end)
  end)

  describe("scripts", function()
    it("run from stdin when it is no terminal", function()
      assert.equal("10\n2\n", same({}, { stdin = "print(10)\nprint(2)\n" }).out)
      assert.equal("1\tnil\n", same({ "-" }, { stdin = "print(\n1, a\n)" }).out)
    end)

    it("may have a first line for the shell, and a byte order mark", function()
      local texts = {
        ["# comment\nprint(3)"] = "3\n", ["#only a comment"] = "", ["\xEF\xBB\xBF"] = "",
        ["\xEF\xBB\xBFprint(3)"] = "3\n", ["\xEF\xBB\xBF# comment!!\nprint(3)"] = "3\n",
        ["#comment\n" .. string.dump(load("print(3)"))] = "3\n",
      }
      for text, out in pairs(texts) do
        write("marked.lua", text)
        assert.equal(out, same{ "marked.lua" }.out)
      end
      for _, text in ipairs{ "\xEF", "\xEF\xBB", "\xEFprint(3)", "\xEF\xBBprint(3)" } do
        write("marked.lua", text)
        assert.matches("unexpected symbol", same{ "marked.lua" }.err)
      end
    end)

    it("are closed in order: files, to-be-closed variables, finalizers", function()
      write("close.lua", "io.output('closed.txt') io.write('alo')")
      assert.equal(0, run{ "close.lua" }.status)
      assert.equal("alo", standalone.read("closed.txt"))
      write("tbc.lua", [[
        local function closer(text)
          return setmetatable({}, { __close = function(_, err) print(text, err) end })
        end
        local a <close> = closer("first")
        local b <close> = closer("second")
        os.exit(true, true)]])
      assert.equal("second\tnil\nfirst\tnil\n", same{ "tbc.lua" }.out)
    end)

    it("may make objects in finalizers that run at the end", function()
      write("gc.lua", [[
        setmetatable({}, { __gc = function() print(1) end })
        setmetatable({}, { __gc = function()
          print(2)
          setmetatable({}, { __gc = function() print(3) end })
          print(collectgarbage())
          os.exit(0, true)
        end })]])
      assert.equal("2\nnil\n1\n", same{ "-W", "gc.lua" }.out)
    end)

    it("start with the collector in generational mode, as lua does", function()
      assert.equal("generational\n", same{ "-e", "print(collectgarbage'incremental')" }.out)
    end)

    it("may debug from a pipe", function()
      local outcome = same({ "-e", "debug.debug()" }, { stdin = "io.stderr:write(1000)\ncont\n" })
      assert.equal("lua_debug> 1000lua_debug> ", outcome.err)
    end)

    it("load C modules against the one Lua of the process", function()
      local outcome = run{ "-e", [[
        print(type(require"lfs".currentdir()), type(require"luv".hrtime()))
        local n = 0
        for line in io.lines("/proc/self/maps") do
          if line:find("liblua5.4.so", 1, true) then n = n + 1 end
        end
        print(n)]] }
      assert.equal("string\tnumber\n0\n", outcome.out)
      assert.equal("", outcome.err)
    end)
  end)

  describe("errors", function()
    it("of a script have a traceback", function()
      write("deep.lua", "local function f() error('bad', 1) end\nlocal function g() f() end\ng()")
      local outcome = same{ "deep.lua" }
      assert.matches("^lua: deep.lua:1: bad\nstack traceback:\n.*in main chunk.*in %?\n$",
        outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("of syntax have none", function()
      write("syntax.lua", "x = = 1")
      local outcome = same{ "syntax.lua" }
      assert.equal("lua: syntax.lua:1: unexpected symbol near '='\n", outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("may be objects with __tostring", function()
      write("object.lua", [[
        local debug = require "debug"
        error(setmetatable({}, { __tostring = function()
          return "line " .. debug.getinfo(4).currentline
        end }))]])
      assert.equal("lua: line 2\n", same{ "object.lua" }.err)
    end)

    it("may be values of other kinds", function()
      for _, value in ipairs{ "{}", "nil", "true", "print", "12", "1.5", "''", "" } do
        local outcome = same{ "-e", ("error(%s)"):format(value) }
        assert.equal(1, outcome.status)
      end
      assert.matches("^lua: %(error object is a table value%)\n", same{ "-e", "error{}" }.err)
      local odd = "error(setmetatable({}, { __tostring = function() return 1 end }))"
      assert.matches("error object is a table value", same{ "-e", odd }.err)
    end)

    it("inside __tostring do not hide that there was one", function()
      local code = "error(setmetatable({}, { __tostring = function() error'again' end }))"
      local outcome = same{ "-e", code }
      assert.equal(1, outcome.status)
      assert.not_equal("", outcome.err)
    end)

    it("of endless recursion are errors", function()
      local outcome = run{ "-e", "local function f() return 1 + f() end f()" }
      assert.matches("^lua: %(command line%):1: stack overflow.*skipping", outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("name what can't be opened", function()
      local outcome = same{ "./no-such.lua" }
      assert.equal("lua: cannot open ./no-such.lua: No such file or directory\n", outcome.err)
      assert.equal(1, outcome.status)
      assert.equal(1, same{ "." }.status)
    end)

    it("of stdin's script count, though lua forgets them", function()
      local outcome = run({}, { stdin = "error'x'" })
      assert.matches("^lua: stdin:1: x\n", outcome.err)
      assert.equal(1, outcome.status)
      assert.equal(1, same({ "-" }, { stdin = "error'x'" }).status)
    end)

    it("go by the name that the command was called", function()
      local command = ("bash -c %s 2>&1"):format(standalone.quote(
        "exec -a other/name " .. standalone.binary .. " -e 'error(1, 0)'"))
      local pipe <close> = assert(io.popen(command))
      assert.equal("other/name: 1", pipe:read("l"))
    end)
  end)

  describe("statuses", function()
    it("are those of os.exit", function()
      local wanted = {
        ["os.exit(nil, true)"] = 0, ["os.exit(0, true)"] = 0, ["os.exit(true, true)"] = 0,
        ["os.exit(1, true)"] = 1, ["os.exit(false, true)"] = 1, ["os.exit(false)"] = 1,
        ["os.exit(7)"] = 7, ["os.exit(300)"] = 44,
      }
      for code, status in pairs(wanted) do
        local outcome = same{ "-e", code }
        assert.equal(status, outcome.status, code)
        assert.equal("", outcome.err)
      end
    end)

    it("of children come through os.execute and io.popen", function()
      write("children.lua", [[
        local lua = ...
        print(os.execute())
        print(os.execute("exit 3"))
        print(os.execute("kill -s KILL $$"))
        print(os.execute("kill -s INT $$"))
        print(os.execute(lua .. " -e 'error()' 2>/dev/null"))
        print(io.popen("exit 5"):close())
        print(io.popen("kill -s TERM $$"):close())
        print(io.popen("cat >/dev/null", "w"):close())]])
      local outcome = same{ "children.lua", standalone.binary }
      assert.equal("true\nnil\texit\t3\nnil\tsignal\t9\nnil\tsignal\t2\nnil\texit\t1\n" ..
        "nil\texit\t5\nnil\tsignal\t15\ntrue\texit\t0\n", outcome.out)
    end)
  end)
end)
