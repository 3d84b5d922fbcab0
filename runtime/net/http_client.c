/* libcurl's multi-socket interface on a libuv loop.
 *
 * libcurl says which sockets it wants watched and when it wants to be woken; the loop
 * tells it what happened; both ways only in callbacks of the loop, so done is never
 * called from inside libcurl, and libcurl never from inside itself. */
#include "net/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_CONNECTIONS 64L
#define STREAMS          100L

static struct mc_http_client *current;
static struct mc_http_limits limits;

/* Once libcurl has no more interest in a socket, its watch rests: it goes on, but keeps
 * no loop alive. A kept connection is soon used again, for the same events, and each
 * change of a watch is three system calls. */
struct socket_watch {
  uv_poll_t poll;
  struct mc_http_client *client;
  curl_socket_t socket;
  int events;
  bool rests;
};

bool mc_http_is_ours(const struct mc_http *transfer) {
  return transfer->client->pid == getpid();
}

/* Hands finished attempts on. A callback may free any transfer, add some, or shut the
 * client down: then `multi` is NULL, and the memory stays until the loop's turn is over.
 */
static void collect(struct mc_http_client *client) {
  int left;
  CURLMsg *message;
  while (client->multi && (message = curl_multi_info_read(client->multi, &left))) {
    if (message->msg != CURLMSG_DONE)
      continue;
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result; /* the message dies with the removal */
    struct mc_http *transfer = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    curl_multi_remove_handle(client->multi, easy);
    mc_http_attempt_over(transfer, code);
  }
  /* A socket that can't be watched would hang its transfer. Whose it is libcurl does not
   * say in a way that survives, so all under way are failed: this is the loop out of
   * memory. */
  while (client->multi && client->watch_error && client->first) {
    struct mc_http *transfer = client->first;
    mc_http_fail(transfer, "OSError", uv_err_name(client->watch_error),
                 "can't watch a socket: %s", uv_strerror(client->watch_error));
    mc_http_client_remove(transfer);
    mc_http_finish(transfer);
  }
  client->watch_error = 0;
}

static void on_watch_closed(uv_handle_t *handle) {
  free(handle->data);
}

static void end_watch(struct socket_watch *watch) {
  watch->client->watches[watch->socket] = NULL;
  uv_poll_stop(&watch->poll);
  uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static void on_socket(uv_poll_t *poll, int status, int events) {
  struct socket_watch *watch = poll->data;
  struct mc_http_client *client = watch->client;
  if (watch->rests) { /* the server has hung up; libcurl will see when it looks */
    end_watch(watch);
    return;
  }
  /* The socket knows what went wrong, and says so to who reads or writes: libcurl's own
   * flag for errors would hide it. */
  int flags = status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_OUT : 0;
  if (events & UV_READABLE)
    flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE)
    flags |= CURL_CSELECT_OUT;
  int running;
  curl_multi_socket_action(client->multi, watch->socket, flags, &running);
  /* The watch may be gone now. */
  collect(client);
}

static void on_time(uv_timer_t *timer) {
  struct mc_http_client *client = timer->data;
  int running;
  curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  collect(client);
}

static struct socket_watch *find_watch(const struct mc_http_client *client,
                                       curl_socket_t socket) {
  return (size_t)socket < client->max_watches ? client->watches[socket] : NULL;
}

static bool make_room(struct mc_http_client *client, size_t n) {
  if (n <= client->max_watches)
    return true;
  size_t wider = n * 2;
  size_t each = sizeof *client->watches; /* NOLINT: of a pointer, indeed */
  struct socket_watch **grown = realloc(client->watches, wider * each);
  if (!grown)
    return false;
  for (size_t i = client->max_watches; i < wider; i++)
    grown[i] = NULL;
  client->watches = grown;
  client->max_watches = wider;
  return true;
}

static struct socket_watch *watch_socket(struct mc_http_client *client,
                                         curl_socket_t socket) {
  struct socket_watch *watch =
      make_room(client, (size_t)socket + 1) ? calloc(1, sizeof *watch) : NULL;
  int error = watch ? uv_poll_init_socket(client->loop, &watch->poll, socket) : UV_ENOMEM;
  if (error) {
    client->watch_error = error;
    free(watch);
    return NULL;
  }
  watch->client = client;
  watch->socket = socket;
  watch->poll.data = watch;
  client->watches[socket] = watch;
  return watch;
}

/* Only a connection's own socket is closed by close_socket, and may rest; otherwise
 * another descriptor of its number could be taken for it. libcurl has sockets besides,
 * for looking up names, and closes by itself one that is not connected yet. */
static bool is_of_connection(CURL *easy, curl_socket_t socket) {
  curl_socket_t own = CURL_SOCKET_BAD;
  CURLcode code = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &own);
  return code == CURLE_OK && own == socket;
}

