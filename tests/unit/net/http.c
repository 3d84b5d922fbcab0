#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- what is served ---- */

/* "once upon a time, once upon a time" */
static const unsigned char gzipped[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0xcf, 0x4b, 0x4e,
    0x55, 0x28, 0x2d, 0xc8, 0xcf, 0x53, 0x48, 0x54, 0x28, 0xc9, 0xcc, 0x4d, 0xd5, 0x51,
    0xc8, 0x47, 0x13, 0x01, 0x00, 0xdd, 0xed, 0xa5, 0xa1, 0x22, 0x00, 0x00, 0x00};

static void say_gzip(struct visitor *visitor, bool spoilt) {
  unsigned char bytes[sizeof gzipped];
  memcpy(bytes, gzipped, sizeof bytes);
  if (spoilt)
    memset(bytes + 10, 0xff, 8);
  char head[128];
  snprintf(head, sizeof head,
           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
           sizeof bytes);
  say(visitor, head);
  say_bytes(visitor, bytes, sizeof bytes);
}

static void serve(struct visitor *visitor, const char *path, const char *request) {
  bool head = strncmp(request, "HEAD ", 5) == 0;
  if (!strcmp(path, "/hello"))
    reply(visitor, "200 OK", "X-One: 1\r\nX-One:  2 \r\nX-Empty:\r\n",
          head ? "" : "hello");
  else if (!strcmp(path, "/missing"))
    reply(visitor, "404 Not Found", "", "no such page");
  else if (!strcmp(path, "/moved"))
    reply(visitor, "302 Found", "Location: /hello\r\nX-Old: yes\r\n", "moved");
  else if (!strcmp(path, "/loop"))
    reply(visitor, "302 Found", "Location: /loop\r\n", "");
  else if (!strcmp(path, "/to-file"))
    reply(visitor, "302 Found", "Location: file:///etc/passwd\r\n", "");
  else if (!strcmp(path, "/busy"))
    reply(visitor, server.requests < 3 ? "503 Busy" : "200 OK", "", "served");
  else if (!strcmp(path, "/always-busy"))
    reply(visitor, "503 Busy", "", "busy");
  else if (!strcmp(path, "/later"))
    reply(visitor, server.requests < 2 ? "429 Slow" : "200 OK", "Retry-After: 1\r\n",
          "ok");
  else if (!strcmp(path, "/much-later"))
    reply(visitor, "503 Busy", "Retry-After: 86400\r\n", "tomorrow");
  else if (!strcmp(path, "/gzip"))
    say_gzip(visitor, false);
  else if (!strcmp(path, "/bad-gzip"))
    say_gzip(visitor, true);
  else if (!strcmp(path, "/large"))
    say_large(visitor, 300000);
  else if (!strcmp(path, "/chunked"))
    say(visitor, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
                 "2\r\nde\r\n0\r\n\r\n");
  else if (!strcmp(path, "/half")) {
    say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    hang_up(visitor);
  } else if (!strcmp(path, "/half-then-whole")) {
    if (server.requests < 2) {
      say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf, and longer");
      hang_up(visitor);
    } else
      reply(visitor, "200 OK", "", "whole");
  } else if (!strcmp(path, "/half-chunked")) {
    say(visitor, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    hang_up(visitor);
  } else if (!strcmp(path, "/gone"))
    hang_up(visitor);
  else if (!strcmp(path, "/stall"))
    say(visitor, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  else if (!strcmp(path, "/nonsense"))
    say(visitor, "this is no HTTP\r\n\r\n");
  else if (strcmp(path, "/silent") != 0)
    reply(visitor, "200 OK", "", "else");
}

/* ---- answers ---- */

static void an_answer_comes_whole(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http *transfer = get("/hello");
  struct mc_http_result result = mc_http_outcome(transfer);
  assert_null(result.failure.kind);
  assert_int_equal(result.status, 200);
  assert_int_equal(result.size, 5);
  assert_int_equal(result.attempts, 1);
  assert_string_equal(result.url, url_of("/hello"));
  static const char *const wanted[] = {"x-one",   "1", "x-one",          "2",
                                       "x-empty", "",  "content-length", "5"};
  size_t cursor = 0, i = 0;
  const char *name, *value;
  while (mc_http_next_header(transfer, &cursor, &name, &value)) {
    assert_string_equal(name, wanted[i++]);
    assert_string_equal(value, wanted[i++]);
  }
  assert_int_equal(i, 8);
  check_body(transfer, 200, "hello");
  assert_non_null(strstr(server.last, "User-Agent: mooncrew\r\n"));
  assert_non_null(strstr(server.last, "Accept-Encoding: "));
}

static void a_refusing_status_is_an_answer(void **state) {
  (void)state;
  start_server(&loop, serve);
  check_body(get("/missing"), 404, "no such page");
  check_body(get("/always-busy"), 503, "busy");
  check_body(get("/chunked"), 200, "abcde");
  check_body(get("/gzip"), 200, "once upon a time, once upon a time");
}

static void methods_headers_and_bodies_are_sent(void **state) {
  (void)state;
  start_server(&loop, serve);
  static const char *const headers[] = {"X-A: 1", "X-A: 2", "X-Empty:", "User-Agent: me"};
  struct mc_http_request request = request_to("/hello");
  request.headers = headers;
  request.n_headers = 4;
  request.body = "a\nb";
  request.body_length = 3;
  check_body(run(&request), 200, "hello");
  assert_memory_equal(server.last, "POST /hello HTTP/1.1\r\n", 22);
  assert_non_null(
      strstr(server.last, "X-A: 1\r\nX-A: 2\r\nX-Empty:\r\nUser-Agent: me\r\n"));
  assert_null(strstr(server.last, "Content-Type"));
  assert_null(strstr(server.last, "Expect"));
  assert_non_null(strstr(server.last, "Content-Length: 3\r\n"));
  assert_string_equal(strstr(server.last, "\r\n\r\n"), "\r\n\r\na\nb");

  request.method = "PUT";
  check_body(run(&request), 200, "hello");
  assert_memory_equal(server.last, "PUT /hello", 10);
  request = request_to("/hello");
  request.method = "DELETE";
  check_body(run(&request), 200, "hello");
  assert_memory_equal(server.last, "DELETE /hello", 13);
  request.method = "HEAD";
  check_body(run(&request), 200, "");
  assert_memory_equal(server.last, "HEAD /hello", 11);
  check_body(get("/a b/\xe4\xb8\xad?q=%20#top"), 200, "else");
  assert_memory_equal(server.last, "GET /a%20b/%e4%b8%ad?q=%20 HTTP", 31);
}

static void what_would_smuggle_lines_is_refused(void **state) {
  (void)state;
  start_server(&loop, serve);
  static const char *const bad[] = {"X: a\r\nY: b", "X: a\nb", "no colon",
                                    ": x",          "A B: x",  ""};
  struct mc_http *transfer;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct mc_http_request request = request_to("/hello");
    request.headers = &bad[i];
    request.n_headers = 1;
    assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -EINVAL);
    assert_null(transfer);
  }
  static const char *const methods[] = {"", "GET /x", "A\r\nB", "G\xc3\xa9T"};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    struct mc_http_request request = request_to("/hello");
    request.method = methods[i];
    assert_int_equal(mc_http_start(&loop, &request, &transfer, &culprit), -EINVAL);
  }
  assert_int_equal(server.connections, 0);
  assert_int_equal(mc_http_running(), 0);
}

