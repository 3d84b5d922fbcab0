/* Dicts and lists, a function each: what mooncrew_object_call() does by name, with types
 * of C. The helper checks what kind of object it is: a handle does not know. */
#include "host/embed/runtime.h"

/* A question that is being put together. A push that fails is kept in the arguments. */
struct question {
  const char *function; /* of the API, for errors */
  mooncrew_object *object;
  const char *method;
  mooncrew_values *args;
  mooncrew_error **error;
};

static struct question begin(const char *function, mooncrew_object *object,
                             const char *method, mooncrew_error **error) {
  return (struct question){function, object, method, mooncrew_values_new(), error};
}

/* Asks, and takes *results over from the helper's answer. */
static int ask(struct question *q, mooncrew_values **results) {
  *results = NULL;
  int code =
      q->args
          ? embed_ask(q->object, q->function, q->method, q->args, results, q->error)
          : embed_fail(q->error, MOONCREW_ENOMEM, "%s: not enough memory", q->function);
  mooncrew_values_free(q->args);
  return code;
}

/* The call is not made: an argument is wrong. */
static int refuse(struct question *q, const char *what) {
  mooncrew_values_free(q->args);
  return embed_fail(q->error, MOONCREW_EINVAL, "%s: %s expected, got NULL", q->function,
                    what);
}

/* ---- what comes of it ---- */

static int get_nothing(struct question *q) {
  mooncrew_values *results;
  int code = ask(q, &results);
  mooncrew_values_free(results);
  return code;
}

/* The value that is there. An empty list answers nil and why, a dict nil alone. */
static int get_value(struct question *q, mooncrew_values **value) {
  mooncrew_values *results;
  int code = ask(q, &results);
  if (!code && mooncrew_value_type(mooncrew_values_at(results, 0)) <= MOONCREW_NIL)
    code = embed_fail(q->error, MOONCREW_EEMPTY, "%s: there is nothing", q->function);
  if (!code && value) {
    *value = results;
    return code;
  }
  mooncrew_values_free(results);
  return code;
}

static int get_integer(struct question *q, int64_t *integer) {
  mooncrew_values *results;
  int64_t mine = 0;
  int code = ask(q, &results);
  if (!code && mooncrew_value_integer(mooncrew_values_at(results, 0), &mine))
    code = embed_fail(q->error, MOONCREW_EVALUE, "%s: the sum is no whole number",
                      q->function);
  if (!code && integer)
    *integer = mine;
  mooncrew_values_free(results);
  return code;
}

static int get_size(struct question *q, size_t *size) {
  int64_t integer = 0;
  if (!size)
    return refuse(q, "a place for the number");
  int code = get_integer(q, &integer);
  if (!code)
    *size = (size_t)integer;
  return code;
}

/* A place for a value, which is empty until one is there. */
static bool is_place(mooncrew_values **value) {
  if (value)
    *value = NULL;
  return value;
}

/* ---- dicts ---- */

int mooncrew_dict_get(mooncrew_object *dict, const char *key, mooncrew_values **value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.get", error);
  if (!is_place(value) || !key)
    return refuse(&q, key ? "value: a place for it" : "key: a string");
  mooncrew_push_string(q.args, key);
  return get_value(&q, value);
}

int mooncrew_dict_set(mooncrew_object *dict, const char *key, const mooncrew_value *value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.set", error);
  if (!key || !value)
    return refuse(&q, key ? "value: one" : "key: a string");
  mooncrew_push_string(q.args, key);
  mooncrew_push_value(q.args, value);
  return get_nothing(&q);
}

int mooncrew_dict_pop(mooncrew_object *dict, const char *key, mooncrew_values **value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.pop", error);
  is_place(value);
  if (!key)
    return refuse(&q, "key: a string");
  mooncrew_push_string(q.args, key);
  return get_value(&q, value);
}

int mooncrew_dict_incr(mooncrew_object *dict, const char *key, int64_t by, int64_t *sum,
                       mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.incr", error);
  if (!key)
    return refuse(&q, "key: a string");
  mooncrew_push_string(q.args, key);
  mooncrew_push_integer(q.args, by);
  return get_integer(&q, sum);
}

