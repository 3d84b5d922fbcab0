/* mooncrew.Process: a child that runs a Lua function on a copy of the whole state.
 *
 * What the target returns or raises comes back as one message of a queue of the process's
 * own: a byte that says which, and the encoded values. One that returns nothing closes
 * the queue instead, for most do, and that is one store. */
#include "bind/process.h"

#include "base/error.h"
#include "bind/current.h"
#include "bind/error.h"
#include "bind/options.h"
#include "bind/process_child.h"
#include "bind/receive.h"
#include "bind/screen.h"
#include "bind/wait.h"
#include "bind/waitable.h"
#include "share/object.h"
#include "share/queue.h"

#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLASS "mooncrew.Process"

static const char
    alive_key; /* registry: processes that were started and not seen to end */
static unsigned n_made;

static struct bind_process *check_process(lua_State *L) {
  struct bind_process *p = luaL_checkudata(L, 1, CLASS);
  if (p->closed)
    luaL_error(L, "%s: process '%s' is closed", CLASS, p->name);
  return p;
}

/* A method that needs a child of this very process. */
static struct bind_process *check_started(lua_State *L, const char *method) {
  struct bind_process *p = check_process(L);
  if (!p->owner)
    luaL_error(L, "%s: process '%s' has not been started", method, p->name);
  if (p->owner != getpid())
    luaL_error(L, "%s: process '%s' is a child of another process", method, p->name);
  return p;
}

static void set_alive(lua_State *L, struct bind_process *p, int index) {
  index = index ? lua_absindex(L, index) : 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &alive_key);
  if (index)
    lua_pushvalue(L, index);
  else
    lua_pushnil(L);
  lua_rawsetp(L, -2, p);
  lua_pop(L, 1);
}

/* Whether it has ended; then it is no longer anchored. */
static bool ended(lua_State *L, struct bind_process *p) {
  if (!mc_child_ended(&p->child.child))
    return false;
  if (p->child.listed) {
    bind_child_unlist(&p->child);
    set_alive(L, p, 0);
  }
  return true;
}

/* ---- making ---- */

static void check_field(lua_State *L, const char *name, int type, bool needed) {
  int got = lua_getfield(L, 1, name);
  if (got != type && (needed || got != LUA_TNIL))
    luaL_argerror(L, 1,
                  lua_pushfstring(L, "%s: %s expected, got %s", name,
                                  lua_typename(L, type), luaL_typename(L, -1)));
}

static void default_name(struct bind_process *p) {
  n_made++;
  if (bind_parent_name())
    snprintf(p->name, sizeof p->name, "%.*s:%u", BIND_NAME_LENGTH - 12,
             bind_current_name(), n_made);
  else
    snprintf(p->name, sizeof p->name, "Process-%u", n_made);
}

/* Takes the name on top of the stack. */
static void set_name(lua_State *L, struct bind_process *p) {
  size_t length = 0;
  const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : "";
  if (length == 0 || length >= sizeof p->name || strlen(name) != length)
    luaL_error(L, "Process: name: a text of 1 to %d bytes without zeros expected, got %s",
               BIND_NAME_LENGTH - 1,
               lua_type(L, -1) == LUA_TSTRING
                   ? lua_pushfstring(L, "'%s'", lua_tostring(L, -1))
                   : luaL_typename(L, -1));
  memcpy(p->name, name, length + 1);
}