static void redirects_are_followed_within_reason(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http *transfer = get("/moved");
  assert_string_equal(mc_http_outcome(transfer).url, url_of("/hello"));
  size_t cursor = 0;
  const char *name, *value;
  while (mc_http_next_header(transfer, &cursor, &name, &value))
    assert_string_not_equal(name, "x-old"); /* the last answer's headers alone */
  check_body(transfer, 200, "hello");
  check_failure(get("/to-file"), "Http", "URL");
  struct mc_http_request request = request_to("/loop");
  request.max_redirects = 3;
  server.requests = 0;
  check_failure(run(&request), "Http", "REDIRECTS");
  assert_int_equal(server.requests, 4);
  request = request_to("/moved");
  request.follow = false;
  check_body(run(&request), 302, "moved");
}

static void connections_are_kept(void **state) {
  (void)state;
  start_server(&loop, serve);
  for (int i = 0; i < 10; i++)
    check_body(get("/hello"), 200, "hello");
  check_body(get("/missing"), 404, "no such page");
  assert_int_equal(server.requests, 11);
  assert_int_equal(server.connections, 1);
}

/* ---- failures ---- */

static void addresses_that_are_none_fail(void **state) {
  (void)state;
  start_server(&loop, serve);
  static const char *const bad[] = {
      "",
      "hello",
      "http://",
      "http://a b/",
      "file:///etc/passwd",
      "ftp://127.0.0.1/",
      "gopher://x/",
      "http://127.0.0.1:99999/",
      "javascript:alert(1)",
      "//127.0.0.1/",
      "http://[::1/",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct mc_http_request request = request_to("/");
    request.url = bad[i];
    check_failure(run(&request), "Http", "URL");
  }
  assert_int_equal(server.connections, 0);
}

