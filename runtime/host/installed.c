/* Finding installed task scripts.
 *
 *   PREFIX/bin/mooncrew    PREFIX/share/mooncrew/scripts/NAME.lua    (installed)
 *   TREE/build/mooncrew    TREE/scripts/NAME.lua                     (built)
 *
 * A folder called like a script does not hide it: `mooncrew copy …` must work next to a
 * folder `copy`. */
#include "host/installed.h"

#include "bind/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_file(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool installed_is_name(const char *word) {
  return word[0] != '\0' && strchr(word, '/') == NULL && !is_file(word);
}

static bool try_folder(const char *folder, size_t length, const char *name, char *path,
                       size_t size) {
  int written = snprintf(path, size, "%.*s/%s.lua", (int)length, folder, name);
  return written > 0 && (size_t)written < size && is_file(path);
}

/* A list of folders split by colons; empty ones are passed over. */
static bool try_list(const char *list, const char *name, char *path, size_t size) {
  while (*list != '\0') {
    size_t length = strcspn(list, ":");
    if (length > 0 && length < PATH_MAX && try_folder(list, length, name, path, size))
      return true;
    list += length;
    list += *list == ':';
  }
  return false;
}

bool installed_find(const char *name, bool ignore_env, char *path, size_t size) {
  const char *list = ignore_env ? NULL : getenv("MOONCREW_SCRIPTS");
  if (list != NULL && try_list(list, name, path, size))
    return true;
  char folder[PATH_MAX];
  if (!bind_place(folder, sizeof folder, NULL))
    return false;
  static const char *const beside[] = {"/../share/mooncrew/scripts", "/../scripts"};
  size_t end = strlen(folder);
  for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
    int written = snprintf(folder + end, sizeof folder - end, "%s", beside[i]);
    if (written < 0 || (size_t)written >= sizeof folder - end)
      return false;
    if (try_folder(folder, strlen(folder), name, path, size))
      return true;
  }
  return false;
}
