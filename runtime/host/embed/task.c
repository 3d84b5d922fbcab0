#include "host/embed/runtime.h"
#include "os/pollset.h"

#include <stdio.h>

#define PENDING_BYTES                                                                    \
  (64u << 20) /* of what was not sent yet; then the backlog is full                      \
               */

/* ---- slots ---- */

struct embed_task *embed_task_find(mooncrew *runtime, mooncrew_task id) {
  size_t slot = (uint32_t)id;
  if (slot >= runtime->n_slots || !runtime->slots[slot] || runtime->slots[slot]->id != id)
    return NULL;
  return runtime->slots[slot];
}

/* A new task, in no list yet; NULL: no memory. */
static struct embed_task *new_task(mooncrew *runtime) {
  if (!runtime->n_free) {
    if (!embed_grow(&runtime->slots, &runtime->max_slots, runtime->n_slots,
                    sizeof *runtime->slots)) /* NOLINT: of a pointer, indeed */
      return NULL;
    /* Room for every slot to become free, so that freeing one can't fail. */
    while (runtime->max_free < runtime->max_slots)
      if (!embed_grow(&runtime->free_slots, &runtime->max_free, runtime->max_free,
                      sizeof *runtime->free_slots))
        return NULL;
  }
  struct embed_task *task = embed_new(sizeof *task);
  if (!task)
    return NULL;
  size_t slot =
      runtime->n_free ? runtime->free_slots[--runtime->n_free] : runtime->n_slots++;
  runtime->slots[slot] = task;
  task->id = ++runtime->last_number << 32 | slot;
  return task;
}

static void free_task(mooncrew *runtime, struct embed_task *task) {
  uint32_t slot = (uint32_t)task->id;
  runtime->slots[slot] = NULL;
  runtime->free_slots[runtime->n_free++] = slot;
  mooncrew_values_free(task->results);
  mooncrew_error_free(task->error);
  embed_free(task);
}

void embed_tasks_free(mooncrew *runtime) {
  for (size_t i = 0; i < runtime->n_slots; i++)
    if (runtime->slots[i])
      free_task(runtime, runtime->slots[i]);
  embed_free(runtime->slots);
  embed_free(runtime->free_slots);
}

/* ---- outcomes ---- */

void embed_task_finish(mooncrew *runtime, struct embed_task *task,
                       mooncrew_values *results, mooncrew_error *error) {
  int code = mooncrew_error_code(error);
  task->finished = true;
  task->results = results;
  task->error = error;
  if (error && !embed_is_bare(error))
    error->task = task->id;
  if (task->ask) {
    if (task->forsaken)
      free_task(runtime, task);
    return;
  }
  runtime->in_flight--;
  if (!code)
    runtime->done++;
  else if (code == MOONCREW_ECANCELLED)
    runtime->cancelled++;
  else
    runtime->failed++;
  if (task->forsaken) {
    free_task(runtime, task);
    return;
  }
  if (!task->done)
    return; /* who waits for it is woken by who took it in */
  if (runtime->last_due)
    runtime->last_due->next_due = task;
  else
    runtime->first_due = task;
  runtime->last_due = task;
  mc_flag_raise(runtime->due);
}

void embed_tasks_cancel(mooncrew *runtime) {
  for (size_t i = 0; i < runtime->n_slots; i++) {
    struct embed_task *task = runtime->slots[i];
    if (!task || task->finished)
      continue;
    mooncrew_error *error = NULL;
    embed_fail(&error, task->ask ? MOONCREW_ECLOSED : MOONCREW_ECANCELLED,
               "the runtime was closed");
    embed_task_finish(runtime, task, NULL, error);
  }
}

unsigned embed_run_due(mooncrew *runtime, unsigned most) {
  unsigned count = 0;
  while ((runtime->first_due || runtime->first_call) && (most == 0 || count < most)) {
    count++;
    if (embed_run_call(runtime))
      continue;
    struct embed_task *task = runtime->first_due;
    runtime->first_due = task->next_due;
    if (!runtime->first_due)
      runtime->last_due = NULL;
    runtime->running++;
    mc_guard_unlock(&runtime->guard);
    task->done(task->data, task->id, task->results, task->error);
    mc_guard_lock(&runtime->guard);
    runtime->running--;
    free_task(runtime, task);
  }
  if (!runtime->first_due && !runtime->first_call)
    mc_flag_lower(runtime->due);
  return count;
}