static void who_can_not_be_reached_fails(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/hello");
  request.url = "http://no-such-host.invalid/";
  check_failure(run(&request), "Http", "RESOLVE");
  /* A port that was ours a moment ago and is nobody's now. */
  uv_tcp_t probe;
  struct sockaddr_in address;
  int length = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(&loop, &probe);
  uv_tcp_bind(&probe, (struct sockaddr *)&address, 0);
  uv_tcp_getsockname(&probe, (struct sockaddr *)&address, &length);
  uv_close((uv_handle_t *)&probe, NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  request.url = url;
  check_failure(run(&request), "Http", "CONNECT");
}

static void answers_that_break_off_fail(void **state) {
  (void)state;
  start_server(&loop, serve);
  check_failure(get("/half"), "Http", "TRUNCATED");
  check_failure(get("/half-chunked"), "Http", "TRUNCATED");
  check_failure(get("/gone"), "Http", "TRUNCATED");
  check_failure(get("/bad-gzip"), "Http", "ENCODING");
  check_failure(get("/nonsense"), "Http", "PROTOCOL");
  check_body(get("/hello"), 200, "hello");
}

static void a_server_that_never_answers_is_given_up(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/silent");
  request.timeout = 0.05;
  check_failure(run(&request), "Timeout", "TOTAL");
  request.url = url_of("/stall");
  check_failure(run(&request), "Timeout", "TOTAL");
  request.timeout = 0; /* polls: there is no time for anything */
  check_failure(run(&request), "Timeout", "TOTAL");
  request.timeout = -1;
  request.stall_timeout = 1;
  check_failure(run(&request), "Timeout", "STALLED");
}

static void a_server_that_never_accepts_is_given_up(void **state) {
  (void)state;
  start_server(&loop, serve);
  /* A queue of one that is full: further connections get no answer at all. */
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(listener, 0), 0);
  getsockname(listener, (struct sockaddr *)&address, &length);
  int crowd[8];
  for (int i = 0; i < 8; i++) {
    crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(crowd[i], (struct sockaddr *)&address, sizeof address);
  }
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  struct mc_http_request request = request_to("/");
  request.url = url;
  request.connect_timeout = 0.1;
  check_failure(run(&request), "Timeout", "CONNECT");
  for (int i = 0; i < 8; i++)
    close(crowd[i]);
  close(listener);
}

static void what_is_too_large_is_refused(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/large");
  request.max_size = 299999;
  check_failure(run(&request), "TooLarge", NULL);
  request.max_size = 300000;
  struct mc_http *transfer = run(&request);
  assert_int_equal(mc_http_outcome(transfer).body_length, 300000);
  mc_http_free(transfer);
  request.url = url_of("/gzip"); /* smaller on the way than it is */
  request.max_size = 33;
  check_failure(run(&request), "TooLarge", NULL);
  request.url = url_of("/chunked"); /* which announces no size */
  request.max_size = 4;
  check_failure(run(&request), "TooLarge", NULL);
  request.url = url_of("/hello");
  request.max_size = 0;
  check_failure(run(&request), "TooLarge", NULL);
}

/* ---- retries ---- */

