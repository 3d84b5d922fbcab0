---@meta mooncrew.fs
-- luacheck: ignore 212 241

-- Files and folders. Calls that fail return nil and an error: kind "OSError", `code` "ENOENT" and
-- so on, `path` the one to blame, message "copy_file: /path: No such file or directory".

---@class mooncrew.fs
local fs = {}

---@alias mooncrew.fs.Type "file"|"directory"|"link"|"fifo"|"socket"|"char"|"block"|"unknown"

---@class mooncrew.fs.Info
---@field type mooncrew.fs.Type
---@field size integer bytes
---@field mtime number seconds since 1970
---@field mode integer permission bits, 0 to 07777 octal

---@class mooncrew.fs.Entry: mooncrew.fs.Info
---@field name string
---@field depth integer 1 for what is in the folder itself
---@field error? mooncrew.Error it could not be examined (type "unknown") or, a folder, not be read

---Copies a file: bytes, permissions, time of modification. `to` appears whole or stays as it was.
---Shares the blocks where the file system can. In a coroutine task a thread copies meanwhile.
---@param from string a regular file
---@param to string the file's path, not a folder (EISDIR)
---@return true? ok
---@return mooncrew.Error? err
function fs.copy_file(from, to) end

---Makes a folder and those above it that are missing.
---@param path string
---@param mode? integer permissions of the last one (0777 octal less the umask)
---@return true? ok
---@return mooncrew.Error? err
function fs.mkdirs(path, mode) end

---@param path string
---@param follow? boolean look behind a symbolic link (true)
---@return mooncrew.fs.Info? info
---@return mooncrew.Error? err
function fs.stat(path, follow) end

---@param path string
---@return string[]? names sorted bytewise
---@return mooncrew.Error? err
function fs.listdir(path) end

---Visits everything below a folder once, a folder before what is in it, names sorted:
---`for path, entry in fs.walk(dir) do`. Symbolic links are not entered unless asked for, and never
---in circles.
---@param path string
---@param options? { follow?: boolean }
---@return (fun(): string?, mooncrew.fs.Entry?)? iterator
---@return mooncrew.Error? err
function fs.walk(path, options) end

---Joins parts with "/"; one that begins with "/" starts anew.
---@param part string
---@param ... string
---@return string path
function fs.join(part, ...) end

---What comes after the last "/": "" for "a/".
---@param path string
---@return string name
function fs.basename(path) end

---Makes of any text a name that can be created and never leaves its folder: "/", NUL and control
---characters become "_", and so do the dots of "." and ".."; an empty one is "_"; more than 255
---bytes are cut between characters, the extension kept. Nothing is decoded: "%2e%2e" stays.
---@param text string
---@return string name
function fs.safe_name(text) end

return fs
