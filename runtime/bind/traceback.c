/* Lua's own luaL_traceback writes the lines, but it knows no end before the bottom of the
 * stack. It always shows the first HEAD frames from where it begins: of two pieces of
 * that length each text here is made. */
#include "bind/traceback.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define HEAD                                                                             \
  10 /* frames at each end of a long one, as luaL_traceback has at its begin             \
      */

static lua_State *base_thread;
static int base_depth;

/* How many frames there are. They are a chain, and each look goes along it: so as few
 * looks as luaL_traceback has, for a stack may have overflown. */
static int count_frames(lua_State *L) {
  lua_Debug frame;
  int low = 0, high = 1; /* there is none at high; those below low are there */
  while (lua_getstack(L, high - 1, &frame)) {
    low = high;
    high *= 2;
  }
  while (low < high - 1) {
    int middle = low + (high - low) / 2;
    if (lua_getstack(L, middle - 1, &frame))
      low = middle;
    else
      high = middle;
  }
  return low;
}

static int own_depth(lua_State *L) {
  return count_frames(L) - (L == base_thread ? base_depth : 0);
}

void bind_traceback_base(lua_State *L) {
  base_thread = L;
  base_depth = count_frames(L);
}

/* The chunks of lua/mooncrew are called as their modules; a script's are called as files.
 */
static bool is_ours(const char *source) {
  static const char name[] = "=mooncrew";
  size_t length = sizeof name - 1;
  return strncmp(source, name, length) == 0 &&
         (source[length] == '.' || source[length] == '\0');
}

void bind_push_where(lua_State *L) {
  lua_Debug frame;
  int own = own_depth(L);
  for (int level = 0; level < own && lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline > 0 && !is_ours(frame.source)) {
      lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

/* The level behind the task's own function, which is at `end` or before: what called that
 * is of lua/mooncrew, and an xpcall in there. A task that is nothing but ours stays
 * whole.
 */
static int end_of_task(lua_State *of, int level, int end) {
  lua_Debug frame;
  bool ours = false;
  for (int last = end; last > level && lua_getstack(of, last - 1, &frame); last--) {
    lua_getinfo(of, "Sn", &frame);
    bool called_by_us = ours;
    ours = is_ours(frame.source);
    bool in_c = called_by_us && *frame.what == 'C';
    if (in_c && !(frame.name && strcmp(frame.name, "xpcall") == 0))
      return end;
    if (!ours && !in_c)
      return last;
  }
  return end;
}

/* Pushes the lines of n frames, at most HEAD, from `level` on: "\n\t…\n\t…". */
static void push_frames(lua_State *L, lua_State *of, int level, int n) {
  static const char tail_call[] = "\n\t(...tail calls...)";
  luaL_traceback(L, of, NULL, level);
  const char *from = strchr(lua_tostring(L, -1), '\n');
  const char *end = from;
  for (int i = 0; end && i < n; i++) {
    end = strstr(end + 1, "\n\t");
    if (end && strncmp(end, tail_call, sizeof tail_call - 1) == 0)
      end = strstr(end + 1, "\n\t"); /* a line more of the same frame */
  }
  if (!from)
    lua_pushliteral(L, "");
  else if (!end)
    lua_pushstring(L, from);
  else
    lua_pushlstring(L, from, (size_t)(end - from));
  lua_remove(L, -2);
}

static int smaller(int a, int b) {
  return a < b ? a : b;
}

void bind_push_traceback(lua_State *L, lua_State *of, int level) {
  int n = end_of_task(of, level, own_depth(of)) - level;
  if (n < 1)
    n = 1; /* what called the task has failed itself */
  int skipped = n > 2 * HEAD ? n - 2 * HEAD : 0;
  luaL_checkstack(L, 4, NULL);
  lua_pushliteral(L, "stack traceback:");
  push_frames(L, of, level, smaller(n, HEAD));
  if (skipped)
    lua_pushfstring(L, "\n\t...\t(skipping %d levels)", skipped);
  else
    lua_pushliteral(L, "");
  if (n > HEAD)
    push_frames(L, of, level + HEAD + skipped, n - skipped - HEAD);
  else
    lua_pushliteral(L, "");
  lua_concat(L, 4);
}
