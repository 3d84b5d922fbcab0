#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "net/copy_file.h"
#include "os/tempfile.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int copy(const char *from, const char *to) {
  struct mc_fs_copy wanted = {.from = from, .to = to};
  return mc_fs_copy_file(&wanted);
}

static void check_same(const char *a, const char *b) {
  size_t n, m;
  char *x = read_file(a, &n), *y = read_file(b, &m);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n);
  free(x);
  free(y);
}

static void copies_bytes_permissions_and_time(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 4096, 5 * 1024 * 1024 + 17};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char *bytes = malloc(sizes[i] + 1);
    for (size_t k = 0; k < sizes[i]; k++)
      bytes[k] = (char)(k * 31 + k / 251);
    write_file(in_folder("a"), bytes, sizes[i]);
    free(bytes);
    assert_int_equal(chmod(in_folder("a"), 0640), 0);
    struct timespec times[2] = {{1000, 5}, {1234567890, 500000000}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder("a"), times, 0), 0);
    assert_int_equal(copy(in_folder("a"), in_folder("b")),
                     0); /* later rounds replace it */
    check_same(in_folder("a"), in_folder("b"));
    struct mc_fs_entry entry;
    assert_int_equal(mc_fs_stat(in_folder("b"), true, &entry), 0);
    assert_int_equal(entry.mode, 0640);
    assert_true(entry.mtime == 1234567890.5);
    assert_int_equal(entry.size, sizes[i]);
    assert_int_equal(count_entries(), 2);
  }
}

static void copies_from_proc_and_over_file_systems(void **state) {
  (void)state;
  assert_int_equal(copy("/proc/self/status", in_folder("status")), 0);
  struct mc_fs_entry entry;
  assert_int_equal(mc_fs_stat(in_folder("status"), true, &entry), 0);
  assert_true(entry.size > 100);
}

static void check_failure(const char *from, const char *to, int error, const char *blamed,
                          const char *text) {
  struct mc_fs_copy wanted = {.from = from, .to = to};
  assert_int_equal(mc_fs_copy_file(&wanted), error);
  assert_string_equal(wanted.failure.path, blamed);
  if (text)
    assert_string_equal(wanted.failure.text, text);
  else
    assert_null(wanted.failure.text);
}

static void copy_says_which_path_is_to_blame(void **state) {
  (void)state;
  const char *a = in_folder("a"), *b = in_folder("b"), *none = in_folder("none");
  write_file(a, "new", 3);
  write_file(b, "old", 3);
  check_failure(none, b, -ENOENT, none, NULL);
  check_failure(folder, b, -EISDIR, folder, NULL);
  check_failure(a, folder, -EISDIR, folder, NULL);
  check_failure(a, a, -EINVAL, a, "Is the same file as the source");
  check_failure(a, in_folder("no/such/b"), -ENOENT, in_folder("no/such/b"), NULL);
  check_failure(a, in_folder("a/b"), -ENOTDIR, in_folder("a/b"), NULL);
  check_failure(a, "", -ENOENT, "", NULL);
  check_failure("/dev/null", b, -EINVAL, "/dev/null", "Not a regular file");
  check_failure(a, "/dev/full", -EINVAL, "/dev/full", "Not a regular file");
  const char *hard = in_folder("hard"), *soft = in_folder("soft"),
             *pipe = in_folder("pipe");
  assert_int_equal(link(a, hard), 0);
  assert_int_equal(symlink(a, soft), 0);
  assert_int_equal(mkfifo(pipe, 0600), 0);
  check_failure(a, hard, -EINVAL, hard, "Is the same file as the source");
  check_failure(a, soft, -EINVAL, soft, "Is the same file as the source");
  check_failure(pipe, b, -EINVAL, pipe, "Not a regular file");
  check_same(b, b);
  size_t n;
  char *kept = read_file(b, &n);
  assert_string_equal(kept, "old");
  free(kept);
  assert_int_equal(count_entries(), 5); /* and no temporary among them */
}

