#include "threads/support/crew.h"

#include "share/audit.h"
#include "share/object.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct thread {
  pthread_t thread;
  struct mc_member member;
  void (*body)(void *data);
  void *data;
  bool mortal;
};

static struct thread crew[64];
static unsigned n_crew;

int crew_setup(void **state) {
  (void)state;
  return mc_space_create((uint64_t)64 << 20);
}

static void print_fault(void *context, const char *text) {
  (void)context;
  print_error("audit: %s\n", text);
}

int crew_teardown(void **state) {
  (void)state;
  struct mc_audit audit = {.fault = print_fault};
  struct mc_space_stats stats;
  int faults = mc_audit(&audit);
  mc_space_stats(&stats);
  if (stats.in_use || stats.objects || stats.members != 1) {
    print_error("%lu bytes, %u objects, %u members are left\n", stats.in_use,
                stats.objects, stats.members);
    faults++;
  }
  mc_member_leave();
  mc_space_destroy();
  return faults;
}

static void *run(void *data) {
  struct thread *self = data;
  if (mc_member_adopt(self->member) != 0)
    abort();
  self->body(self->data);
  if (!self->mortal)
    mc_member_leave();
  return NULL;
}

static void start(void (*body)(void *data), void *data, bool mortal) {
  unsigned i = __atomic_fetch_add(&n_crew, 1, __ATOMIC_RELAXED);
  if (i >= sizeof(crew) / sizeof(*crew))
    abort();
  struct thread *thread = &crew[i];
  *thread = (struct thread){.body = body, .data = data, .mortal = mortal};
  if (mc_member_reserve(&thread->member) != 0 ||
      pthread_create(&thread->thread, NULL, run, thread) != 0)
    abort();
}

void crew_start(void (*body)(void *data), void *data) {
  start(body, data, false);
}

void crew_start_mortal(void (*body)(void *data), void *data) {
  start(body, data, true);
}

void crew_join(void) {
  for (unsigned i = 0; i < n_crew; i++)
    if (pthread_join(crew[i].thread, NULL) != 0)
      abort();
  n_crew = 0;
}

mc_ref crew_queue(uint64_t maxsize) {
  const struct mc_queue_options options = {maxsize, MC_RETURN};
  mc_ref queue;
  if (mc_queue_create(&options, &queue) != 0)
    abort();
  return queue;
}

void crew_put(mc_ref queue, uint32_t number, mc_ref handle) {
  struct mc_message message = {.bytes = &number,
                               .length = sizeof(number),
                               .handles = &handle,
                               .n_handles = handle != 0};
  if (mc_queue_put(queue, &message, 1, MC_FOREVER) != 1)
    abort();
}
