/* Running out of shared memory, and getting it back. */
#include "support.h"

#include <errno.h>
#include <sys/resource.h>

static unsigned char bytes[4 * MIB];

static int tiny_space(void **state) {
  (void)state;
  open_space(2 * MIB);
  return 0;
}

static uint64_t fill(mc_ref queue, size_t length) {
  uint64_t n = 0;
  int rc;
  while ((rc = put_bytes(queue, bytes, length)) == 1)
    n++;
  assert_int_equal(rc, MC_NOMEM);
  return n;
}

static void drain(mc_ref queue) {
  struct mc_lease lease;
  while (mc_queue_try_take(queue, &lease, 1) == 1)
    mc_lease_settle(&lease);
}

static void test_create_errors(void **state) {
  (void)state;
  assert_int_equal(mc_space_create(1000), -EINVAL);
  static const char *const bad[] = {
      "x", "-1", "12Q", "1GG", "99999999999999999999", "0", "9M9", "100", "99999999999T"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
    setenv("MOONCREW_SHARED_MEMORY", bad[i], 1);
    assert_int_equal(mc_space_create(0), -EINVAL);
    assert_false(mc_space_exists());
  }
  static const struct {
    const char *text;
    uint64_t limit;
  } good[] = {
      {"2M", 2 * MIB}, {"3145728", 3 * MIB}, {"2048k", 2 * MIB}, {"1G", 1024 * MIB}};
  for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
    setenv("MOONCREW_SHARED_MEMORY", good[i].text, 1);
    open_space(0);
    struct mc_space_stats stats;
    mc_space_stats(&stats);
    assert_int_equal(stats.limit, good[i].limit);
    assert_int_equal(stats.members, 1);
    assert_int_equal(stats.objects, 0);
    assert_int_equal(mc_space_create(0), -EALREADY);
    close_space(NULL);
    assert_false(mc_space_exists());
  }
  unsetenv("MOONCREW_SHARED_MEMORY");
  open_space(0);
  close_space(NULL);
}

static void test_no_address_space(void **state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  skip(); /* the sanitizer takes more addresses than that */
#endif
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit limit = {(rlim_t)600 * MIB, (rlim_t)600 * MIB};
    setrlimit(RLIMIT_AS, &limit);
    if (mc_space_create(1024 * MIB) != -ENOMEM)
      _exit(1);
    if (mc_space_create(0) != 0) /* nobody said how much: less will do */
      _exit(2);
    _exit(0);
  }
  assert_int_equal(wait_for(pid), 0);
}

static void test_too_big(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  assert_int_equal(put_bytes(queue, bytes, 2 * MIB), MC_TOOBIG);
  struct mc_message two[2] = {{.bytes = bytes, .length = 10},
                              {.bytes = bytes, .length = 2 * MIB}};
  assert_int_equal(mc_queue_put(queue, two, 2, MC_NOW), 1);
  assert_int_equal(mc_queue_put(queue, two + 1, 1, MC_FOREVER), MC_TOOBIG);
  assert_int_equal(mc_queue_size(queue), 1);
  audit_now();
}

/* Whatever size exhausted the space, every other size can be had afterwards. */
static void test_exhaustion(void **state) {
  (void)state;
  static const size_t sizes[] = {10, 1000, 100, 30000, 70000, 400, MIB, 3000, 900000, 8};
  mc_ref queue = new_queue(0, MC_RETURN);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
      uint64_t n = fill(queue, sizes[i]);
      uint64_t spans = (sizes[i] + 32 + 65535) / 65536;
      uint64_t each = sizes[i] > 32000 ? spans * 65536 : sizes[i] + 32;
      if (n * each < 900000)
        fail_msg("only %d messages of %d bytes", (int)n, (int)sizes[i]);
      assert_int_equal(mc_queue_size(queue), n);
      audit_now();
      drain(queue);
      audit_now();
    }
  }
}

