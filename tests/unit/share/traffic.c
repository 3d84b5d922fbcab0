/* Several processes at once. */
#include "support.h"

#define EACH 100000u

struct job {
  mc_ref queue;
  uint64_t who;
  size_t batch;
};

static int produces(void *arg) {
  const struct job *job = arg;
  uint64_t numbers[16];
  struct mc_message messages[16];
  for (uint64_t next = 0; next < EACH;) {
    size_t n = EACH - next < job->batch ? EACH - next : job->batch;
    for (size_t i = 0; i < n; i++) {
      numbers[i] = job->who << 32 | (next + i);
      messages[i] = (struct mc_message){.bytes = &numbers[i], .length = 8};
    }
    if (mc_queue_put(job->queue, messages, n, MC_FOREVER) != (int)n)
      return 1;
    next += n;
  }
  mc_member_leave();
  return 0;
}

/* Checks that the numbers of each producer come in order; sums them up. */
static int consumes(void *arg) {
  const struct job *job = arg;
  uint64_t last[4] = {0}, sum = 0, count = 0;
  struct mc_lease leases[16];
  for (;;) {
    int n = mc_queue_take(job->queue, leases, job->batch, MC_FOREVER);
    if (n == MC_CLOSED)
      break;
    if (n < 1)
      return 1;
    for (int i = 0; i < n; i++) {
      uint64_t number;
      memcpy(&number, leases[i].bytes, 8);
      uint64_t who = number >> 32, place = (number & 0xffffffff) + 1;
      if (who > 3 || place <= last[who])
        return 2;
      last[who] = place;
      sum += place;
      count++;
      mc_lease_settle(&leases[i]);
    }
  }
  __atomic_fetch_add((uint64_t *)&marks[0], count, __ATOMIC_SEQ_CST);
  __atomic_fetch_add((uint64_t *)&marks[1], sum, __ATOMIC_SEQ_CST);
  mc_member_leave();
  return 0;
}

static void traffic(uint64_t maxsize, size_t batch) {
  uint64_t before = in_use();
  mc_ref queue = new_queue(maxsize, MC_RETURN);
  struct job jobs[2] = {{queue, 0, batch}, {queue, 1, batch}};
  pid_t producers[2], consumers[2];
  for (int i = 0; i < 2; i++) {
    consumers[i] = fork_member(NULL, consumes, &jobs[i]);
    producers[i] = fork_member(NULL, produces, &jobs[i]);
  }
  for (int i = 0; i < 2; i++)
    assert_int_equal(wait_for(producers[i]), 0);
  mc_queue_close(queue);
  for (int i = 0; i < 2; i++)
    assert_int_equal(wait_for(consumers[i]), 0);
  assert_int_equal(marks[0], 2 * EACH);
  assert_int_equal(marks[1], (uint64_t)EACH * (EACH + 1));
  assert_int_equal(mc_members_reap(), 0);
  mc_object_drop(queue);
  assert_int_equal(in_use(), before);
  audit_now();
}

static void test_unbounded(void **state) {
  (void)state;
  traffic(0, 1);
}

static void test_batches(void **state) {
  (void)state;
  traffic(0, 16);
}

static void test_bounded(void **state) {
  (void)state;
  traffic(100, 1);
}

static void test_one_place(void **state) {
  (void)state;
  traffic(1, 3);
}

static int echoes(void *arg) {
  mc_ref *queues = arg;
  struct mc_lease lease;
  for (;;) {
    int rc = mc_queue_take(queues[0], &lease, 1, MC_FOREVER);
    if (rc == MC_CLOSED)
      return 0;
    if (rc != 1 || put_bytes(queues[1], lease.bytes, lease.length) != 1)
      return 1;
    mc_lease_settle(&lease);
  }
}

static void test_ping_pong(void **state) {
  (void)state;
  mc_ref queues[2] = {new_queue(0, MC_RETURN), new_queue(0, MC_RETURN)};
  struct mc_member echo;
  pid_t pid = fork_member(&echo, echoes, queues);
  for (uint64_t i = 0; i < 5000; i++) {
    assert_int_equal(put_number(queues[0], i), 1);
    struct mc_lease lease;
    assert_int_equal(mc_queue_take(queues[1], &lease, 1, MC_FOREVER), 1);
    assert_memory_equal(lease.bytes, &i, 8);
    mc_lease_settle(&lease);
    if (i % 1000 == 0)
      await_asleep(echo);
  }
  mc_queue_close(queues[0]);
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  audit_now();
}

static int waits_for_close(void *arg) {
  struct mc_lease lease;
  __atomic_fetch_add((uint64_t *)&marks[2], 1, __ATOMIC_SEQ_CST);
  return mc_queue_take(*(mc_ref *)arg, &lease, 1, MC_FOREVER) == MC_CLOSED ? 0 : 1;
}

static int waits_for_room(void *arg) {
  uint64_t n = 0;
  struct mc_message message = {.bytes = &n, .length = 8};
  __atomic_fetch_add((uint64_t *)&marks[2], 1, __ATOMIC_SEQ_CST);
  return mc_queue_put(*(mc_ref *)arg, &message, 1, MC_FOREVER) == MC_CLOSED ? 0 : 1;
}

/* Everybody wakes, also when there are more sleepers than bits in a word of the mask. */
static void test_close_wakes_all(void **state) {
  (void)state;
  enum { N = 80 };
  mc_ref empty = new_queue(0, MC_RETURN), full = new_queue(1, MC_RETURN);
  put_number(full, 1);
  pid_t pids[N];
  for (int i = 0; i < N; i++)
    pids[i] = i % 2 ? fork_member(NULL, waits_for_close, &empty)
                    : fork_member(NULL, waits_for_room, &full);
  await_mark(2, N);
  mc_queue_close(empty);
  mc_queue_close(full);
  for (int i = 0; i < N; i++)
    assert_int_equal(wait_for(pids[i]), 0);
  mc_members_reap(); /* those whom no other sleeper has reaped */
  assert_int_equal(audit_now().members, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_unbounded, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_batches, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_bounded, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_one_place, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_ping_pong, small_space, close_space),
      cmocka_unit_test_setup_teardown(test_close_wakes_all, small_space, close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
