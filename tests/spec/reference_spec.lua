--- Each public function has a stub, and each stub a function: the module and its objects are walked
--- and compared with the annotations, of which docs/reference.md is made.

local root = (debug.getinfo(1, "S").source:match("^@(.*)/tests/spec/") or ".")
package.path = root .. "/cmake/reference/?.lua;" .. package.path
local annotations = require "annotations"
local page = require "page"
local mooncrew = require "mooncrew"

local book = annotations.of_module(root)

-- Classes whose objects have another name than their stub.
local RENAMED = {
  ["mooncrew.html.document"] = "mooncrew.html.Document",
  ["mooncrew.html.node"] = "mooncrew.html.Node",
  ["mooncrew.http.cookies"] = "mooncrew.http.Cookies",
  ["mooncrew.http.stream"] = "mooncrew.http.Stream",
}

-- The functions of a table of methods.
local function add_functions(found, methods)
  for name, value in pairs(methods) do
    if type(name) == "string" and type(value) == "function" and not name:find("^__") then
      found[name] = value
    end
  end
end

--- The methods of a class: of its __index, or of the table that this function looks into.
local function methods_of(metatable)
  local found, index = {}, metatable.__index
  if type(index) == "table" then
    add_functions(found, index)
  elseif type(index) == "function" then
    for i = 1, math.huge do
      local name, value = debug.getupvalue(index, i)
      if not name then break end
      if (name == "" or name == "methods") and type(value) == "table" then
        add_functions(found, value)
      end
    end
  end
  return found
end

--- class → name → function, of all that is public.
local function walk()
  local classes = { mooncrew = {} }
  local function module(name, value)
    classes[name] = classes[name] or {}
    add_functions(classes[name], value)
  end
  for name in pairs{ Pool = 1, CoroutinePool = 1, main = 1 } do assert(mooncrew[name]) end
  module("mooncrew", mooncrew)
  for _, name in ipairs{ "http", "html", "fs", "log", "progress" } do
    module("mooncrew." .. name, mooncrew[name])
  end
  module("mooncrew.dict.functions", mooncrew.dict)

  local pool <close> = mooncrew.Pool(1)
  local crew <close> = mooncrew.CoroutinePool(1)
  local document = mooncrew.html.parse("<p>x")
  local lock = mooncrew.Lock()
  local held <close> = lock:hold()
  local objects = {
    mooncrew.Process{ target = print }, pool, crew, crew:apply_async(type, { 1 }),
    mooncrew.spawn(type, 1), mooncrew.Queue(), (mooncrew.Pipe()), mooncrew.list{}, mooncrew.dict{},
    mooncrew.Value(1), mooncrew.Array("i8", 1), mooncrew.Manager(), lock, held, mooncrew.RLock(),
    mooncrew.Semaphore(), mooncrew.BoundedSemaphore(), mooncrew.Event(), mooncrew.Condition(),
    mooncrew.Barrier(1), document, document:xpath("//p")[1], mooncrew.http.cookies(),
    mooncrew.progress(1, { stream = { write = function() end, flush = function() end } }),
  }
  for _, object in ipairs(objects) do
    local metatable = debug.getmetatable(object)
    local name = RENAMED[metatable.__name] or metatable.__name
    classes[name] = methods_of(metatable)
    if name == "mooncrew.dict" then assert.is_nil(next(classes[name])) end
  end
  -- To have one of these, a server would have to be there.
  local stream = "mooncrew.http.stream"
  classes[RENAMED[stream]] = methods_of(debug.getregistry()[stream])
  return classes
end

