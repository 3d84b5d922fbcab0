/* Runs a piece of Lua in a worker process, and reads its results. */
#include <mooncrew.h>

#include <inttypes.h>
#include <stdio.h>

int main(void) {
  mooncrew *runtime = NULL;
  mooncrew_error *error = NULL;
  mooncrew_values *args = mooncrew_values_new(), *results = NULL;
  const char *source = "local name, n = ... "
                       "return ('Hello, %s!'):format(name), n * 2";

  if (mooncrew_open(NULL, &runtime, &error))
    goto failed;
  mooncrew_push_string(args, "host");
  mooncrew_push_integer(args, 21);
  if (mooncrew_run_source(runtime, source, strlen(source), "=hello", args, &results,
                          &error))
    goto failed;

  const char *text = "";
  int64_t number = 0;
  mooncrew_value_string(mooncrew_values_at(results, 0), &text, NULL);
  mooncrew_value_integer(mooncrew_values_at(results, 1), &number);
  printf("%s %" PRId64 "\n", text, number);

  mooncrew_values_free(results);
  mooncrew_values_free(args);
  mooncrew_close(runtime, 0);
  return 0;

failed:
  fprintf(stderr, "%s\n%s\n", mooncrew_error_message(error),
          mooncrew_error_traceback(error));
  mooncrew_error_free(error);
  mooncrew_values_free(args);
  mooncrew_close(runtime, 0);
  return 1;
}
