-- The reference as a page of Markdown.

local page = {}

local HEAD = [[
# Reference of the Lua module

<!-- Made from lua/mooncrew by cmake/reference/make.lua (`./dev fmt`). Don't edit. -->

Every function, with its parameters and results, as the annotations for the Lua language server say
it. A `?` marks what may be nil or left out. The pages of [docs/](README.md) tell what belongs
together.
]]

-- Sections: title, then classes. A class that none names and that nothing refers to is not public.
local SECTIONS = {
  { "The module", "mooncrew" },
  { "Errors and constants", "mooncrew.Constant", "mooncrew.Error" },
  { "Processes", "mooncrew.Process" },
  { "Pools", "mooncrew.AnyPool", "mooncrew.Pool", "mooncrew.CoroutinePool", "mooncrew.Result" },
  { "Coroutine tasks", "mooncrew.Task" },
  { "Queues and pipes", "mooncrew.Queue", "mooncrew.Connection" },
  { "Shared tables", "mooncrew.dict", "mooncrew.dict.functions", "mooncrew.list",
    "mooncrew.Value", "mooncrew.Array", "mooncrew.Manager" },
  { "Locks", "mooncrew.Lock", "mooncrew.RLock", "mooncrew.Semaphore",
    "mooncrew.BoundedSemaphore", "mooncrew.Event", "mooncrew.Condition", "mooncrew.Barrier",
    "mooncrew.Held" },
  { "mooncrew.http", "mooncrew.http", "mooncrew.http.Stream", "mooncrew.http.Cookies" },
  { "mooncrew.html", "mooncrew.html", "mooncrew.html.Document", "mooncrew.html.Node" },
  { "mooncrew.fs", "mooncrew.fs" },
  { "mooncrew.progress, mooncrew.log, mooncrew.host", "mooncrew.progress", "mooncrew.Progress",
    "mooncrew.log", "mooncrew.host" },
}

-- How a user writes what a class's functions are called on.
local OBJECTS = { ["mooncrew.dict.functions"] = "mooncrew.dict" }

local function object_of(class, sep)
  if OBJECTS[class] then return OBJECTS[class] end
  if sep == "." then return class end
  return class:match("[%w_]+$"):lower()
end

-- `|` would end a cell.
local function cell(text)
  return (text:gsub("|", "\\|"))
end

-- A type, and what is said of it: types may have blanks inside brackets and after `fun(…):`.
local function split_type(text)
  local at = 1
  repeat
    local function skip(pattern)
      local _, stop = text:find("^" .. pattern, at)
      if stop then at = stop + 1 end
      return stop
    end
    if skip "fun%b()" then
      while skip ": ?" or skip ", " or skip "|" or skip "%b()" or skip "[%w_.?%[%]]+" do end
    elseif not (skip "%b()" or skip "%b{}" or skip "%b<>" or skip '"[^"]*"' or skip "[^%s({<\"]+")
    then break end
  until at > #text or text:find("^%s", at)
  return text:sub(1, at - 1), (text:sub(at):match("^%s*(.*)$"))
end

local function typed(text)
  local kind, said = split_type(text)
  return ("`%s`%s"):format(kind, said ~= "" and " " .. said or "")
end

local function signature(class, fn)
  local args = {}
  for i, arg in ipairs(fn.args) do args[i] = arg end
  for _, param in ipairs(fn.params) do
    local name = param.name:match("^(.-)%?$")
    for i, arg in ipairs(args) do
      if arg == name then args[i] = arg .. "?" end
    end
  end
  return ("%s%s%s(%s)"):format(object_of(class, fn.sep), fn.sep, fn.name, table.concat(args, ", "))
end