/* ---- submitting ---- */

struct form {
  const char *function; /* which of the API's, for errors */
  enum mc_task_form form;
  mooncrew_values *first; /* the form's own values */
};

static int may_submit(mooncrew *runtime, const char *function, mooncrew_error **error) {
  if (runtime->state != EMBED_OPEN)
    return embed_fail(error, MOONCREW_ECLOSED, "%s: the runtime is being closed",
                      function);
  if (runtime->broken)
    return embed_fail_broken(runtime, error);
  size_t pending = runtime->channel.out.length - runtime->channel.out.start;
  if (runtime->in_flight >= runtime->backlog || pending > PENDING_BYTES)
    return embed_fail(error, MOONCREW_EAGAIN,
                      "%s: the backlog is full: %llu tasks are in flight", function,
                      (unsigned long long)runtime->in_flight);
  return MOONCREW_OK;
}

static int fail_encode(mooncrew_error **error, int code, const char *function) {
  const char *why = code == MOONCREW_ENOMEM
                        ? "not enough memory"
                        : "finished values expected, got some with a mistake in them";
  return embed_fail(error, code, "%s: args: %s", function, why);
}

int embed_send(mooncrew *runtime, struct mc_frame *head, const mooncrew_values *first,
               const mooncrew_values *args, struct embed_task **out) {
  struct embed_buffer bytes = {0}, refs = {0};
  struct embed_task *task = NULL;
  int code = embed_encode(runtime, first, args, &bytes, &refs);
  if (!code && !(task = new_task(runtime)))
    code = MOONCREW_ENOMEM;
  if (!code) {
    head->id = task->id;
    if (!embed_channel_put(&runtime->channel, head, &refs, &bytes))
      code = MOONCREW_ENOMEM;
  }
  embed_buffer_free(&bytes);
  embed_buffer_free(&refs);
  if (code && task)
    free_task(runtime, task);
  *out = code ? NULL : task;
  return code;
}

/* The guard is held. */
static int send_task(mooncrew *runtime, const struct form *form,
                     const mooncrew_values *args, const mooncrew_task_options *options,
                     mooncrew_task *id, mooncrew_error **error) {
  int code = may_submit(runtime, form->function, error);
  if (code)
    return code;
  int timeout = options->timeout ? options->timeout : runtime->task_timeout;
  struct mc_frame head = {.type = MC_FRAME_TASK,
                          .number = (uint64_t)timeout * 1000000u,
                          .code = (int16_t)form->form};
  struct embed_task *task = NULL;
  code = embed_send(runtime, &head, form->first, args, &task);
  if (code)
    return fail_encode(error, code, form->function);
  task->done = options->done;
  task->data = options->data;
  runtime->submitted++;
  runtime->in_flight++;
  if (id)
    *id = task->id;
  embed_flush(runtime);
  return MOONCREW_OK;
}

static int submit(mooncrew *runtime, struct form *form, const mooncrew_values *args,
                  const mooncrew_task_options *theirs, mooncrew_task *id,
                  mooncrew_error **error) {
  struct embed_visit visit;
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  int code = MOONCREW_OK;
  if (theirs && !embed_options(&options, sizeof options, theirs))
    code =
        embed_fail(error, MOONCREW_EVERSION,
                   "%s: options: set up by mooncrew_task_options_init() and with known "
                   "fields expected",
                   form->function);
  else if (options.timeout < 0)
    code = embed_fail(error, MOONCREW_EINVAL,
                      "%s: options.timeout: a number of milliseconds expected, got %d",
                      form->function, options.timeout);
  else if (!form->first)
    code = embed_fail(error, MOONCREW_ENOMEM, "%s: not enough memory", form->function);
  if (!code)
    code = embed_enter(&visit, runtime, form->function, error);
  if (!code) {
    code = send_task(runtime, form, args, &options, id, error);
    embed_leave(&visit);
  }
  mooncrew_values_free(form->first);
  return code;
}