static int make_process(lua_State *L) {
  static const char *const known[] = {"target", "args",    "name", "daemon",
                                      "limits", "sandbox", NULL};
  bind_check_options(L, 1, known);
  lua_settop(L, 1);
  struct bind_process *p = lua_newuserdatauv(L, sizeof *p, BIND_USER_VALUES);
  *p = (struct bind_process){0};
  luaL_setmetatable(L, CLASS);
  check_field(L, "target", LUA_TFUNCTION, true);
  lua_setiuservalue(L, 2, BIND_USER_TARGET);
  check_field(L, "args", LUA_TTABLE, false);
  lua_setiuservalue(L, 2, BIND_USER_ARGS);
  check_field(L, "daemon", LUA_TBOOLEAN, false);
  p->child.daemon = lua_isnil(L, -1) ? bind_current_is_daemon() : lua_toboolean(L, -1);
  lua_getfield(L, 1, "name");
  if (lua_isnil(L, -1))
    default_name(p);
  else
    set_name(L, p);
  lua_getfield(L, 1, "limits");
  lua_getfield(L, 1, "sandbox");
  if (!bind_confine_read(L, -2, -1))
    return luaL_argerror(L, 1, lua_tostring(L, -1));
  lua_setiuservalue(L, 2, BIND_USER_CONFINE);
  lua_settop(L, 2);
  return 1;
}

/* ---- the parent ---- */

/* Forks the child. 0; else there is none, and the text of the error is pushed. */
static int fork_child(lua_State *L, struct bind_process *p) {
  struct mc_confine confine;
  enum mc_confine_step step = MC_STEP_START;
  lua_getiuservalue(L, 1, BIND_USER_CONFINE);
  int error = bind_confine_prepare(L, -1, &confine);
  if (error)
    return error;
  lua_settop(L, 1);
  struct bind_process *mine = bind_process_own;
  bind_process_own = p; /* what the child will be; it is a copy of this memory */
  p->confine = &confine;
  if (bind_confines(&confine))
    error = mc_child_start_confined(&p->child.child, MC_SIGNALS_DEFAULT, &confine,
                                    bind_process_run, L, &step);
  else
    error = mc_child_start(&p->child.child, MC_SIGNALS_DEFAULT, bind_process_run, L);
  bind_process_own = mine;
  p->confine = NULL;
  bind_confine_drop(&confine);
  if (error)
    bind_confine_push_failure(L, step, error);
  return error;
}

static int process_start(lua_State *L) {
  struct bind_process *p = check_process(L);
  if (p->owner || p == bind_process_own)
    return luaL_error(L, "start: process '%s' has been started already", p->name);
  lua_settop(L, 1);
  luaL_checkstack(L, 40, NULL);
  struct mc_queue_options options = {.on_death = MC_RETURN};
  int error = mc_queue_create(&options, &p->outcome);
  if (error)
    return bind_raise(L, "start", error);
  set_alive(L, p, 1);
  bind_child_prepare(L);
  bind_screen_fork(L);
  error = fork_child(L, p);
  bind_child_prepared();
  if (error) {
    set_alive(L, p, 0);
    mc_object_drop(p->outcome);
    p->outcome = 0;
    bind_push_error(L, mc_error_kind(error), "start: %s", lua_tostring(L, -1));
    return lua_error(L);
  }
  p->owner = getpid();
  bind_child_list(&p->child);
  /* The child has its own copy; here they would only keep garbage alive. */
  lua_pushnil(L);
  lua_setiuservalue(L, 1, BIND_USER_TARGET);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, BIND_USER_ARGS);
  return 1;
}

static bool has_ended(struct bind_wait *wait) {
  return mc_child_ended(&((struct bind_process *)wait->data)->child.child);
}

static bool process_ready(void *userdata) {
  return mc_child_ended(&((struct bind_process *)userdata)->child.child);
}

static void process_check(lua_State *L, void *userdata) {
  const struct bind_process *p = userdata;
  if (p->closed || p->owner != getpid())
    bind_error(L, "wait: process '%s' %s", p->name,
               p->closed   ? "is closed"
               : !p->owner ? "has not been started"
                           : "is a child of another process");
}

static const struct bind_waitable waitable = {.ready = process_ready,
                                              .check = process_check};

static bool has_outcome(struct bind_wait *wait) {
  struct bind_process *p = wait->data;
  return has_ended(wait) || !p->outcome || mc_queue_size(p->outcome) > 0 ||
         mc_queue_closed(p->outcome);
}

