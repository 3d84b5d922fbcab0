/* Which runtimes there are: a handle is checked against this list, so one that was closed
 * or never was one is told from one that is open, and its memory is not touched. */
#include "host/embed/runtime.h"

#include <unistd.h>

static struct mc_guard guard;
static pid_t owner; /* the process whose runtimes they are; 0: nobody's yet */
static mooncrew *first;
static uint64_t last_serial;

/* One thread of a process gets to ready the registry; a child starts anew: the guard may
 * be held by a thread that it does not have. */
static bool ready(void) {
  static pid_t readying;
  pid_t me = getpid(), before = __atomic_load_n(&readying, __ATOMIC_ACQUIRE);
  while (before != me) {
    if (!__atomic_compare_exchange_n(&readying, &before, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      continue;
    first = NULL;
    if (mc_guard_init(&guard)) {
      __atomic_store_n(&readying, 0, __ATOMIC_RELEASE);
      return false;
    }
    __atomic_store_n(&owner, me, __ATOMIC_RELEASE);
    return true;
  }
  while (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) != me)
    if (__atomic_load_n(&readying, __ATOMIC_ACQUIRE) != me)
      return false;
  return true;
}

bool embed_register(mooncrew *runtime) {
  if (!ready())
    return false;
  mc_guard_lock(&guard);
  runtime->serial = ++last_serial;
  runtime->next = first;
  first = runtime;
  mc_guard_unlock(&guard);
  return true;
}

static mooncrew *find(const mooncrew *runtime) {
  mooncrew *found = first;
  while (found && found != runtime)
    found = found->next;
  return found;
}

/* serial 0: any. */
static int enter(struct embed_visit *visit, mooncrew *runtime, uint64_t serial,
                 const char *function, mooncrew_error **error) {
  pid_t whose = __atomic_load_n(&owner, __ATOMIC_ACQUIRE);
  if (whose && whose != getpid())
    return embed_fail(error, MOONCREW_EFORKED,
                      "%s: the runtime belongs to process %d, whose child this is",
                      function, (int)whose);
  if (!runtime)
    return embed_fail(error, MOONCREW_EINVAL, "%s: runtime: one expected, got NULL",
                      function);
  visit->cancel_state = mc_cancel_off();
  visit->runtime = NULL;
  if (whose) {
    mc_guard_lock(&guard);
    mooncrew *found = find(runtime);
    if (found && (!serial || found->serial == serial)) {
      visit->runtime = found;
      found->inside++;
    }
    mc_guard_unlock(&guard);
  }
  if (!visit->runtime) {
    mc_cancel_restore(visit->cancel_state);
    return embed_fail(error, MOONCREW_EINVAL, "%s: runtime: an open one expected, got %p",
                      function, (const void *)runtime);
  }
  mc_guard_lock(&runtime->guard);
  return MOONCREW_OK;
}

int embed_enter(struct embed_visit *visit, mooncrew *runtime, const char *function,
                mooncrew_error **error) {
  return enter(visit, runtime, 0, function, error);
}

int embed_enter_object(struct embed_visit *visit, const mooncrew_object *object,
                       const char *function, mooncrew_error **error) {
  if (!embed_is_object(object))
    return embed_fail(error, MOONCREW_EINVAL, "%s: object: one expected, got %s",
                      function, object ? "something else" : "NULL");
  return enter(visit, object->runtime, object->serial, function, error);
}

void embed_object_drop(mooncrew_object *object) {
  mooncrew *runtime = NULL;
  if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == getpid()) {
    mc_guard_lock(&guard);
    runtime = find(object->runtime);
    if (runtime && runtime->serial == object->serial) {
      object->next = runtime->dropped;
      runtime->dropped = object;
    } else {
      runtime = NULL;
    }
    mc_guard_unlock(&guard);
  }
  if (!runtime)
    embed_free(object);
}

mooncrew_object *embed_objects_dropped(mooncrew *runtime) {
  mc_guard_lock(&guard);
  mooncrew_object *dropped = runtime->dropped;
  runtime->dropped = NULL;
  mc_guard_unlock(&guard);
  return dropped;
}

void embed_leave(struct embed_visit *visit) {
  mc_guard_unlock(&visit->runtime->guard);
  mc_guard_lock(&guard);
  visit->runtime->inside--;
  mc_guard_wake(&guard);
  mc_guard_unlock(&guard);
  mc_cancel_restore(visit->cancel_state);
}

void embed_unregister(struct embed_visit *visit) {
  mooncrew *runtime = visit->runtime;
  mc_guard_unlock(&runtime->guard);
  mc_guard_lock(&guard);
  mooncrew **link = &first;
  while (*link != runtime)
    link = &(*link)->next;
  *link = runtime->next;
  while (runtime->inside > 1)
    mc_guard_wait(&guard, MC_FOREVER);
  mc_guard_unlock(&guard);
}