static int missing(mooncrew_error **error, const char *function, const char *what) {
  return embed_fail(error, MOONCREW_EINVAL, "%s: %s: a string expected, got NULL",
                    function, what);
}

static int submit_function(const char *name, mooncrew *runtime, const char *module,
                           const char *function, const mooncrew_values *args,
                           const mooncrew_task_options *options, mooncrew_task *task,
                           mooncrew_error **error) {
  if (!module || !function)
    return missing(error, name, module ? "function" : "module");
  struct form form = {name, MC_FORM_FUNCTION, mooncrew_values_new()};
  mooncrew_push_string(form.first, module);
  mooncrew_push_string(form.first, function);
  return submit(runtime, &form, args, options, task, error);
}

static int submit_source(const char *name, mooncrew *runtime, const char *source,
                         size_t length, const char *chunk, const mooncrew_values *args,
                         const mooncrew_task_options *options, mooncrew_task *task,
                         mooncrew_error **error) {
  if (!source)
    return missing(error, name, "source");
  struct form form = {name, MC_FORM_SOURCE, mooncrew_values_new()};
  mooncrew_push_bytes(form.first, source, length);
  mooncrew_push_string(form.first, chunk ? chunk : "=(source)");
  return submit(runtime, &form, args, options, task, error);
}

static int submit_file(const char *name, mooncrew *runtime, const char *path,
                       const mooncrew_values *args, const mooncrew_task_options *options,
                       mooncrew_task *task, mooncrew_error **error) {
  if (!path)
    return missing(error, name, "path");
  struct form form = {name, MC_FORM_FILE, mooncrew_values_new()};
  mooncrew_push_string(form.first, path);
  return submit(runtime, &form, args, options, task, error);
}

static int submit_library(const char *name, mooncrew *runtime, const char *path,
                          const char *symbol, const mooncrew_values *args,
                          const mooncrew_task_options *options, mooncrew_task *task,
                          mooncrew_error **error) {
  if (!path || !symbol)
    return missing(error, name, path ? "symbol" : "path");
  struct form form = {name, MC_FORM_LIBRARY, mooncrew_values_new()};
  mooncrew_push_string(form.first, path);
  mooncrew_push_string(form.first, symbol);
  return submit(runtime, &form, args, options, task, error);
}

int mooncrew_submit(mooncrew *runtime, const char *module, const char *function,
                    const mooncrew_values *args, const mooncrew_task_options *options,
                    mooncrew_task *task, mooncrew_error **error) {
  return submit_function(__func__, runtime, module, function, args, options, task, error);
}

int mooncrew_submit_source(mooncrew *runtime, const char *source, size_t length,
                           const char *name, const mooncrew_values *args,
                           const mooncrew_task_options *options, mooncrew_task *task,
                           mooncrew_error **error) {
  return submit_source(__func__, runtime, source, length, name, args, options, task,
                       error);
}

int mooncrew_submit_file(mooncrew *runtime, const char *path, const mooncrew_values *args,
                         const mooncrew_task_options *options, mooncrew_task *task,
                         mooncrew_error **error) {
  return submit_file(__func__, runtime, path, args, options, task, error);
}

int mooncrew_submit_library(mooncrew *runtime, const char *path, const char *symbol,
                            const mooncrew_values *args,
                            const mooncrew_task_options *options, mooncrew_task *task,
                            mooncrew_error **error) {
  return submit_library(__func__, runtime, path, symbol, args, options, task, error);
}

/* ---- waiting ---- */

/* The outcome goes to the caller, and the task is no more. */
static int take_outcome(mooncrew *runtime, struct embed_task *task,
                        mooncrew_values **results, mooncrew_error **error) {
  int code = mooncrew_error_code(task->error);
  if (error && code) {
    *error = task->error;
    task->error = NULL;
  }
  if (!code && results) {
    *results = task->results;
    task->results = NULL;
  }
  free_task(runtime, task);
  return code;
}

