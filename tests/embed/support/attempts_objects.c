/* Queues, dicts, lists. */
#include "embed/support/attempts.h"

/* One of each, with something in it, and what a call gets and gives. */
struct shared {
  mooncrew *host;
  mooncrew_object *queue, *dict, *list;
  mooncrew_values *values, *got;
  const mooncrew_value *value; /* a table */
  mooncrew_error *failure;
  int64_t sum;
  size_t size;
};

static struct shared begin_shared(void) {
  struct shared s = {.host = begin_host(), .values = some_values()};
  s.value = mooncrew_values_at(s.values, 0);
  must(mooncrew_queue_new(s.host, 0, &s.queue, error));
  must(mooncrew_dict_new(s.host, &s.dict, error));
  must(mooncrew_list_new(s.host, &s.list, error));
  must(mooncrew_queue_put(s.queue, s.values, 0, NULL, error));
  must(mooncrew_dict_set(s.dict, "x", s.value, error));
  must(mooncrew_dict_incr(s.dict, "n", 1, NULL, error));
  must(mooncrew_list_extend(s.list, s.values, error));
  return s;
}

static int end_shared(struct shared *s, int code) {
  check_error(code, s->failure);
  if (code)
    assert_null(s->got);
  mooncrew_values_free(s->got);
  mooncrew_values_free(s->values);
  mooncrew_object_free(s->queue);
  mooncrew_object_free(s->dict);
  mooncrew_object_free(s->list);
  return end_host(s->host, code);
}

#define ATTEMPT(name, call)                                                              \
  static int name(void) {                                                                \
    struct shared s = begin_shared();                                                    \
    arm();                                                                               \
    int code = (call);                                                                   \
    disarm();                                                                            \
    return end_shared(&s, code);                                                         \
  }

ATTEMPT(try_call, mooncrew_object_call(s.dict, "keys", NULL, &s.got, &s.failure))
ATTEMPT(try_put, mooncrew_queue_put(s.queue, s.values, 0, &s.size, &s.failure))
ATTEMPT(try_get, mooncrew_queue_get(s.queue, 2, 0, &s.got, &s.failure))
ATTEMPT(try_dict_get, mooncrew_dict_get(s.dict, "x", &s.got, &s.failure))
ATTEMPT(try_dict_set, mooncrew_dict_set(s.dict, "x", s.value, &s.failure))
ATTEMPT(try_dict_pop, mooncrew_dict_pop(s.dict, "x", &s.got, &s.failure))
ATTEMPT(try_dict_incr, mooncrew_dict_incr(s.dict, "n", 1, &s.sum, &s.failure))
ATTEMPT(try_dict_cas, mooncrew_dict_cas(s.dict, "y", NULL, s.value, NULL, &s.failure))
ATTEMPT(try_dict_update, mooncrew_dict_update(s.dict, s.value, &s.failure))
ATTEMPT(try_dict_size, mooncrew_dict_size(s.dict, &s.size, &s.failure))
ATTEMPT(try_dict_copy, mooncrew_dict_copy(s.dict, &s.got, &s.failure))
ATTEMPT(try_dict_clear, mooncrew_dict_clear(s.dict, &s.failure))
ATTEMPT(try_list_get, mooncrew_list_get(s.list, 1, &s.got, &s.failure))
ATTEMPT(try_list_set, mooncrew_list_set(s.list, 1, s.value, &s.failure))
ATTEMPT(try_list_append, mooncrew_list_append(s.list, s.value, &s.failure))
ATTEMPT(try_list_extend, mooncrew_list_extend(s.list, s.values, &s.failure))
ATTEMPT(try_list_pop, mooncrew_list_pop(s.list, &s.got, &s.failure))
ATTEMPT(try_list_popleft, mooncrew_list_popleft(s.list, &s.got, &s.failure))
ATTEMPT(try_list_len, mooncrew_list_len(s.list, &s.size, &s.failure))
ATTEMPT(try_list_copy, mooncrew_list_copy(s.list, &s.got, &s.failure))
ATTEMPT(try_list_clear, mooncrew_list_clear(s.list, &s.failure))

static int try_list_incr(void) {
  struct shared s = begin_shared();
  mooncrew_values *number = mooncrew_values_new();
  mooncrew_push_integer(number, 1);
  must(mooncrew_list_set(s.list, 1, mooncrew_values_at(number, 0), error));
  mooncrew_values_free(number);
  arm();
  int code = mooncrew_list_incr(s.list, 1, 1, &s.sum, &s.failure);
  disarm();
  return end_shared(&s, code);
}

