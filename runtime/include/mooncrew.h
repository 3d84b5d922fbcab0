/* mooncrew: a task runtime that runs Lua 5.4 in worker processes, for programs in C and
 * C++.
 *
 * mooncrew_open() starts a helper process, from which the workers are forked. The host's
 * own process never runs Lua, never forks a worker, gets no child, no thread, no signal
 * and no exit handler: it may have threads, children and a SIGCHLD handler as it likes.
 *
 * Threads. Any thread may call any function at any time, unless the function says
 * otherwise; one runtime is used by one thread at a time inside, the others wait for
 * short. Objects that are not a runtime (options, values, errors) belong to one thread at
 * a time. After a fork, the child can't use the parent's runtimes: MOONCREW_EFORKED.
 *
 * Errors. Functions return MOONCREW_OK or a negative code, and where there is a last
 * argument `mooncrew_error **error`, an error object as well, which the caller frees.
 * `error` may be NULL. Nothing is printed, ever.
 *
 * Times are in milliseconds; MOONCREW_FOREVER never passes. See docs/embedding.md. */
#ifndef MOONCREW_H
#define MOONCREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MOONCREW_VERSION "0.1.0"

#if defined(__GNUC__)
#define MOONCREW_API __attribute__((visibility("default")))
#else
#define MOONCREW_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct lua_State;

/* ---- codes ---- */

enum mooncrew_code {
  MOONCREW_OK = 0,
  MOONCREW_EINVAL = -1,    /* a wrong argument, or a handle that is none */
  MOONCREW_ENOMEM = -2,    /* no memory: here, or in the shared memory */
  MOONCREW_ESYSTEM = -3,   /* the operating system refused something */
  MOONCREW_EVERSION = -4,  /* library, helper and header do not fit together */
  MOONCREW_EAGAIN = -5,    /* the backlog is full: try again when something is done */
  MOONCREW_ETIMEDOUT = -6, /* the time of the call has passed; what it is about goes on */
  MOONCREW_ECANCELLED = -7, /* the task was cancelled, or its runtime was closed */
  MOONCREW_ECLOSED = -8,    /* the queue is closed; the runtime is being closed */
  MOONCREW_EHELPER = -9,    /* the helper process is gone: close the runtime */
  MOONCREW_EFORKED = -10,   /* the runtime belongs to the parent of this process */
  MOONCREW_EBUSY = -11,     /* not now: from inside a callback, or while one runs */
  MOONCREW_ERUN = -12,      /* Lua raised an error */
  MOONCREW_EWORKER = -13,   /* the task's worker process died */
  MOONCREW_ELIMIT = -14,    /* the task was over its time */
  MOONCREW_EVALUE = -15, /* a value that the other side can't have, or of another type */
  MOONCREW_EEMPTY = -16, /* nothing there */
  MOONCREW_EFULL = -17   /* no room */
};

#define MOONCREW_FOREVER (-1)

/* "MOONCREW_EAGAIN: …": what a code means; static storage. */
MOONCREW_API const char *mooncrew_strerror(int code);

/* The version of the library that is linked, which may differ from MOONCREW_VERSION. */
MOONCREW_API const char *mooncrew_version(void);

/* ---- errors ---- */

typedef struct mooncrew_error mooncrew_error;

/* All of them take NULL and then say "no error". Strings live as long as the error. */
MOONCREW_API int mooncrew_error_code(const mooncrew_error *error);
MOONCREW_API const char *mooncrew_error_message(const mooncrew_error *error);
/* Where it was raised in the worker; "" when it does not come from Lua. */
MOONCREW_API const char *mooncrew_error_traceback(const mooncrew_error *error);
/* What Lua calls its kind: "Error", "WorkerLost", "NoMemory" …; "" from elsewhere. */
MOONCREW_API const char *mooncrew_error_kind(const mooncrew_error *error);
/* The signal that ended a worker; 0: none. */
MOONCREW_API int mooncrew_error_signal(const mooncrew_error *error);
/* The status with which a worker ended; -1: none. */
MOONCREW_API int mooncrew_error_exit_code(const mooncrew_error *error);
/* The task that it is about; 0: none. */
MOONCREW_API uint64_t mooncrew_error_task(const mooncrew_error *error);
MOONCREW_API void mooncrew_error_free(mooncrew_error *error);

/* ---- memory ---- */

