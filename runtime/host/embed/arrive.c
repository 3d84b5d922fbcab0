/* What comes from the helper, and who waits for it. */
#include "host/embed/runtime.h"
#include "os/pollset.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>

mc_time embed_deadline(int timeout) {
  return timeout < 0 ? MC_FOREVER : mc_deadline(timeout / 1e3);
}

/* ---- the end of everything ---- */

int embed_fail_broken(mooncrew *runtime, mooncrew_error **error) {
  int code = runtime->broken->code;
  if (error)
    *error = embed_error_new(code, runtime->broken->message, runtime->broken->traceback,
                             runtime->broken->kind);
  return code;
}

void embed_break(mooncrew *runtime, mooncrew_error *error) {
  if (runtime->broken) {
    mooncrew_error_free(error);
    return;
  }
  runtime->broken = error;
  for (size_t i = 0; i < runtime->n_slots; i++) {
    struct embed_task *task = runtime->slots[i];
    if (!task || task->finished)
      continue;
    mooncrew_error *mine = NULL;
    embed_fail_broken(runtime, &mine);
    embed_task_finish(runtime, task, NULL, mine);
  }
}

static void lose(mooncrew *runtime, const char *how) {
  mooncrew_error *error = NULL;
  embed_fail(&error, MOONCREW_EHELPER, "the helper process (pid %d) %s",
             (int)runtime->pid, how);
  runtime->pid = 0;
  embed_break(runtime, error);
}

/* ---- frames ---- */

static const char *text_of(const mooncrew_value *table, const char *field) {
  const char *text = "";
  mooncrew_value_string(mooncrew_value_field(table, field), &text, NULL);
  return text;
}

mooncrew_error *embed_raised(const mooncrew_values *values) {
  const mooncrew_value *value = mooncrew_values_at(values, 0);
  const char *message = "an error that is no text";
  if (mooncrew_value_string(value, &message, NULL))
    mooncrew_value_string(mooncrew_value_field(value, "message"), &message, NULL);
  const char *kind = text_of(value, "kind");
  int code = MOONCREW_ERUN;
  if (!strcmp(kind, "NoMemory") || !strcmp(kind, "TooBig"))
    code = MOONCREW_ENOMEM;
  else if (!strcmp(kind, "WorkerLost"))
    code = MOONCREW_EWORKER;
  else if (!strcmp(kind, "Empty"))
    code = MOONCREW_EEMPTY;
  else if (!strcmp(kind, "Closed"))
    code = MOONCREW_ECLOSED;
  return embed_error_new(code, message, text_of(value, "traceback"), kind);
}

/* A worker is gone, and the task with it. */
static mooncrew_error *lost(const struct mc_frame *head) {
  mooncrew_error *error = NULL;
  int pid = (int)(head->number >> 32), code = (int)(int32_t)head->number;
  if (head->code == MC_DONE_LATE)
    embed_fail(&error, MOONCREW_ELIMIT,
               "the task took longer than its time-out; its worker (pid %d) was ended",
               pid);
  else if (code < 0)
    embed_fail(&error, MOONCREW_EWORKER,
               "the worker (pid %d) was ended by signal %d and took its task along", pid,
               -code);
  else
    embed_fail(&error, MOONCREW_EWORKER,
               "the worker (pid %d) ended with status %d and took its task along", pid,
               code);
  if (embed_is_bare(error))
    return error;
  if (code < 0)
    error->signal = -code;
  else
    error->exit_code = code;
  return error;
}

static mooncrew_error *cancelled(void) {
  mooncrew_error *error = NULL;
  embed_fail(&error, MOONCREW_ECANCELLED, "the task was cancelled");
  return error;
}

static mooncrew_error *not_for_a_host(int code, const char *why) {
  mooncrew_error *error = NULL;
  if (code == MOONCREW_ENOMEM)
    embed_fail(&error, code, "the results: not enough memory");
  else
    embed_fail(&error, code, "the results hold %s, which a host can't have", why);
  return error;
}

/* The values of an arrival, with the objects that the helper now holds for us. As
 * embed_decode. */
static int values_of(mooncrew *runtime, const struct embed_arrival *arrival,
                     mooncrew_values **values, const char **why) {
  uint32_t n = arrival->head.n_refs, made = 0;
  mooncrew_object **objects = n ? embed_new(n * sizeof(mooncrew_object *)) : NULL;
  int code = n && !objects ? MOONCREW_ENOMEM : MOONCREW_OK;
  for (; made < n && !code; made++) {
    objects[made] = embed_object_new(runtime, runtime->serial, arrival->refs[made]);
    if (!objects[made])
      break;
  }
  if (made < n)
    code = MOONCREW_ENOMEM; /* the helper holds the rest until its end */
  if (!code)
    code = embed_decode(arrival->bytes, (size_t)arrival->head.length, objects, n, values,
                        why);
  while (made)
    mooncrew_object_free(objects[--made]);
  embed_free(objects);
  return code;
}

