#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "net/copy_work.h"
#include <errno.h>
#include <sys/wait.h>

static uv_loop_t loop;

static int open_all(void **state) {
  return make_folder(state) || uv_loop_init(&loop);
}

static int close_all(void **state) {
  uv_run(&loop, UV_RUN_DEFAULT); /* what was let go of ends first */
  return remove_folder(state) || uv_loop_close(&loop);
}

static struct mc_copy_work *start(const char *from, const char *to) {
  struct mc_copy_work *work;
  struct mc_fs_copy wanted = {.from = in_folder(from), .to = in_folder(to)};
  assert_int_equal(mc_copy_start(&loop, &wanted, &work), 0);
  assert_false(mc_copy_is_done(work));
  return work;
}

static int run(struct mc_copy_work *work, struct mc_fs_failure *failure) {
  while (!mc_copy_is_done(work))
    uv_run(&loop, UV_RUN_ONCE);
  unsigned lost;
  return mc_copy_outcome(work, failure, &lost);
}

static void copies_while_the_loop_goes_on(void **state) {
  (void)state;
  struct mc_fs_failure failure;
  write_file(in_folder("a"), "bytes", 5);
  struct mc_copy_work *work = start("a", "b");
  assert_int_equal(run(work, &failure), 0);
  mc_copy_free(work);
  size_t n;
  char *bytes = read_file(in_folder("b"), &n);
  assert_string_equal(bytes, "bytes");
  free(bytes);
}

static void a_failure_names_the_path(void **state) {
  (void)state;
  struct mc_fs_failure failure;
  struct mc_copy_work *work = start("none", "b");
  assert_int_equal(run(work, &failure), -ENOENT);
  assert_string_equal(failure.path, in_folder("none"));
  mc_copy_free(work);
  assert_int_equal(count_entries(), 0);
}

static void what_is_let_go_of_is_stopped(void **state) {
  (void)state;
  size_t n = 64 << 20;
  char *bytes = calloc(1, n);
  write_file(in_folder("a"), bytes, n);
  free(bytes);
  for (int i = 0; i < 8; i++) { /* more than there are threads: some wait, some copy */
    char to[16];
    snprintf(to, sizeof to, "b%d", i);
    mc_copy_free(start("a", to));
  }
  mc_copy_free(NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_false(uv_loop_alive(&loop));
  for (int i = 0; i < 8; i++) { /* whole or not there */
    char to[16];
    snprintf(to, sizeof to, "b%d", i);
    struct mc_fs_entry entry;
    if (mc_fs_stat(in_folder(to), false, &entry) == 0)
      assert_int_equal(entry.size, n);
  }
}

static void a_forked_child_does_not_stop_its_parents(void **state) {
  (void)state;
  struct mc_fs_failure failure;
  write_file(in_folder("a"), "bytes", 5);
  struct mc_copy_work *work = start("a", "b");
  pid_t child = fork();
  if (child == 0) {
    mc_copy_free(work);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(run(work, &failure), 0);
  mc_copy_free(work);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void) {
  alarm(120); /* what hangs is to fail */
  const struct CMUnitTest tests[] = {
      WITH_LOOP(copies_while_the_loop_goes_on),
      WITH_LOOP(a_failure_names_the_path),
      WITH_LOOP(what_is_let_go_of_is_stopped),
      WITH_LOOP(a_forked_child_does_not_stop_its_parents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