/* Resizes as realloc does; a size of 0 frees. Called from any thread that calls us. */
typedef void *(*mooncrew_allocator)(void *data, void *block, size_t size);

/* From now on all memory of the library comes from here; NULL: from malloc again.
 * MOONCREW_EBUSY while the library has memory in use. */
MOONCREW_API int mooncrew_set_allocator(mooncrew_allocator allocator, void *data);

/* ---- values ----
 *
 * A list of values: the arguments of a call, or its results. They are built by pushing:
 *
 *   mooncrew_values *args = mooncrew_values_new();
 *   mooncrew_push_string(args, "x");            args: "x"
 *   mooncrew_push_table(args);                        { …
 *   mooncrew_push_integer(args, 10);                    10,
 *   mooncrew_key(args, "name");
 *   mooncrew_push_string(args, "y");                    name = "y" }
 *   mooncrew_end_table(args);
 *
 * The first failure is kept: pushes after it do nothing, and the call that gets the
 * values refuses them. So the codes need no look. NULL values are MOONCREW_EINVAL, which
 * makes a failed mooncrew_values_new() such a failure as well. */

typedef struct mooncrew_values mooncrew_values;
typedef struct mooncrew_value mooncrew_value;

MOONCREW_API mooncrew_values *mooncrew_values_new(void); /* NULL: no memory */
MOONCREW_API void mooncrew_values_free(mooncrew_values *values);

MOONCREW_API int mooncrew_push_nil(mooncrew_values *values);
MOONCREW_API int mooncrew_push_boolean(mooncrew_values *values, bool boolean);
MOONCREW_API int mooncrew_push_integer(mooncrew_values *values, int64_t integer);
MOONCREW_API int mooncrew_push_number(mooncrew_values *values, double number);
MOONCREW_API int mooncrew_push_string(mooncrew_values *values, const char *string);
MOONCREW_API int mooncrew_push_bytes(mooncrew_values *values, const void *bytes,
                                     size_t length);
/* A copy of a value of some list, with all that is in it (no constants). */
MOONCREW_API int mooncrew_push_value(mooncrew_values *values,
                                     const mooncrew_value *value);
/* What follows belongs to the table, until its end: values get the keys 1, 2, 3 …, but
 * for one behind a key, which gets that. At most 200 tables deep. */
MOONCREW_API int mooncrew_push_table(mooncrew_values *values);
MOONCREW_API int mooncrew_key(mooncrew_values *values, const char *key);
MOONCREW_API int mooncrew_key_integer(mooncrew_values *values, int64_t key);
MOONCREW_API int mooncrew_end_table(mooncrew_values *values);

enum mooncrew_type {
  MOONCREW_NONE, /* there is no such value */
  MOONCREW_NIL,
  MOONCREW_BOOLEAN,
  MOONCREW_INTEGER,
  MOONCREW_NUMBER, /* a float */
  MOONCREW_STRING, /* any bytes */
  MOONCREW_TABLE,
  MOONCREW_CONSTANT, /* one of the module's, such as mooncrew.Empty; reads as a string */
  MOONCREW_OBJECT    /* a shared object, see mooncrew_value_object() */
};

/* Readers take NULL for a value or values: nothing is in there. What they return lives as
 * long as the values. */
MOONCREW_API size_t mooncrew_values_count(const mooncrew_values *values);
/* The value at that place, from 0 on; NULL: there is none. */
MOONCREW_API const mooncrew_value *mooncrew_values_at(const mooncrew_values *values,
                                                      size_t place);

MOONCREW_API enum mooncrew_type mooncrew_value_type(const mooncrew_value *value);
/* MOONCREW_OK and *out, or MOONCREW_EVALUE for a value of another type: *out is left as
 * it was. An integer reads as a number too, and a number that is whole as an integer. */
MOONCREW_API int mooncrew_value_boolean(const mooncrew_value *value, bool *out);
MOONCREW_API int mooncrew_value_integer(const mooncrew_value *value, int64_t *out);
MOONCREW_API int mooncrew_value_number(const mooncrew_value *value, double *out);
/* *out is followed by a byte of 0. `length` may be NULL. */
MOONCREW_API int mooncrew_value_string(const mooncrew_value *value, const char **out,
                                       size_t *length);
