#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define LARGE 3000000

static void serve(struct visitor *visitor, const char *path, const char *request) {
  (void)request;
  if (!strncmp(path, "/file", 5))
    reply(visitor, "200 OK", "", path);
  else if (!strcmp(path, "/large"))
    say_large(visitor, LARGE);
  else if (!strcmp(path, "/empty"))
    reply(visitor, "200 OK", "", "");
  else if (!strcmp(path, "/half")) {
    say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    hang_up(visitor);
  } else if (!strcmp(path, "/half-then-whole") && server.requests < 2) {
    say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf, and longer");
    hang_up(visitor);
  } else if (!strcmp(path, "/half-then-whole"))
    reply(visitor, "200 OK", "", "whole");
  else if (!strcmp(path, "/endless-refusal")) {
    say(visitor, "HTTP/1.1 404 Not Found\r\nContent-Length: 90000000\r\n\r\n");
    char bytes[100000] = {0};
    for (int i = 0; i < 5; i++)
      say_bytes(visitor, bytes, sizeof bytes);
  } else if (!strcmp(path, "/moved"))
    reply(visitor, "301 Moved", "Location: /file\r\n", "a long page that says so");
  else
    reply(visitor, "404 Not Found", "", "no such page");
}

static struct mc_http *download(const char *path, const char *to) {
  struct mc_http_request request = request_to(path);
  request.path = to;
  return run(&request);
}

static void check_file(const char *path, const char *wanted) {
  size_t n;
  char *bytes = read_file(path, &n);
  assert_string_equal(bytes, wanted);
  free(bytes);
}

static void a_download_becomes_a_file(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http *transfer = download("/moved", in_folder("a"));
  struct mc_http_result result = mc_http_outcome(transfer);
  assert_int_equal(result.size, 5);
  assert_string_equal(result.url, url_of("/file"));
  check_body(transfer, 200, ""); /* nothing of it in memory */
  check_file(in_folder("a"), "/file");
  check_body(download("/file-2", in_folder("a")), 200, "");
  check_file(in_folder("a"), "/file-2"); /* replaced */
  check_body(download("/empty", in_folder("b")), 200, "");
  check_file(in_folder("b"), "");
  check_body(download("/large", in_folder("c")), 200, "");
  size_t n;
  char *bytes = read_file(in_folder("c"), &n);
  assert_int_equal(n, LARGE);
  for (size_t i = 0; i < n; i++)
    if (bytes[i] != large_byte(i))
      fail_msg("byte %zu is wrong", i);
  free(bytes);
  assert_int_equal(count_entries(), 3);
}

static void a_refused_download_leaves_what_was_there(void **state) {
  (void)state;
  start_server(&loop, serve);
  write_file(in_folder("a"), "old", 3);
  struct mc_http *transfer = download("/missing", in_folder("a"));
  assert_int_equal(mc_http_outcome(transfer).status, 404);
  check_failure(transfer, "Http", "STATUS");
  check_failure(download("/endless-refusal", in_folder("a")), "Http", "STATUS");
  check_failure(download("/half", in_folder("a")), "Http", "TRUNCATED");
  struct mc_http_request request = request_to("/large");
  request.path = in_folder("a");
  request.max_size = 1000;
  check_failure(run(&request), "TooLarge", NULL);
  request.max_size = MC_HTTP_NO_LIMIT;
  request.url = "http://no-such-host.invalid/";
  check_failure(run(&request), "Http", "RESOLVE");
  request.url = "nothing";
  check_failure(run(&request), "Http", "URL");
  check_file(in_folder("a"), "old");
  assert_int_equal(count_entries(), 1);
}

static void a_path_that_can_not_be_written_fails_at_once(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/file");
  struct mc_http *transfer;
  request.path = in_folder("no/such/folder");
  assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -ENOENT);
  request.path = folder;
  assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -EISDIR);
  assert_string_equal(culprit, folder);
  request.path = "/dev/full";
  assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -EEXIST);
  request.path = "";
  assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -ENOENT);
  assert_int_equal(mc_http_running(), 0);
  assert_int_equal(server.connections, 0);
}

static void a_write_that_fails_ends_the_download(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct rlimit before, small;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 65536;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  struct mc_http *transfer = download("/large", in_folder("a"));
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  check_failure(transfer, "OSError", "EFBIG");
  assert_int_equal(count_entries(), 0);
}

static void a_full_disk_ends_the_download(void **state) {
  (void)state;
  start_server(&loop, serve);
  const char *disk = in_folder("disk");
  assert_int_equal(mkdir(disk, 0700), 0);
  if (mount("none", disk, "tmpfs", 0, "size=64k") != 0) {
    print_message("skipped: only root can mount a small disk\n");
    skip();
  }
  struct mc_http *transfer = download("/large", in_folder("disk/b"));
  bool left = access(in_folder("disk/b"), F_OK) == 0;
  assert_int_equal(umount(disk), 0);
  assert_false(left);
  check_failure(transfer, "OSError", "ENOSPC");
}

static void a_target_that_became_a_folder_fails(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/file");
  request.path = in_folder("a");
  struct mc_http *transfer = start(&request);
  assert_int_equal(mkdir(in_folder("a"), 0700), 0);
  run_until(1);
  check_failure(transfer, "OSError", "EISDIR");
  assert_int_equal(count_entries(), 1);
}

static void a_retry_starts_the_file_anew(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/half-then-whole");
  request.path = in_folder("a");
  request.retries = 1;
  request.backoff = 0.01;
  check_body(run(&request), 200, "");
  check_file(in_folder("a"), "whole");
}

static void twenty_at_once_come_whole(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http *transfers[20];
  for (int round = 0; round < 3; round++) {
    finished = 0;
    for (int i = 0; i < 20; i++) {
      char path[32], to[32];
      snprintf(path, sizeof path, i % 5 ? "/file-%d" : "/large", i);
      snprintf(to, sizeof to, "%d", i);
      struct mc_http_request request = request_to(path);
      request.path = in_folder(to);
      transfers[i] = start(&request);
    }
    assert_int_equal(mc_http_running(), 20);
    run_until(20);
    for (int i = 0; i < 20; i++) {
      char path[32], to[32];
      snprintf(path, sizeof path, "/file-%d", i);
      snprintf(to, sizeof to, "%d", i);
      assert_int_equal(mc_http_outcome(transfers[i]).size, i % 5 ? strlen(path) : LARGE);
      check_body(transfers[i], 200, "");
      if (i % 5)
        check_file(in_folder(to), path);
    }
    assert_int_equal(count_entries(), 20);
  }
  assert_int_equal(server.requests, 60);
  assert_int_equal(server.connections, 20); /* the later rounds are on the first one's */
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  alarm(120); /* what hangs is to fail */
  const struct CMUnitTest tests[] = {
      WITH_LOOP(a_download_becomes_a_file),
      WITH_LOOP(a_refused_download_leaves_what_was_there),
      WITH_LOOP(a_path_that_can_not_be_written_fails_at_once),
      WITH_LOOP(a_write_that_fails_ends_the_download),
      WITH_LOOP(a_full_disk_ends_the_download),
      WITH_LOOP(a_target_that_became_a_folder_fails),
      WITH_LOOP(a_retry_starts_the_file_anew),
      WITH_LOOP(twenty_at_once_come_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
