/* Extended attributes, access control lists among them. */
#ifndef MC_NET_XATTRS_H
#define MC_NET_XATTRS_H

#include <stdbool.h>
#include <stddef.h>

/* A file: open (fd is 0 or more), or by its path, and then a link itself and not what it
 * leads to. */
struct mc_place {
  int fd;
  const char *path;
  bool bare; /* what mc_xattrs_copy is to take its word for: it has no attributes yet */
};

/* The names, each ended by NUL, in a block that the caller frees; NULL when there are
 * none. 0 or a negated errno. */
int mc_xattrs_list(const struct mc_place *place, char **names, size_t *size);

/* A value in a block that the caller frees, never NULL. */
int mc_xattrs_get(const struct mc_place *place, const char *name, char **value,
                  size_t *size);
int mc_xattrs_set(const struct mc_place *place, const char *name, const void *value,
                  size_t size);
int mc_xattrs_remove(const struct mc_place *place, const char *name);

/* Whether what is made in an open folder gets attributes from it, or may do so. */
bool mc_xattrs_are_inherited(int folder);

struct mc_xattrs_outcome {
  bool changed; /* something was set or removed */
  bool lost;    /* something could not be kept: not there on that disk, or not allowed */
};

/* Makes the attributes of `to` those of `from`. */
int mc_xattrs_copy(const struct mc_place *from, const struct mc_place *to,
                   struct mc_xattrs_outcome *outcome);

#endif
