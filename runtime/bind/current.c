#include "bind/current.h"

#include "crew/child.h"

#include <lauxlib.h>
#include <unistd.h>

#define NAME_LENGTH 128

static char current_name[NAME_LENGTH] = "MainProcess";
static char parent_name[NAME_LENGTH];
static bool current_daemon, parent_daemon;

static pid_t current_pid;

pid_t bind_current_pid(void) {
  if (!current_pid)
    current_pid = getpid();
  return current_pid;
}

const char *bind_current_name(void) {
  return current_name;
}

/* Without the C library: each new part of it that a child runs is a page fault. */
static void copy_name(char *to, const char *from) {
  int i = 0;
  for (; from[i] && i < NAME_LENGTH - 1; i++)
    to[i] = from[i];
  to[i] = '\0';
}

void bind_current_set(const char *name, bool daemon) {
  copy_name(parent_name, current_name);
  copy_name(current_name, name);
  parent_daemon = current_daemon;
  current_daemon = daemon;
  current_pid = getpid();
}

const char *bind_parent_name(void) {
  return parent_name[0] ? parent_name : NULL;
}

bool bind_current_is_daemon(void) {
  return current_daemon;
}

/* ---- for programs ---- */

static int push_identity(lua_State *L, const char *name, pid_t pid, bool daemon) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, pid);
  lua_setfield(L, -2, "pid");
  lua_pushboolean(L, daemon);
  lua_setfield(L, -2, "daemon");
  return 1;
}

static int current_process(lua_State *L) {
  return push_identity(L, bind_current_name(), getpid(), bind_current_is_daemon());
}

static int parent_process(lua_State *L) {
  if (!bind_parent_name())
    return 0;
  return push_identity(L, bind_parent_name(), getppid(), parent_daemon);
}

static int get_pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

static int get_ppid(lua_State *L) {
  lua_pushinteger(L, getppid());
  return 1;
}

static int cpu_count(lua_State *L) {
  lua_pushinteger(L, mc_cpu_count());
  return 1;
}

static const luaL_Reg functions[] = {
    {"current_process", current_process},
    {"parent_process", parent_process},
    {"getpid", get_pid},
    {"getppid", get_ppid},
    {"cpu_count", cpu_count},
    {NULL, NULL},
};

void bind_open_current(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
