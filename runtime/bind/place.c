#include "bind/place.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* The loader's name of the object that this code is in; "" for the program itself. */
static const char *object_name(void) {
  static const char here;
  Dl_info info;
  struct link_map *map = NULL;
  if (!dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
    return "";
  return map->l_name;
}

bool bind_place(char *folder, size_t size, bool *is_module) {
  const char *name = object_name();
  size_t length = strlen(name);
  if (is_module)
    *is_module = length > 0;
  if (length == 0) {
    ssize_t got = readlink("/proc/self/exe", folder, size);
    length = got > 0 ? (size_t)got : size;
  } else if (length < size) {
    memcpy(folder, name, length);
  }
  if (length >= size)
    return false;
  folder[length] = '\0';
  char *slash = strrchr(folder, '/');
  if (!slash)
    return false;
  *slash = '\0';
  return true;
}
