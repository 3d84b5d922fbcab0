/* A host with many busy threads. */
#include "host.h"

#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, TASKS = 10000, MIXED = 3000, OPENS = 40 };

static atomic_bool stop;

/* What makes a forked child of a threaded process hang: the locks of all this are held by
 * some thread at any moment. */
static void *storm(void *data) {
  unsigned seed = (unsigned)(uintptr_t)data;
  char text[128];
  FILE *null = fopen("/dev/null", "w");
  while (!atomic_load(&stop)) {
    void *blocks[20];
    for (int i = 0; i < 20; i++)
      blocks[i] = malloc(rand_r(&seed) % 5000 + 1);
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(text, sizeof text, "%c", &parts);
    fprintf(null, "%s\n", text);
    if (seed % 4 == 0)
      setlocale(LC_TIME, seed % 8 ? "C" : "C.UTF-8");
    struct addrinfo *found = NULL;
    if (getaddrinfo("127.0.0.1", "80", NULL, &found) == 0)
      freeaddrinfo(found);
    for (int i = 0; i < 20; i++)
      free(blocks[i]);
  }
  fclose(null);
  return NULL;
}

struct crowd {
  mooncrew *host;
  atomic_uint submitted, outcomes, refused, called;
};

static void count_call(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)task;
  atomic_fetch_add(&((struct crowd *)data)->called, 1);
  if (!failure)
    mooncrew_values_count(results);
}

/* Submits and waits, or leaves the outcome to a callback that whoever dispatches runs. */
static void *use(void *data) {
  struct crowd *crowd = data;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.data = crowd;
  while (atomic_fetch_add(&crowd->submitted, 1) < TASKS) {
    unsigned number = atomic_load(&crowd->submitted);
    options.done = number % 3 == 0 ? count_call : NULL;
    mooncrew_task task = 0;
    mooncrew_values *args = mooncrew_values_new();
    mooncrew_push_integer(args, number);
    int code;
    while ((code = mooncrew_submit_source(crowd->host, "return os.date('%c', ...), ...",
                                          30, "=c", args, &options, &task, NULL)) ==
           MOONCREW_EAGAIN) {
      atomic_fetch_add(&crowd->refused, 1);
      mooncrew_dispatch(crowd->host, 10);
    }
    if (code == MOONCREW_OK && !options.done) {
      mooncrew_values *results = NULL;
      code = mooncrew_wait(crowd->host, task, MOONCREW_FOREVER, &results, NULL);
      int64_t back = -1;
      mooncrew_value_integer(mooncrew_values_at(results, 1), &back);
      if (code == MOONCREW_OK && back == number)
        atomic_fetch_add(&crowd->outcomes, 1);
      mooncrew_values_free(results);
    } else if (code == MOONCREW_OK) {
      atomic_fetch_add(&crowd->outcomes, 1);
    }
    mooncrew_values_free(args);
    if (number % 50 == 0)
      stats_of(crowd->host); /* the sum holds at every moment */
    if (number % 7 == 0)
      mooncrew_dispatch(crowd->host, 0);
  }
  return NULL;
}

static void start(pthread_t *threads, int n, void *(*body)(void *), void *data) {
  for (int i = 0; i < n; i++)
    assert_int_equal(
        pthread_create(&threads[i], NULL, body, data ? data : (void *)(uintptr_t)(i + 1)),
        0);
}

