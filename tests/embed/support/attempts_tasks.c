/* Opening and closing, tasks, functions of the host. */
#include "embed/support/attempts.h"

static const char chunk[] = "local t = ... return t, { t, t }, ('x'):rep(70000)";

static int try_open(void) {
  mooncrew *host = NULL;
  mooncrew_error *failure = NULL;
  mooncrew_options options;
  mooncrew_options_init(&options);
  options.workers = 1;
  options.package_path = "/nowhere/?.lua";
  arm();
  int code = mooncrew_open(&options, &host, &failure);
  disarm();
  check_error(code, failure);
  assert_true(!host == (code != MOONCREW_OK));
  return host ? end_host(host, code) : code;
}

static int calls, call_code;

static void count_call(void *data, mooncrew_task task, const mooncrew_values *results,
                       const mooncrew_error *failure) {
  (void)data, (void)task;
  calls++;
  call_code = mooncrew_error_code(failure);
  assert_true(!results == !!failure);
}

static mooncrew_task_options with_callback(void) {
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = count_call;
  calls = 0;
  call_code = MOONCREW_OK;
  return options;
}

/* Callbacks that are due run, and those who only wait are told: all are cancelled. */
static int try_close(void) {
  mooncrew *host = begin_host();
  mooncrew_values *args = some_values();
  mooncrew_task_options options = with_callback();
  for (int i = 0; i < 3; i++) {
    must(mooncrew_submit_source(host, "while true do end", 17, NULL, args, &options, NULL,
                                error));
    submit_chunk(host, "return 1", NULL, NULL);
  }
  mooncrew_values_free(args);
  mooncrew_register(host, "name", NULL, NULL);
  arm();
  int code = mooncrew_close(host, 0);
  disarm();
  assert_int_equal(calls, 3);
  assert_int_equal(call_code, MOONCREW_ECANCELLED);
  return code;
}

/* ---- submitting ---- */

enum form { FUNCTION, SOURCE, BY_FILE, LIBRARY };

static const char *script(void) {
  static char path[512];
  snprintf(path, sizeof path, "%s/embed-nomemory.lua", getenv("TMPDIR"));
  FILE *file = fopen(path, "w");
  fputs(chunk, file);
  fclose(file);
  return path;
}

static int submit(enum form form, mooncrew *host, const mooncrew_values *args,
                  mooncrew_task *task, mooncrew_error **failure) {
  switch (form) {
  case FUNCTION:
    return mooncrew_submit(host, "table", "pack", args, NULL, task, failure);
  case SOURCE:
    return mooncrew_submit_source(host, chunk, sizeof chunk - 1, NULL, args, NULL, task,
                                  failure);
  case BY_FILE:
    return mooncrew_submit_file(host, script(), args, NULL, task, failure);
  default:
    return mooncrew_submit_library(host, host_library(), "sum", args, NULL, task,
                                   failure);
  }
}

static int run(enum form form, mooncrew *host, const mooncrew_values *args,
               mooncrew_values **results, mooncrew_error **failure) {
  switch (form) {
  case FUNCTION:
    return mooncrew_run(host, "table", "pack", args, results, failure);
  case SOURCE:
    return mooncrew_run_source(host, chunk, sizeof chunk - 1, NULL, args, results,
                               failure);
  case BY_FILE:
    return mooncrew_run_file(host, script(), args, results, failure);
  default:
    return mooncrew_run_library(host, host_library(), "sum", args, results, failure);
  }
}

/* With a table, and a string that is larger than what a buffer has at first. */
static mooncrew_values *arguments(void) {
  static const char bytes[10000];
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_table(args);
  mooncrew_push_integer(args, 5);
  mooncrew_end_table(args);
  mooncrew_push_string(args, "name");
  mooncrew_push_bytes(args, bytes, sizeof bytes);
  return args;
}

