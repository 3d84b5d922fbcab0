-- Waits until the process of that number sleeps.
---@param pid integer
return function(pid)
  repeat
    local file <close> = assert(io.open(("/proc/%d/stat"):format(pid)))
  until file:read("a"):match("%) (%a)") == "S"
end
