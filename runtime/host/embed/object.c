/* Queues, dicts and lists that host and scripts share. A call is a question to the
 * helper, which has a Lua task do it: so one that waits there holds nobody up. */
#include "host/embed/runtime.h"

#include <stdio.h>

/* ---- handles ---- */

mooncrew_object *embed_object_new(mooncrew *runtime, uint64_t serial, uint32_t ref) {
  mooncrew_object *object = embed_new(sizeof *object);
  if (object)
    *object = (mooncrew_object){.magic = EMBED_OBJECT,
                                .runtime = runtime,
                                .serial = serial,
                                .ref = ref,
                                .holders = 1};
  return object;
}

bool embed_object_is_of(const mooncrew_object *object, const mooncrew *runtime) {
  return runtime && object->runtime == runtime && object->serial == runtime->serial;
}

void mooncrew_object_free(mooncrew_object *object) {
  if (embed_is_object(object) &&
      __atomic_sub_fetch(&object->holders, 1, __ATOMIC_ACQ_REL) == 0)
    embed_object_drop(object);
}

mooncrew_object *mooncrew_value_object(const mooncrew_value *value) {
  if (mooncrew_value_type(value) != MOONCREW_OBJECT)
    return NULL;
  __atomic_add_fetch(&value->object->holders, 1, __ATOMIC_RELAXED);
  return value->object;
}

/* ---- asking ---- */

/* Asks with the guard held, and waits. */
static int ask(mooncrew *runtime, const char *function, const mooncrew_values *first,
               const mooncrew_values *args, mooncrew_values **results,
               mooncrew_error **error) {
  if (runtime->state != EMBED_OPEN)
    return embed_fail(error, MOONCREW_ECLOSED, "%s: the runtime is being closed",
                      function);
  if (runtime->broken)
    return embed_fail_broken(runtime, error);
  struct mc_frame head = {.type = MC_FRAME_ASK};
  struct embed_task *task;
  int code = embed_send(runtime, &head, first, args, &task);
  if (code)
    return embed_fail(error, code, "%s: %s", function,
                      code == MOONCREW_ENOMEM
                          ? "not enough memory"
                          : "args: finished values and objects of this runtime expected");
  task->ask = true;
  mooncrew_task id = task->id;
  embed_flush(runtime);
  code = embed_wait(runtime, function, id, MC_FOREVER, results, error);
  task = embed_task_find(runtime, id);
  if (task)
    task->forsaken = true;
  return code;
}

int embed_ask(mooncrew_object *object, const char *function, const char *method,
              const mooncrew_values *args, mooncrew_values **results,
              mooncrew_error **error) {
  struct embed_visit visit;
  int code = embed_enter_object(&visit, object, function, error);
  if (code)
    return code;
  mooncrew_values *first = mooncrew_values_new();
  mooncrew_push_object(first, object);
  mooncrew_push_string(first, method);
  code = first ? ask(visit.runtime, function, first, args, results, error)
               : embed_fail(error, MOONCREW_ENOMEM, "%s: not enough memory", function);
  mooncrew_values_free(first);
  embed_leave(&visit);
  return code;
}

int mooncrew_object_call(mooncrew_object *object, const char *method,
                         const mooncrew_values *args, mooncrew_values **results,
                         mooncrew_error **error) {
  if (!method)
    return embed_fail(error, MOONCREW_EINVAL, "%s: method: a string expected, got NULL",
                      __func__);
  return embed_ask(object, __func__, method, args, results, error);
}

/* ---- making ---- */

