/* Installed task scripts: `mooncrew NAME` runs NAME.lua from one of a few folders. */
#ifndef MC_HOST_INSTALLED_H
#define MC_HOST_INSTALLED_H

#include <stdbool.h>
#include <stddef.h>

/* May `word` be a task script's name at all? Not when it has a slash or is a file that
 * exists: a path wins over a name. */
bool installed_is_name(const char *word);

/* Looks for NAME.lua in the folders of $MOONCREW_SCRIPTS (unless ignore_env), then beside
 * the binary. true: its path is in `path`. false: there is none, `path` is undefined. */
bool installed_find(const char *name, bool ignore_env, char *path, size_t size);

#endif
