---@meta mooncrew
-- luacheck: ignore 212 241

-- What all processes share. docs/shared-tables.md has the rules in words.

---@class mooncrew
local mooncrew = {}

---A shared table: d.x, d[k] = v, pairs(d). Its operations are functions of mooncrew.dict, so that a
---key may have any name.
---@class mooncrew.dict: userdata
---@field [string|number|boolean] any

---@alias mooncrew.key string|number|boolean

---@class mooncrew.dict.functions
---@overload fun(initial?: table): mooncrew.dict
local dict = {}

---`mooncrew.dict(initial)` makes a shared table; its operations are functions of mooncrew.dict.
---@type mooncrew.dict.functions
mooncrew.dict = dict

---@param d mooncrew.dict
---@param key mooncrew.key
---@param default? any
---@return any value
function dict.get(d, key, default) end

---@param d mooncrew.dict
---@param key mooncrew.key
---@param value any nil removes the entry
function dict.set(d, key, value) end

---@param d mooncrew.dict
---@param key mooncrew.key
---@return boolean
function dict.has(d, key) end

---Takes an entry out and returns its value.
---@param d mooncrew.dict
---@param key mooncrew.key
---@param default? any
---@return any value
function dict.pop(d, key, default) end

---Returns what is there; writes and returns `value` when nothing is.
---@param d mooncrew.dict
---@param key mooncrew.key
---@param value any
---@return any value
function dict.setdefault(d, key, value) end

---Adds to a number. Raises kind "NotNumber".
---@param d mooncrew.dict
---@param key mooncrew.key
---@param n? number default 1
---@param init? number what a missing entry counts as; default 0
---@return number sum
function dict.incr(d, key, n, init) end

---Writes `new` if the value equals `old`; nil stands for "no entry" in both.
---@param d mooncrew.dict
---@param key mooncrew.key
---@param old any
---@param new any
---@return boolean wrote
function dict.cas(d, key, old, new) end

---Replaces the value of a key by fn(value), as one step: when somebody else writes meanwhile, fn is
---called again with the new value. An error of fn leaves the old value.
---@param d mooncrew.dict
---@param key mooncrew.key
---@param fn fun(old: any): any pure: it may be called several times; nil removes the entry
---@return any new what is there now
function dict.modify(d, key, fn) end

---Writes all entries of a table at once: all or, when memory runs out, none.
---@param d mooncrew.dict
---@param entries table|mooncrew.dict
function dict.update(d, entries) end

---@param d mooncrew.dict
---@return integer n exact at an instant
function dict.size(d) end

---@param d mooncrew.dict
---@return mooncrew.key[]
function dict.keys(d) end

---@param d mooncrew.dict
---@return any[]
function dict.values(d) end

---The iterator of pairs(d): it never fails while others write, and visits exactly once what is
---there from the beginning to the end.
---@param d mooncrew.dict
---@return fun(): mooncrew.key?, any
function dict.items(d) end

---@param d mooncrew.dict
function dict.clear(d) end

---@param d mooncrew.dict
---@return table copy a plain, deep one
function dict.copy(d) end

---A shared array: l[i], l[i] = v, l[#l + 1] = v, #l, ipairs(l).
---@class mooncrew.list: userdata
---@field [integer] any
local list = {}

---@param initial? any[]
---@return mooncrew.list
function mooncrew.list(initial) end

---@param value any
function list:append(value) end

---@param value any
function list:appendleft(value) end

---Appends all elements, all or none.
---@param values any[]|mooncrew.list
function list:extend(values) end

---@param i integer
---@param value any
function list:insert(i, value) end

---Takes out the last element, or the one at `i`.
---@param i? integer
---@return any value
---@return mooncrew.Constant? err mooncrew.Empty
function list:pop(i) end

---Takes out the first element.
---@return any value
---@return mooncrew.Constant? err mooncrew.Empty
function list:popleft() end

---Takes out the first element that equals `value`.
---@param value any
---@return boolean was_there
function list:remove(value) end

---@param value any
---@param from? integer where to begin; default 1
---@return integer? i where the first one is
function list:index(value, from) end

---@param value any
---@return integer n how many are equal
function list:count(value) end

function list:reverse() end

---Sorts in place. The order of equal elements may change. Raises when others write all the time.
---@param less? fun(a: any, b: any): boolean default: a < b
function list:sort(less) end

function list:clear() end

---@return any[] copy a plain, deep one
function list:copy() end

---@param i integer
---@param n? number default 1
---@return number sum
function list:incr(i, n) end

---The elements as they are at the beginning: index, value.
---@return fun(): integer?, any
function list:items() end

---A single shared value of any kind.
---@class mooncrew.Value: userdata
---@field value any
local Value = {}

---@param initial? any
---@return mooncrew.Value
function mooncrew.Value(initial) end

---@return any
function Value:get() end

---@param value any
function Value:set(value) end

---@param n? number default 1
---@return number sum
function Value:incr(n) end

---@param old any
---@param new any
---@return boolean wrote the value was `old`
function Value:cas(old, new) end

---@alias mooncrew.Array.kind "i8"|"u8"|"i16"|"u16"|"i32"|"u32"|"i64"|"f32"|"f64"

---Shared numbers, side by side: a[i], #a.
---@class mooncrew.Array: userdata
---@field [integer] number
---@field kind mooncrew.Array.kind
local Array = {}

---@param kind mooncrew.Array.kind
---@param size integer|number[] how many, or the numbers
---@return mooncrew.Array
function mooncrew.Array(kind, size) end

---@param from? integer default 1
---@param to? integer default #a
---@return number[] numbers a plain list
function Array:get(from, to) end

---Writes all of the list, at once.
---@param from integer
---@param numbers number[]
function Array:set(from, numbers) end

---@param i integer
---@param n? number default 1
---@return number sum
function Array:incr(i, n) end

---What `mooncrew.shared_memory()` tells, in bytes and counts.
---@class mooncrew.shared_memory
---@field limit integer
---@field carved integer taken from the system
---@field in_use integer
---@field members integer processes
---@field objects integer

---@return mooncrew.shared_memory
function mooncrew.shared_memory() end

return mooncrew
