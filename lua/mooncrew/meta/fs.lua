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
---@field allocated integer bytes on disk: fewer than size when the file has holes
---@field mtime number seconds since 1970
---@field atime_ns integer nanoseconds since 1970
---@field mtime_ns integer
---@field mode integer permission bits, 0 to 07777 octal
---@field uid integer
---@field gid integer
---@field device integer hard links have the same device and inode
---@field inode integer
---@field nlink integer how many names it has
---@field rdev integer a device node's number

---@class mooncrew.fs.Entry: mooncrew.fs.Info
---@field name string
---@field depth integer 1 for what is in the folder itself
---@field enter? boolean set it to false in the loop, and what is in this folder is passed over
---@field files? integer with the option `files = false`: how many files this folder has, about
---@field error? mooncrew.Error it could not be examined (type "unknown") or, a folder, not be read

---@alias mooncrew.fs.Lost "owner"|"xattrs"|"owner, xattrs"

---@class mooncrew.fs.KeepOptions
---@field follow? boolean look behind symbolic links (true)
---@field owner? boolean keep user and group (false)
---@field group? boolean keep the group alone where one may, without a word where not (false)
---@field xattrs? boolean keep extended attributes, access control lists among them (false)

---@class mooncrew.fs.CopyOptions: mooncrew.fs.KeepOptions
---@field clone_only? boolean share blocks or fail ("ENOTSUP", "EXDEV", "EINVAL")

---Copies a file: bytes (holes as holes), permissions, times. `to` appears whole or stays as it
---was. Shares the blocks where the file system can. In a coroutine task a thread copies meanwhile.
---A file that becomes shorter meanwhile is an error ("ENODATA").
---@param from string a regular file
---@param to string the file's path, not a folder (EISDIR)
---@param options? mooncrew.fs.CopyOptions
---@return true? ok
---@return (mooncrew.Error|mooncrew.fs.Lost)? err after true: what that disk or the system refused
function fs.copy_file(from, to, options) end

---@class mooncrew.fs.CopyFilesOptions
---@field owner? boolean keep user and group (false)
---@field group? boolean keep the group alone where one may, without a word where not (false)
---@field xattrs? boolean keep extended attributes, access control lists among them (false)
---@field update? boolean pass over what is there with the same size, time, mode and owner (false);
---  of a file whose source has got other attributes since, the name is left
---@field room? integer bytes of files larger than 64 KiB: those beyond are left (no limit)
---@field part? integer copy only this one of `parts` parts, about as large (1)
---@field parts? integer into so many the names are divided, always in the same way (1)

---@class mooncrew.fs.CopiedFiles
---@field files integer that were copied
---@field bytes integer of these
---@field skipped integer files that were passed over
---@field skipped_bytes integer of these
---@field lost integer how many of the copied were refused their owner or attributes
---@field left string[] names of files that are still to be copied

---Copies the regular files of a folder, as `copy_file` does with `follow = false`, into another
---that is there. For many small files: what needs more thought is left, which is files with more
---names than one, what could not be copied whatever the reason, and what is there but for its
---attributes. Coroutine tasks of this process wait meanwhile.
---@param from string
---@param to string
---@param options? mooncrew.fs.CopyFilesOptions
---@return mooncrew.fs.CopiedFiles? done
---@return mooncrew.Error? err one of the folders can't be read
function fs.copy_files(from, to, options) end

---Gives `to` the permissions, times and, if wanted, owner and extended attributes of `from`,
---whatever both are. Only what differs is written.
---@param from string
---@param to string
---@param options? mooncrew.fs.KeepOptions
---@return true? ok
---@return (mooncrew.Error|mooncrew.fs.Lost)? err
function fs.copy_attributes(from, to, options) end

---Copies a part of a file into the same place of one that is there and has nothing but a hole in
---that place: a large file can be copied by several processes.
---@param from string
---@param to string
---@param offset integer
---@param length integer
---@return true? ok
---@return mooncrew.Error? err
function fs.copy_range(from, to, offset, length) end

---Whether two files have the same bytes.
---@param a string
---@param b string
---@param offset? integer compare from here on (0)
---@param length? integer no more than that
---@return boolean? same
---@return mooncrew.Error? err
function fs.same_data(a, b, offset, length) end

---The XXH3 hash (128 bits) of a file's bytes: fast, and no protection against forgery.
---@param path string
---@return string? digits 32 hexadecimal digits
---@return mooncrew.Error? err
function fs.hash_file(path) end

---@param path string
---@param mode? integer permissions (0666 octal less the umask)
---@return true? ok
---@return mooncrew.Error? err
function fs.mkfifo(path, mode) end

---Makes a node that is no file, folder or link. For devices one must be root.
---@param path string
---@param type "fifo"|"socket"|"char"|"block"
---@param mode? integer permissions (0666 octal less the umask)
---@param rdev? integer a device's number, as `stat` gives it
---@return true? ok
---@return mooncrew.Error? err
function fs.mknod(path, type, mode, rdev) end

---Sets times to the nanosecond.
---@param path string
---@param atime_ns integer
---@param mtime_ns integer
---@param follow? boolean look behind a symbolic link (true)
---@return true? ok
---@return mooncrew.Error? err
function fs.utimens(path, atime_ns, mtime_ns, follow) end

---Removes a folder and all that is in it, or whatever else is there. Links are not followed. What
---can't be removed is passed over; the error is the first one.
---@param path string
---@return true? ok
---@return mooncrew.Error? err
function fs.remove_tree(path) end

---@param path string
---@param follow? boolean look behind a symbolic link (true)
---@return string[]? names of the extended attributes
---@return mooncrew.Error? err
function fs.listxattr(path, follow) end

---@param path string
---@param name string such as "user.comment"
---@param follow? boolean
---@return string? value
---@return mooncrew.Error? err "ENODATA": there is none
function fs.getxattr(path, name, follow) end

---@param path string
---@param name string
---@param value string
---@param follow? boolean
---@return true? ok
---@return mooncrew.Error? err
function fs.setxattr(path, name, value, follow) end

---@param path string
---@param name string
---@param follow? boolean
---@return true? ok
---@return mooncrew.Error? err
function fs.removexattr(path, name, follow) end

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
---in circles. A folder whose entry gets `enter = false` in the loop is passed over. With
---`files = false` regular files are passed over, most of them without a look at them.
---@param path string
---@param options? { follow?: boolean, files?: boolean }
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