local function write_function(out, class, fn)
  out[#out + 1] = ("#### `%s`\n"):format(signature(class, fn))
  if #fn.text > 0 then out[#out + 1] = table.concat(fn.text, "\n") .. "\n" end
  local lines = {}
  for _, param in ipairs(fn.params) do
    lines[#lines + 1] = ("- `%s`: %s"):format(param.name:gsub("%?$", ""), typed(param.type))
  end
  for _, result in ipairs(fn.returns) do
    lines[#lines + 1] = "- returns " .. typed(result)
  end
  if #lines > 0 then out[#out + 1] = table.concat(lines, "\n") .. "\n" end
end

local function write_fields(out, class)
  if #class.fields == 0 then return end
  out[#out + 1] = "| field | type | |\n|---|---|---|"
  for _, field in ipairs(class.fields) do
    local kind, said = split_type(field.type)
    out[#out + 1] = ("| `%s` | `%s` | %s |"):format(cell(field.name), cell(kind), cell(said))
  end
  out[#out + 1] = ""
end

local function write_class(out, book, name)
  local class = assert(book.classes[name], name)
  out[#out + 1] = ("### %s\n"):format(name)
  if #class.text > 0 then out[#out + 1] = table.concat(class.text, "\n") .. "\n" end
  if class.parent then out[#out + 1] = ("Has all of `%s`.\n"):format(class.parent) end
  if class.overload then
    out[#out + 1] = ("Called: `%s`.\n"):format((class.overload:gsub("^fun", OBJECTS[name] or name)))
  end
  write_fields(out, class)
  for _, constant in ipairs(book.constants) do
    if constant.class == name then
      out[#out + 1] = ("#### `%s.%s`\n"):format(name, constant.name)
      out[#out + 1] = ("`%s`. %s\n"):format(constant.type, table.concat(constant.text, "\n"))
    end
  end
  for _, fn in ipairs(class.functions) do write_function(out, name, fn) end
end

-- The classes and aliases that a class names, in order, each once.
local function referred(book, class, seen, visit)
  local function look(text)
    for name in text:gmatch("mooncrew[%w_.]*[%w_]") do
      if (book.classes[name] or book.aliases[name]) and not seen[name] then
        seen[name] = true
        visit(name)
      end
    end
  end
  if class.parent then look(class.parent) end
  for _, field in ipairs(class.fields) do look(field.type) end
  for _, fn in ipairs(class.functions) do
    for _, param in ipairs(fn.params) do look(param.type) end
    for _, result in ipairs(fn.returns) do look(result) end
  end
end

-- Options and the like, behind the first section that names them.
local function write_referred(out, book, names, seen)
  local queue = {}
  for _, name in ipairs(names) do
    referred(book, book.classes[name], seen, function(found) queue[#queue + 1] = found end)
  end
  local at = 1
  while queue[at] do
    local name = queue[at]
    if book.classes[name] then
      write_class(out, book, name)
      referred(book, book.classes[name], seen, function(found) queue[#queue + 1] = found end)
    else
      out[#out + 1] = ("### %s\n\nOne of `%s`.\n"):format(name, book.aliases[name])
    end
    at = at + 1
  end
end

---The names of the classes that have a place of their own.
---@return string[]
function page.classes()
  local names = {}
  for _, section in ipairs(SECTIONS) do table.move(section, 2, #section, #names + 1, names) end
  return names
end

---@param book annotations.Book
---@return string
function page.write(book)
  local out, seen = { HEAD }, {}
  for _, name in ipairs(page.classes()) do seen[name] = true end
  for _, section in ipairs(SECTIONS) do
    out[#out + 1] = ("## %s\n"):format(section[1])
    local names = table.move(section, 2, #section, 1, {})
    for _, name in ipairs(names) do write_class(out, book, name) end
    -- What the module's own functions take stands with what they make.
    if names[1] ~= "mooncrew" then write_referred(out, book, names, seen) end
  end
  out[#out + 1] = "## Options\n"
  write_referred(out, book, { "mooncrew" }, seen)
  return (table.concat(out, "\n"):gsub("\n+$", "") .. "\n")
end

return page
