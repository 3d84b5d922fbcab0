--- The interactive prompt: over a pipe, and in a terminal with its line editor.

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local standalone = dofile(here .. "support/standalone.lua")
local same = standalone.same

local SILENT = { "-e", "_PROMPT, _PROMPT2 = '', ''", "-i" }

--- The lines that a session without prompts put out, the version and the echo of the input
--- included.
---@param text string
---@return string out
---@return string err
local function session(text)
  local outcome = same(SILENT, { stdin = text })
  assert.equal(0, outcome.status)
  return outcome.out, outcome.err
end

describe("prompt", function()
  teardown(standalone.remove_folder)

  describe("over a pipe", function()
    it("starts with the version", function()
      assert.matches("^Lua 5%.4[^\n]*\n", session(""))
    end)

    it("prints the values of expressions, all of them", function()
      assert.matches("\n6\n", session("(6*2-6) -- ===\n"))
      assert.matches("\n1\tnil\tx\n", session("1, nil, 'x'\n"))
    end)

    it("prints nothing for statements and for no values", function()
      local out = session("a = 1\nlocal b = 2\n(function() end)()\n\n")
      assert.is_nil(out:find("nil", 1, true))
    end)

    it("takes `=x` for `return x`", function()
      assert.matches("\nb\nc\n", session("a = [[b\nc]]\n=a\n"))
    end)

    it("asks for more while a statement is not at its end", function()
      assert.matches("\n10\nprint%(a%)\n10\na\n10\n", session("a =\n10\nprint(a)\na\n"))
    end)

    it("takes a chunk broken into many lines", function()
      local lines = {
        "--", "function f ( x )", "local a = [[", "text", "]]", 'local b = "\\', 'text\\n"',
        "if x == 11 then return 1 + 12 , 2 + 20 end --[[ two values ]]", "return x + 1",
        "end --\\\\", "return( f( 100 ) )", "assert( a == b )", "do return f( 11 ) end ",
      }
      local text = table.concat(lines, "\n"):gsub(" ", "\n\n")
      local out = session(text)
      assert.matches("\n101\n.*\n13\t22\n", out)
    end)

    it("reports a statement that is never ended, where lua shows an empty line", function()
      local outcome = standalone.run(SILENT, { stdin = "for i = 1, 2 do" })
      assert.equal("stdin:1: 'end' expected near <eof>\n", outcome.err)
      assert.equal(0, outcome.status)
    end)

    it("goes on after errors, which carry no name in front", function()
      local out, err = session("x = = 1\nerror'bad'\nerror{}\n7 * 7\n")
      assert.matches("^stdin:1: unexpected symbol near '='\n", err)
      assert.matches("\nstdin:1: bad\nstack traceback:\n", err)
      assert.matches("\n%(error object is a table value%)\n", err)
      assert.matches("\n49\n", out)
    end)

    it("reports that print can't be called", function()
      local outcome = same({ "-e", "print = nil", "-i" }, { stdin = "10\n" })
      assert.equal("error calling 'print' (attempt to call a nil value)\n", outcome.err)
    end)

    it("reports too many results", function()
      local outcome = same(SILENT, { stdin = "table.unpack({}, 1, 999980)\n" })
      assert.not_equal("", outcome.err)
    end)

    it("has `> ` and `>> ` for prompts", function()
      local out = same({ "-i" }, { stdin = "a =\n2\n" }).out
      assert.matches("> a =\n>> 2\n> \n$", out)
    end)

    it("takes its prompts from _PROMPT and _PROMPT2", function()
      local code = "_PROMPT, _PROMPT2 = 'alo', 'more'"
      local out = same({ "-e", code, "-i" }, { stdin = "a =\n2\n" }).out
      assert.matches("aloa =\nmore2\nalo\n$", out)
    end)

    it("asks tostring for a prompt that is not a string, each time", function()
      local code = [[
        local n = 0
        _PROMPT = setmetatable({}, { __tostring = function() n = n + 1 return n end })]]
      local out = same({ "-e", code, "-i" }, { stdin = " --\na = 2\n" }).out
      assert.matches("\n1 %-%-\n2a = 2\n3\n$", out)
    end)

    it("ends with an error when the prompt can't be had", function()
      local code = "_PROMPT = setmetatable({}, { __tostring = function() error('none', 0) end })"
      local outcome = same({ "-e", code, "-i" }, { stdin = "1\n" })
      assert.equal("none\n", outcome.err)
      assert.equal(1, outcome.status)
    end)

    it("does without a line editor that can't be loaded", function()
      standalone.write("libreadline.so.8", "no library")
      local outcome = standalone.run({ "-i" }, { stdin = "a = 1 +\n1\n=a",
        env = { LD_LIBRARY_PATH = standalone.folder } })
      assert.matches("\n> >> > 2\n> \n$", outcome.out)
      assert.equal("", outcome.err)
      assert.equal(0, outcome.status)
      assert(os.remove(standalone.path("libreadline.so.8")))
    end)

    it("follows the script, and does not follow a failed one", function()
      standalone.write("good.lua", "x = ...")
      assert.matches("\narg\n", same({ "-i", "good.lua", "arg" }, { stdin = "x\n" }).out)
      standalone.write("bad.lua", "error()")
      local outcome = same({ "-i", "bad.lua" }, { stdin = "x\n" })
      assert.equal(1, outcome.status)
      assert.is_nil(outcome.out:find("> ", 1, true))
    end)

    it("keeps warnings on", function()
      local outcome = same({ "-W", "-i" }, { stdin = "warn'x'\n" })
      assert.equal("Lua warning: x\n", outcome.err)
    end)
  end)

  describe("in a terminal", function()
    --- Types into both, which must show the same.
    ---@param args string[]
    ---@param steps string[]
    ---@return string screen
    local function typed(args, steps)
      local theirs = { standalone.type_into(standalone.lua, args, steps) }
      local ours = { standalone.type_into(standalone.binary, args, steps) }
      assert.same(theirs, ours)
      assert.equal(0, ours[2])
      return ours[1]
    end

    it("opens without arguments", function()
      local screen = typed({}, { "> ", "1 + 1\\r", "\\n2\\r\\n> ", "\\x04" })
      assert.matches("^Lua 5%.4[^\n]*\n> 1 %+ 1\n2\n> ", screen)
    end)

    it("opens at the end of `-i script`, and not for -e alone", function()
      standalone.write("set.lua", "y = 5")
      local screen = typed({ "-i", "set.lua" }, { "> ", "y\\r", "\\n5\\r\\n> ", "\\x04" })
      assert.matches("\n5\n", screen)
      assert.equal("1\n", typed({ "-e", "print(1)" }, {}))
      assert.is_nil(typed({ "-v" }, {}):find("> ", 1, true))
    end)

    it("reads a script from the terminal when told `-`", function()
      assert.matches("9", typed({ "-" }, { "", "print(3 * 3)\\n\\x04" }))
    end)

    it("remembers lines, those of several lines as one", function()
      local screen = typed({}, {
        "> ", "x =\\r", ">> ", "21\\r", "> ", "x = x + 21\\r", "> ", "x\\r", "\\n42\\r\\n> ",
        "\\x10\\x10\\r", "> ", "x\\r", "\\n63\\r\\n> ", "\\x04",
      })
      assert.matches("\n42\n.*\n63\n", screen)
    end)

    it("edits lines", function()
      local screen = typed({}, { "> ", "5 * 6\\x01print(\\x05)\\r", "\\n30\\r\\n> ", "\\x04" })
      assert.matches("\n30\n", screen)
    end)
  end)
end)
