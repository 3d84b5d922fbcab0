/* A server on libuv that hands each line it gets to a worker, and sends back the answer.
 *
 *   client ── line ──▶ this loop ── submit ──▶ a worker: handler.respond(line)
 *          ◀─ answer ─           ◀─ dispatch ─
 *
 * Usage: server FOLDER-OF-HANDLER. Prints its port, ends on SIGTERM. */
#define _POSIX_C_SOURCE 200809L

#include <mooncrew.h>
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>

#define LINE 4096

struct client {
  uv_tcp_t stream;
  char line[LINE];
  size_t length;
  unsigned in_flight; /* tasks that will call back */
  bool closed;
};

static mooncrew *runtime;
static uv_loop_t *loop;

/* Freed only when no task can call back any more. */
static void release(struct client *client) {
  if (client->closed && client->in_flight == 0)
    free(client);
}

static void on_closed(uv_handle_t *handle) {
  struct client *client = handle->data;
  client->closed = true;
  release(client);
}

static void close_client(struct client *client) {
  if (!uv_is_closing((uv_handle_t *)&client->stream))
    uv_close((uv_handle_t *)&client->stream, on_closed);
}

static void on_written(uv_write_t *request, int status) {
  (void)status;
  free(request);
}

static void answer(struct client *client, const char *text, size_t length) {
  if (uv_is_closing((uv_handle_t *)&client->stream))
    return;
  uv_write_t *request = malloc(sizeof *request + length + 1);
  char *copy = (char *)(request + 1);
  memcpy(copy, text, length);
  copy[length] = '\n';
  uv_buf_t buffer = uv_buf_init(copy, (unsigned)length + 1);
  uv_write(request, (uv_stream_t *)&client->stream, &buffer, 1, on_written);
}

static void on_done(void *data, mooncrew_task task, const mooncrew_values *results,
                    const mooncrew_error *error) {
  struct client *client = data;
  const char *text = mooncrew_error_message(error);
  size_t length = strlen(text);
  (void)task;
  client->in_flight--;
  if (!error)
    mooncrew_value_string(mooncrew_values_at(results, 0), &text, &length);
  answer(client, text, length);
  release(client);
}

static void submit_line(struct client *client, size_t length) {
  mooncrew_task_options options;
  mooncrew_task_options_init(&options);
  options.done = on_done;
  options.data = client;
  options.timeout = 1000;
  mooncrew_values *args = mooncrew_values_new();
  mooncrew_push_bytes(args, client->line, length);
  if (mooncrew_submit(runtime, "handler", "respond", args, &options, NULL, NULL) == 0)
    client->in_flight++;
  else
    answer(client, "busy", 4); /* the backlog is full, say */
  mooncrew_values_free(args);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer) {
  struct client *client = handle->data;
  (void)wanted;
  *buffer = uv_buf_init(client->line + client->length, (unsigned)(LINE - client->length));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
  struct client *client = stream->data;
  (void)buffer;
  if (got <= 0) {
    if (got < 0)
      close_client(client);
    return;
  }
  client->length += (size_t)got;
  char *end;
  while ((end = memchr(client->line, '\n', client->length))) {
    size_t length = (size_t)(end - client->line);
    submit_line(client, length);
    client->length -= length + 1;
    memmove(client->line, end + 1, client->length);
  }
  if (client->length == LINE)
    close_client(client);
}

static void on_connection(uv_stream_t *server, int status) {
  struct client *client = calloc(1, sizeof *client);
  (void)status;
  uv_tcp_init(loop, &client->stream);
  client->stream.data = client;
  if (uv_accept(server, (uv_stream_t *)&client->stream) == 0)
    uv_read_start((uv_stream_t *)&client->stream, on_room, on_read);
  else
    close_client(client);
}

/* The library's one descriptor, in the loop that the program has anyway. */
static void on_runtime(uv_poll_t *handle, int status, int events) {
  (void)status, (void)events;
  if (mooncrew_dispatch(runtime, 0) < 0)
    uv_stop(handle->loop); /* the helper is gone */
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  uv_stop(handle->loop);
}

int main(int argc, char *argv[]) {
  mooncrew_error *error = NULL;
  mooncrew_options options;
  char path[4096];
  mooncrew_options_init(&options);
  snprintf(path, sizeof path, "%s/?.lua", argc > 1 ? argv[1] : ".");
  options.package_path = path;
  options.preload = "handler";
  if (mooncrew_open(&options, &runtime, &error)) {
    fprintf(stderr, "%s\n", mooncrew_error_message(error));
    mooncrew_error_free(error);
    return 1;
  }

  uv_tcp_t server;
  uv_poll_t poll;
  uv_signal_t signal;
  struct sockaddr_in address;
  int length = sizeof address;
  loop = uv_default_loop();
  uv_poll_init(loop, &poll, mooncrew_poll_fd(runtime));
  uv_poll_start(&poll, UV_READABLE, on_runtime);
  uv_signal_init(loop, &signal);
  uv_signal_start(&signal, on_signal, SIGTERM);
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_init(loop, &server);
  uv_tcp_bind(&server, (const struct sockaddr *)&address, 0);
  if (uv_listen((uv_stream_t *)&server, 128, on_connection))
    return 1;
  uv_tcp_getsockname(&server, (struct sockaddr *)&address, &length);
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);

  uv_poll_stop(&poll); /* before the descriptor goes */
  mooncrew_close(runtime, 1000);
  puts("bye");
  return 0;
}
