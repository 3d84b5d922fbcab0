#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "net/walk.h"
#include <errno.h>
#include <fcntl.h>

static struct mc_walk *open_walk(bool follow) {
  struct mc_walk *walk;
  assert_int_equal(
      mc_walk_open(folder, (struct mc_walk_options){.follow = follow}, &walk), 0);
  return walk;
}

/* The next entry's path below the root, and its type: "a/b directory". */
static void expect(struct mc_walk *walk, const char *wanted, int error) {
  struct mc_walk_step step;
  assert_int_equal(mc_walk_next(walk, &step), 1);
  char got[512];
  snprintf(got, sizeof got, "%s %s", step.path + strlen(folder) + 1,
           mc_fs_type_name(step.entry.type));
  assert_string_equal(got, wanted);
  assert_int_equal(step.error, error);
}

static void expect_end(struct mc_walk *walk) {
  struct mc_walk_step step;
  assert_int_equal(mc_walk_next(walk, &step), 0);
  assert_int_equal(mc_walk_next(walk, &step), 0);
  mc_walk_close(walk);
}

static int open_descriptors(void) {
  struct mc_fs_names names;
  assert_int_equal(mc_fs_list("/proc/self/fd", &names), 0);
  int n = (int)names.count;
  mc_fs_names_free(&names);
  return n;
}

static void visits_each_entry_once_in_order(void **state) {
  (void)state;
  int before = open_descriptors();
  assert_int_equal(mc_fs_mkdirs(in_folder("b/inner/deep"), 0777), 0);
  assert_int_equal(mc_fs_mkdirs(in_folder("empty"), 0777), 0);
  write_file(in_folder("a"), "1", 1);
  write_file(in_folder("b/x"), "", 0);
  write_file(in_folder("z"), "", 0);
  struct mc_walk *walk = open_walk(false);
  expect(walk, "a file", 0);
  expect(walk, "b directory", 0);
  expect(walk, "b/inner directory", 0);
  expect(walk, "b/inner/deep directory", 0);
  expect(walk, "b/x file", 0);
  expect(walk, "empty directory", 0);
  expect(walk, "z file", 0);
  expect_end(walk);
  walk = open_walk(false);
  expect(walk, "a file", 0);
  expect(walk, "b directory", 0);
  mc_walk_close(walk); /* in the middle */
  assert_int_equal(open_descriptors(), before);
}

static void links_are_not_entered_unless_asked(void **state) {
  (void)state;
  assert_int_equal(mc_fs_mkdirs(in_folder("d/e"), 0777), 0);
  assert_int_equal(symlink("d", in_folder("link")), 0);
  assert_int_equal(symlink("nowhere", in_folder("m")), 0);
  assert_int_equal(symlink("../..", in_folder("d/e/up")), 0);
  struct mc_walk *walk = open_walk(false);
  expect(walk, "d directory", 0);
  expect(walk, "d/e directory", 0);
  expect(walk, "d/e/up link", 0);
  expect(walk, "link link", 0);
  expect(walk, "m link", 0);
  expect_end(walk);
  walk = open_walk(true);
  expect(walk, "d directory", 0);
  expect(walk, "d/e directory", 0);
  expect(walk, "d/e/up directory", -ELOOP);
  expect(walk, "link directory", 0);
  expect(walk, "link/e directory", 0);
  expect(walk, "link/e/up directory", -ELOOP);
  expect(walk, "m link", 0);
  expect_end(walk);
}

static void what_vanishes_or_is_closed_is_reported(void **state) {
  (void)state;
  write_file(in_folder("a"), "", 0);
  write_file(in_folder("b"), "", 0);
  struct mc_walk *walk = open_walk(false);
  expect(walk, "a file", 0);
  assert_int_equal(unlink(in_folder("b")), 0);
  expect(walk, "b unknown", -ENOENT);
  expect_end(walk);
  struct mc_walk *none;
  struct mc_walk_options plain = {0};
  assert_int_equal(mc_walk_open(in_folder("none"), plain, &none), -ENOENT);
  assert_null(none);
  assert_int_equal(mc_walk_open(in_folder("a"), plain, &none), -ENOTDIR);
}