/* How many values have the keys 1, 2, 3 …; 0 for what is no table. */
MOONCREW_API size_t mooncrew_value_length(const mooncrew_value *value);
/* table[key]; NULL: nothing there, or no table. The keys 1 to mooncrew_value_length() are
 * found at once; for any other all entries are looked at until it comes. So read a table
 * of thousands of names by mooncrew_value_entry(), each entry once. */
MOONCREW_API const mooncrew_value *mooncrew_value_item(const mooncrew_value *table,
                                                       int64_t key);
MOONCREW_API const mooncrew_value *mooncrew_value_field(const mooncrew_value *table,
                                                        const char *key);
/* How many entries a table has besides those, and each of them, from 0 on, in no order.
 */
MOONCREW_API size_t mooncrew_value_count(const mooncrew_value *table);
MOONCREW_API int mooncrew_value_entry(const mooncrew_value *table, size_t place,
                                      const mooncrew_value **key,
                                      const mooncrew_value **value);

/* ---- the runtime ---- */

typedef struct mooncrew mooncrew;

/* Libraries of Lua. They keep honest scripts from what they should not need; they are no
 * prison for hostile ones. */
#define MOONCREW_NO_IO      1u /* io, dofile, loadfile */
#define MOONCREW_NO_OS      2u
#define MOONCREW_NO_PACKAGE 4u /* require gives what `preload` has loaded, no more */
#define MOONCREW_NO_DEBUG   8u

/* Zero is the default of each field. */
typedef struct mooncrew_options {
  size_t size; /* of this struct: mooncrew_options_init() sets it */
  /* The program `mooncrew`; default: $MOONCREW_HELPER, else where it was installed with
   * the library. Never looked for in $PATH. */
  const char *helper;
  unsigned workers;         /* default: as many as there are cores for this process */
  unsigned backlog;         /* tasks in flight at most; default 1024 */
  uint64_t shared_memory;   /* bytes; default: $MOONCREW_SHARED_MEMORY, or half of all */
  const char *package_path; /* goes in front of Lua's package.path */
  const char *package_cpath;
  const char *preload; /* a module that each worker has from the start: see the docs */
  unsigned tasks_per_worker; /* then it is replaced; default: never */
  int task_timeout;          /* of each task in its worker; default: none */
  int open_timeout;          /* for the helper to answer; default 10000 */
  uint64_t
      worker_memory;   /* bytes that a worker may use: see limits in docs/processes.md */
  unsigned worker_cpu; /* seconds of computing that it may use */
  unsigned worker_files; /* descriptors that it may open */
  unsigned without;      /* libraries that scripts do not have: MOONCREW_NO_… */
  /* Gets each line of mooncrew.log, which else goes to stderr, in a thread that
   * dispatches or waits; it may call everything but mooncrew_close(). */
  void (*log)(void *data, const char *line, size_t length);
  void *log_data;
} mooncrew_options;

static inline void mooncrew_options_init(mooncrew_options *options) {
  memset(options, 0, sizeof *options);
  options->size = sizeof *options;
}

/* Starts a runtime. `options` may be NULL. A process may have several. */
MOONCREW_API int mooncrew_open(const mooncrew_options *options, mooncrew **runtime,
                               mooncrew_error **error);

/* Ends a runtime and all its processes, and frees it. Tasks in flight may go on for up to
 * `timeout`; what is left then is cancelled. Callbacks that have not run yet run now, in
 * this thread. Other threads that wait in the runtime get MOONCREW_ECLOSED. Returns
 * within the time-out and 5 seconds, unless a callback in another thread takes longer.
 * MOONCREW_EBUSY, and nothing was done: a callback or
 * a host function is running, or another thread closes it. NULL is MOONCREW_OK. */
MOONCREW_API int mooncrew_close(mooncrew *runtime, int timeout);

/* ---- tasks ---- */

/* A function in C that scripts or tasks call. Pushes its results and returns MOONCREW_OK;
 * or returns something else, and what it pushed first is raised in the script as an
 * error. It may call everything but mooncrew_close(). */
typedef int (*mooncrew_function)(void *data, const mooncrew_values *args,
                                 mooncrew_values *results);

typedef uint64_t mooncrew_task; /* never 0, never used again in a runtime */

/* The outcome of a task: results, or an error; both live until it returns. It may call
 * everything but mooncrew_close(). */
typedef void (*mooncrew_done)(void *data, mooncrew_task task,
                              const mooncrew_values *results,
                              const mooncrew_error *error);

