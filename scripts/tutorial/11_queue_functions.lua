-- What a queue can be asked, and what comes back when it is empty or full.
--
--   mooncrew scripts/tutorial/11_queue_functions.lua [seconds per wait]

local mooncrew = require "mooncrew"
local uv = require "luv"

local unit = tonumber(arg[1]) or 1

local q = mooncrew.Queue(2) -- at most two items
print("empty", q:empty(), "full", q:full(), "size", q:qsize())

-- An empty queue is nothing wrong: nil comes back, and the reason.
local item, err = q:get_nowait()
print("get_nowait", item, err == mooncrew.Empty)

local start = uv.hrtime()
item, err = q:get(true, unit) -- wait that long for an item
print("get", item, err == mooncrew.Empty)
print("waited", (uv.hrtime() - start) / 1e9)

print("put", q:put("one"))
print("put_nowait", q:put_nowait("two"))
print("empty", q:empty(), "full", q:full(), "size", q:qsize())

local ok
ok, err = q:put_nowait("three")
print("put_nowait", ok, err == mooncrew.Full)

start = uv.hrtime()
ok, err = q:put("three", true, unit) -- wait that long for room
print("put", ok, err == mooncrew.Full)
print("waited", (uv.hrtime() - start) / 1e9)

print("get", q:get())
print("get_nowait", q:get_nowait())
print("empty", q:empty(), "full", q:full(), "size", q:qsize())
