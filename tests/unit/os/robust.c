#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/futex.h"
#include "os/robust.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCKS 3

struct shared {
  struct mc_robust locks[LOCKS];
  pthread_mutex_t mutexes[LOCKS];
  int held[LOCKS], mutex_held[LOCKS];
};

static struct shared *shared;

static int setup(void **state) {
  (void)state;
  shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
  mc_robust_attach(NULL);
  return shared == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state) {
  (void)state;
  return munmap(shared, sizeof(*shared));
}

static void take(struct mc_robust *lock) {
  mc_robust_pending(lock);
  lock->word = mc_robust_thread.tid;
  mc_robust_link(lock);
  mc_robust_pending(NULL);
}

static void release(struct mc_robust *lock) {
  mc_robust_pending(lock);
  mc_robust_unlink(lock);
  lock->word = 0;
  mc_robust_pending(NULL);
}

static void wait_killed(pid_t pid) {
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFSIGNALED(status));
}

static void test_death_is_marked(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    mc_robust_attach(NULL);
    take(&shared->locks[0]);
    take(&shared->locks[1]);
    take(&shared->locks[2]);
    release(&shared->locks[1]);
    kill(getpid(), SIGKILL);
  }
  wait_killed(pid);
  assert_int_equal(shared->locks[0].word, MC_FUTEX_DIED);
  assert_int_equal(shared->locks[1].word, 0);
  assert_int_equal(shared->locks[2].word, MC_FUTEX_DIED);
}

/* Taken but not linked yet, or unlinked but not released yet: the pending word tells. */
static void test_death_in_between(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    mc_robust_attach(NULL);
    mc_robust_pending(&shared->locks[0]);
    shared->locks[0].word = mc_robust_thread.tid;
    kill(getpid(), SIGKILL);
  }
  wait_killed(pid);
  assert_int_equal(shared->locks[0].word, MC_FUTEX_DIED);
  pid = fork();
  if (pid == 0) {
    mc_robust_attach(NULL);
    take(&shared->locks[1]);
    mc_robust_pending(&shared->locks[1]);
    mc_robust_unlink(&shared->locks[1]);
    kill(getpid(), SIGKILL);
  }
  wait_killed(pid);
  assert_int_equal(shared->locks[1].word, MC_FUTEX_DIED);
}

/* A word above any thread id is never marked, even while it is named. */
static void test_reserved_word_is_left_alone(void **state) {
  (void)state;
  pid_t pid = fork();
  if (pid == 0) {
    mc_robust_attach(NULL);
    shared->locks[0].word = 0x20000000u | mc_robust_thread.tid;
    mc_robust_pending(&shared->locks[0]);
    kill(getpid(), SIGKILL);
  }
  wait_killed(pid);
  assert_int_equal(shared->locks[0].word, 0x20000000u | (uint32_t)pid);
}

/* Our locks among glibc's robust mutexes, taken and released in any order. */
static void mix(unsigned seed) {
  mc_robust_attach(NULL);
  for (int step = 0; step < 200; step++) {
    int i = rand_r(&seed) % LOCKS;
    if (rand_r(&seed) % 2) {
      if (shared->held[i])
        release(&shared->locks[i]);
      else
        take(&shared->locks[i]);
      shared->held[i] = !shared->held[i];
    } else {
      if (shared->mutex_held[i])
        pthread_mutex_unlock(&shared->mutexes[i]);
      else
        pthread_mutex_lock(&shared->mutexes[i]);
      shared->mutex_held[i] = !shared->mutex_held[i];
    }
  }
  kill(getpid(), SIGKILL);
}

static void test_beside_glibc(void **state) {
  (void)state;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  for (unsigned seed = 1; seed <= 50; seed++) {
    memset(shared, 0, sizeof(*shared));
    for (int i = 0; i < LOCKS; i++)
      pthread_mutex_init(&shared->mutexes[i], &attributes);
    pid_t pid = fork();
    if (pid == 0)
      mix(seed);
    wait_killed(pid);
    for (int i = 0; i < LOCKS; i++) {
      assert_int_equal(shared->locks[i].word, shared->held[i] ? MC_FUTEX_DIED : 0);
      int rc = pthread_mutex_trylock(&shared->mutexes[i]);
      assert_int_equal(rc, shared->mutex_held[i] ? EOWNERDEAD : 0);
    }
  }
  pthread_mutexattr_destroy(&attributes);
}

/* A child that came by a raw clone has no list, or its parent's. */
static void test_stale_list(void **state) {
  (void)state;
  take(&shared->locks[0]);
  pid_t pid = fork();
  if (pid == 0) {
    mc_robust_thread.list->list.next = (struct robust_list *)&shared->locks[0].next;
    mc_robust_attach(&shared->locks[0]);
    take(&shared->locks[1]);
    kill(getpid(), SIGKILL);
  }
  wait_killed(pid);
  assert_int_equal(shared->locks[0].word, mc_robust_thread.tid);
  assert_int_equal(shared->locks[1].word, MC_FUTEX_DIED);
  release(&shared->locks[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_death_is_marked, setup, teardown),
      cmocka_unit_test_setup_teardown(test_death_in_between, setup, teardown),
      cmocka_unit_test_setup_teardown(test_reserved_word_is_left_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(test_beside_glibc, setup, teardown),
      cmocka_unit_test_setup_teardown(test_stale_list, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