static int try_submit(enum form form) {
  mooncrew *host = begin_host();
  mooncrew_values *args = arguments();
  mooncrew_error *failure = NULL;
  mooncrew_task task = 0;
  arm();
  int code = submit(form, host, args, &task, &failure);
  disarm();
  check_error(code, failure);
  mooncrew_values_free(args);
  if (code)
    assert_int_equal(stats_of(host).submitted, 0);
  else
    must(mooncrew_wait(host, task, MOONCREW_FOREVER, NULL, error));
  if (form == BY_FILE)
    unlink(script());
  return end_host(host, code);
}

static int try_run(enum form form) {
  mooncrew *host = begin_host();
  mooncrew_values *args = arguments(), *results = NULL;
  mooncrew_error *failure = NULL;
  arm();
  int code = run(form, host, args, &results, &failure);
  disarm();
  check_error(code, failure);
  assert_true(!results == (code != MOONCREW_OK));
  mooncrew_values_free(args);
  mooncrew_values_free(results);
  if (form == BY_FILE)
    unlink(script());
  return end_host(host, code);
}

static int try_submit_function(void) {
  return try_submit(FUNCTION);
}

static int try_submit_source(void) {
  return try_submit(SOURCE);
}

static int try_submit_file(void) {
  return try_submit(BY_FILE);
}

static int try_submit_library(void) {
  return try_submit(LIBRARY);
}

static int try_run_function(void) {
  return try_run(FUNCTION);
}

static int try_run_source(void) {
  return try_run(SOURCE);
}

static int try_run_file(void) {
  return try_run(BY_FILE);
}

static int try_run_library(void) {
  return try_run(LIBRARY);
}

/* Without memory for what it says, an error is one all the same. */
static int try_run_failing(void) {
  mooncrew *host = begin_host();
  mooncrew_error *failure = NULL;
  arm();
  int code = mooncrew_run_source(host, "error('no')", 11, NULL, NULL, NULL, &failure);
  disarm();
  check_error(code, failure);
  assert_true(code == MOONCREW_ERUN || code == MOONCREW_ENOMEM);
  return end_host(host, code == MOONCREW_ERUN ? MOONCREW_OK : code);
}

static int try_run_lost(void) {
  mooncrew *host = begin_host();
  mooncrew_error *failure = NULL;
  arm();
  int code = mooncrew_run_source(host, "os.exit(3)", 10, NULL, NULL, NULL, &failure);
  disarm();
  check_error(code, failure);
  assert_true(code == MOONCREW_EWORKER || code == MOONCREW_ENOMEM);
  return end_host(host, code == MOONCREW_EWORKER ? MOONCREW_OK : code);
}

/* ---- outcomes ---- */

static int try_wait(void) {
  mooncrew *host = begin_host();
  mooncrew_values *results = NULL, *again = NULL;
  mooncrew_error *failure = NULL;
  mooncrew_task task = submit_chunk(host, "return { 1, 2 }, 'text'", NULL, NULL);
  arm();
  int code = mooncrew_wait(host, task, MOONCREW_FOREVER, &results, &failure);
  disarm();
  check_error(code, failure);
  assert_true(!results == (code != MOONCREW_OK));
  /* either it was this task's outcome, or it is still to come */
  int later = mooncrew_wait(host, task, MOONCREW_FOREVER, &again, NULL);
  assert_true(later == MOONCREW_EINVAL || (code && later == MOONCREW_OK));
  mooncrew_values_free(results);
  mooncrew_values_free(again);
  return end_host(host, code);
}

static int try_dispatch(void) {
  mooncrew *host = begin_host();
  mooncrew_task_options options = with_callback();
  must(mooncrew_submit_source(host, "return { 1, 2 }, 'text'", 23, NULL, NULL, &options,
                              NULL, error));
  int code = MOONCREW_OK;
  arm();
  while (!calls) {
    int ran = dispatch_next(host);
    if (ran < 0)
      code = ran;
  }
  disarm();
  assert_int_equal(mooncrew_dispatch(host, 0), 0);
  assert_int_equal(calls, 1);
  return end_host(host, code ? code : call_code);
}