static int wait_for(lua_State *L, struct bind_process *p,
                    bool (*ready)(struct bind_wait *), lua_KFunction k) {
  mc_time deadline = bind_check_timeout(L, 2);
  lua_settop(L, 1);
  struct bind_wait here = {0}; /* enough where it can't be left by a yield */
  struct bind_wait *wait = bind_in_task(L) ? bind_wait_new(L) : &here;
  wait->ready = ready;
  wait->data = p;
  if (ready == has_outcome && p->outcome) {
    wait->watch[0] = (struct mc_wait_for){p->outcome, MC_READABLE};
    wait->n_watch = 1;
  }
  return bind_wait(L, wait, deadline, (lua_KContext)wait, k);
}

static int joined(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  ended(L, wait->data);
  lua_pushboolean(L, true);
  return 1;
}

static int process_join(lua_State *L) {
  return wait_for(L, check_started(L, "join"), has_ended, joined);
}

/* Takes the outcome out of the queue into a user value: so get() can be called again. */
static bool receive_outcome(lua_State *L, struct bind_process *p) {
  struct mc_lease lease;
  int took = p->outcome ? mc_queue_try_take(p->outcome, &lease, 1) : MC_EMPTY;
  if (took != 1 && took != MC_CLOSED)
    return false;
  p->raised = took == 1 && lease.length > 0 && lease.bytes[0] == BIND_RAISED;
  lua_newtable(L);
  int table = lua_gettop(L);
  int n = took == 1 ? bind_receive(L, &lease, 1) : 0;
  for (int i = n; i >= 1; i--)
    lua_rawseti(L, table, i);
  lua_pushinteger(L, n);
  lua_setfield(L, table, "n");
  lua_setiuservalue(L, 1, BIND_USER_OUTCOME);
  mc_object_drop(p->outcome);
  p->outcome = 0;
  return true;
}

static int got(lua_State *L, int status, lua_KContext context) {
  struct bind_wait *wait = (struct bind_wait *)context;
  struct bind_process *p = wait->data;
  (void)status;
  if (wait->outcome)
    return bind_outcome(L, MC_TIMEOUT);
  receive_outcome(L, p);
  if (lua_getiuservalue(L, 1, BIND_USER_OUTCOME) != LUA_TTABLE) {
    int code = p->child.child.code;
    bind_push_error(L, "WorkerLost",
                    "get: process '%s' (pid %d) ended with %s %d and left no result",
                    p->name, (int)p->child.child.pid, code < 0 ? "signal" : "status",
                    code < 0 ? -code : code);
    lua_pushinteger(L, code);
    lua_setfield(L, -2, "exitcode");
    lua_pushinteger(L, p->child.child.pid);
    lua_setfield(L, -2, "pid");
    lua_pushstring(L, p->name);
    lua_setfield(L, -2, "process");
    return lua_error(L);
  }
  if (p->raised) {
    lua_rawgeti(L, -1, 1);
    return lua_error(L);
  }
  int n = bind_push_args(L, -1);
  return n;
}

static int process_get(lua_State *L) {
  struct bind_process *p = check_started(L, "get");
  return wait_for(L, p, has_outcome, got);
}

static int send_signal(lua_State *L, const char *method, int number) {
  struct bind_process *p = check_started(L, method);
  int error = mc_child_signal(&p->child.child, number);
  if (error)
    return bind_raise(L, method, error);
  return 0;
}

static int process_terminate(lua_State *L) {
  return send_signal(L, "terminate", SIGTERM);
}

static int process_kill(lua_State *L) {
  return send_signal(L, "kill", SIGKILL);
}

static int process_interrupt(lua_State *L) {
  return send_signal(L, "interrupt", SIGINT);
}

static int process_is_alive(lua_State *L) {
  struct bind_process *p = check_process(L);
  bool here = p == bind_process_own;
  lua_pushboolean(L, here || (p->owner == getpid() && !ended(L, p)));
  return 1;
}