static void on_done(mooncrew *runtime, const struct embed_arrival *arrival) {
  const struct mc_frame *head = &arrival->head;
  struct embed_task *task = embed_task_find(runtime, head->id);
  mooncrew_values *values = NULL;
  mooncrew_error *error = NULL;
  const char *why = NULL;
  if (head->code == MC_DONE_RETURNED || head->code == MC_DONE_RAISED) {
    int code = values_of(runtime, arrival, &values, &why);
    if (code)
      error = not_for_a_host(code, why);
    else if (head->code == MC_DONE_RAISED)
      error = embed_raised(values);
  } else {
    error = head->code == MC_DONE_CANCELLED ? cancelled() : lost(head);
  }
  if (error) {
    mooncrew_values_free(values);
    values = NULL;
  }
  if (task && !task->finished) {
    embed_task_finish(runtime, task, values, error);
    return;
  }
  mooncrew_values_free(values); /* it was cancelled meanwhile */
  mooncrew_error_free(error);
}

static void on_call(mooncrew *runtime, const struct embed_arrival *arrival) {
  mooncrew_values *values = NULL;
  const char *why = NULL;
  int code = values_of(runtime, arrival, &values, &why);
  if (!code && embed_call_arrived(runtime, arrival->head.id, values))
    return;
  mooncrew_values_free(values);
  if (arrival->head.id)
    embed_reply_failure(runtime, arrival->head.id,
                        code == MOONCREW_EVALUE ? why : "not enough memory");
}

static void on_broken(mooncrew *runtime, const struct embed_arrival *arrival) {
  mooncrew_values *values = NULL;
  const char *why = NULL;
  mooncrew_error *error = NULL;
  if (embed_decode(arrival->bytes, (size_t)arrival->head.length, NULL, 0, &values, &why))
    embed_fail(&error, MOONCREW_EWORKER, "no worker can work");
  else
    error = embed_raised(values);
  mooncrew_values_free(values);
  embed_break(runtime, error);
}

static bool on_arrival(mooncrew *runtime, const struct embed_arrival *arrival) {
  switch (arrival->head.type) {
  case MC_FRAME_DONE:
    on_done(runtime, arrival);
    return true;
  case MC_FRAME_CALL:
    on_call(runtime, arrival);
    return true;
  case MC_FRAME_BROKEN:
    on_broken(runtime, arrival);
    return true;
  default:
    return false;
  }
}

/* ---- taking in ---- */

static void read_all(mooncrew *runtime) {
  struct embed_arrival arrival;
  int filled, got;
  do {
    filled = embed_channel_fill(&runtime->channel);
    runtime->starved = filled == MOONCREW_ENOMEM;
    if (runtime->starved)
      return; /* it stays in the socket */
    while ((got = embed_channel_next(&runtime->channel, &arrival)) == 1)
      if (!on_arrival(runtime, &arrival)) {
        got = -1;
        break;
      }
    if (got < 0)
      lose(runtime, "said what is no message");
    else if (filled < 0)
      lose(runtime, "has ended");
  } while (filled == 1 && !runtime->broken);
}

/* Tells the helper which objects nobody holds any more. */
static void send_drops(mooncrew *runtime) {
  mooncrew_object *object = embed_objects_dropped(runtime);
  while (object) {
    mooncrew_object *next = object->next;
    struct mc_frame head = {.type = MC_FRAME_DROP, .number = object->ref};
    if (embed_channel_put(&runtime->channel, &head, NULL, NULL))
      embed_free(object);
    else
      embed_object_drop(object); /* next time */
    object = next;
  }
}

void embed_flush(mooncrew *runtime) {
  send_drops(runtime);
  if (!embed_channel_flush(&runtime->channel))
    return; /* reading will tell why */
  bool waits = runtime->channel.out.start < runtime->channel.out.length;
  if (waits == runtime->wants_room)
    return;
  if (mc_pollset_want_room(runtime->set, runtime->channel.fd, waits) == 0)
    runtime->wants_room = waits;
  if (waits && runtime->reading)
    mc_flag_raise(runtime->nudge);
}

void embed_take_in(mooncrew *runtime) {
  if (!runtime->pid)
    return;
  /* Asked first: what the helper sent before its end is read below. Its children may hold
   * its end of the socket for a little longer. */
  struct pollfd polls[] = {{.fd = runtime->channel.fd, .events = POLLIN},
                           {.fd = runtime->pidfd, .events = POLLIN}};
  poll(polls, 2, 0);
  embed_flush(runtime);
  if (polls[0].revents)
    read_all(runtime);
  if (polls[1].revents && runtime->pid)
    lose(runtime, "has ended");
}

void embed_await(mooncrew *runtime, mc_time deadline) {
  if (runtime->reading) {
    mc_guard_wait(&runtime->guard, deadline);
    return;
  }
  bool waits = runtime->channel.out.start < runtime->channel.out.length;
  struct pollfd polls[] = {
      {.fd = runtime->nudge, .events = POLLIN},
      {.fd = runtime->channel.fd, .events = (short)(POLLIN | (waits ? POLLOUT : 0))},
      {.fd = runtime->pidfd, .events = POLLIN}};
  mc_time now = mc_now();
  int timeout = -1;
  if (deadline != MC_FOREVER) {
    mc_time left = now < deadline ? (deadline - now) / 1000000 + 1 : 0;
    timeout = left < INT_MAX ? (int)left : INT_MAX;
  }
  runtime->reading = true;
  mc_guard_unlock(&runtime->guard);
  poll(polls, runtime->pid ? 3 : 1, timeout);
  mc_guard_lock(&runtime->guard);
  runtime->reading = false;
  mc_flag_lower(runtime->nudge);
  embed_take_in(runtime);
  mc_guard_wake(&runtime->guard);
}
