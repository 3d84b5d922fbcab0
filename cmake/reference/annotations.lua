-- Reads the annotations of Lua files, as far as the reference needs them: classes with fields,
-- functions with parameters and results, aliases, constants.
--
-- In a file, `---@class NAME` binds the local of the next line to that class; what is declared on
-- that local (`function Queue:put(…)`) belongs to it. What stands in meta/ counts more than what
-- stands beside an implementation. Functions marked ---@package are for the module's own files.

local annotations = {}

---@class annotations.Class
---@field name string
---@field parent? string
---@field text string[]
---@field fields { name: string, type: string }[] type: what follows the name, text included
---@field overload? string
---@field functions annotations.Function[] in the order of the files
---@field file string where it was declared first

---@class annotations.Function
---@field name string
---@field sep "."|":"
---@field args string[]
---@field text string[]
---@field params { name: string, type: string }[]
---@field returns string[]
---@field file string

---@class annotations.Book
---@field classes table<string, annotations.Class>
---@field aliases table<string, string>
---@field constants { class: string, name: string, type: string, text: string[] }[]
---@field internal table<string, true> "mooncrew.Pool.poll"

local function class_of(book, name, file)
  local class = book.classes[name]
  if not class then
    class = { name = name, text = {}, fields = {}, functions = {}, file = file }
    book.classes[name] = class
  end
  return class
end

-- A block of lines of `---`, taken apart.
local function new_block()
  return { text = {}, fields = {}, params = {}, returns = {} }
end

-- The words after a tag. Lines that follow with `---  ` go on with it.
local READ = {
  class = function(block, rest)
    local name, parent = rest:match("^([%w_.]+): ([%w_.]+)")
    block.class, block.parent = name or rest:match("^[%w_.]+"), parent
    local said = rest:match(parent and "^%S+ %S+ (.+)" or "^%S+ (.+)")
    if said then block.text[#block.text + 1] = said end
  end,
  field = function(block, rest)
    local name, kind = rest:match("^(%b[]) (.+)")
    if not name then name, kind = rest:match("^(%S+) (.+)") end
    if name == "package" or name == "private" then return end
    local field = { name = name, type = kind }
    block.fields[#block.fields + 1], block.open = field, field
  end,
  param = function(block, rest)
    local name, kind = rest:match("^(%S+) (.+)")
    local param = { name = name, type = kind }
    block.params[#block.params + 1], block.open = param, param
  end,
  ["return"] = function(block, rest)
    local result = { type = rest }
    block.returns[#block.returns + 1], block.open = result, result
  end,
  alias = function(block, rest) block.alias = { rest:match("^(%S+) (.+)") } end,
  type = function(block, rest) block.type = rest end,
  overload = function(block, rest) block.overload = rest end,
  package = function(block) block.package = true end,
}

local function read_line(block, line)
  local tag, rest = line:match("^%-%-%-@(%w+)%s*(.*)")
  if tag then
    block.open = nil
    if READ[tag] then READ[tag](block, rest) end
    return
  end
  local text = line:match("^%-%-%-%s*(.*)")
  if block.open then
    block.open.type = block.open.type .. " " .. text
  elseif text ~= "" then
    block.text[#block.text + 1] = text
  end
end

local function append(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

local function declare_class(book, block, file)
  local class = class_of(book, block.class, file)
  class.parent = block.parent ~= "userdata" and block.parent or class.parent
  class.overload = class.overload or block.overload
  if #class.text == 0 then append(class.text, block.text) end
  local known = {}
  for _, field in ipairs(class.fields) do known[field.name] = true end
  for _, field in ipairs(block.fields) do
    if not known[field.name] then class.fields[#class.fields + 1] = field end
  end
end

-- "mooncrew.dict" of a file in which `mooncrew` is a class.
local function resolve(bound, path)
  local first, rest = path:match("^([%w_]+)(.*)$")
  return bound[first] and bound[first] .. rest
end

local function declare_function(book, bound, block, line, file)
  local path, sep, name, args = line:match("^function ([%w_.]-)([.:])([%w_]+)%((.-)%)")
  local class = path and resolve(bound, path)
  if not class or name:find("^__") then return end
  if block and block.package then
    book.internal[class .. "." .. name] = true
    return
  end
  local list = class_of(book, class, file).functions
  for _, fn in ipairs(list) do
    if fn.name == name then return end
  end
  local found = { name = name, sep = sep, args = {}, file = file, text = {}, params = {},
    returns = {} }
  for arg in args:gmatch("[%w_.]+") do found.args[#found.args + 1] = arg end
  if block then
    found.text, found.params = block.text, block.params
    for i, result in ipairs(block.returns) do found.returns[i] = result.type end
  end
  list[#list + 1] = found
end

-- `X.a, X.b = …` below ---@package, line after line.
local function declare_internal(book, bound, line)
  for path, name in line:match("^[^=]*"):gmatch("([%w_.]+)%.([%w_]+)") do
    local class = resolve(bound, path)
    if class then book.internal[class .. "." .. name] = true end
  end
end

local function declare(book, bound, block, line, file)
  if block and block.class then
    declare_class(book, block, file)
    local name = line:match("^local ([%w_]+)")
    if name then bound[name] = block.class end
  elseif block and block.alias then
    book.aliases[block.alias[1]] = block.alias[2]
  elseif block and block.type then
    local path, name = line:match("^([%w_.]+)%.([%w_]+) =")
    local class = path and resolve(bound, path)
    if class then -- else a part of the module that is not for scripts
      local constant = { class = class, name = name, type = block.type }
      constant.text = block.text
      book.constants[#book.constants + 1] = constant
    end
  elseif line:find("^function ") then
    declare_function(book, bound, block, line, file)
  end
end

---Adds what a file says.
---@param book annotations.Book
---@param path string
function annotations.read(book, path)
  local bound, block, internal = {}, nil, false
  for line in io.lines(path) do
    if line:find("^%-%-%-") and not line:find("^%-%-%-%-") then
      block = block or new_block()
      -- Two declarations may follow each other without a blank line.
      if line:find("^%-%-%-@class") and block.class then
        declare(book, bound, block, "", path)
        block = new_block()
      end
      read_line(block, line)
    else
      local is_list = line:find("^[%w_.]+[%w_., ]* = ") ~= nil
      internal = is_list and (internal or block ~= nil and block.package == true)
      if internal then declare_internal(book, bound, line) end
      declare(book, bound, block, line, path)
      block = nil
    end
  end
end

---@return annotations.Book
function annotations.new()
  return { classes = {}, aliases = {}, constants = {}, internal = {} }
end

local function files_of(folder)
  local found = {}
  local list <close> = assert(io.popen(("LC_ALL=C ls '%s'"):format(folder)))
  for name in list:lines() do
    if name:find("%.lua$") then found[#found + 1] = folder .. "/" .. name end
  end
  return found
end

---All of the module: the stubs, then the files of its Lua part.
---@param root string the checkout
---@return annotations.Book
function annotations.of_module(root)
  local book = annotations.new()
  for _, folder in ipairs{ "/lua/mooncrew/meta", "/lua/mooncrew" } do
    for _, path in ipairs(files_of(root .. folder)) do annotations.read(book, path) end
  end
  return book
end

---A function by name, of a class or of what it is derived from.
---@param book annotations.Book
---@param class string
---@param name string
---@return annotations.Function?
function annotations.find(book, class, name)
  local at = book.classes[class]
  while at do
    for _, fn in ipairs(at.functions) do
      if fn.name == name then return fn end
    end
    at = book.classes[at.parent]
  end
end

return annotations