static int make(const char *function, mooncrew *runtime, const char *kind, size_t maxsize,
                mooncrew_object **object, mooncrew_error **error) {
  struct embed_visit visit;
  if (!object)
    return embed_fail(error, MOONCREW_EINVAL,
                      "%s: a place for the object expected, got NULL", function);
  *object = NULL;
  int code = embed_enter(&visit, runtime, function, error);
  if (code)
    return code;
  mooncrew_values *first = mooncrew_values_new(), *results = NULL;
  mooncrew_push_boolean(first, false);
  mooncrew_push_string(first, kind);
  if (maxsize)
    mooncrew_push_integer(first, (int64_t)(maxsize < INT64_MAX ? maxsize : INT64_MAX));
  code = first ? ask(runtime, function, first, NULL, &results, error)
               : embed_fail(error, MOONCREW_ENOMEM, "%s: not enough memory", function);
  mooncrew_values_free(first);
  if (!code)
    *object = mooncrew_value_object(mooncrew_values_at(results, 0));
  mooncrew_values_free(results);
  embed_leave(&visit);
  return code;
}

int mooncrew_queue_new(mooncrew *runtime, size_t maxsize, mooncrew_object **queue,
                       mooncrew_error **error) {
  return make(__func__, runtime, "Queue", maxsize, queue, error);
}

int mooncrew_dict_new(mooncrew *runtime, mooncrew_object **dict, mooncrew_error **error) {
  return make(__func__, runtime, "dict", 0, dict, error);
}

int mooncrew_list_new(mooncrew *runtime, mooncrew_object **list, mooncrew_error **error) {
  return make(__func__, runtime, "list", 0, list, error);
}

/* ---- queues ---- */

static void push_timeout(mooncrew_values *values, int timeout) {
  if (timeout < 0)
    mooncrew_push_nil(values);
  else
    mooncrew_push_number(values, timeout / 1e3);
}

int mooncrew_queue_put(mooncrew_object *queue, const mooncrew_values *items, int timeout,
                       size_t *count, mooncrew_error **error) {
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  if (count)
    *count = 0;
  push_timeout(args, timeout);
  mooncrew_push_table(args);
  for (size_t i = 0; i < mooncrew_values_count(items); i++)
    mooncrew_push_value(args, mooncrew_values_at(items, i));
  mooncrew_key(args, "n"); /* an item may be nil */
  mooncrew_push_integer(args, (int64_t)mooncrew_values_count(items));
  mooncrew_end_table(args);
  int code = items ? embed_values_check(items) : MOONCREW_EINVAL;
  if (!code && !args)
    code = MOONCREW_ENOMEM;
  if (code)
    embed_fail(error, code, "%s: items: %s", __func__,
               code == MOONCREW_ENOMEM ? "not enough memory"
                                       : "finished values expected");
  else
    code = embed_ask(queue, __func__, "host_put", args, &results, error);
  if (!code) {
    int64_t put = 0;
    const char *outcome = NULL;
    mooncrew_value_integer(mooncrew_values_at(results, 0), &put);
    mooncrew_value_string(mooncrew_values_at(results, 1), &outcome, NULL);
    if (count)
      *count = (size_t)put;
    if (outcome)
      code = embed_fail(
          error, strcmp(outcome, "mooncrew.Full") ? MOONCREW_ECLOSED : MOONCREW_EFULL,
          "%s: %s after %lld items", __func__, outcome, (long long)put);
  }
  mooncrew_values_free(args);
  mooncrew_values_free(results);
  return code;
}

int mooncrew_queue_get(mooncrew_object *queue, size_t most, int timeout,
                       mooncrew_values **items, mooncrew_error **error) {
  if (!items || most < 1 || most > INT32_MAX)
    return embed_fail(error, MOONCREW_EINVAL,
                      "%s: a place for items, and a number of them from 1 to 2^31 - 1 "
                      "expected",
                      __func__);
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  push_timeout(args, timeout);
  mooncrew_push_integer(args, (int64_t)most);
  int code = args ? embed_ask(queue, __func__, "host_get", args, &results, error)
                  : embed_fail(error, MOONCREW_ENOMEM, "%s: not enough memory", __func__);
  mooncrew_values_free(args);
  *items = results;
  return code;
}
