#include "net/xattrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define TRIES                                                                            \
  10 /* what is read may grow between the look at its size and the reading               \
      */

static ssize_t list(const struct mc_place *place, char *names, size_t room) {
  return place->fd >= 0 ? flistxattr(place->fd, names, room)
                        : llistxattr(place->path, names, room);
}

static ssize_t get(const struct mc_place *place, const char *name, char *value,
                   size_t room) {
  return place->fd >= 0 ? fgetxattr(place->fd, name, value, room)
                        : lgetxattr(place->path, name, value, room);
}

/* The names (`name` is NULL) or one value, whatever its size. */
static int read_whole(const struct mc_place *place, const char *name, char **bytes,
                      size_t *size) {
  for (int i = 0; i < TRIES; i++) {
    ssize_t room = name ? get(place, name, NULL, 0) : list(place, NULL, 0);
    if (room < 0)
      return -errno;
    char *block = malloc((size_t)room + 1);
    if (!block)
      return -ENOMEM;
    ssize_t n = 0;
    if (room > 0)
      n = name ? get(place, name, block, (size_t)room) : list(place, block, (size_t)room);
    if (n >= 0) {
      block[n] = '\0';
      *bytes = block;
      *size = (size_t)n;
      return 0;
    }
    int error = -errno;
    free(block);
    if (error != -ERANGE)
      return error;
  }
  return -ERANGE;
}

int mc_xattrs_list(const struct mc_place *place, char **names, size_t *size) {
  *names = NULL;
  *size = 0;
  int error = read_whole(place, NULL, names, size);
  if (!error && *size == 0) {
    free(*names);
    *names = NULL;
  }
  return error;
}

int mc_xattrs_get(const struct mc_place *place, const char *name, char **value,
                  size_t *size) {
  return read_whole(place, name, value, size);
}

int mc_xattrs_set(const struct mc_place *place, const char *name, const void *value,
                  size_t size) {
  int failed = place->fd >= 0 ? fsetxattr(place->fd, name, value, size, 0)
                              : lsetxattr(place->path, name, value, size, 0);
  return failed ? -errno : 0;
}

int mc_xattrs_remove(const struct mc_place *place, const char *name) {
  int failed =
      place->fd >= 0 ? fremovexattr(place->fd, name) : lremovexattr(place->path, name);
  return failed ? -errno : 0;
}

static bool is_weather(int error) {
  return error == -EOPNOTSUPP || error == -EPERM || error == -EACCES;
}

static bool is_listed(const char *names, size_t size, const char *name) {
  for (const char *at = names; at < names + size; at += strlen(at) + 1)
    if (!strcmp(at, name))
      return true;
  return false;
}

static int copy_one(const struct mc_place *from, const struct mc_place *to,
                    const char *name, struct mc_xattrs_outcome *outcome) {
  char *value, *there = NULL;
  size_t size, there_size = 0;
  int error = mc_xattrs_get(from, name, &value, &size);
  if (error == -ENODATA)
    return 0; /* it went away meanwhile */
  if (!error) {
    bool same = mc_xattrs_get(to, name, &there, &there_size) == 0 && there_size == size &&
                memcmp(there, value, size) == 0;
    if (!same) {
      error = mc_xattrs_set(to, name, value, size);
      outcome->changed |= !error;
    }
    free(there);
    free(value);
  }
  if (is_weather(error)) {
    outcome->lost = true;
    return 0;
  }
  return error;
}

/* Labels of security modules are the system's. What a program may do is not. */
static bool is_label(const char *name) {
  return !strncmp(name, "security.", 9) && strcmp(name, "security.capability") != 0;
}

/* What the copy has and its source has not: a folder's default list is given to all that
 * is made in it. Labels stay. */
static int remove_others(const struct mc_place *to, const char *names, size_t size,
                         struct mc_xattrs_outcome *outcome) {
  char *there;
  size_t there_size;
  int error = mc_xattrs_list(to, &there, &there_size);
  if (error)
    return is_weather(error) ? 0 : error;
  for (const char *at = there; !error && at < there + there_size; at += strlen(at) + 1) {
    if (is_label(at) || is_listed(names, size, at))
      continue;
    error = mc_xattrs_remove(to, at);
    outcome->changed |= !error;
    if (error == -ENODATA || is_weather(error))
      error = 0;
  }
  free(there);
  return error;
}

bool mc_xattrs_are_inherited(int folder) {
  return fgetxattr(folder, "system.posix_acl_default", NULL, 0) >= 0 ||
         (errno != ENODATA && errno != EOPNOTSUPP);
}

int mc_xattrs_copy(const struct mc_place *from, const struct mc_place *to,
                   struct mc_xattrs_outcome *outcome) {
  *outcome = (struct mc_xattrs_outcome){0};
  char *names;
  size_t size;
  int error = mc_xattrs_list(from, &names, &size);
  if (error)
    return is_weather(error) ? 0 : error;
  error = to->bare ? 0 : remove_others(to, names, size, outcome);
  for (const char *at = names; !error && at < names + size; at += strlen(at) + 1)
    error = copy_one(from, to, at, outcome);
  free(names);
  return error;
}