/* A batch goes in as far as there is memory. */
static void test_partial_batch(void **state) {
  (void)state;
  enum { N = 100 };
  static struct mc_message messages[N];
  for (int i = 0; i < N; i++)
    messages[i] = (struct mc_message){.bytes = bytes, .length = 50000};
  mc_ref queue = new_queue(0, MC_RETURN);
  int n = mc_queue_try_put(queue, messages, N);
  assert_in_range(n, 20, 40);
  assert_int_equal(mc_queue_size(queue), n);
  int more = mc_queue_put(queue, messages, N, mc_deadline(0.01));
  assert_true(more == MC_NOMEM || (more > 0 && more < 5)); /* what was left over */
  assert_int_equal(mc_queue_put(queue, messages, N, mc_deadline(0.01)), MC_NOMEM);
  audit_now();
  drain(queue);
}

/* The list of holds grows by blocks, which may not be there; holding again needs none. */
static void test_objects_exhaust(void **state) {
  (void)state;
  static mc_ref queues[4000];
  struct mc_queue_options options = {0};
  uint64_t before = in_use();
  int n = 0, rc;
  while ((rc = mc_queue_create(&options, &queues[n])) == 0)
    n++;
  assert_int_equal(rc, MC_NOMEM);
  assert_in_range(n, 1500, 2048);
  assert_int_equal(mc_object_hold(queues[0]), 0);
  /* Each child needs a list as long as ours, until there is no memory for one. */
  struct mc_member members[32];
  int children = 0;
  while ((rc = mc_member_reserve(&members[children])) == 0)
    children++;
  assert_int_equal(rc, MC_NOMEM);
  assert_int_equal(audit_now().members, 1 + children);
  while (children--)
    mc_member_cancel(members[children]);
  assert_int_equal(audit_now().members, 1);
  mc_object_drop(queues[0]);
  for (int i = 0; i < n; i++)
    mc_object_drop(queues[i]);
  assert_int_equal(in_use(), before);
  audit_now();
}

static int fills_and_waits(void *arg) {
  mc_ref queue = *(mc_ref *)arg;
  uint64_t n = fill(queue, 50000);
  set_mark(1, n);
  set_mark(0, 1);
  struct mc_message message = {.bytes = bytes, .length = 50000};
  for (int i = 0; i < 20; i++)
    if (mc_queue_put(queue, &message, 1, MC_FOREVER) != 1)
      return 1;
  return 0;
}

static void test_waits_for_memory(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  pid_t pid = fork_member(NULL, fills_and_waits, &queue);
  await_mark(0, 1);
  uint64_t left = marks[1] + 20;
  while (left--) {
    struct mc_lease lease;
    assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), 1);
    mc_lease_settle(&lease);
  }
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  audit_now();
}

/* The same with small messages: what is freed must not stay in the taker's magazines. */
static int fills_small_and_waits(void *arg) {
  mc_ref queue = *(mc_ref *)arg;
  set_mark(1, fill(queue, 200));
  set_mark(0, 1);
  struct mc_message message = {.bytes = bytes, .length = 200};
  for (int i = 0; i < 20; i++)
    if (mc_queue_put(queue, &message, 1, MC_FOREVER) != 1)
      return 1;
  return 0;
}

static void test_waits_for_small_memory(void **state) {
  (void)state;
  mc_ref queue = new_queue(0, MC_RETURN);
  struct mc_member filler;
  pid_t pid = fork_member(&filler, fills_small_and_waits, &queue);
  await_mark(0, 1);
  await_asleep(filler);
  for (int i = 0; i < 20; i++) {
    struct mc_lease lease;
    assert_int_equal(mc_queue_take(queue, &lease, 1, MC_FOREVER), 1);
    mc_lease_settle(&lease);
  }
  assert_int_equal(wait_for(pid), 0);
  mc_members_reap();
  audit_now();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_create_errors),
      cmocka_unit_test(test_no_address_space),
      cmocka_unit_test_setup_teardown(test_too_big, tiny_space, close_space),
      cmocka_unit_test_setup_teardown(test_exhaustion, tiny_space, close_space),
      cmocka_unit_test_setup_teardown(test_partial_batch, tiny_space, close_space),
      cmocka_unit_test_setup_teardown(test_objects_exhaust, tiny_space, close_space),
      cmocka_unit_test_setup_teardown(test_waits_for_memory, tiny_space, close_space),
      cmocka_unit_test_setup_teardown(test_waits_for_small_memory, tiny_space,
                                      close_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
