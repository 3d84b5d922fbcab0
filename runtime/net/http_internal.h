/* Shared by http.c (requests), http_client.c (libcurl on the loop), http_attempt.c (one
 * try). */
#ifndef MC_NET_HTTP_INTERNAL_H
#define MC_NET_HTTP_INTERNAL_H

#include "base/buffer.h"
#include "net/http.h"
#include "os/clock.h"
#include "os/tempfile.h"

#include <curl/curl.h>
#include <sys/types.h>

/* libcurl's multi handle on the loop. One a process; `pid` tells whose. */
struct mc_http_client {
  pid_t pid;
  uv_loop_t *loop;
  CURLM *multi;
  uv_timer_t timer; /* libcurl's own clock */
  uv_async_t wake;  /* ends a turn of the loop in which a timer finished a transfer: libuv
                       would go on to wait for sockets, which may never stir again */
  struct mc_http *first; /* the transfers under way, retries that wait included */
  size_t running;
  int *sockets; /* open ones, idle connections included: a child closes its copies */
  size_t n_sockets, max_sockets;
  int watch_error; /* a socket could not be watched: libuv's code */
};

enum mc_http_state { MC_HTTP_IDLE, MC_HTTP_SENT, MC_HTTP_WAITING, MC_HTTP_DONE };

struct mc_http {
  struct mc_http_client *client;
  struct mc_http *next, *previous; /* in the client's list, while under way */
  enum mc_http_state state;

  CURL *easy;
  CURLU *parsed;              /* the URL; libcurl reads it during the transfer */
  struct curl_slist *headers; /* what is sent */
  char *method, *body;
  size_t body_length;
  mc_time deadline;
  double backoff;
  int retries_left;
  uint64_t max_size;
  mc_http_done *done;
  void *data;

  bool to_file;
  struct mc_tempfile file;
  uv_timer_t timer; /* the back-off's; `has_timer` once it is the loop's */
  bool has_timer;

  struct mc_buffer answer_headers; /* name NUL value NUL, of the last answer */
  struct mc_buffer answer;
  bool body_seen;
  uint64_t size;
  char *url; /* where the answer came from */
  int status, attempts;
  struct mc_http_failure failure;
  char curl_text[CURL_ERROR_SIZE];
};

/* http_client.c: this process's client on the loop; NULL without memory. */
struct mc_http_client *mc_http_client(uv_loop_t *loop);

/* Puts the transfer's easy handle to work, or takes it away; 0 or a negated errno. */
int mc_http_client_add(struct mc_http *transfer);
void mc_http_client_remove(struct mc_http *transfer);

/* Makes the transfer's sockets known to the client. */
void mc_http_client_own_sockets(struct mc_http *transfer);

/* One transfer more or less is under way. */
void mc_http_client_enter(struct mc_http *transfer);
void mc_http_client_leave(struct mc_http *transfer);

/* Ends the loop's current turn. */
void mc_http_client_wake(struct mc_http_client *client);

/* True in the process that made the transfer. */
bool mc_http_is_ours(const struct mc_http *transfer);

/* http_attempt.c: a fresh easy handle with all its options; 0 or a negated errno. */
int mc_http_prepare(struct mc_http *transfer, const struct mc_http_request *request);

/* Sends the request once (more). */
void mc_http_attempt(struct mc_http *transfer);

/* The attempt is over: retries or finishes. The transfer may be gone afterwards. */
void mc_http_attempt_over(struct mc_http *transfer, CURLcode code);

/* Says what went wrong, unless something has been said already. */
void mc_http_fail(struct mc_http *transfer, const char *kind, const char *code,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Ends the transfer with what is known, and calls done. From the loop only. */
void mc_http_finish(struct mc_http *transfer);

/* The same in the loop's next turn, for those who are not called by the loop. */
void mc_http_finish_soon(struct mc_http *transfer);

#endif