static void join(pthread_t *threads, int n) {
  for (int i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
}

static void test_storm(void **state) {
  (void)state;
  pthread_t storms[THREADS], users[THREADS];
  atomic_store(&stop, false);
  start(storms, THREADS, storm, NULL);
  struct crowd crowd = {.host = open_host(2, 100)}; /* amidst the storm */
  start(users, THREADS, use, &crowd);
  join(users, THREADS);
  while (stats_of(crowd.host).in_flight)
    assert_true(dispatch_next(crowd.host) >= 0);
  mooncrew_dispatch(crowd.host, 0);
  mooncrew_stats stats = stats_of(crowd.host);
  assert_int_equal(crowd.outcomes, TASKS);
  assert_true(stats.submitted == TASKS && stats.done == TASKS);
  assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
  for (int i = 0; i < OPENS; i++) {
    mooncrew *host = open_host(1, 0);
    mooncrew_values_free(run_chunk(host, "return os.date()", NULL));
    assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  }
  atomic_store(&stop, true);
  join(storms, THREADS);
}

/* Every third task fails, every third is cancelled if it is in time. */
static void *mix(void *data) {
  struct crowd *crowd = data;
  unsigned number;
  while ((number = atomic_fetch_add(&crowd->submitted, 1)) < MIXED) {
    const char *source = number % 3 == 1 ? "error('no')" : "return 1";
    mooncrew_task task = 0;
    int code;
    while ((code = mooncrew_submit_source(crowd->host, source, strlen(source), NULL, NULL,
                                          NULL, &task, NULL)) == MOONCREW_EAGAIN)
      mooncrew_dispatch(crowd->host, 0);
    if (number % 3 == 2)
      mooncrew_cancel(crowd->host, task, false);
    code = mooncrew_wait(crowd->host, task, MOONCREW_FOREVER, NULL, NULL);
    if (code == (number % 3 == 1 ? MOONCREW_ERUN : MOONCREW_OK) ||
        (number % 3 == 2 && code == MOONCREW_ECANCELLED))
      atomic_fetch_add(&crowd->outcomes, 1);
  }
  return NULL;
}

static void *look_on(void *data) {
  struct crowd *crowd = data;
  while (!atomic_load(&stop)) {
    mooncrew_stats stats = stats_of(crowd->host); /* which checks the sum */
    atomic_fetch_add(&crowd->called, stats.helper != 0);
    sched_yield();
  }
  return NULL;
}

/* submitted == done + failed + cancelled + in flight, whenever anybody looks. */
static void test_sum(void **state) {
  (void)state;
  pthread_t users[THREADS], watcher;
  struct crowd crowd = {.host = open_host(2, 50)};
  atomic_store(&stop, false);
  start(&watcher, 1, look_on, &crowd);
  start(users, THREADS, mix, &crowd);
  join(users, THREADS);
  atomic_store(&stop, true);
  join(&watcher, 1);
  mooncrew_stats stats = stats_of(crowd.host);
  assert_int_equal(crowd.outcomes, MIXED);
  assert_int_equal(stats.submitted, MIXED);
  assert_int_equal(stats.in_flight, 0);
  assert_int_equal(stats.failed, MIXED / 3);
  assert_int_equal(stats.done + stats.cancelled, MIXED - MIXED / 3);
  assert_true(crowd.called > 0);
  print_message("  %llu done, %llu failed, %llu cancelled; looked at %u times\n",
                (unsigned long long)stats.done, (unsigned long long)stats.failed,
                (unsigned long long)stats.cancelled, crowd.called);
  assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
}

static void *wait_for_ever(void *data) {
  struct crowd *crowd = data;
  mooncrew_task task = 0;
  int code = mooncrew_submit_source(crowd->host, "while true do end", 17, NULL, NULL,
                                    NULL, &task, NULL);
  atomic_fetch_add(&crowd->submitted, 1);
  if (code == MOONCREW_OK)
    code = mooncrew_wait(crowd->host, task, MOONCREW_FOREVER, NULL, NULL);
  if (code == MOONCREW_ECANCELLED || code == MOONCREW_ECLOSED)
    atomic_fetch_add(&crowd->outcomes, 1);
  return NULL;
}

static void test_close_while_others_wait(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  struct crowd crowd = {.host = open_host(2, 0)};
  start(threads, THREADS, wait_for_ever, &crowd);
  while (atomic_load(&crowd.submitted) < THREADS)
    sched_yield();
  assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
  join(threads, THREADS);
  assert_int_equal(crowd.outcomes, THREADS);
}

static void *cancel_one(void *data) {
  struct crowd *crowd = data;
  mooncrew_task task = 0;
  for (int i = 0; i < 100; i++) {
    if (mooncrew_submit_source(crowd->host, "while true do end", 17, NULL, NULL, NULL,
                               &task, NULL) != MOONCREW_OK)
      break;
    if (mooncrew_cancel(crowd->host, task, i % 10 == 0) == MOONCREW_OK &&
        mooncrew_wait(crowd->host, task, MOONCREW_FOREVER, NULL, NULL) ==
            MOONCREW_ECANCELLED)
      atomic_fetch_add(&crowd->outcomes, 1);
  }
  return NULL;
}

static void test_cancel_from_all(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  struct crowd crowd = {.host = open_host(2, 0)};
  start(threads, THREADS, cancel_one, &crowd);
  join(threads, THREADS);
  assert_int_equal(crowd.outcomes, THREADS * 100);
  assert_int_equal(stats_of(crowd.host).cancelled, THREADS * 100);
  assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
}

/* A thread that sleeps in the library is woken by a cancel from another one. */
static void *wait_one(void *data) {
  struct crowd *crowd = data;
  mooncrew_task task =
      (mooncrew_task)atomic_load(&crowd->called) << 32 | atomic_load(&crowd->refused);
  return (void *)(intptr_t)mooncrew_wait(crowd->host, task, MOONCREW_FOREVER, NULL, NULL);
}

static void test_cancel_wakes(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    static struct crowd crowd;
    if (!crowd.host)
      crowd.host = open_host(1, 0);
    mooncrew_task task = submit_chunk(crowd.host, "while true do end", NULL, NULL);
    atomic_store(&crowd.called, (unsigned)(task >> 32));
    atomic_store(&crowd.refused, (unsigned)task);
    pthread_t thread;
    void *code;
    start(&thread, 1, wait_one, &crowd);
    if (i % 2)
      usleep(1000); /* so that some sleep by then, and some do not yet */
    int cancelled = mooncrew_cancel(crowd.host, task, true);
    pthread_join(thread, &code);
    assert_int_equal(cancelled, MOONCREW_OK);
    assert_int_equal((intptr_t)code, MOONCREW_ECANCELLED);
    if (i == 99)
      assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
  }
}

/* A thread can't be cancelled inside the library: it would take a lock along. */
static void test_thread_cancelled(void **state) {
  (void)state;
  struct crowd crowd = {.host = open_host(1, 0)};
  mooncrew_task task = submit_chunk(crowd.host, "while true do end", NULL, NULL);
  atomic_store(&crowd.called, (unsigned)(task >> 32));
  atomic_store(&crowd.refused, (unsigned)task);
  pthread_t thread;
  start(&thread, 1, wait_one, &crowd);
  pthread_cancel(thread);
  stats_of(crowd.host);
  assert_int_equal(mooncrew_cancel(crowd.host, task, true), MOONCREW_OK);
  pthread_join(thread, NULL);
  assert_int_equal(mooncrew_close(crowd.host, 0), MOONCREW_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_storm),
      cmocka_unit_test(test_sum),
      cmocka_unit_test(test_close_while_others_wait),
      cmocka_unit_test(test_cancel_from_all),
      cmocka_unit_test(test_cancel_wakes),
      cmocka_unit_test(test_thread_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
