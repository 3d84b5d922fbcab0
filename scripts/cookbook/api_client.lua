-- Asks a web API for many records, many requests at once but no more a second than it allows.
--
--   API_TOKEN=… mooncrew scripts/cookbook/api_client.lua 'https://api.example.org/items/{id}' \
--     --rate 10 <ids >items.jsonl
--
-- Stdin has an id in each line; the answers (JSON) come out in that order, one a line.

local command = require "mooncrew.command"
local http = require "mooncrew.http"
local json = require "dkjson"
local mooncrew = require "mooncrew"
local uv = require "luv"

local parser = command.parser("api_client", "Asks a web API for many records.")
parser:argument("url", "the address; {id} stands for each line of stdin")
parser:option("--rate", "requests a second"):convert(command.whole(1)):default("10"):argname("N")
parser:option("-c --concurrency", "requests at once"):convert(command.whole(1, 1000)):default("20")
  :argname("N")
local options = command.parse(parser, arg)
if not options.url:find("{id}", 1, true) then
  command.fail("api_client", "expected an address with {id} in it", 2)
end

local token = os.getenv("API_TOKEN")
local headers = { Accept = "application/json", Authorization = token and "Bearer " .. token }

-- Waits for one's turn: turns are 1/rate seconds apart.
local next_turn = 0
local function take_turn()
  local now = uv.hrtime() / 1e9
  local turn = math.max(now, next_turn)
  next_turn = turn + 1 / options.rate
  mooncrew.sleep(turn - now)
end

local function escape(text)
  return (text:gsub("[^%w._~-]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- Runs in a coroutine task: while one waits, others go on.
local function fetch(id)
  take_turn()
  local url = options.url:gsub("{id}", (escape(id):gsub("%%", "%%%%")))
  -- A failed connection, 429 and 5xx are tried again, when Retry-After says if it does.
  local answer, err = http.get(url, { headers = headers, retries = 5, timeout = 300 })
  if not answer then return { id = id, error = err.message } end
  if answer.status ~= 200 then return { id = id, error = "HTTP status " .. answer.status } end
  local record, _, reason = json.decode(answer.body)
  return { id = id, record = record, error = reason }
end

local function ids()
  for line in io.lines() do
    local id = line:match("^%s*(.-)%s*$")
    if id ~= "" then return id end
  end
end

local failed = false
local pool <close> = mooncrew.CoroutinePool(options.concurrency)
for answer in pool:imap(fetch, ids) do
  if answer.error then
    io.stderr:write(("api_client: %s: %s\n"):format(answer.id, answer.error))
    failed = true
  else
    print(json.encode(answer.record))
  end
end
if failed then os.exit(1) end
