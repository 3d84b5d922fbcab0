/* Functions of the host that scripts call.
 *
 *   script ─▶ helper ─▶ CALL ─▶ list ─▶ whoever dispatches or waits runs it ─▶ REPLY */
#include "host/embed/runtime.h"
#include "os/pollset.h"

bool embed_call_arrived(mooncrew *runtime, uint64_t id, mooncrew_values *args) {
  struct embed_call *call = embed_new(sizeof *call);
  if (!call)
    return false;
  *call = (struct embed_call){.id = id, .args = args};
  if (runtime->last_call)
    runtime->last_call->next = call;
  else
    runtime->first_call = call;
  runtime->last_call = call;
  mc_flag_raise(runtime->due);
  return true;
}

static void reply(mooncrew *runtime, uint64_t id, bool failed,
                  const mooncrew_values *values) {
  struct embed_buffer bytes = {0}, refs = {0};
  struct mc_frame head = {.type = MC_FRAME_REPLY, .id = id, .code = failed};
  bool ok = embed_encode(runtime, values, NULL, &bytes, &refs) == MOONCREW_OK &&
            embed_channel_put(&runtime->channel, &head, &refs, &bytes);
  embed_buffer_free(&bytes);
  embed_buffer_free(&refs);
  head.code = true; /* it says nothing more then, and fits what was reserved before */
  if (!ok && !embed_channel_put(&runtime->channel, &head, NULL, NULL)) {
    mooncrew_error *error = NULL;
    embed_fail(&error, MOONCREW_ENOMEM, "not enough memory to answer a script");
    embed_break(runtime, error);
  }
  embed_flush(runtime);
}

void embed_reply_failure(mooncrew *runtime, uint64_t id, const char *why) {
  mooncrew_values *values = mooncrew_values_new();
  mooncrew_push_string(values, why);
  reply(runtime, id, true, values);
  mooncrew_values_free(values);
}

static const struct embed_function *find(mooncrew *runtime, const char *name) {
  struct embed_function *found = runtime->functions;
  while (found && strcmp(found->name, name) != 0)
    found = found->next;
  return found;
}

/* What the script gave, behind the name. */
static mooncrew_values *arguments_of(const mooncrew_values *values) {
  mooncrew_values *args = mooncrew_values_new();
  for (size_t i = 1; i < mooncrew_values_count(values); i++)
    mooncrew_push_value(args, mooncrew_values_at(values, i));
  if (!args || args->failure) {
    mooncrew_values_free(args);
    return NULL;
  }
  return args;
}

/* A line of the log: the helper wants no reply. */
static void log_line(mooncrew *runtime, const struct embed_call *call) {
  const char *line = "";
  size_t length = 0;
  mooncrew_value_string(mooncrew_values_at(call->args, 0), &line, &length);
  if (!runtime->log)
    return;
  runtime->running++;
  mc_guard_unlock(&runtime->guard);
  runtime->log(runtime->log_data, line, length);
  mc_guard_lock(&runtime->guard);
  runtime->running--;
}

static void run(mooncrew *runtime, const struct embed_call *call) {
  const char *name = "";
  if (!call->id) {
    log_line(runtime, call);
    return;
  }
  mooncrew_value_string(mooncrew_values_at(call->args, 0), &name, NULL);
  const struct embed_function *found = find(runtime, name);
  if (!found) {
    embed_reply_failure(runtime, call->id, "the host has no function of that name");
    return;
  }
  mooncrew_function function = found->function;
  void *data = found->data;
  mooncrew_values *args = arguments_of(call->args);
  mooncrew_values *results = mooncrew_values_new();
  if (!args || !results) {
    embed_reply_failure(runtime, call->id,
                        "the host could not take the arguments: not enough memory, or "
                        "tables that are too deep or in themselves");
  } else {
    runtime->running++;
    mc_guard_unlock(&runtime->guard);
    int code = function(data, args, results);
    mc_guard_lock(&runtime->guard);
    runtime->running--;
    reply(runtime, call->id, code != MOONCREW_OK, results);
  }
  mooncrew_values_free(args);
  mooncrew_values_free(results);
}

bool embed_run_call(mooncrew *runtime) {
  struct embed_call *call = runtime->first_call;
  if (!call)
    return false;
  runtime->first_call = call->next;
  if (!runtime->first_call)
    runtime->last_call = NULL;
  if (!runtime->first_call && !runtime->first_due)
    mc_flag_lower(runtime->due);
  run(runtime, call);
  mooncrew_values_free(call->args);
  embed_free(call);
  return true;
}

void embed_calls_free(mooncrew *runtime) {
  for (struct embed_call *call = runtime->first_call, *next; call; call = next) {
    next = call->next;
    mooncrew_values_free(call->args);
    embed_free(call);
  }
  for (struct embed_function *f = runtime->functions, *next; f; f = next) {
    next = f->next;
    embed_free(f);
  }
}

int mooncrew_register(mooncrew *runtime, const char *name, mooncrew_function function,
                      void *data) {
  struct embed_visit visit;
  if (!name || !*name)
    return MOONCREW_EINVAL;
  int code = embed_enter(&visit, runtime, __func__, NULL);
  if (code)
    return code;
  struct embed_function *new = embed_new(sizeof *new + strlen(name) + 1);
  if (new) {
    struct embed_function **link = &runtime->functions;
    while (*link && strcmp((*link)->name, name) != 0)
      link = &(*link)->next;
    struct embed_function *old = *link;
    if (old) {
      *link = old->next;
      embed_free(old);
    }
    new->function = function;
    new->data = data;
    memcpy(new->name, name, strlen(name) + 1);
    new->next = runtime->functions;
    if (function)
      runtime->functions = new;
    else
      embed_free(new);
  } else {
    code = MOONCREW_ENOMEM;
  }
  embed_leave(&visit);
  return code;
}