static void end_or_rest(struct socket_watch *watch, CURL *easy) {
  if (!is_of_connection(easy, watch->socket)) {
    end_watch(watch);
    return;
  }
  watch->rests = true;
  uv_unref((uv_handle_t *)&watch->poll);
}

/* libcurl: watch this socket for that. An error returned from here would make the whole
 * multi handle unusable; it is kept for collect() instead. */
static int on_watch(CURL *easy, curl_socket_t socket, int what, void *data, void *known) {
  (void)known;
  struct mc_http_client *client = data;
  struct socket_watch *watch = find_watch(client, socket);
  if (what == CURL_POLL_REMOVE) {
    if (watch)
      end_or_rest(watch, easy);
    return 0;
  }
  if (!watch)
    watch = watch_socket(client, socket);
  int events =
      (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  int error = 0;
  if (watch) {
    watch->rests = false;
    uv_ref((uv_handle_t *)&watch->poll);
    if (watch->events != events)
      error = uv_poll_start(&watch->poll, events, on_socket);
    watch->events = error ? 0 : events;
  }
  if (error)
    client->watch_error = error;
  if (client->watch_error)
    uv_timer_start(&client->timer, on_time, 0, 0);
  return 0;
}

/* libcurl: wake me then. 0 ms is the loop's next turn, never now: we may be inside
 * libcurl. */
static int on_set_timer(CURLM *multi, long ms, void *data) {
  (void)multi;
  struct mc_http_client *client = data;
  if (ms < 0)
    uv_timer_stop(&client->timer);
  else
    uv_timer_start(&client->timer, on_time, (uint64_t)ms, 0);
  return 0;
}

/* ---- sockets that are open ---- */

static bool make_room_for_socket(struct mc_http_client *client) {
  if (client->n_sockets < client->max_sockets)
    return true;
  size_t wider = client->max_sockets ? client->max_sockets * 2 : 16;
  int *grown = realloc(client->sockets, wider * sizeof *grown);
  if (!grown)
    return false;
  client->sockets = grown;
  client->max_sockets = wider;
  return true;
}

/* A matter of the kind of address, and there may be others. */
static bool is_of_address(int error) {
  return error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EINVAL;
}

static curl_socket_t open_socket(void *data, curlsocktype purpose,
                                 struct curl_sockaddr *address) {
  struct mc_http *transfer = data;
  struct mc_http_client *client = transfer->client;
  (void)purpose;
  if (!make_room_for_socket(client))
    return CURL_SOCKET_BAD;
  /* libcurl's own would be inherited by every program that this process starts. */
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0 && !is_of_address(errno))
    transfer->socket_error = errno;
  if (fd < 0)
    return CURL_SOCKET_BAD;
  client->sockets[client->n_sockets++] = fd;
  return fd;
}

static int close_socket(void *data, curl_socket_t fd) {
  struct mc_http_client *client = data;
  struct socket_watch *watch = find_watch(client, fd);
  if (watch)
    end_watch(watch);
  for (size_t i = 0; i < client->n_sockets; i++)
    if (client->sockets[i] == fd) {
      client->sockets[i] = client->sockets[--client->n_sockets];
      break;
    }
  return close(fd);
}

/* Makes the sockets of a handle known to the client. */
static void own_sockets(struct mc_http_client *client, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
}

void mc_http_forked(void) {
  struct mc_http_client *client = current;
  if (!client || client->pid == getpid())
    return;
  current = NULL;
  for (size_t i = 0; i < client->n_sockets; i++)
    close(client->sockets[i]);
  for (struct mc_http *transfer = client->first; transfer; transfer = transfer->next) {
    mc_tempfile_forget(&transfer->file);
    mc_http_close_files(transfer);
  }
}

/* ---- life ---- */

/* libcurl's clock may tick on after the last transfer; it must not keep a loop alive by
 * that. */
void mc_http_client_enter(struct mc_http *transfer) {
  struct mc_http_client *client = transfer->client;
  transfer->next = client->first;
  if (transfer->next)
    transfer->next->previous = transfer;
  client->first = transfer;
  if (client->running++ == 0)
    uv_ref((uv_handle_t *)&client->timer);
}

void mc_http_client_leave(struct mc_http *transfer) {
  struct mc_http_client *client = transfer->client;
  if (transfer->previous)
    transfer->previous->next = transfer->next;
  else
    client->first = transfer->next;
  if (transfer->next)
    transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
  if (--client->running == 0)
    uv_unref((uv_handle_t *)&client->timer);
}

static void on_wake(uv_async_t *wake) {
  (void)wake; /* that the turn ends is all that is wanted */
}

void mc_http_client_wake(struct mc_http_client *client) {
  uv_async_send(&client->wake);
}