static void failures_are_retried(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/busy");
  request.retries = 5;
  request.backoff = 0.01;
  struct mc_http *transfer = run(&request);
  assert_int_equal(mc_http_outcome(transfer).attempts, 3);
  check_body(transfer, 200, "served");
  server.requests = 0;
  request.url = url_of("/half-then-whole");
  check_body(run(&request), 200, "whole");
  server.requests = 0;
  request.retries = 2;
  request.url = url_of("/always-busy");
  check_body(run(&request), 503, "busy");
  assert_int_equal(server.requests, 3);
  server.requests = 0;
  request.url = url_of("/missing"); /* will not come by asking again */
  check_body(run(&request), 404, "no such page");
  request.url = url_of("/bad-gzip");
  check_failure(run(&request), "Http", "ENCODING");
  assert_int_equal(server.requests, 2);
}

static void what_may_not_be_repeated_is_not(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/busy");
  request.retries = 5;
  request.backoff = 0.01;
  request.body = "pay";
  request.body_length = 3;
  check_body(run(&request), 503, "served");
  assert_int_equal(server.requests, 1);
}

static void retry_after_is_respected(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/later");
  request.retries = 1;
  request.backoff = 0.001;
  uint64_t before = uv_hrtime();
  check_body(run(&request), 200, "ok");
  assert_true(uv_hrtime() - before >= 990000000u);
  request.url = url_of("/much-later"); /* longer than anybody waits */
  check_body(run(&request), 503, "tomorrow");
  server.requests = 0;
  request.url = url_of("/later");
  request.timeout = 0.5; /* no time for it: the answer that we have */
  check_body(run(&request), 429, "ok");
}

/* ---- breaking off ---- */

static void a_freed_transfer_is_broken_off(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/stall");
  request.path = in_folder("file");
  struct mc_http *transfer = start(&request);
  while (server.requests == 0)
    uv_run(&loop, UV_RUN_ONCE);
  assert_int_equal(mc_http_running(), 1);
  assert_false(mc_http_is_done(transfer));
  assert_int_equal(mc_http_outcome(transfer).status, 0);
  mc_http_free(transfer);
  while (server.open > 0)
    uv_run(&loop, UV_RUN_ONCE);
  assert_int_equal(mc_http_running(), 0);
  assert_int_equal(finished, 0);
  assert_int_equal(count_entries(), 0);
  /* The same while it waits to try again, before it was sent, and when its URL is none.
   */
  request = request_to("/always-busy");
  request.retries = 1;
  request.backoff = 20;
  transfer = start(&request);
  server.requests = 0;
  while (server.requests == 0)
    uv_run(&loop, UV_RUN_ONCE);
  for (int i = 0; i < 20; i++)
    uv_run(&loop, UV_RUN_NOWAIT);
  mc_http_free(transfer);
  mc_http_free(start(&request));
  request.url = "nothing";
  mc_http_free(start(&request));
  mc_http_free(NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  assert_int_equal(finished, 0);
}

static void free_another(struct mc_http *transfer, void *data) {
  struct mc_http **other = data;
  mc_http_free(*other);
  *other = NULL;
  mc_http_free(transfer);
  finished++;
}

static void done_may_free_itself_and_others(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/hello");
  struct mc_http *other = start(&request);
  request.done = free_another;
  request.data = &other;
  struct mc_http_request slow = request_to("/silent");
  mc_http_free(other);
  other = start(&slow);
  start(&request);
  run_until(1);
  assert_null(other);
  assert_int_equal(mc_http_running(), 0);
}

static void a_shutdown_fails_what_is_under_way(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/silent");
  struct mc_http *first = start(&request), *second = start(&request);
  while (server.requests < 2)
    uv_run(&loop, UV_RUN_ONCE);
  mc_http_shutdown();
  assert_int_equal(finished, 2);
  check_failure(first, "Cancelled", NULL);
  check_failure(second, "Cancelled", NULL);
  mc_http_shutdown();
  check_body(get("/hello"), 200, "hello"); /* a new client */
}

static size_t open_sockets(bool inheritable) {
  size_t n = 0;
  for (int fd = 0; fd < 1024; fd++) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target);
    if (length > 7 && memcmp(target, "socket:", 7) == 0)
      n += !inheritable || !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  return n;
}