typedef struct mooncrew_task_options {
  size_t size;        /* mooncrew_task_options_init() sets it */
  mooncrew_done done; /* called once, by mooncrew_dispatch(); NULL: the outcome is kept
                         for mooncrew_wait(), which must be called then */
  void *data;
  int timeout; /* in its worker, which is ended then: MOONCREW_ELIMIT; default: the
                  runtime's */
} mooncrew_task_options;

static inline void mooncrew_task_options_init(mooncrew_task_options *options) {
  memset(options, 0, sizeof *options);
  options->size = sizeof *options;
}

/* Give a task to the workers: require(module)[function](args…); or a chunk of Lua, which
 * gets the arguments as `...`; or a file of Lua. `args`, `options` and `task` may be
 * NULL; args are copied and stay the caller's. Do not block. MOONCREW_EAGAIN: the backlog
 * is full. */
MOONCREW_API int mooncrew_submit(mooncrew *runtime, const char *module,
                                 const char *function, const mooncrew_values *args,
                                 const mooncrew_task_options *options,
                                 mooncrew_task *task, mooncrew_error **error);
MOONCREW_API int mooncrew_submit_source(mooncrew *runtime, const char *source,
                                        size_t length, const char *name,
                                        const mooncrew_values *args,
                                        const mooncrew_task_options *options,
                                        mooncrew_task *task, mooncrew_error **error);
MOONCREW_API int mooncrew_submit_file(mooncrew *runtime, const char *path,
                                      const mooncrew_values *args,
                                      const mooncrew_task_options *options,
                                      mooncrew_task *task, mooncrew_error **error);

/* The same for a function in C, in a worker: a mooncrew_function of that name in a shared
 * library that is linked with libmooncrew. Its data is NULL. It can't take objects. */
MOONCREW_API int mooncrew_submit_library(mooncrew *runtime, const char *path,
                                         const char *symbol, const mooncrew_values *args,
                                         const mooncrew_task_options *options,
                                         mooncrew_task *task, mooncrew_error **error);

/* Waits for a task that has no callback, and takes its outcome: MOONCREW_OK and *results,
 * which the caller frees (`results` may be NULL), or the task's error. Once. While it
 * waits, host functions may run in this thread. MOONCREW_ETIMEDOUT: ask again.
 * MOONCREW_EINVAL: no such task, or its outcome was taken. */
MOONCREW_API int mooncrew_wait(mooncrew *runtime, mooncrew_task task, int timeout,
                               mooncrew_values **results, mooncrew_error **error);

/* Submit and wait: for programs that have nothing else to do. */
MOONCREW_API int mooncrew_run(mooncrew *runtime, const char *module, const char *function,
                              const mooncrew_values *args, mooncrew_values **results,
                              mooncrew_error **error);
MOONCREW_API int mooncrew_run_source(mooncrew *runtime, const char *source, size_t length,
                                     const char *name, const mooncrew_values *args,
                                     mooncrew_values **results, mooncrew_error **error);
MOONCREW_API int mooncrew_run_file(mooncrew *runtime, const char *path,
                                   const mooncrew_values *args, mooncrew_values **results,
                                   mooncrew_error **error);
MOONCREW_API int mooncrew_run_library(mooncrew *runtime, const char *path,
                                      const char *symbol, const mooncrew_values *args,
                                      mooncrew_values **results, mooncrew_error **error);

/* Gives a task up: its outcome is MOONCREW_ECANCELLED at once. One that no worker has
 * begun never runs; one that runs goes on unseen, or with `force` is ended together with
 * its worker. MOONCREW_EINVAL: it has its outcome already, or there is no such task. */
MOONCREW_API int mooncrew_cancel(mooncrew *runtime, mooncrew_task task, bool force);

/* A descriptor that is readable (POLLIN) while mooncrew_dispatch() has something to do.
 * It is the library's: do not read it; it is the same until the runtime is closed. A
 * negative code on failure. */
MOONCREW_API int mooncrew_poll_fd(mooncrew *runtime);

/* Takes in what has come and runs callbacks, `most` at most (0: all that are there). Does
 * not block. How many ran, or a negative code; MOONCREW_EHELPER once all that is left has
 * been told. */
MOONCREW_API int mooncrew_dispatch(mooncrew *runtime, unsigned most);

