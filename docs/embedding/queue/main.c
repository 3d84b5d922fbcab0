/* A producer in C and consumers in Lua, over one queue; their results come back through
 * another one. The workers also call a function of this program. */
#include <mooncrew.h>

#include <inttypes.h>
#include <stdio.h>

enum { CONSUMERS = 2, ITEMS = 1000, BATCH = 50 };

static const char consumer[] = "local host = require 'mooncrew.host' "
                               "local jobs, results = ... "
                               "host.started() "
                               "for n in jobs:items() do results:put(n * n) end";

static int started;

/* Runs in this process, in the thread that waits or dispatches. */
static int on_started(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data, (void)args, (void)results;
  started++;
  return MOONCREW_OK;
}

static int fail(mooncrew_error *error) {
  fprintf(stderr, "%s\n", mooncrew_error_message(error));
  mooncrew_error_free(error);
  return 1;
}

int main(void) {
  mooncrew *runtime = NULL;
  mooncrew_error *error = NULL;
  mooncrew_object *jobs = NULL, *squares = NULL;
  if (mooncrew_open(NULL, &runtime, &error) ||
      mooncrew_queue_new(runtime, 100, &jobs, &error) ||
      mooncrew_queue_new(runtime, 0, &squares, &error))
    return fail(error);
  mooncrew_register(runtime, "started", on_started, NULL);

  mooncrew_task tasks[CONSUMERS];
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_object(args, jobs);
  mooncrew_push_object(args, squares);
  for (int i = 0; i < CONSUMERS; i++)
    if (mooncrew_submit_source(runtime, consumer, strlen(consumer), "=consumer", args,
                               NULL, &tasks[i], &error))
      return fail(error);
  mooncrew_values_free(args);

  for (int i = 0; i < ITEMS; i += BATCH) {
    mooncrew_values *items = mooncrew_values_new();
    for (int j = 1; j <= BATCH; j++)
      mooncrew_push_integer(items, i + j);
    if (mooncrew_queue_put(jobs, items, MOONCREW_FOREVER, NULL, &error))
      return fail(error);
    mooncrew_values_free(items);
  }
  mooncrew_object_call(jobs, "close", NULL, NULL, NULL);
  for (int i = 0; i < CONSUMERS; i++)
    if (mooncrew_wait(runtime, tasks[i], MOONCREW_FOREVER, NULL, &error))
      return fail(error);

  int64_t sum = 0, square = 0;
  mooncrew_values *items = NULL;
  while (mooncrew_queue_get(squares, 100, 0, &items, NULL) == MOONCREW_OK) {
    for (size_t i = 0; i < mooncrew_values_count(items); i++)
      if (mooncrew_value_integer(mooncrew_values_at(items, i), &square) == MOONCREW_OK)
        sum += square;
    mooncrew_values_free(items);
  }
  printf("%d consumers, the sum of the squares is %" PRId64 "\n", started, sum);
  mooncrew_object_free(jobs);
  mooncrew_object_free(squares);
  mooncrew_close(runtime, 0);
  return 0;
}