static int try_cancel(void) {
  mooncrew *host = begin_host();
  mooncrew_error *failure = NULL;
  mooncrew_task task = submit_chunk(host, "while true do end", NULL, NULL);
  arm();
  int code = mooncrew_cancel(host, task, true);
  disarm();
  if (code)
    assert_int_equal(mooncrew_cancel(host, task, true), MOONCREW_OK);
  assert_int_equal(mooncrew_wait(host, task, 0, NULL, &failure), MOONCREW_ECANCELLED);
  check_error(MOONCREW_ECANCELLED, failure);
  assert_int_equal(stats_of(host).cancelled, 1);
  return end_host(host, code);
}

static int try_look(void) {
  mooncrew *host = begin_host();
  mooncrew_stats stats = {.size = sizeof stats};
  arm();
  int fd = mooncrew_poll_fd(host);
  int code = mooncrew_get_stats(host, &stats);
  disarm();
  assert_true(fd >= 0);
  return end_host(host, code);
}

/* ---- functions of the host ---- */

static int answer(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data;
  return mooncrew_push_value(results, mooncrew_values_at(args, 0));
}

static int try_register(void) {
  mooncrew *host = begin_host();
  arm();
  int code = mooncrew_register(host, "answer", answer, NULL);
  disarm();
  if (!code) /* takes it away again */
    assert_int_equal(mooncrew_register(host, "answer", NULL, NULL), MOONCREW_OK);
  return end_host(host, code);
}

/* Here the script, and not the host, may be told. */
static int try_call(void) {
  const char *source = "local ok, a = pcall(require 'mooncrew.host'.answer, { 'a' }) "
                       "return ok and a[1] == 'a'";
  mooncrew *host = begin_host();
  mooncrew_values *results = NULL;
  bool ok = false;
  assert_int_equal(mooncrew_register(host, "answer", answer, NULL), MOONCREW_OK);
  arm();
  int code =
      mooncrew_run_source(host, source, strlen(source), NULL, NULL, &results, NULL);
  disarm();
  mooncrew_value_boolean(mooncrew_values_at(results, 0), &ok);
  mooncrew_values_free(results);
  return end_host(host, !code && !ok ? MOONCREW_ENOMEM : code);
}

const struct attempt task_attempts[] = {
    {"mooncrew_open", try_open, FAILS, NULL},
    {"mooncrew_close", try_close, SURVIVES, NULL},
    {"mooncrew_submit", try_submit_function, FAILS, NULL},
    {"mooncrew_submit_source", try_submit_source, FAILS, NULL},
    {"mooncrew_submit_file", try_submit_file, FAILS, NULL},
    {"mooncrew_submit_library", try_submit_library, FAILS, NULL},
    {"mooncrew_run", try_run_function, FAILS, NULL},
    {"mooncrew_run_source", try_run_source, FAILS, NULL},
    {"mooncrew_run_source", try_run_failing, EITHER, "a task that fails"},
    {"mooncrew_run_source", try_run_lost, EITHER, "a worker that ends"},
    {"mooncrew_run_file", try_run_file, FAILS, NULL},
    {"mooncrew_run_library", try_run_library, FAILS, NULL},
    {"mooncrew_wait", try_wait, FAILS, NULL},
    {"mooncrew_dispatch", try_dispatch, FAILS, NULL},
    {"mooncrew_cancel", try_cancel, EITHER, NULL},
    {"mooncrew_poll_fd", try_look, NEVER, NULL},
    {"mooncrew_get_stats", try_look, NEVER, NULL},
    {"mooncrew_register", try_register, FAILS, NULL},
    {"mooncrew_register", try_call, FAILS, "a call of it"},
    {NULL, NULL, NEVER, NULL},
};