describe("the reference", function()
  local classes = walk()

  it("walks every class that has a place in it, but those without objects of their own", function()
    local without = { ["mooncrew.Constant"] = true, ["mooncrew.Error"] = true,
      ["mooncrew.AnyPool"] = true, ["mooncrew.host"] = true }
    for _, name in ipairs(page.classes()) do
      assert.is_true(classes[name] ~= nil or without[name] == true, name)
    end
    for name in pairs(classes) do assert.is_table(book.classes[name], name) end
  end)

  it("has a stub for each function", function()
    local missing = {}
    for class, functions in pairs(classes) do
      for name in pairs(functions) do
        if not annotations.find(book, class, name) and not book.internal[class .. "." .. name] then
          missing[#missing + 1] = class .. "." .. name
        end
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("has a function for each stub", function()
    local missing = {}
    for class, functions in pairs(classes) do
      local at = book.classes[class]
      while at do
        for _, fn in ipairs(at.functions) do
          if not functions[fn.name] then missing[#missing + 1] = class .. "." .. fn.name end
        end
        at = book.classes[at.parent]
      end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("has the parameters of functions that are in Lua", function()
    local checked = 0
    for class, functions in pairs(classes) do
      for name, fn in pairs(functions) do
        local stub, info = annotations.find(book, class, name), debug.getinfo(fn, "Su")
        if stub and info.what == "Lua" and not info.isvararg then
          local args = {}
          for i = 1, info.nparams do args[i] = debug.getlocal(fn, i) end
          if stub.sep == ":" then table.remove(args, 1) end
          assert.same(args, stub.args, class .. "." .. name)
          checked = checked + 1
        end
      end
    end
    assert.is_true(checked > 30, checked)
  end)

  it("says of each parameter what it is, and of none that is not there", function()
    local wrong = {}
    for name in pairs(classes) do
      for _, fn in ipairs(book.classes[name].functions) do
        local said = {}
        for _, param in ipairs(fn.params) do said[param.name:gsub("%?$", "")] = true end
        for _, arg in ipairs(fn.args) do
          if not said[arg] then wrong[#wrong + 1] = ("%s.%s: %s"):format(name, fn.name, arg) end
          said[arg] = nil
        end
        for arg in pairs(said) do
          wrong[#wrong + 1] = ("%s.%s: no %s"):format(name, fn.name, arg)
        end
      end
    end
    table.sort(wrong)
    assert.same({}, wrong)
  end)

  it("has each constant and each field of the module", function()
    local said = { _VERSION = true, dict = true, host = true }
    for _, constant in ipairs(book.constants) do said[constant.name] = true end
    for name, value in pairs(mooncrew) do
      local modules = book.classes["mooncrew." .. name]
      assert.is_true(type(value) == "function" or said[name] or modules ~= nil, name)
    end
    for _, constant in ipairs(book.constants) do
      assert.is_true(constant.class == "mooncrew" and mooncrew[constant.name] ~= nil)
    end
  end)

  it("is what the annotations say", function()
    local file <close> = assert(io.open(root .. "/docs/reference.md", "rb"))
    assert.is_true(file:read("a") == page.write(book), "./dev fmt writes docs/reference.md")
  end)

  it("notices a stub, a function and a parameter too many", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write("---@class T: B\nlocal T = {}\n---Text.\n---@param a? integer some\n" ..
      "---@return true? ok\nfunction T:f(a, b) end\n---@package\nT.g, T.h = 1, 2\nT.i = 3\n" ..
      "---@class B\nlocal B = {}\nfunction B.g() end\n"))
    file:close()
    local small = annotations.new()
    annotations.read(small, path)
    assert(os.remove(path))
    local fn = annotations.find(small, "T", "f")
    assert.same({ "a", "b" }, fn.args)
    assert.same({ { name = "a?", type = "integer some" } }, fn.params)
    assert.same({ "true? ok" }, fn.returns)
    assert.same({ "Text." }, fn.text)
    assert.is_table(annotations.find(small, "T", "g"))
    assert.is_nil(annotations.find(small, "T", "i"))
    assert.same({ ["T.g"] = true, ["T.h"] = true, ["T.i"] = true }, small.internal)
  end)
end)
