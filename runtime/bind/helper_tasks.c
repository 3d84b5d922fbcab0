#include "bind/helper.h"

#include "base/error.h"
#include "bind/error.h"
#include "crew/pool.h"
#include "share/object.h"
#include "share/queue.h"
#include "wire/wire.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>

#define UNSENT_MAX                                                                       \
  (8u << 20) /* bytes to the host; more results wait in shared memory                    \
              */
#define BATCH 32

/* ---- opening ---- */

static void encode_runner(lua_State *L, struct bind_dealer *dealer, int runners,
                          int form) {
  struct wire_bytes bytes;
  lua_rawgeti(L, runners, form + 1);
  wire_encode(L, lua_gettop(L), 1, "runner", &bytes);
  if (!mc_buffer_append(&dealer->runners[form], bytes.bytes, bytes.length))
    luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

void bind_dealer_open(lua_State *L, struct bind_dealer *dealer, int pool) {
  dealer->pool = lua_touserdata(L, pool);
  dealer->slips = dealer->pool->slips;
  for (int form = 0; form < MC_FORMS; form++)
    encode_runner(L, dealer, pool + 1, form);
  dealer->n_places = dealer->slips->n;
  dealer->given = calloc(dealer->n_places, sizeof *dealer->given);
  dealer->free_places = calloc(dealer->n_places, sizeof *dealer->free_places);
  if (!dealer->given || !dealer->free_places)
    luaL_error(L, "not enough memory");
  for (uint32_t i = 0; i < dealer->n_places; i++)
    dealer->free_places[i] = (uint16_t)i;
  dealer->n_free = dealer->n_places;
}

/* ---- tasks that wait ---- */

static struct bind_waiting *waiting_at(struct bind_dealer *dealer, size_t i) {
  return &dealer->waiting[(dealer->first + i) & (dealer->max_waiting - 1)];
}

static bool grow(struct bind_dealer *dealer) {
  size_t wanted = dealer->max_waiting ? 2 * dealer->max_waiting : 64;
  struct bind_waiting *ring = calloc(wanted, sizeof *ring);
  if (!ring)
    return false;
  for (size_t i = 0; i < dealer->n_waiting; i++)
    ring[i] = *waiting_at(dealer, i);
  free(dealer->waiting);
  dealer->waiting = ring;
  dealer->first = 0;
  dealer->max_waiting = wanted;
  return true;
}

/* The host may let go of the objects before a worker has the task. */
static void hold(const unsigned char *refs, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    mc_object_hold(((const mc_ref *)(const void *)refs)[i]);
}

static void release(struct bind_waiting *task) {
  for (uint32_t i = 0; task->copy && i < task->head.n_refs; i++)
    mc_object_drop(((const mc_ref *)(void *)task->copy)[i]);
  free(task->copy);
  task->copy = NULL;
}

int bind_dealer_take(struct bind_dealer *dealer, const struct bind_frame *frame) {
  size_t refs = (size_t)frame->head.n_refs * sizeof(mc_ref);
  size_t length = refs + (size_t)frame->head.length;
  if (dealer->n_waiting == dealer->max_waiting && !grow(dealer))
    return -ENOMEM;
  unsigned char *copy = malloc(length + 1);
  if (!copy)
    return -ENOMEM;
  memcpy(copy, frame->refs, length); /* the bytes lie behind the references */
  hold(copy, frame->head.n_refs);
  dealer->n_waiting++;
  *waiting_at(dealer, dealer->n_waiting - 1) =
      (struct bind_waiting){frame->head.id, copy, frame->head};
  return 0;
}

static void forget_first(struct bind_dealer *dealer) {
  release(waiting_at(dealer, 0));
  dealer->first++;
  dealer->n_waiting--;
}

/* ---- into the pool ---- */

/* 1; 0: there is no room now; a negative code: there never is. */
static int give(struct bind_dealer *dealer, const struct bind_waiting *task) {
  const struct mc_buffer *runner = &dealer->runners[task->head.code];
  uint32_t place = dealer->free_places[dealer->n_free - 1];
  uint64_t mine = (dealer->last_number + 1) * MC_SLIPS_MAX + place;
  struct mc_task_head head = {.id = mine,
                              .timeout = task->head.number,
                              .mode = BIND_CALL,
                              .function_length = (uint32_t)runner->length,
                              .plain = true};
  size_t refs = (size_t)task->head.n_refs * sizeof(mc_ref);
  dealer->message.length = dealer->refs.length = 0;
  if (!mc_buffer_append(&dealer->message, &head, sizeof head) ||
      !mc_buffer_append(&dealer->message, runner->data, runner->length) ||
      !mc_buffer_append(&dealer->message, task->copy + refs, (size_t)task->head.length) ||
      !mc_buffer_append(&dealer->refs, task->copy, refs))
    return -ENOMEM;
  struct mc_message message = {.bytes = dealer->message.data,
                               .length = dealer->message.length,
                               .handles = (const mc_ref *)(const void *)dealer->refs.data,
                               .n_handles = task->head.n_refs};
  int done = mc_queue_try_put(dealer->pool->tasks, &message, 1);
  if (done == MC_NOMEM && dealer->n_free < dealer->n_places)
    return 0; /* until one of those in the pool is done */
  if (done < 0)
    return done;
  dealer->last_number++;
  dealer->n_free--;
  dealer->given[place] = (struct bind_given){.id = task->id, .mine = mine};
  return 1;
}

/* Answers a task with an error of our own. */
static bool refuse(lua_State *L, struct bind_stream *stream, uint64_t id, int error) {
  struct wire_bytes bytes;
  bind_push_error(L, error == -ENOMEM ? "NoMemory" : mc_error_kind(error), "submit: %s",
                  mc_strerror(error));
  wire_encode(L, lua_gettop(L), 1, "error", &bytes);
  lua_pop(L, 1);
  struct mc_frame head = {
      .type = MC_FRAME_DONE, .id = id, .code = MC_DONE_RAISED, .length = bytes.length};
  return bind_stream_put(stream, &head, NULL, bytes.bytes);
}

bool bind_dealer_deal(lua_State *L, struct bind_dealer *dealer,
                      struct bind_stream *stream) {
  while (dealer->n_waiting && dealer->n_free) {
    const struct bind_waiting *task = waiting_at(dealer, 0);
    int done = task->copy ? give(dealer, task) : 1;
    if (done == 0)
      return true;
    if (done < 0 && !refuse(L, stream, task->id, done))
      return false;
    forget_first(dealer);
  }
  return true;
}

/* ---- giving up ---- */

/* Ids come in order: their upper half is a running number. */
static bool drop_waiting(struct bind_dealer *dealer, uint64_t id) {
  size_t low = 0, high = dealer->n_waiting;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (waiting_at(dealer, middle)->id < id)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == dealer->n_waiting || waiting_at(dealer, low)->id != id)
    return false;
  release(waiting_at(dealer, low));
  return true;
}

