/* Eight busy threads that all use one runtime, each in the way that suits it. */
#include <mooncrew.h>

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 8, TASKS = 200 };

static mooncrew *runtime;

static void *work(void *data) {
  long wrong = 0;
  (void)data;
  for (int i = 0; i < TASKS; i++) {
    mooncrew_values *args = mooncrew_values_new(), *results = NULL;
    mooncrew_push_integer(args, i);
    int64_t square = -1;
    const char *source = "local n = ... return n * n";
    if (mooncrew_run_source(runtime, source, strlen(source), "=square", args, &results,
                            NULL) == MOONCREW_OK)
      mooncrew_value_integer(mooncrew_values_at(results, 0), &square);
    wrong += square != (int64_t)i * i;
    mooncrew_values_free(results);
    mooncrew_values_free(args);
  }
  return (void *)wrong;
}

int main(void) {
  pthread_t threads[THREADS];
  mooncrew_error *error = NULL;
  long wrong = 0;
  if (mooncrew_open(NULL, &runtime, &error)) {
    fprintf(stderr, "%s\n", mooncrew_error_message(error));
    mooncrew_error_free(error);
    return 1;
  }
  for (int i = 0; i < THREADS; i++)
    pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  mooncrew_stats stats = {.size = sizeof stats};
  mooncrew_get_stats(runtime, &stats);
  printf("%llu tasks done, %ld wrong\n", (unsigned long long)stats.done, wrong);
  mooncrew_close(runtime, 0);
  return wrong != 0;
}