static int process_close(lua_State *L) {
  struct bind_process *p = luaL_checkudata(L, 1, CLASS);
  if (p->owner == getpid() && !p->closed && !ended(L, p))
    return luaL_error(L, "close: process '%s' is still alive", p->name);
  p->closed = true;
  if (p->outcome)
    mc_object_drop(p->outcome);
  p->outcome = 0;
  return 0;
}

static int process_gc(lua_State *L) {
  struct bind_process *p = luaL_checkudata(L, 1, CLASS);
  bind_child_unlist(&p->child);
  if (p->outcome)
    mc_object_drop(p->outcome);
  p->outcome = 0;
  return 0;
}

/* ---- fields ---- */

static int process_field(lua_State *L, struct bind_process *p, const char *name) {
  if (!strcmp(name, "name")) {
    lua_pushstring(L, p->name);
  } else if (!strcmp(name, "daemon")) {
    lua_pushboolean(L, p->child.daemon);
  } else if (!strcmp(name, "pid")) {
    if (p == bind_process_own)
      lua_pushinteger(L, getpid());
    else if (p->owner)
      lua_pushinteger(L, p->child.child.pid);
    else
      lua_pushnil(L);
  } else if (!strcmp(name, "exitcode")) {
    if (p->owner == getpid() && ended(L, p))
      lua_pushinteger(L, p->child.child.code);
    else
      lua_pushnil(L);
  } else {
    return 0;
  }
  return 1;
}

static int process_index(lua_State *L) {
  luaL_checkudata(L, 1, CLASS);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
    return 1; /* on a closed one it raises itself, but for close */
  struct bind_process *p = check_process(L);
  return lua_type(L, 2) == LUA_TSTRING ? process_field(L, p, lua_tostring(L, 2)) : 0;
}

static int process_newindex(lua_State *L) {
  struct bind_process *p = check_process(L);
  const char *name = luaL_checkstring(L, 2);
  if (p->owner)
    return luaL_error(L, "process '%s' has been started: its %s can't be set", p->name,
                      name);
  if (!strcmp(name, "daemon")) {
    luaL_checktype(L, 3, LUA_TBOOLEAN);
    p->child.daemon = lua_toboolean(L, 3);
  } else if (!strcmp(name, "name")) {
    lua_settop(L, 3);
    set_name(L, p);
  } else {
    return luaL_error(L, "a process has no field '%s' that can be set", name);
  }
  return 0;
}

static int process_tostring(lua_State *L) {
  struct bind_process *p = luaL_checkudata(L, 1, CLASS);
  const char *state = p->closed                         ? "closed"
                      : p == bind_process_own           ? "this process"
                      : !p->owner                       ? "not started"
                      : mc_child_ended(&p->child.child) ? "ended"
                                                        : "alive";
  lua_pushfstring(L, "%s: %s (%s)", CLASS, p->name, state);
  return 1;
}

/* ---- the module's functions about processes ---- */

static int active_children(lua_State *L) {
  lua_newtable(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &alive_key);
  lua_Integer n = 0;
  lua_pushnil(L);
  while (lua_next(L, 2)) {
    struct bind_process *p = lua_touserdata(L, -1);
    if (p->owner == getpid() && !mc_child_ended(&p->child.child))
      lua_rawseti(L, 1, ++n);
    else
      lua_pop(L, 1);
  }
  lua_settop(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {
    {"start", process_start},
    {"join", process_join},
    {"get", process_get},
    {"terminate", process_terminate},
    {"kill", process_kill},
    {"interrupt", process_interrupt},
    {"is_alive", process_is_alive},
    {"close", process_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"Process", make_process},
    {"active_children", active_children},
    {"after_fork", bind_after_fork},
    {NULL, NULL},
};

void bind_open_process(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &alive_key);
  luaL_newmetatable(L, CLASS);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, process_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, process_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, process_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, process_gc);
  lua_setfield(L, -2, "__gc");
  bind_set_waitable(L, &waitable);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
