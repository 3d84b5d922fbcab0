/* What the tests of this layer share: a space for each test, its audit, and forked
 * members. */
#ifndef TESTS_UNIT_SHARE_SUPPORT_H
#define TESTS_UNIT_SHARE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "share/audit.h"
#include "share/layout.h"
#include "share/member.h"
#include "share/object.h"
#include "share/queue.h"
#include "share/space.h"
#include "share/wait.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

/* Marks that processes leave for each other. */
static volatile uint64_t *marks;

static inline void print_fault(void *context, const char *text) {
  (void)context;
  print_error("audit: %s\n", text);
}

static inline struct mc_audit audit_now(void) {
  struct mc_audit audit = {.fault = print_fault};
  assert_int_equal(mc_audit(&audit), 0);
  return audit;
}

static inline uint64_t in_use(void) {
  struct mc_space_stats stats;
  mc_space_stats(&stats);
  return stats.in_use;
}

static inline void open_space(uint64_t limit) {
  assert_int_equal(mc_space_create(limit), 0);
  marks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(marks != MAP_FAILED);
}

static inline int close_space(void **state) {
  (void)state;
  if (!mc_space_exists())
    return 0;
  mc_member_leave();
  mc_space_destroy();
  munmap((void *)marks, 4096);
  return 0;
}

static inline int small_space(void **state) {
  (void)state;
  open_space(16 * MIB);
  return 0;
}

/* Forks a member that runs body() and ends with what it returns. */
static inline pid_t fork_member(struct mc_member *member, int (*body)(void *),
                                void *arg) {
  struct mc_member mine;
  assert_int_equal(mc_member_reserve(&mine), 0);
  fflush(NULL);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int rc = mc_member_adopt(mine);
    if (rc == 0)
      rc = body(arg);
    else
      rc = 99;
    _exit(rc);
  }
  if (member)
    *member = mine;
  return pid;
}

/* Its exit status, or minus its signal. */
static inline int wait_for(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void kill_member(pid_t pid) {
  kill(pid, SIGKILL);
  assert_int_equal(wait_for(pid), -SIGKILL);
}

/* Waits until it sleeps, in the space. */
static inline void await_asleep(struct mc_member member) {
  while (__atomic_load_n(&mc_slot(member.slot)->asleep, __ATOMIC_SEQ_CST) == MC_AWAKE)
    sched_yield();
}

/* Waits until another process has set the mark. */
static inline void await_mark(int i, uint64_t value) {
  while (__atomic_load_n(&marks[i], __ATOMIC_ACQUIRE) != value)
    sched_yield();
}

static inline void set_mark(int i, uint64_t value) {
  __atomic_store_n(&marks[i], value, __ATOMIC_RELEASE);
}

/* Stays until it is killed. */
static inline int hang(void) {
  for (int i = 0; i >= 0;)
    pause();
  return 0;
}

static inline mc_ref new_queue(uint64_t maxsize, enum mc_on_death on_death) {
  struct mc_queue_options options = {.maxsize = maxsize, .on_death = on_death};
  mc_ref queue = 0;
  assert_int_equal(mc_queue_create(&options, &queue), 0);
  return queue;
}

static inline int put_bytes(mc_ref queue, const void *bytes, size_t length) {
  struct mc_message message = {.bytes = bytes, .length = length};
  return mc_queue_try_put(queue, &message, 1);
}

static inline int put_number(mc_ref queue, uint64_t number) {
  return put_bytes(queue, &number, sizeof(number));
}

/* Takes one number, settles it; -1 when there is none. */
static inline int64_t take_number(mc_ref queue) {
  struct mc_lease lease;
  if (mc_queue_try_take(queue, &lease, 1) != 1)
    return -1;
  int64_t number;
  assert_int_equal(lease.length, sizeof(number));
  memcpy(&number, lease.bytes, sizeof(number));
  mc_lease_settle(&lease);
  return number;
}

#endif