void bind_dealer_cancel(struct bind_dealer *dealer, uint64_t id, bool force) {
  if (drop_waiting(dealer, id))
    return;
  for (uint32_t i = 0; i < dealer->n_places; i++) {
    struct bind_given *given = &dealer->given[i];
    if (given->id != id)
      continue;
    given->cancelled = true;
    mc_slips_give_up(dealer->slips, given->mine);
    if (force && mc_board_doom(dealer->pool->board, given->mine))
      mc_member_ring(dealer->pool->child.child.member);
  }
}

/* ---- results ---- */

/* The host's id of a task that is done; 0: it wants no answer. */
static uint64_t retire(struct bind_dealer *dealer, uint64_t mine) {
  uint64_t place = mine % MC_SLIPS_MAX;
  if (place >= dealer->n_places || dealer->given[place].mine != mine ||
      !dealer->given[place].id)
    return 0;
  struct bind_given *given = &dealer->given[place];
  uint64_t id = given->cancelled ? 0 : given->id;
  given->id = 0;
  dealer->free_places[dealer->n_free++] = (uint16_t)place;
  return id;
}

static int16_t done_code(uint32_t status) {
  switch ((enum mc_result_status)status) {
  case MC_RESULT_RETURNED:
    return MC_DONE_RETURNED;
  case MC_RESULT_LATE:
    return MC_DONE_LATE;
  case MC_RESULT_LOST:
    return MC_DONE_LOST;
  case MC_RESULT_CANCELLED:
    return MC_DONE_CANCELLED;
  default:
    return MC_DONE_RAISED;
  }
}

/* The pool has no worker that works. */
static bool pass_broken(lua_State *L, struct bind_stream *stream,
                        const struct mc_result_head *result,
                        const struct mc_lease *lease) {
  struct mc_frame head = {.type = MC_FRAME_BROKEN,
                          .length = lease->length - sizeof *result};
  if (result->status == MC_RESULT_RAISED)
    return bind_stream_put(stream, &head, NULL, lease->bytes + sizeof *result);
  struct wire_bytes bytes;
  if (result->status == MC_RESULT_BROKEN)
    bind_push_error(L, "WorkerLost", "no worker can be started: %s",
                    mc_strerror(result->code));
  else
    bind_push_error(L, "WorkerLost",
                    "workers end before they get to a task, the last (pid %d) with %d",
                    (int)result->pid, (int)result->code);
  wire_encode(L, lua_gettop(L), 1, "error", &bytes);
  lua_pop(L, 1);
  head.length = bytes.length;
  return bind_stream_put(stream, &head, NULL, bytes.bytes);
}

static bool pass_result(lua_State *L, struct bind_dealer *dealer,
                        struct bind_stream *stream, const struct mc_result_head *result,
                        const struct mc_lease *lease) {
  struct mc_frame head = {.type = MC_FRAME_DONE,
                          .id = retire(dealer, result->id),
                          .number = (uint64_t)(uint32_t)result->pid << 32 |
                                    (uint32_t)result->code,
                          .length = lease->length - sizeof *result,
                          .n_refs = lease->n_handles,
                          .code = done_code(result->status)};
  if (!head.id)
    return true;
  bind_hold_for_host(L, lease->handles, lease->n_handles);
  return bind_stream_put(stream, &head, lease->handles, lease->bytes + sizeof *result);
}

bool bind_dealer_collect(lua_State *L, struct bind_dealer *dealer,
                         struct bind_stream *stream) {
  struct mc_lease leases[BATCH];
  bool works = true, room = true;
  while (room && bind_stream_unsent(stream) < UNSENT_MAX) {
    int n = mc_queue_try_take(dealer->pool->results, leases, BATCH);
    if (n <= 0)
      break;
    for (int i = 0; i < n; i++) {
      struct mc_result_head result;
      memcpy(&result, leases[i].bytes, sizeof result);
      bool broken = result.id == 0 && result.status != MC_RESULT_RESTART;
      works = works && !broken;
      if (broken)
        room = pass_broken(L, stream, &result, &leases[i]) && room;
      else if (result.status != MC_RESULT_RESTART)
        room = pass_result(L, dealer, stream, &result, &leases[i]) && room;
      mc_lease_settle(&leases[i]);
    }
  }
  if (!room)
    luaL_error(L, "not enough memory"); /* an answer is lost: the host must know */
  return works;
}