/* ---- making and freeing ---- */

static int try_new(int (*make)(mooncrew *, mooncrew_object **, mooncrew_error **)) {
  mooncrew *host = begin_host();
  mooncrew_object *object = NULL;
  mooncrew_error *failure = NULL;
  arm();
  int code = make(host, &object, &failure);
  disarm();
  check_error(code, failure);
  assert_true(!object == (code != MOONCREW_OK));
  mooncrew_object_free(object);
  return end_host(host, code);
}

static int make_queue(mooncrew *host, mooncrew_object **queue, mooncrew_error **error) {
  return mooncrew_queue_new(host, 5, queue, error);
}

static int try_queue_new(void) {
  return try_new(make_queue);
}

static int try_dict_new(void) {
  return try_new(mooncrew_dict_new);
}

static int try_list_new(void) {
  return try_new(mooncrew_list_new);
}

static int try_free(void) {
  struct shared s = begin_shared();
  arm();
  mooncrew_object_free(s.queue);
  disarm();
  s.queue = NULL;
  return end_shared(&s, MOONCREW_OK);
}

/* The helper is told with what is sent next. */
static int try_free_and_run(void) {
  struct shared s = begin_shared();
  mooncrew_object_free(s.queue);
  s.queue = NULL;
  arm();
  int code = mooncrew_run(s.host, "os", "time", NULL, NULL, &s.failure);
  disarm();
  return end_shared(&s, code);
}

static int try_push(void) {
  struct shared s = begin_shared();
  mooncrew_values *values = mooncrew_values_new();
  int code = MOONCREW_OK;
  arm();
  for (int i = 0; i < 5; i++)
    code = mooncrew_push_object(values, s.list);
  disarm();
  mooncrew_values_free(values);
  end_shared(&s, MOONCREW_OK); /* a push has no error object */
  return code;
}

static int try_value_object(void) {
  struct shared s = begin_shared();
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_object(values, s.list);
  arm();
  mooncrew_object *object = mooncrew_value_object(mooncrew_values_at(values, 0));
  disarm();
  assert_ptr_equal(object, s.list);
  mooncrew_object_free(object);
  mooncrew_values_free(values);
  return end_shared(&s, MOONCREW_OK);
}

const struct attempt object_attempts[] = {
    {"mooncrew_queue_new", try_queue_new, FAILS, NULL},
    {"mooncrew_dict_new", try_dict_new, FAILS, NULL},
    {"mooncrew_list_new", try_list_new, FAILS, NULL},
    {"mooncrew_object_free", try_free, NEVER, NULL},
    {"mooncrew_object_free", try_free_and_run, EITHER, "and the helper is told"},
    {"mooncrew_value_object", try_value_object, NEVER, NULL},
    {"mooncrew_push_object", try_push, FAILS, NULL},
    {"mooncrew_object_call", try_call, FAILS, NULL},
    {"mooncrew_queue_put", try_put, FAILS, NULL},
    {"mooncrew_queue_get", try_get, FAILS, NULL},
    {"mooncrew_dict_get", try_dict_get, FAILS, NULL},
    {"mooncrew_dict_set", try_dict_set, FAILS, NULL},
    {"mooncrew_dict_pop", try_dict_pop, FAILS, NULL},
    {"mooncrew_dict_incr", try_dict_incr, FAILS, NULL},
    {"mooncrew_dict_cas", try_dict_cas, FAILS, NULL},
    {"mooncrew_dict_update", try_dict_update, FAILS, NULL},
    {"mooncrew_dict_size", try_dict_size, FAILS, NULL},
    {"mooncrew_dict_copy", try_dict_copy, FAILS, NULL},
    {"mooncrew_dict_clear", try_dict_clear, FAILS, NULL},
    {"mooncrew_list_get", try_list_get, FAILS, NULL},
    {"mooncrew_list_set", try_list_set, FAILS, NULL},
    {"mooncrew_list_append", try_list_append, FAILS, NULL},
    {"mooncrew_list_extend", try_list_extend, FAILS, NULL},
    {"mooncrew_list_pop", try_list_pop, FAILS, NULL},
    {"mooncrew_list_popleft", try_list_popleft, FAILS, NULL},
    {"mooncrew_list_incr", try_list_incr, FAILS, NULL},
    {"mooncrew_list_len", try_list_len, FAILS, NULL},
    {"mooncrew_list_copy", try_list_copy, FAILS, NULL},
    {"mooncrew_list_clear", try_list_clear, FAILS, NULL},
    {NULL, NULL, NEVER, NULL},
};