static bool stop_at_once(void *data) {
  ++*(int *)data;
  return true;
}

static void a_copy_can_be_stopped(void **state) {
  (void)state;
  write_file(in_folder("a"), "bytes", 5);
  int asked = 0;
  struct mc_fs_copy wanted = {
      .from = in_folder("a"), .to = in_folder("b"), .stop = stop_at_once, .data = &asked};
  assert_int_equal(mc_fs_copy_file(&wanted), -ECANCELED);
  assert_int_equal(asked, 1);
  assert_int_equal(count_entries(), 1);
}

/* A limit on file size stands in for a full disk where no small one can be mounted. */
static void a_write_that_fails_leaves_nothing(void **state) {
  (void)state;
  char *bytes = calloc(1, 1 << 20);
  write_file(in_folder("a"), bytes, 1 << 20);
  free(bytes);
  struct rlimit before, small;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 65536;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  int error = copy(in_folder("a"), in_folder("b"));
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(error, -EFBIG);
  assert_int_equal(count_entries(), 1);
}

static void a_full_disk_leaves_nothing(void **state) {
  (void)state;
  const char *disk = in_folder("disk");
  assert_int_equal(mkdir(disk, 0700), 0);
  if (mount("none", disk, "tmpfs", 0, "size=64k") != 0) {
    print_message("skipped: only root can mount a small disk\n");
    skip();
  }
  char *bytes = calloc(1, 1 << 20);
  write_file(in_folder("a"), bytes, 1 << 20);
  free(bytes);
  int error = copy(in_folder("a"), in_folder("disk/b"));
  struct mc_fs_names names;
  int listed = mc_fs_list(disk, &names);
  size_t count = names.count;
  mc_fs_names_free(&names);
  assert_int_equal(umount(disk), 0);
  assert_int_equal(error, -ENOSPC);
  assert_int_equal(listed, 0);
  assert_int_equal(count, 0);
}

