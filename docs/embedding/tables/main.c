/* A dict and a list that the program and its tasks in Lua use at the same time. */
#include <mooncrew.h>

#include <inttypes.h>
#include <stdio.h>

enum { TASKS = 20 };

/* dict.incr and append are one step each, whoever else writes. */
static const char worker[] = "local mooncrew = require 'mooncrew' "
                             "local settings, found, n = ... "
                             "if n % settings.divisor == 0 then found:append(n) end "
                             "mooncrew.dict.incr(settings, 'done')";

static int fail(mooncrew_error *error) {
  fprintf(stderr, "%s\n", mooncrew_error_message(error));
  mooncrew_error_free(error);
  return 1;
}

static int run_tasks(mooncrew *runtime, mooncrew_object *settings, mooncrew_object *found,
                     mooncrew_error **error) {
  mooncrew_task tasks[TASKS];
  int code = MOONCREW_OK;
  for (int i = 0; i < TASKS && !code; i++) {
    mooncrew_values *args = mooncrew_values_new();
    mooncrew_push_object(args, settings);
    mooncrew_push_object(args, found);
    mooncrew_push_integer(args, i + 1);
    code = mooncrew_submit_source(runtime, worker, strlen(worker), "=worker", args, NULL,
                                  &tasks[i], error);
    mooncrew_values_free(args);
  }
  for (int i = 0; i < TASKS && !code; i++)
    code = mooncrew_wait(runtime, tasks[i], MOONCREW_FOREVER, NULL, error);
  return code;
}

int main(void) {
  mooncrew *runtime = NULL;
  mooncrew_error *error = NULL;
  mooncrew_object *settings = NULL, *found = NULL;
  if (mooncrew_open(NULL, &runtime, &error) ||
      mooncrew_dict_new(runtime, &settings, &error) ||
      mooncrew_list_new(runtime, &found, &error))
    return fail(error);

  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_integer(values, 7);
  int code =
      mooncrew_dict_set(settings, "divisor", mooncrew_values_at(values, 0), &error);
  mooncrew_values_free(values);
  if (code || run_tasks(runtime, settings, found, &error))
    return fail(error);

  int64_t done = 0, sum = 0, number = 0;
  if (mooncrew_dict_incr(settings, "done", 0, &done, &error))
    return fail(error);
  while (mooncrew_list_pop(found, &values, NULL) == MOONCREW_OK) {
    if (mooncrew_value_integer(mooncrew_values_at(values, 0), &number) == MOONCREW_OK)
      sum += number;
    mooncrew_values_free(values);
  }
  printf("%" PRId64 " tasks, the sum of what they found is %" PRId64 "\n", done, sum);
  mooncrew_object_free(settings);
  mooncrew_object_free(found);
  mooncrew_close(runtime, 0);
  return 0;
}
