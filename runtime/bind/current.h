/* Who this process is, as Lua programs see it. */
#ifndef MC_BIND_CURRENT_H
#define MC_BIND_CURRENT_H

#include <lua.h>
#include <stdbool.h>
#include <sys/types.h>

/* "MainProcess", "Process-1", …; static storage. */
const char *bind_current_name(void);

/* This process, without a system call. */
pid_t bind_current_pid(void);

/* In a forked child: its name; the parent's becomes the parent's name. */
void bind_current_set(const char *name, bool daemon);

const char *bind_parent_name(void); /* NULL in the main process */
bool bind_current_is_daemon(void);

/* Sets current_process, parent_process, getpid, getppid and cpu_count in the table on
 * top.
 */
void bind_open_current(lua_State *L);

#endif
