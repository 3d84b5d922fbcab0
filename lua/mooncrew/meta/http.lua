---@meta mooncrew.http
-- luacheck: ignore 212 241

-- What mooncrew.http offers. Everything waits like any wait of mooncrew: in a coroutine task the
-- task alone, elsewhere the process. Connections are kept and used again, up to 64 of them.

---@class mooncrew.http
local http = {}

---@class mooncrew.http.Options
---@field timeout? number seconds for the whole request, retries included; nil: for ever. When it
---  runs out, the error is mooncrew.Timeout itself
---@field connect_timeout? number seconds for each connection, 30 unless said otherwise
---@field stall_timeout? number seconds without a byte, rounded up to whole ones; nil: for ever
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
---@field proxy? string instead of the environment's (http_proxy …); "" for none

---@class mooncrew.http.Request: mooncrew.http.Options
---@field url string
---@field method? string "GET", or "POST" when there is a body
---@field body? string

---@class mooncrew.http.Response
---@field status integer 404 is an answer like another
---@field url string where it came from, after redirects
---@field headers table<string, string> names in lower case; several of a name are joined by ", ",
---  cookies by a line break
---@field encoding? string the charset of the content type, as html.parse takes it
---@field body string decoded (gzip, deflate, brotli, zstd)

---@class mooncrew.http.Saved
---@field status integer
---@field url string
---@field headers table<string, string>
---@field encoding? string
---@field path string
---@field size integer bytes of the file

---@class mooncrew.http.Error: mooncrew.Error
---@field kind string "Http", "TooLarge", "Timeout" (of connecting, of stalling), "OSError",
---  "NoMemory"
---@field code? string of "Http": "URL", "RESOLVE", "CONNECT", "TLS", "REDIRECTS", "ENCODING",
---  "TRUNCATED", "STATUS", "PROTOCOL"; of "Timeout": "CONNECT", "STALLED"; of "OSError": "ENOSPC" …
---@field status? integer when an answer came
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
---@param options? mooncrew.http.Options
---@return mooncrew.http.Saved? saved
---@return mooncrew.http.Error? err
function http.download(url, path, options) end

return http
