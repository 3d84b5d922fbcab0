#include "bind/helper.h"

#include "bind/error.h"
#include "bind/open.h"
#include "bind/task.h"
#include "bind/wait.h"
#include "crew/loop.h"
#include "crew/pool.h"
#include "include/mooncrew.h"
#include "os/clock.h"
#include "share/queue.h"
#include "share/space.h"
#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GRACE 0.5 /* s for idle workers to leave by themselves */

struct helper {
  lua_State *L;
  struct bind_stream stream;
  struct bind_dealer dealer;
  uv_poll_t socket, host;
  int socket_events;
  bool arrived;  /* there may be something to read */
  bool writable; /* there may be room to write */
  bool gone;     /* the host is */
  bool bye;      /* it wants no more */
  bool broken;   /* no worker works; the host knows */
};

/* ---- what wakes it ---- */

static void on_socket(uv_poll_t *handle, int status, int events) {
  struct helper *helper = handle->data;
  if (status < 0 || events & UV_READABLE)
    helper->arrived = true;
  if (events & UV_WRITABLE)
    helper->writable = true;
}

static void on_host(uv_poll_t *handle, int status, int events) {
  (void)status, (void)events;
  ((struct helper *)handle->data)->gone = true;
}

/* Room to write is waited for only while there is something to write. */
static void watch_socket(struct helper *helper) {
  int events = UV_READABLE | (bind_stream_unsent(&helper->stream) ? UV_WRITABLE : 0);
  if (events != helper->socket_events)
    uv_poll_start(&helper->socket, events, on_socket);
  helper->socket_events = events;
}

static void watch(struct helper *helper) {
  int error;
  uv_loop_t *loop = mc_loop(&error);
  if (loop)
    error = uv_poll_init(loop, &helper->socket, BIND_HELPER_SOCKET);
  if (!error)
    error = uv_poll_init(loop, &helper->host, BIND_HELPER_HOST);
  if (error)
    bind_raise(helper->L, "helper", error);
  helper->socket.data = helper->host.data = helper;
  uv_poll_start(&helper->host, UV_READABLE, on_host);
  watch_socket(helper);
}

static bool something_to_do(struct bind_wait *wait) {
  struct helper *helper = wait->data;
  struct bind_pool *pool = helper->dealer.pool;
  return helper->arrived || helper->writable || helper->gone || bind_tasks_any_unseen() ||
         (bind_stream_unsent(&helper->stream) ? !(helper->socket_events & UV_WRITABLE)
                                              : mc_queue_size(pool->results) > 0) ||
         (!helper->broken && mc_child_ended(&pool->child.child));
}

/* ---- serving ---- */

static void on_frame(struct helper *helper, const struct bind_frame *frame) {
  switch (frame->head.type) {
  case MC_FRAME_TASK:
    if (frame->head.code < 0 || frame->head.code >= MC_FORMS)
      luaL_error(helper->L, "a task of an unknown form");
    if (bind_dealer_take(&helper->dealer, frame))
      luaL_error(helper->L, "not enough memory");
    break;
  case MC_FRAME_CANCEL:
    bind_dealer_cancel(&helper->dealer, frame->head.id, frame->head.code);
    break;
  case MC_FRAME_ASK:
  case MC_FRAME_DROP:
  case MC_FRAME_REPLY:
    bind_ask(helper->L, frame);
    break;
  case MC_FRAME_BYE:
    helper->bye = true;
    break;
  default:
    luaL_error(helper->L, "a frame of an unknown type");
  }
}

static void read_frames(struct helper *helper) {
  struct bind_frame frame;
  int got = bind_stream_read(&helper->stream);
  if (got == -ENOMEM)
    luaL_error(helper->L, "not enough memory");
  while (!helper->bye && bind_stream_next(&helper->stream, &frame))
    on_frame(helper, &frame);
  helper->arrived = got == 1;
  if (got < 0)
    helper->gone = true;
}

static void serve(struct helper *helper) {
  struct bind_dealer *dealer = &helper->dealer;
  struct bind_wait wait = {.ready = something_to_do, .data = helper, .on_loop = true};
  wait.watch[0] = (struct mc_wait_for){dealer->pool->results, MC_READABLE};
  wait.n_watch = 1;
  while (!helper->gone && !helper->bye) {
    bind_block(helper->L, &wait, MC_FOREVER);
    if (bind_tasks_any_unseen())
      bind_tasks_raise_unseen(helper->L); /* a question that can't even be answered */
    helper->writable = false;
    if (helper->arrived)
      read_frames(helper);
    /* Asked first: what the pool said before its end is passed on below. */
    bool ended = !helper->broken && mc_child_ended(&dealer->pool->child.child);
    if (!bind_dealer_collect(helper->L, dealer, &helper->stream))
      helper->broken = true;
    if (ended && !helper->broken)
      luaL_error(helper->L, "the pool has ended");
    if (!helper->broken && !bind_dealer_deal(helper->L, dealer, &helper->stream))
      luaL_error(helper->L, "not enough memory");
    if (!bind_stream_flush(&helper->stream))
      helper->gone = true;
    watch_socket(helper);
  }
}

/* ---- the beginning and the end ---- */