static void push_value_or_nil(mooncrew_values *values, const mooncrew_value *value) {
  if (value)
    mooncrew_push_value(values, value);
  else
    mooncrew_push_nil(values);
}

int mooncrew_dict_cas(mooncrew_object *dict, const char *key,
                      const mooncrew_value *old_value, const mooncrew_value *new_value,
                      bool *written, mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.cas", error);
  if (!key)
    return refuse(&q, "key: a string");
  mooncrew_push_string(q.args, key);
  push_value_or_nil(q.args, old_value);
  push_value_or_nil(q.args, new_value);
  mooncrew_values *results;
  int code = ask(&q, &results);
  if (!code && written)
    mooncrew_value_boolean(mooncrew_values_at(results, 0), written);
  mooncrew_values_free(results);
  return code;
}

int mooncrew_dict_update(mooncrew_object *dict, const mooncrew_value *table,
                         mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.update", error);
  if (!table)
    return refuse(&q, "table: one");
  mooncrew_push_value(q.args, table);
  return get_nothing(&q);
}

int mooncrew_dict_size(mooncrew_object *dict, size_t *size, mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.size", error);
  return get_size(&q, size);
}

int mooncrew_dict_copy(mooncrew_object *dict, mooncrew_values **table,
                       mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.copy", error);
  return is_place(table) ? get_value(&q, table) : refuse(&q, "table: a place for it");
}

int mooncrew_dict_clear(mooncrew_object *dict, mooncrew_error **error) {
  struct question q = begin(__func__, dict, "dict.clear", error);
  return get_nothing(&q);
}

/* ---- lists ---- */

int mooncrew_list_get(mooncrew_object *list, int64_t index, mooncrew_values **value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.get", error);
  if (!is_place(value))
    return refuse(&q, "value: a place for it");
  mooncrew_push_integer(q.args, index);
  return get_value(&q, value);
}

int mooncrew_list_set(mooncrew_object *list, int64_t index, const mooncrew_value *value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.set", error);
  if (!value)
    return refuse(&q, "value: one");
  mooncrew_push_integer(q.args, index);
  mooncrew_push_value(q.args, value);
  return get_nothing(&q);
}

int mooncrew_list_append(mooncrew_object *list, const mooncrew_value *value,
                         mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.append", error);
  if (!value)
    return refuse(&q, "value: one");
  mooncrew_push_value(q.args, value);
  return get_nothing(&q);
}

int mooncrew_list_extend(mooncrew_object *list, const mooncrew_values *items,
                         mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.extend", error);
  int code = items ? embed_values_check(items) : MOONCREW_EINVAL;
  if (code) {
    mooncrew_values_free(q.args);
    return embed_fail(error, code, "%s: items: finished values expected", __func__);
  }
  mooncrew_push_table(q.args);
  for (size_t i = 0; i < mooncrew_values_count(items); i++)
    mooncrew_push_value(q.args, mooncrew_values_at(items, i));
  mooncrew_end_table(q.args);
  return get_nothing(&q);
}

int mooncrew_list_pop(mooncrew_object *list, mooncrew_values **value,
                      mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.pop", error);
  is_place(value);
  return get_value(&q, value);
}

int mooncrew_list_popleft(mooncrew_object *list, mooncrew_values **value,
                          mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.popleft", error);
  is_place(value);
  return get_value(&q, value);
}

int mooncrew_list_incr(mooncrew_object *list, int64_t index, int64_t by, int64_t *sum,
                       mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.incr", error);
  mooncrew_push_integer(q.args, index);
  mooncrew_push_integer(q.args, by);
  return get_integer(&q, sum);
}

int mooncrew_list_len(mooncrew_object *list, size_t *length, mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.len", error);
  return get_size(&q, length);
}

int mooncrew_list_copy(mooncrew_object *list, mooncrew_values **table,
                       mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.copy", error);
  return is_place(table) ? get_value(&q, table) : refuse(&q, "table: a place for it");
}

int mooncrew_list_clear(mooncrew_object *list, mooncrew_error **error) {
  struct question q = begin(__func__, list, "list.clear", error);
  return get_nothing(&q);
}
