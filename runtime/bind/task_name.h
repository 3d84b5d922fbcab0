/* What a coroutine task is called, and the word to the log about one that kept its
 * process from all else. User value BIND_TASK_LABEL of a task's userdata is the name that
 * it was given, or the function that it began with. */
#ifndef MC_BIND_TASK_NAME_H
#define MC_BIND_TASK_NAME_H

#include "os/clock.h"

#include <lua.h>
#include <stdint.h>

#define BIND_TASK_LABEL 3

/* Less is never reported: the log has a setting of its own (lua/mooncrew/log.lua). */
#define BIND_TASK_SLOW (10 * 1000000LL)

/* Pushes the name of the task at `index`: what it was given, or "Task-" and its number.
 */
void bind_task_push_name(lua_State *L, int index, uint64_t id);

/* Takes the task off the stack, and tells mooncrew.log if that is loaded. Raises nothing:
 * what the log raises is dropped, and a Ctrl-C that comes there is raised by the next
 * wait. */
void bind_task_tell_slow(lua_State *L, uint64_t id, mc_time took);

#endif