static bool send_hello(struct helper *helper, const struct wire_bytes *bytes) {
  struct mc_frame head = {.type = MC_FRAME_HELLO,
                          .number = MC_FRAME_MAGIC,
                          .code = MC_FRAME_PROTOCOL,
                          .length = bytes->length};
  return bind_stream_put(&helper->stream, &head, NULL, bytes->bytes) &&
         bind_stream_flush(&helper->stream);
}

/* The module with the shared memory that the host wants; then the options are decoded
 * anew, by a codec that knows all. */
static void open_module(lua_State *L, const struct wire_bytes *hello,
                        struct bind_stream *stream) {
  wire_open(L, NULL);
  if (wire_decode(L, hello) != 1)
    luaL_error(L, "a hello without options");
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_getfield(L, -1, "shared_memory");
  lua_Integer limit = lua_tointeger(L, -1);
  int error = limit ? mc_space_create((uint64_t)limit) : 0;
  if (error == -EINVAL)
    luaL_error(L, "options.shared_memory: 1048576 or more expected, got %I",
               (LUAI_UACINT)limit);
  if (error)
    bind_raise(L, "options.shared_memory", error);
  lua_pop(L, 1);
  bind_preload(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, "mooncrew.helper");
  lua_call(L, 1, 1);
  bind_asks_open(L, lua_gettop(L), stream);
  lua_getfield(L, -1, "start");
  lua_pushvalue(L, -3);
  lua_call(L, 1, 2); /* the pool and the runners */
}

static int start(lua_State *L) {
  struct helper *helper = lua_touserdata(L, 1);
  const struct wire_bytes *hello = lua_touserdata(L, 2);
  open_module(L, hello, &helper->stream);
  bind_dealer_open(L, &helper->dealer, lua_gettop(L) - 1);
  watch(helper);
  lua_pushvalue(L, -2); /* else the collector would end the pool */
  lua_setfield(L, LUA_REGISTRYINDEX, "mooncrew.host.pool");
  lua_createtable(L, 0, 1);
  lua_pushstring(L, MOONCREW_VERSION);
  lua_setfield(L, -2, "version");
  struct wire_bytes bytes;
  wire_encode(L, lua_gettop(L), 1, "hello", &bytes);
  helper->gone = !send_hello(helper, &bytes);
  return 0;
}

/* Tells the host why it has no helper; the error value is on top. */
static int explain(lua_State *L) {
  struct wire_bytes bytes;
  wire_encode(L, 2, 1, "error", &bytes);
  send_hello(lua_touserdata(L, 1), &bytes);
  return 0;
}

static int handle_error(lua_State *L) {
  if (luaL_getmetatable(L, "mooncrew.Error") == LUA_TTABLE) {
    lua_settop(L, 1);
    return bind_error_handler(L); /* the module is open */
  }
  lua_settop(L, 1);
  lua_createtable(L, 0, 1);
  luaL_tolstring(L, 1, NULL);
  lua_setfield(L, -2, "message");
  return 1;
}

static void end_pool(struct helper *helper) {
  struct mc_child *foreman = &helper->dealer.pool->child.child;
  bool idle = helper->dealer.n_free == helper->dealer.n_places;
  mc_queue_close(helper->dealer.pool->tasks);
  if (idle)
    mc_child_join(foreman, mc_deadline(GRACE));
  mc_pool_terminate(foreman);
}

int bind_helper(lua_State *L) {
  static struct helper helper;
  struct bind_frame frame;
  helper.L = L;
  if (!bind_stream_await(&helper.stream, &frame))
    mc_exit_now(1);
  if (frame.head.type != MC_FRAME_HELLO || frame.head.number != MC_FRAME_MAGIC ||
      frame.head.code != MC_FRAME_PROTOCOL) {
    struct wire_bytes nothing = {0};
    send_hello(&helper, &nothing);
    return luaL_error(L, "the library speaks another protocol");
  }
  struct wire_bytes hello = {.bytes = frame.bytes, .length = frame.head.length};
  lua_settop(L, 0);
  lua_pushcfunction(L, handle_error);
  lua_pushcfunction(L, start);
  lua_pushlightuserdata(L, &helper);
  lua_pushlightuserdata(L, &hello);
  if (lua_pcall(L, 2, 0, 1) != LUA_OK) {
    lua_pushcfunction(L, explain);
    lua_pushlightuserdata(L, &helper);
    lua_pushvalue(L, 2);
    lua_pcall(L, 2, 0, 0);
    return lua_error(L);
  }
  serve(&helper);
  if (helper.gone)
    mc_exit_now(0);
  end_pool(&helper);
  return 0;
}

bool bind_helper_wanted(void) {
  int type;
  socklen_t length = sizeof type;
  return getsockopt(BIND_HELPER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
         fcntl(BIND_HELPER_SOCKET, F_SETFD, FD_CLOEXEC) == 0 &&
         fcntl(BIND_HELPER_HOST, F_SETFD, FD_CLOEXEC) == 0;
}

static int leave_host(lua_State *L) {
  (void)L;
  close(BIND_HELPER_SOCKET);
  close(BIND_HELPER_HOST);
  return 0;
}

void bind_open_helper(lua_State *L) {
  bind_open_asks(L);
  bind_open_library(L);
  lua_pushcfunction(L, leave_host);
  lua_setfield(L, -2, "leave_host");
}
