/* Coroutine tasks: Lua coroutines that this process runs side by side, on its loop.
 *
 * A task runs until it waits (bind/wait.h) or yields; whoever of the process waits
 * outside a task runs the tasks that are ready. One thread; the tasks of a process share
 * its Lua state. */
#ifndef MC_BIND_TASK_H
#define MC_BIND_TASK_H

#include "bind/wait.h"

#include <lua.h>
#include <stdbool.h>

struct bind_task;

/* Sets spawn and the class of tasks in the module table on top. */
void bind_open_task(lua_State *L);

/* Sets what lua/mooncrew alone uses of it in the table on top. */
void bind_open_task_parts(lua_State *L);

/* Runs every task that is ready now, once. false: none was. */
bool bind_tasks_run(lua_State *L);

/* true while a task has not ended. */
bool bind_tasks_any(void);

/* The task that is running, or NULL. */
struct bind_task *bind_task_current(void);

/* Its number, never used again in this process; 0: none runs. */
uint64_t bind_task_id(void);

/* Whether `L` is where the current task runs: then a yield there suspends the whole task.
 */
bool bind_task_is_at(lua_State *L);

/* A plain coroutine inside the task is entered, or left (bind/coroutine.c). Returns the
 * one that ran before. */
lua_State *bind_task_move(lua_State *to);

/* The task's wait is over: it will be run. */
void bind_task_ready(struct bind_task *task);

/* The current task is about to yield because it waits; and whether that is what a yield
 * meant. */
void bind_task_park(struct bind_wait *wait);
bool bind_task_is_parking(void);

/* Raises Cancelled when the current task was cancelled meanwhile. */
void bind_task_check_cancel(lua_State *L);

/* Raises what a task raised that nobody asked for; call at the end of the main chunk. */
void bind_tasks_raise_unseen(lua_State *L);

/* Whether there may be such an error. */
bool bind_tasks_any_unseen(void);

/* In a forked child: the parent's tasks are not ours. */
void bind_tasks_forget(lua_State *L);

#endif
