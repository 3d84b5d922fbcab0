---@meta mooncrew.http
-- luacheck: ignore 212 241

-- What mooncrew.http offers. Everything waits like any wait of mooncrew: in a coroutine task the
-- task alone, elsewhere the process. Connections are kept and used again, up to 64 of them.

---@class mooncrew.http
local http = {}

---@class mooncrew.http.Options
---@field timeout? number seconds for the whole request, retries included; nil: for ever. When it
---  runs out, the error is mooncrew.Timeout itself
---@field try_timeout? number seconds for each try; nil: for ever
---@field connect_timeout? number seconds for each connection, 30 unless said otherwise
---@field stall_timeout? number seconds below min_rate, rounded up to whole ones; nil: for ever
---@field min_rate? integer bytes a second (1: a stall is when there is not one)
---@field max_size? number largest body in bytes, decoded; 1 GiB in memory, no limit in a download
---@field follow? boolean follow redirects (true)
---@field max_redirects? integer 10
---@field retries? integer further tries (0) after a failed connection or the statuses 429 and 5xx,
---  for methods that may be repeated; a Retry-After is waited for when there is time
---@field backoff? number seconds before the first further try (0.5); doubles each time, up to 30,
---  and varies by half, so that many clients don't come back at once
---@field headers? table<string, string|number|string[]>|string[] by name, or a list of
---  "Name: value"
---@field insecure? boolean don't verify the server's certificate (false)
---@field ca_file? string file of certificates to trust instead of the system's
---@field proxy? string instead of the environment's (http_proxy, no_proxy …); "" for none
---@field cookies? mooncrew.http.Cookies where they are kept; nil: nowhere

---@class mooncrew.http.Request: mooncrew.http.Options
---@field url string
---@field method? string "GET", or "POST" when there is a body; the usual ones in any case
---@field body? string|fun(): string? bytes, or a function that gives them piece by piece, nil at
---  the end. It may wait. It is not asked twice: no further try or redirect follows its first piece
---@field body_length? integer of a body that is a function, for Content-Length; nil: sent in chunks
---@field body_file? string a file to send, read while it is sent; the method is then "PUT" at first
---@field form? table<string, mooncrew.http.Value|mooncrew.http.Value[]>|{ [1]: string, [2]: any }[]
---  fields by name, sent in the order of the names, or a list of { name, value } in its own
---@field files? table<string, mooncrew.http.File|mooncrew.http.File[]>|{ [1]: string, [2]: any }[]
---  likewise, behind the form's fields; with them the body is multipart/form-data

---@alias mooncrew.http.Value string|number|boolean

---@alias mooncrew.http.File string|{ path: string?, data: string?, name: string?, type: string? }

---@class mooncrew.http.DownloadOptions: mooncrew.http.Options
---@field sha256? boolean hash the file too (false)
---@field bare? boolean the answer has no `headers` and `encoding` (false): of many small files they
---  are a good part of the work

---@class mooncrew.http.Head
---@field status integer 404 is an answer like another
---@field url string where it came from, after redirects
---@field location? string where a redirect leads to that was not followed, absolute
---@field headers table<string, string> names in lower case; several of a name are joined by ", ",
---  cookies by a line break
---@field encoding? string the charset of the content type, as html.parse takes it

---@class mooncrew.http.Response: mooncrew.http.Head
---@field body string decoded (gzip, deflate, brotli, zstd)
---@field attempts integer tries that it took

---@class mooncrew.http.Saved: mooncrew.http.Head
---@field path string
---@field size integer bytes of the file
---@field sha256? string in hexadecimal, when asked for
---@field attempts integer tries that it took

---@class mooncrew.http.Stream: mooncrew.http.Head a to-be-closed value
local stream = {}

---@class mooncrew.http.Cookies
local cookies = {}

---@class mooncrew.http.Limits 0 or nil: none
---@field connections? integer open at once
---@field per_host? integer of them, to one host and port
---@field kept? integer idle ones that are kept (64)
---@field streams? integer requests at once in a connection of HTTP/2 (100)

---@class mooncrew.http.Error: mooncrew.Error
---@field kind string "Http", "TooLarge", "Timeout" (of connecting, of stalling), "OSError",
---  "NoMemory"
---@field code? string of "Http": "URL", "RESOLVE", "CONNECT", "PROXY" (which refused), "TLS",
---  "REDIRECTS", "ENCODING", "TRUNCATED", "STATUS", "PROTOCOL"; of "Timeout": "CONNECT", "STALLED",
---  "TRY"; of "OSError": "ENOSPC" …
---@field status? integer when an answer came
---@field location? string where a redirect leads to that was not followed
---@field attempts? integer tries that were made
---@field url? string as it was given

---Fetches a page. Only http and https are served, in redirects too.
---@param url string spaces and letters of any language in it are encoded
---@param options? mooncrew.http.Options
---@return mooncrew.http.Response? answer
---@return mooncrew.http.Error? err
function http.get(url, options) end

---Sends any request.
---@param request mooncrew.http.Request
---@return mooncrew.http.Response? answer
---@return mooncrew.http.Error? err
function http.request(request) end

---Streams a page to a file, which appears whole or not at all and replaces what has its name. A
---status other than 2xx is an error (`err.status`), and nothing is written.
---@param url string
---@param path string
---@param options? mooncrew.http.DownloadOptions
---@return mooncrew.http.Saved? saved
---@return mooncrew.http.Error? err
function http.download(url, path, options) end

---Sends a request and returns with the head of its answer. The body is read piece by piece;
---what is not read waits at the server, but for some 256 KiB. A try whose head was returned is
---not repeated.
---@param request mooncrew.http.Request
---@return mooncrew.http.Stream? stream
---@return mooncrew.http.Error? err
function http.stream(request) end

---The next piece of the body.
---@return string? piece nil at the end
---@return mooncrew.http.Error? err when the body ends too early
function stream:read() end

---Breaks off what is not read yet. Reading is an error from then on.
function stream:close() end

---A place for cookies, for `options.cookies`. It is this process's own: a child has a copy.
---@param lines? string[] of a cookies.txt
---@return mooncrew.http.Cookies
function http.cookies(lines) end

---@param line string of a cookies.txt, or "Set-Cookie: name=value; Domain=…"
function cookies:add(line) end

---@return string[] lines in the form of a cookies.txt
function cookies:lines() end

function cookies:clear() end

---What holds for all requests of this process, and of those that it starts from then on. Requests
---over a limit wait for their turn, which their time-outs count.
---@param limits mooncrew.http.Limits
function http.limits(limits) end

return http