static void a_killed_writer_leaves_nothing(void **state) {
  (void)state;
  int ready[2];
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    struct mc_tempfile file;
    char ok = mc_tempfile_open(&file, in_folder("b")) == 0 &&
              mc_write_all(file.fd, "half", 4) == 0 && file.name == NULL;
    if (write(ready[1], &ok, 1) == 1)
      pause();
    _exit(0);
  }
  char ok = 0;
  assert_int_equal(read(ready[0], &ok, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(ready[0]);
  close(ready[1]);
  if (!ok) {
    print_message("skipped: this file system has no nameless files\n");
    skip();
  }
  assert_int_equal(count_entries(), 0);
}

static void a_temporary_appears_whole_or_not_at_all(void **state) {
  (void)state;
  struct mc_tempfile file;
  const char *target = in_folder("b");
  write_file(target, "old", 3);
  assert_int_equal(mc_tempfile_open(&file, target), 0);
  assert_int_equal(mc_write_all(file.fd, "longer than that", 16), 0);
  assert_int_equal(mc_tempfile_rewind(&file), 0);
  assert_int_equal(mc_write_all(file.fd, "new", 3), 0);
  size_t n;
  char *bytes = read_file(target, &n);
  assert_string_equal(bytes, "old");
  free(bytes);
  assert_int_equal(mc_tempfile_commit(&file), 0);
  bytes = read_file(target, &n);
  assert_string_equal(bytes, "new");
  free(bytes);
  mc_tempfile_discard(&file);
  assert_int_equal(count_entries(), 1);

  assert_int_equal(mc_tempfile_open(&file, target), 0);
  mc_tempfile_discard(&file);
  assert_int_equal(file.fd, -1);
  assert_int_equal(count_entries(), 1);
  assert_int_equal(mc_tempfile_open(&file, folder), -EISDIR);
  assert_int_equal(mc_tempfile_open(&file, "/dev/full"), -EEXIST);
  assert_int_equal(mc_tempfile_open(&file, in_folder("no/b")), -ENOENT);
}

static void a_temporary_replaces_a_link_not_what_it_leads_to(void **state) {
  (void)state;
  write_file(in_folder("outside"), "safe", 4);
  assert_int_equal(symlink("outside", in_folder("b")), 0);
  struct mc_tempfile file;
  assert_int_equal(mc_tempfile_open(&file, in_folder("b")), 0);
  assert_int_equal(mc_write_all(file.fd, "new", 3), 0);
  assert_int_equal(mc_tempfile_commit(&file), 0);
  size_t n;
  char *bytes = read_file(in_folder("outside"), &n);
  assert_string_equal(bytes, "safe");
  free(bytes);
  struct mc_fs_entry entry;
  assert_int_equal(mc_fs_stat(in_folder("b"), false, &entry), 0);
  assert_int_equal(entry.type, MC_FS_FILE);
}

static void a_temporary_whose_folder_went_away_fails(void **state) {
  (void)state;
  assert_int_equal(mkdir(in_folder("d"), 0700), 0);
  struct mc_tempfile file;
  assert_int_equal(mc_tempfile_open(&file, in_folder("d/b")), 0);
  if (file.name)
    unlink(file.name);
  assert_int_equal(rmdir(in_folder("d")), 0);
  assert_int_equal(mc_tempfile_commit(&file), -ENOENT);
  assert_int_equal(file.fd, -1);
}

static void mkdirs_makes_what_is_missing(void **state) {
  (void)state;
  struct mc_fs_entry entry;
  assert_int_equal(mc_fs_mkdirs(in_folder("a/b//c/"), 0777), 0);
  assert_int_equal(mc_fs_mkdirs(in_folder("a/b/c"), 0777), 0);
  assert_int_equal(mc_fs_stat(in_folder("a/b/c"), true, &entry), 0);
  assert_int_equal(entry.type, MC_FS_DIRECTORY);
  assert_int_equal(mc_fs_mkdirs("/", 0777), 0);
  write_file(in_folder("file"), "", 0);
  assert_int_equal(mc_fs_mkdirs(in_folder("file"), 0777), -EEXIST);
  assert_int_equal(mc_fs_mkdirs(in_folder("file/x/y"), 0777), -EEXIST);
  assert_int_equal(mc_fs_mkdirs("", 0777), -ENOENT);
  assert_int_equal(mc_fs_mkdirs("/proc/no/such", 0777), -ENOENT);
  assert_int_equal(mc_fs_mkdirs(in_folder("private"), 0700), 0);
  assert_int_equal(mc_fs_stat(in_folder("private"), true, &entry), 0);
  assert_int_equal(entry.mode, 0700);
}

static void stat_and_list(void **state) {
  (void)state;
  struct mc_fs_entry entry;
  struct mc_fs_names names;
  write_file(in_folder("b"), "123", 3);
  assert_int_equal(symlink("b", in_folder("a")), 0);
  assert_int_equal(mkfifo(in_folder("c"), 0600), 0);
  assert_int_equal(mc_fs_stat(in_folder("a"), true, &entry), 0);
  assert_int_equal(entry.type, MC_FS_FILE);
  assert_int_equal(entry.size, 3);
  assert_int_equal(mc_fs_stat(in_folder("a"), false, &entry), 0);
  assert_int_equal(entry.type, MC_FS_LINK);
  assert_int_equal(mc_fs_stat(in_folder("c"), false, &entry), 0);
  assert_int_equal(entry.type, MC_FS_FIFO);
  assert_int_equal(mc_fs_stat(in_folder("x"), true, &entry), -ENOENT);
  assert_int_equal(mc_fs_list(folder, &names), 0);
  assert_int_equal(names.count, 3);
  assert_string_equal(names.names[0], "a");
  assert_string_equal(names.names[2], "c");
  mc_fs_names_free(&names);
  assert_int_equal(mc_fs_list(in_folder("b"), &names), -ENOTDIR);
  assert_int_equal(mc_fs_list(in_folder("x"), &names), -ENOENT);
}

static void names_of_things(void **state) {
  (void)state;
  assert_string_equal(mc_errno_name(-ENOENT), "ENOENT");
  assert_string_equal(mc_errno_name(ENOSPC), "ENOSPC");
  assert_string_equal(mc_errno_name(EDQUOT), "EDQUOT");
  assert_string_equal(mc_errno_name(99999), "EUNKNOWN");
  assert_string_equal(mc_fs_type_name(MC_FS_FILE), "file");
  assert_string_equal(mc_fs_type_name(MC_FS_BLOCK), "block");
  assert_string_equal(mc_fs_type_name((enum mc_fs_type)99), "unknown");
}

static void check_name(const char *text, size_t n, const char *wanted) {
  char out[MC_FS_NAME_MAX + 1];
  size_t length = mc_fs_safe_name(text, n, out);
  assert_int_equal(length, strlen(out));
  assert_string_equal(out, wanted);
}

static void names_from_outside_become_safe(void **state) {
  (void)state;
  check_name("photo.jpg", 9, "photo.jpg");
  check_name("", 0, "_");
  check_name(".", 1, "_");
  check_name("..", 2, "__");
  check_name("...", 3, "...");
  check_name("../../etc/passwd", 16, ".._.._etc_passwd");
  check_name("a\0b\nc\x7f", 6, "a_b_c_");
  check_name("%2e%2e%2f", 9, "%2e%2e%2f");
  check_name("\xe4\xb8\xad.png", 7, "\xe4\xb8\xad.png");

  char text[400], out[MC_FS_NAME_MAX + 1];
  memset(text, 'a', sizeof text);
  memcpy(text + 395, ".jpeg", 5);
  assert_int_equal(mc_fs_safe_name(text, 400, out), 255);
  assert_string_equal(out + 250, ".jpeg");
  for (size_t i = 0; i + 3 <= 399; i += 3)
    memcpy(text + i, "\xe4\xb8\xad", 3);
  size_t n = mc_fs_safe_name(text, 399, out);
  assert_int_equal(n, 255); /* 85 whole characters */
  memmove(text + 1, text, 399 - 3);
  text[0] = 'x';
  n = mc_fs_safe_name(text, 397, out);
  assert_int_equal(n, 253);
  memset(text, 0x80, sizeof text); /* no UTF-8 at all */
  assert_int_equal(mc_fs_safe_name(text, 400, out), 255);
}

static void every_safe_name_can_be_created(void **state) {
  (void)state;
  unsigned seed = 1;
  for (int i = 0; i < 300; i++) {
    char text[300], out[MC_FS_NAME_MAX + 1];
    seed = seed * 1103515245u + 12345u;
    size_t n = i < 20 ? (size_t)i : (seed >> 16) % sizeof text;
    for (size_t k = 0; k < n; k++) {
      seed = seed * 1103515245u + 12345u;
      text[k] = i % 2 ? "./\\ \n"[(seed >> 16) % 5] : (char)(seed >> 16);
    }
    mc_fs_safe_name(text, n, out);
    int fd = openat(AT_FDCWD, in_folder(out), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(in_folder(out)), 0);
  }
  assert_int_equal(count_entries(), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(copies_bytes_permissions_and_time),
      IN_FOLDER(copies_from_proc_and_over_file_systems),
      IN_FOLDER(copy_says_which_path_is_to_blame),
      IN_FOLDER(a_copy_can_be_stopped),
      IN_FOLDER(a_write_that_fails_leaves_nothing),
      IN_FOLDER(a_full_disk_leaves_nothing),
      IN_FOLDER(a_killed_writer_leaves_nothing),
      IN_FOLDER(a_temporary_appears_whole_or_not_at_all),
      IN_FOLDER(a_temporary_replaces_a_link_not_what_it_leads_to),
      IN_FOLDER(a_temporary_whose_folder_went_away_fails),
      IN_FOLDER(mkdirs_makes_what_is_missing),
      IN_FOLDER(stat_and_list),
      cmocka_unit_test(names_of_things),
      cmocka_unit_test(names_from_outside_become_safe),
      IN_FOLDER(every_safe_name_can_be_created),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