static void a_closed_folder_is_reported(void **state) {
  (void)state;
  if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0))
    skip();
  char own[] = "/tmp/mooncrew-test-XXXXXX";
  assert_non_null(mkdtemp(own));
  char closed[64];
  snprintf(closed, sizeof closed, "%s/closed", own);
  assert_int_equal(mkdir(closed, 0), 0);
  struct mc_walk *walk;
  struct mc_walk_step step;
  assert_int_equal(mc_walk_open(own, (struct mc_walk_options){0}, &walk), 0);
  assert_int_equal(mc_walk_next(walk, &step), 1);
  assert_int_equal(step.error, -EACCES);
  assert_int_equal(step.entry.type, MC_FS_DIRECTORY);
  assert_int_equal(mc_walk_next(walk, &step), 0);
  mc_walk_close(walk);
  rmdir(closed);
  rmdir(own);
  if (getuid() == 0)
    assert_true(seteuid(0) == 0 && setegid(0) == 0);
}

/* Far deeper than descriptors or PATH_MAX allow for, with a file at every level after the
 * folder. */
static void a_deep_tree_needs_few_descriptors(void **state) {
  (void)state;
  enum { DEPTH = 700 };
  int fd = open(folder, O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < DEPTH; i++) {
    assert_int_equal(mkdirat(fd, "directory", 0700), 0);
    close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
    int deeper = openat(fd, "directory", O_RDONLY | O_DIRECTORY);
    close(fd);
    fd = deeper;
  }
  close(fd);
  int before = open_descriptors(), most = 0, files = 0, folders = 0;
  struct mc_walk *walk = open_walk(false);
  struct mc_walk_step step;
  while (mc_walk_next(walk, &step) == 1) {
    assert_int_equal(step.error, 0);
    files += step.entry.type == MC_FS_FILE;
    folders += step.entry.type == MC_FS_DIRECTORY;
    int now = open_descriptors();
    most = now > most ? now : most;
  }
  mc_walk_close(walk);
  assert_int_equal(files, DEPTH);
  assert_int_equal(folders, DEPTH);
  assert_true(most - before <= MC_WALK_OPEN + 1);
  assert_int_equal(open_descriptors(), before);
}

static void a_parent_that_was_moved_away_ends_as_lost(void **state) {
  (void)state;
  char path[1024] = "";
  for (int i = 0; i < MC_WALK_OPEN + 3; i++)
    strcat(path, i ? "/d" : "d");
  assert_int_equal(mc_fs_mkdirs(in_folder(path), 0777), 0);
  write_file(in_folder("d/z"), "", 0);
  assert_int_equal(mkdir(in_folder("other"), 0700), 0);
  struct mc_walk *walk = open_walk(false);
  struct mc_walk_step step;
  for (int i = 0; i < MC_WALK_OPEN + 3; i++)
    assert_int_equal(mc_walk_next(walk, &step), 1);
  /* ".." of the moved one is another folder now, whose files must not be taken for d's.
   */
  assert_int_equal(rename(in_folder("d/d"), in_folder("other/d")), 0);
  write_file(in_folder("other/z"), "", 0);
  expect(walk, "d/z unknown", -ESTALE);
  mc_walk_close(walk);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(visits_each_entry_once_in_order),
      IN_FOLDER(links_are_not_entered_unless_asked),
      IN_FOLDER(what_vanishes_or_is_closed_is_reported),
      cmocka_unit_test(a_closed_folder_is_reported),
      IN_FOLDER(a_deep_tree_needs_few_descriptors),
      IN_FOLDER(a_parent_that_was_moved_away_ends_as_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
