/* A small HTTP server on the test's own loop. A test says with `answer` what it sends;
 * what came is kept for the test to look at. */
#ifndef TESTS_UNIT_NET_SERVER_H
#define TESTS_UNIT_NET_SERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct visitor {
  uv_tcp_t tcp;
  char *text; /* what came and is not answered yet */
  size_t length;
};

/* Answers one request with say()s and, maybe, hang_up(). */
typedef void answer_fn(struct visitor *visitor, const char *path, const char *request);

static struct {
  uv_loop_t *loop;
  uv_tcp_t tcp;
  int port;
  answer_fn *answer;
  int connections, requests, open;
  char last[8192]; /* the last request, head and body */
} server;

static void on_visitor_gone(uv_handle_t *handle) {
  struct visitor *visitor = handle->data;
  server.open--;
  free(visitor->text);
  free(visitor);
}

static void hang_up(struct visitor *visitor) {
  if (!uv_is_closing((uv_handle_t *)&visitor->tcp))
    uv_close((uv_handle_t *)&visitor->tcp, on_visitor_gone);
}

struct speech {
  uv_write_t write;
  char bytes[];
};

static void on_said(uv_write_t *write, int status) {
  (void)status;
  free(write->data);
}

static void say_bytes(struct visitor *visitor, const void *bytes, size_t n) {
  struct speech *speech = malloc(sizeof *speech + n);
  memcpy(speech->bytes, bytes, n);
  speech->write.data = speech;
  uv_buf_t buffer = uv_buf_init(speech->bytes, (unsigned)n);
  if (uv_is_closing((uv_handle_t *)&visitor->tcp) ||
      uv_write(&speech->write, (uv_stream_t *)&visitor->tcp, &buffer, 1, on_said) != 0)
    free(speech);
}

static void say(struct visitor *visitor, const char *text) {
  say_bytes(visitor, text, strlen(text));
}

/* A whole answer of a status line's rest, further header lines, and a body. */
__attribute__((unused)) static void reply(struct visitor *visitor, const char *status,
                                          const char *headers, const char *body) {
  char head[2048];
  snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
           headers, strlen(body));
  say(visitor, head);
  say(visitor, body);
}

/* The length of the first whole request in what came; 0: not there yet. */
static size_t request_length(const char *text) {
  const char *end = strstr(text, "\r\n\r\n");
  if (!end)
    return 0;
  const char *length = strstr(text, "Content-Length: ");
  size_t body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
  size_t whole = (size_t)(end + 4 - text) + body;
  return strlen(text) >= whole ? whole : 0;
}

static void answer_requests(struct visitor *visitor) {
  size_t n;
  while (visitor->text && (n = request_length(visitor->text)) > 0) {
    char path[1024] = "";
    sscanf(visitor->text, "%*s %1023s", path);
    snprintf(server.last, sizeof server.last, "%.*s", (int)n, visitor->text);
    server.requests++;
    visitor->length -= n;
    memmove(visitor->text, visitor->text + n, visitor->length + 1);
    server.answer(visitor, path, server.last);
    if (uv_is_closing((uv_handle_t *)&visitor->tcp))
      return;
  }
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
  (void)handle;
  *buffer = uv_buf_init(malloc(wanted), (unsigned)wanted);
}

static void on_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
  struct visitor *visitor = stream->data;
  if (n < 0) {
    hang_up(visitor);
  } else if (n > 0) {
    visitor->text = realloc(visitor->text, visitor->length + (size_t)n + 1);
    memcpy(visitor->text + visitor->length, buffer->base, (size_t)n);
    visitor->length += (size_t)n;
    visitor->text[visitor->length] = '\0';
    answer_requests(visitor);
  }
  free(buffer->base);
}

static void on_visitor(uv_stream_t *stream, int status) {
  if (status < 0)
    return;
  struct visitor *visitor = calloc(1, sizeof *visitor);
  uv_tcp_init(server.loop, &visitor->tcp);
  visitor->tcp.data = visitor;
  if (uv_accept(stream, (uv_stream_t *)&visitor->tcp) == 0) {
    server.connections++;
    server.open++;
    uv_read_start((uv_stream_t *)&visitor->tcp, on_room, on_heard);
  }
}

static void start_server(uv_loop_t *loop, answer_fn *answer) {
  memset(&server, 0, sizeof server);
  server.loop = loop;
  server.answer = answer;
  struct sockaddr_in address;
  int length = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(loop, &server.tcp);
  assert_int_equal(uv_tcp_bind(&server.tcp, (struct sockaddr *)&address, 0), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&server.tcp, 128, on_visitor), 0);
  uv_tcp_getsockname(&server.tcp, (struct sockaddr *)&address, &length);
  server.port = ntohs(address.sin_port);
}

static void close_any(uv_handle_t *handle, void *data) {
  (void)data;
  if (uv_is_closing(handle))
    return;
  if (handle->type == UV_TCP && handle != (uv_handle_t *)&server.tcp)
    hang_up(handle->data);
  else if (handle == (uv_handle_t *)&server.tcp)
    uv_close(handle, NULL);
}

static void stop_server(void) {
  uv_walk(server.loop, close_any, NULL);
}

#endif
