-- What the workers of the server do with a line: they may block, loop and crash as they like.
local handler = {}

function handler.respond(line)
  if line == "crash" then os.exit(1) end
  if line == "loop" then while true do end end
  return line:reverse():upper()
end

return handler
