/* What the tests of the HTTP client share: a loop, a folder, and requests to the server.
 */
#ifndef TESTS_UNIT_NET_CLIENT_H
#define TESTS_UNIT_NET_CLIENT_H

#include "folder.h"
#include "net/http.h"
#include "server.h"

static uv_loop_t loop;
static int finished;

static int open_all(void **state) {
  finished = 0;
  return make_folder(state) || uv_loop_init(&loop);
}

static int close_all(void **state) {
  mc_http_shutdown();
  stop_server();
  uv_run(&loop, UV_RUN_DEFAULT);
  int leak = uv_loop_close(&loop); /* UV_EBUSY: something of ours is left on the loop */
  return remove_folder(state) || leak;
}

static const char *url_of(const char *path) {
  static char urls[32][600];
  static int next;
  char *url = urls[next++ % 32];
  snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", server.port, path);
  return url;
}

static void count_done(struct mc_http *transfer, void *data) {
  assert_true(mc_http_is_done(transfer));
  ++*(int *)data;
}

static struct mc_http_request request_to(const char *path) {
  struct mc_http_request request;
  mc_http_defaults(&request);
  request.url = url_of(path);
  request.proxy = "";
  request.done = count_done;
  request.data = &finished;
  return request;
}

static const char *culprit; /* the path that a request could not start for */

static struct mc_http *start(const struct mc_http_request *request) {
  struct mc_http *transfer;
  int before = finished;
  assert_int_equal(mc_http_start(&loop, request, &transfer, &culprit), 0);
  assert_int_equal(finished, before); /* never from inside start */
  return transfer;
}

static void run_until(int wanted) {
  while (finished < wanted)
    uv_run(&loop, UV_RUN_ONCE);
}

static struct mc_http *run(const struct mc_http_request *request) {
  struct mc_http *transfer = start(request);
  run_until(finished + 1);
  return transfer;
}

__attribute__((unused)) static struct mc_http *get(const char *path) {
  struct mc_http_request request = request_to(path);
  return run(&request);
}

static void check_failure(struct mc_http *transfer, const char *kind, const char *code) {
  struct mc_http_result result = mc_http_outcome(transfer);
  assert_non_null(result.failure.kind);
  if (strcmp(result.failure.kind, kind) ||
      (code && strcmp(result.failure.code ? result.failure.code : "", code)))
    fail_msg("%s/%s (%s), not %s/%s", result.failure.kind, result.failure.code,
             result.failure.text, kind, code);
  assert_true(result.failure.text[0] != '\0');
  mc_http_free(transfer);
}

__attribute__((unused)) static void check_body(struct mc_http *transfer, int status,
                                               const char *body) {
  struct mc_http_result result = mc_http_outcome(transfer);
  if (result.failure.kind)
    fail_msg("%s: %s", result.failure.kind, result.failure.text);
  assert_int_equal(result.status, status);
  assert_int_equal(result.body_length, strlen(body));
  assert_memory_equal(result.body, body, strlen(body));
  mc_http_free(transfer);
}

static char large_byte(size_t i) {
  return (char)(i * 7 + i / 253);
}

/* n bytes that are not all the same. */
__attribute__((unused)) static void say_large(struct visitor *visitor, size_t n) {
  char head[128];
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
  say(visitor, head);
  char *bytes = malloc(n);
  for (size_t i = 0; i < n; i++)
    bytes[i] = large_byte(i);
  say_bytes(visitor, bytes, n);
  free(bytes);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

#endif