typedef struct mooncrew_stats {
  size_t size; /* set it to sizeof(mooncrew_stats) */
  /* submitted == done + failed + cancelled + in_flight, always */
  uint64_t submitted, done, failed, cancelled, in_flight;
  int64_t helper; /* its pid; 0: it is gone */
} mooncrew_stats;

MOONCREW_API int mooncrew_get_stats(mooncrew *runtime, mooncrew_stats *stats);

/* ---- shared objects ----
 *
 * Queues, dicts and lists that the host and its scripts use together: pass one as an
 * argument, or take one out of results. Each call goes to the helper and back, some 0.1
 * ms; the *_many calls do more in one. Other threads are not held up while one waits. */

typedef struct mooncrew_object mooncrew_object;

/* A queue for `maxsize` items; 0: no limit. The others are empty. */
MOONCREW_API int mooncrew_queue_new(mooncrew *runtime, size_t maxsize,
                                    mooncrew_object **queue, mooncrew_error **error);
MOONCREW_API int mooncrew_dict_new(mooncrew *runtime, mooncrew_object **dict,
                                   mooncrew_error **error);
MOONCREW_API int mooncrew_list_new(mooncrew *runtime, mooncrew_object **list,
                                   mooncrew_error **error);

/* Lets go of it; it lives on while a script, a message or another handle has it. Also
 * after its runtime was closed. NULL is nothing. */
MOONCREW_API void mooncrew_object_free(mooncrew_object *object);

/* The object that a value is, as a handle that the caller frees; NULL: it is none. */
MOONCREW_API mooncrew_object *mooncrew_value_object(const mooncrew_value *value);
MOONCREW_API int mooncrew_push_object(mooncrew_values *values, mooncrew_object *object);

/* Calls a method of the Lua API on it: "qsize" or "close" of a queue, "append" of a list,
 * and for dicts the functions of mooncrew.dict: "get", "set", "incr", "cas" … Lists have
 * "get" (index), "set" (index, value) and "len" as well. `args` and `results` may be
 * NULL. It waits as long as the method does. */
MOONCREW_API int mooncrew_object_call(mooncrew_object *object, const char *method,
                                      const mooncrew_values *args,
                                      mooncrew_values **results, mooncrew_error **error);

/* Puts each of the values as an item, in order. `count` (may be NULL) gets how many went
 * in. MOONCREW_EFULL: no room until the time-out; MOONCREW_ECLOSED. */
MOONCREW_API int mooncrew_queue_put(mooncrew_object *queue, const mooncrew_values *items,
                                    int timeout, size_t *count, mooncrew_error **error);

/* Waits for the first item, then takes up to `most`. The caller frees them.
 * MOONCREW_EEMPTY: none until the time-out; MOONCREW_ECLOSED: closed and drained. After
 * another error they may be lost. */
MOONCREW_API int mooncrew_queue_get(mooncrew_object *queue, size_t most, int timeout,
                                    mooncrew_values **items, mooncrew_error **error);

/* ---- dicts and lists ----
 *
 * What scripts write as dict.key, dict.incr(d, key) and list[1], in one step each. Keys
 * are strings here; for others, and for what else docs/shared-tables.md has, there is
 * mooncrew_object_call(). Values are those of some list of values: mooncrew_values_at()
 * of what was pushed. What is read comes as a list of values with that one in it, which
 * the caller frees; a table that lies in another one comes as an object of its own.
 *
 * MOONCREW_ERUN: it is no dict (no list), or the value can't be kept there. Of the two
 * kinds of MOONCREW_ENOMEM, after "NoMemory" nothing was written: the shared memory is
 * full; after the other, which has no kind, the host could not take the answer. */

/* MOONCREW_EEMPTY: it has no such key. */
MOONCREW_API int mooncrew_dict_get(mooncrew_object *dict, const char *key,
                                   mooncrew_values **value, mooncrew_error **error);
/* Writes an entry; nil takes it out. NULL is no value: MOONCREW_EINVAL. A table is copied
 * into shared tables, or is that object if it is one. */
MOONCREW_API int mooncrew_dict_set(mooncrew_object *dict, const char *key,
                                   const mooncrew_value *value, mooncrew_error **error);
/* Takes the entry out. MOONCREW_EEMPTY: it has no such key. `value` may be NULL. */
MOONCREW_API int mooncrew_dict_pop(mooncrew_object *dict, const char *key,
                                   mooncrew_values **value, mooncrew_error **error);