bool mc_http_global(void) {
  static bool global; /* inherited by children, and good there */
  global = global || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return global;
}

static void apply_limits(CURLM *multi) {
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connections);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, limits.per_host);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                    limits.kept ? limits.kept : KEPT_CONNECTIONS);
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
                    limits.streams ? limits.streams : STREAMS);
}

bool mc_http_client_may_hold(const struct mc_http *transfer) {
  return limits.connections || limits.per_host || transfer->secure;
}

static CURLM *make_multi(struct mc_http_client *client) {
  CURLM *multi = curl_multi_init();
  if (!multi)
    return NULL;
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_watch);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
  apply_limits(multi);
  return multi;
}

/* libcurl closes one idle connection for each new one, however many there are: a limit
 * would not hold until all are gone. So a new limit begins without any. */
static bool drop_idle(struct mc_http_client *client) {
  CURLM *fresh = client->first ? NULL : make_multi(client);
  if (!fresh)
    return false;
  curl_multi_cleanup(client->multi);
  uv_timer_stop(&client->timer);
  client->multi = fresh;
  return true;
}

void mc_http_set_limits(const struct mc_http_limits *given) {
  limits = *given;
  bool is_there = current && current->pid == getpid();
  if (is_there && !(limits.connections && drop_idle(current)))
    apply_limits(current->multi);
}

static struct mc_http_client *make(uv_loop_t *loop) {
  if (!mc_http_global())
    return NULL;
  struct mc_http_client *client = calloc(1, sizeof *client);
  CURLM *multi = client ? make_multi(client) : NULL;
  if (!multi || uv_async_init(loop, &client->wake, on_wake) != 0) {
    if (multi)
      curl_multi_cleanup(multi);
    free(client);
    return NULL;
  }
  uv_timer_init(loop, &client->timer); /* can't fail */
  uv_unref((uv_handle_t *)&client->timer);
  uv_unref((uv_handle_t *)&client->wake);
  client->pid = getpid();
  client->loop = loop;
  client->multi = multi;
  client->timer.data = client->wake.data = client;
  return client;
}

struct mc_http_client *mc_http_client(uv_loop_t *loop) {
  /* After a fork the parent's client is simply left lying: cleaning it up would speak TLS
   * goodbyes on the parent's connections. */
  if (current && (current->pid != getpid() || current->loop != loop))
    current = NULL;
  if (!current)
    current = make(loop);
  return current;
}

int mc_http_client_add(struct mc_http *transfer) {
  struct mc_http_client *client = transfer->client;
  CURLMcode code = curl_multi_add_handle(client->multi, transfer->easy);
  return code == CURLM_OK ? 0 : -ENOMEM;
}

CURL *mc_http_client_take_easy(struct mc_http_client *client) {
  if (client->n_spare > 0)
    return client->spare[--client->n_spare];
  CURL *easy = curl_easy_init();
  if (!easy)
    return NULL;
  mc_http_equip(easy);
  own_sockets(client, easy);
  return easy;
}

void mc_http_client_give_easy(struct mc_http_client *client, CURL *easy) {
  if (!client->multi || client->n_spare == MC_HTTP_SPARE) {
    curl_easy_cleanup(easy);
    return;
  }
  /* It must not look at what is about to be freed. The URL is kept beside the parsed one,
   * and would count more than the next one. */
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
  curl_easy_setopt(easy, CURLOPT_CURLU, NULL);
  curl_easy_setopt(easy, CURLOPT_URL, NULL);
  client->spare[client->n_spare++] = easy;
}

void mc_http_client_remove(struct mc_http *transfer) {
  if (transfer->state == MC_HTTP_SENT)
    curl_multi_remove_handle(transfer->client->multi, transfer->easy);
}

static void on_wake_closed(uv_handle_t *handle) {
  struct mc_http_client *client = handle->data;
  free(client->sockets);
  free(client->watches);
  free(client);
}

static void on_timer_closed(uv_handle_t *handle) {
  struct mc_http_client *client = handle->data;
  uv_close((uv_handle_t *)&client->wake, on_wake_closed);
}

void mc_http_shutdown(void) {
  struct mc_http_client *client = current;
  if (!client || client->pid != getpid())
    return;
  while (client->first) {
    struct mc_http *transfer = client->first;
    mc_http_fail(transfer, "Cancelled", "SHUTDOWN", "the HTTP client is shut down");
    mc_http_client_remove(transfer);
    mc_http_finish(transfer);
  }
  current = NULL;
  while (client->n_spare > 0)
    curl_easy_cleanup(client->spare[--client->n_spare]);
  curl_multi_cleanup(client->multi); /* calls on_watch and close_socket */
  client->multi = NULL;
  uv_timer_stop(&client->timer);
  uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

size_t mc_http_running(void) {
  return current && current->pid == getpid() ? current->running : 0;
}