int embed_wait(mooncrew *runtime, const char *function, mooncrew_task id,
               mc_time deadline, mooncrew_values **results, mooncrew_error **error) {
  for (bool looked = false;; looked = true) {
    struct embed_task *task = embed_task_find(runtime, id);
    if (!task || task->done)
      return embed_fail(error, MOONCREW_EINVAL,
                        "%s: task: one without a callback whose outcome was not taken "
                        "expected, got %llu",
                        function, (unsigned long long)id);
    if (task->finished)
      return take_outcome(runtime, task, results, error);
    if (runtime->state == EMBED_CLOSING)
      return embed_fail(error, MOONCREW_ECLOSED, "%s: the runtime is being closed",
                        function);
    if (embed_run_call(runtime))
      continue;
    if (looked && runtime->starved)
      return embed_fail(error, MOONCREW_ENOMEM, "%s: not enough memory", function);
    if (looked && mc_now() >= deadline)
      return embed_fail(error, MOONCREW_ETIMEDOUT, "%s: timed out", function);
    embed_await(runtime, deadline);
  }
}

int mooncrew_wait(mooncrew *runtime, mooncrew_task task, int timeout,
                  mooncrew_values **results, mooncrew_error **error) {
  struct embed_visit visit;
  int code = embed_enter(&visit, runtime, __func__, error);
  if (code)
    return code;
  code = embed_wait(runtime, __func__, task, embed_deadline(timeout), results, error);
  embed_leave(&visit);
  return code;
}

/* Waits for a task of which nobody else knows: when that fails, its outcome is dropped.
 */
static int finish_run(const char *function, mooncrew *runtime, mooncrew_task id,
                      mooncrew_values **results, mooncrew_error **error) {
  struct embed_visit visit;
  int code = embed_enter(&visit, runtime, function, error);
  if (code)
    return code;
  code = embed_wait(runtime, function, id, MC_FOREVER, results, error);
  struct embed_task *task = embed_task_find(runtime, id);
  if (task)
    task->forsaken = true;
  embed_leave(&visit);
  return code;
}

int mooncrew_run(mooncrew *runtime, const char *module, const char *function,
                 const mooncrew_values *args, mooncrew_values **results,
                 mooncrew_error **error) {
  mooncrew_task task = 0;
  int code =
      submit_function(__func__, runtime, module, function, args, NULL, &task, error);
  return code ? code : finish_run(__func__, runtime, task, results, error);
}

int mooncrew_run_source(mooncrew *runtime, const char *source, size_t length,
                        const char *name, const mooncrew_values *args,
                        mooncrew_values **results, mooncrew_error **error) {
  mooncrew_task task = 0;
  int code =
      submit_source(__func__, runtime, source, length, name, args, NULL, &task, error);
  return code ? code : finish_run(__func__, runtime, task, results, error);
}

int mooncrew_run_file(mooncrew *runtime, const char *path, const mooncrew_values *args,
                      mooncrew_values **results, mooncrew_error **error) {
  mooncrew_task task = 0;
  int code = submit_file(__func__, runtime, path, args, NULL, &task, error);
  return code ? code : finish_run(__func__, runtime, task, results, error);
}

int mooncrew_run_library(mooncrew *runtime, const char *path, const char *symbol,
                         const mooncrew_values *args, mooncrew_values **results,
                         mooncrew_error **error) {
  mooncrew_task task = 0;
  int code = submit_library(__func__, runtime, path, symbol, args, NULL, &task, error);
  return code ? code : finish_run(__func__, runtime, task, results, error);
}

/* ---- giving up ---- */

int mooncrew_cancel(mooncrew *runtime, mooncrew_task id, bool force) {
  struct embed_visit visit;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  struct embed_task *task = embed_task_find(runtime, id);
  struct mc_frame head = {.type = MC_FRAME_CANCEL, .id = id, .code = force};
  if (!task || task->ask || task->finished)
    code = MOONCREW_EINVAL;
  else if (!embed_channel_put(&runtime->channel, &head, NULL, NULL))
    code = MOONCREW_ENOMEM;
  if (!code) {
    mooncrew_error *error = NULL;
    embed_fail(&error, MOONCREW_ECANCELLED, "the task was cancelled");
    embed_task_finish(runtime, task, NULL, error);
    embed_flush(runtime);
    mc_guard_wake(&runtime->guard);
    if (runtime->reading)
      mc_flag_raise(runtime->nudge);
  }
  embed_leave(&visit);
  return code;
}