static void nothing_is_left_open_elsewhere(void **state) {
  (void)state;
  size_t before = open_sockets(true);
  start_server(&loop, serve);
  check_body(get("/hello"), 200, "hello"); /* one connection: kept, and two ends of it */
  struct mc_http_request request = request_to("/silent");
  request.path = in_folder("file");
  struct mc_http *transfer = start(&request);
  while (server.requests < 2)
    uv_run(&loop, UV_RUN_ONCE);
  /* libcurl's resolver has a pair of its own that programs inherit, which is not ours to
   * mend. */
  assert_true(open_sockets(true) <= before + 2);
  size_t all = open_sockets(false);
  pid_t child = fork();
  if (child == 0) {
    mc_http_forked();
    mc_http_forked();
    _exit(open_sockets(false) != all - 1 || mc_http_running() != 0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  mc_http_forked(); /* which is nothing to the parent */
  assert_int_equal(open_sockets(false), all);
  assert_int_equal(mc_http_running(), 1);
  mc_http_free(transfer);
}

static void an_idle_client_does_not_keep_the_loop_alive(void **state) {
  (void)state;
  start_server(&loop, serve);
  check_body(get("/hello"), 200, "hello");
  stop_server();
  uv_run(&loop, UV_RUN_DEFAULT); /* would not return */
  assert_false(uv_loop_alive(&loop));
}

static void a_forked_child_forgets_its_parents(void **state) {
  (void)state;
  start_server(&loop, serve);
  struct mc_http_request request = request_to("/stall");
  request.path = in_folder("file");
  struct mc_http *transfer = start(&request);
  while (server.requests == 0)
    uv_run(&loop, UV_RUN_ONCE);
  char url[64];
  snprintf(url, sizeof url, "%s", url_of("/hello"));
  int exits[2];
  assert_int_equal(pipe(exits), 0);
  pid_t child = fork();
  if (child ==
      0) { /* makes its own client on its own loop, and frees what it inherited */
    mc_http_free(transfer);
    uv_loop_t own;
    struct mc_http_request hello = request_to("/hello");
    int bad = uv_loop_init(&own) || mc_http_running() != 0;
    finished = 0;
    struct mc_http *mine = NULL;
    bad = bad || mc_http_start(&own, &hello, &mine, &culprit);
    while (!bad && finished == 0)
      uv_run(&own, UV_RUN_ONCE);
    bad = bad || mc_http_outcome(mine).status != 200;
    mc_http_free(mine);
    mc_http_shutdown();
    char result = bad ? 'n' : 'y';
    _exit(write(exits[1], &result, 1) != 1);
  }
  close(exits[1]);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0)
    uv_run(&loop, UV_RUN_NOWAIT); /* we are its server */
  char result = 0;
  assert_int_equal(read(exits[0], &result, 1), 1);
  close(exits[0]);
  assert_int_equal(status, 0);
  assert_int_equal(result, 'y');
  assert_int_equal(mc_http_running(), 1);
  assert_false(mc_http_is_done(transfer));
  assert_int_equal(server.connections, 2); /* not on the parent's */
  mc_http_free(transfer);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  alarm(120); /* what hangs is to fail */
  const struct CMUnitTest tests[] = {
      WITH_LOOP(an_answer_comes_whole),
      WITH_LOOP(a_refusing_status_is_an_answer),
      WITH_LOOP(methods_headers_and_bodies_are_sent),
      WITH_LOOP(what_would_smuggle_lines_is_refused),
      WITH_LOOP(redirects_are_followed_within_reason),
      WITH_LOOP(connections_are_kept),
      WITH_LOOP(addresses_that_are_none_fail),
      WITH_LOOP(who_can_not_be_reached_fails),
      WITH_LOOP(answers_that_break_off_fail),
      WITH_LOOP(a_server_that_never_answers_is_given_up),
      WITH_LOOP(a_server_that_never_accepts_is_given_up),
      WITH_LOOP(what_is_too_large_is_refused),
      WITH_LOOP(failures_are_retried),
      WITH_LOOP(what_may_not_be_repeated_is_not),
      WITH_LOOP(retry_after_is_respected),
      WITH_LOOP(a_freed_transfer_is_broken_off),
      WITH_LOOP(done_may_free_itself_and_others),
      WITH_LOOP(a_shutdown_fails_what_is_under_way),
      WITH_LOOP(nothing_is_left_open_elsewhere),
      WITH_LOOP(an_idle_client_does_not_keep_the_loop_alive),
      WITH_LOOP(a_forked_child_forgets_its_parents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