/* Adds to a number; no entry counts as 0. *sum (may be NULL) is what is there then.
 * MOONCREW_ERUN: the entry is no number. MOONCREW_EVALUE: it was added, but the sum is no
 * whole number. */
MOONCREW_API int mooncrew_dict_incr(mooncrew_object *dict, const char *key, int64_t by,
                                    int64_t *sum, mooncrew_error **error);
/* Writes `new_value` if the entry equals `old_value`; NULL and nil are "no entry" in
 * both. *written (may be NULL): whether it did. */
MOONCREW_API int mooncrew_dict_cas(mooncrew_object *dict, const char *key,
                                   const mooncrew_value *old_value,
                                   const mooncrew_value *new_value, bool *written,
                                   mooncrew_error **error);
/* Writes all entries of a table, with keys of any type: all, or none when it fails. */
MOONCREW_API int mooncrew_dict_update(mooncrew_object *dict, const mooncrew_value *table,
                                      mooncrew_error **error);
/* How many entries it has. */
MOONCREW_API int mooncrew_dict_size(mooncrew_object *dict, size_t *size,
                                    mooncrew_error **error);
/* All of it as a plain table, with the tables in it: see mooncrew_value_entry(). */
MOONCREW_API int mooncrew_dict_copy(mooncrew_object *dict, mooncrew_values **table,
                                    mooncrew_error **error);
MOONCREW_API int mooncrew_dict_clear(mooncrew_object *dict, mooncrew_error **error);

/* Indexes are from 1 on, as in Lua. MOONCREW_EEMPTY: it has no such element. */
MOONCREW_API int mooncrew_list_get(mooncrew_object *list, int64_t index,
                                   mooncrew_values **value, mooncrew_error **error);
/* Replaces an element, or appends with the index behind the last; MOONCREW_ERUN for any
 * other, and for nil: a list has no holes. */
MOONCREW_API int mooncrew_list_set(mooncrew_object *list, int64_t index,
                                   const mooncrew_value *value, mooncrew_error **error);
MOONCREW_API int mooncrew_list_append(mooncrew_object *list, const mooncrew_value *value,
                                      mooncrew_error **error);
/* Appends each of the values: all, or none when it fails. */
MOONCREW_API int mooncrew_list_extend(mooncrew_object *list, const mooncrew_values *items,
                                      mooncrew_error **error);
/* Takes the last element out, or the first. MOONCREW_EEMPTY: there is none. `value` may
 * be NULL. */
MOONCREW_API int mooncrew_list_pop(mooncrew_object *list, mooncrew_values **value,
                                   mooncrew_error **error);
MOONCREW_API int mooncrew_list_popleft(mooncrew_object *list, mooncrew_values **value,
                                       mooncrew_error **error);
/* As mooncrew_dict_incr(); an element must be there. */
MOONCREW_API int mooncrew_list_incr(mooncrew_object *list, int64_t index, int64_t by,
                                    int64_t *sum, mooncrew_error **error);
MOONCREW_API int mooncrew_list_len(mooncrew_object *list, size_t *length,
                                   mooncrew_error **error);
MOONCREW_API int mooncrew_list_copy(mooncrew_object *list, mooncrew_values **table,
                                    mooncrew_error **error);
MOONCREW_API int mooncrew_list_clear(mooncrew_object *list, mooncrew_error **error);

/* ---- functions of the host ---- */

/* Scripts may call require("mooncrew.host").NAME(…) from now on. It runs in the host, in
 * a thread that is in mooncrew_dispatch(), mooncrew_wait() or mooncrew_run…() at that
 * time; the script waits until there is one. NULL takes the name away. */
MOONCREW_API int mooncrew_register(mooncrew *runtime, const char *name,
                                   mooncrew_function function, void *data);

/* For the helper alone: calls a function with encoded values. */
MOONCREW_API int mooncrew_apply(mooncrew_function function, const unsigned char *bytes,
                                size_t length, unsigned char **out, size_t *out_length);
MOONCREW_API void mooncrew_apply_free(unsigned char *out);

/* ---- Lua mode ---- */

/* The module as `require "mooncrew"` opens it, for a host that runs Lua 5.4 itself: a
 * lua_CFunction that returns one table. It is in the Lua module lib/lua/5.4/mooncrew.so,
 * not in libmooncrew. */
MOONCREW_API int luaopen_mooncrew(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
