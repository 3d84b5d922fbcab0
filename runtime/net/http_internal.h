/* Shared by http.c (requests), http_client.c (libcurl on the loop), http_attempt.c (one
 * try), http_redirect.c (methods), http_body.c (its answer), http_upload.c (a file that
 * is sent), http_form.c (fields), http_feed.c (a body in pieces) and http_jar.c
 * (cookies). */
#ifndef MC_NET_HTTP_INTERNAL_H
#define MC_NET_HTTP_INTERNAL_H

#include "base/buffer.h"
#include "net/http.h"
#include "os/clock.h"
#include "os/tempfile.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <sys/types.h>

#define MC_HTTP_SPARE 32

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
  struct socket_watch **watches; /* by socket */
  size_t max_watches;
  CURL *spare[MC_HTTP_SPARE]; /* handles that were of use before; making one costs more */
  size_t n_spare;
  int watch_error; /* a socket could not be watched: libuv's code */
};

/* A file that is sent; fd -1: none. */
struct mc_http_source {
  struct mc_http *transfer;
  int fd;
  uint64_t length, sent;
};

/* A body that comes in pieces. */
struct mc_http_feed {
  bool active;     /* there is one */
  bool hungry;     /* libcurl waits for more */
  bool ended;      /* no more will come */
  uint64_t length; /* of the whole; MC_HTTP_NO_LIMIT: not known */
  uint64_t total;  /* bytes that came */
  struct mc_buffer piece;
  size_t sent; /* of the piece */
};

enum mc_http_state { MC_HTTP_IDLE, MC_HTTP_SENT, MC_HTTP_WAITING, MC_HTTP_DONE };

struct mc_http { /* NOLINT: fields stand by what they are for */
  struct mc_http_client *client;
  struct mc_http *next, *previous; /* in the client's list, while under way */
  enum mc_http_state state;

  CURL *easy;
  CURLU *parsed;                   /* the URL; libcurl reads it during the transfer */
  struct curl_slist *headers;      /* what is sent: those that are about the body first */
  struct curl_slist *bare_headers; /* of them: those of a request without a body */
  char *method, *body;
  const char *told_method; /* the method, where libcurl has to be told; else NULL */
  size_t body_length;
  struct mc_http_jar *jar;
  mc_time deadline;
  double try_timeout;
  double backoff;
  int retries_left;
  uint64_t max_size;
  mc_http_done *done;
  void *data;

  bool follow;
  bool plain;        /* all that was set on the handle will be set by the next one */
  bool names_itself; /* there is a header User-Agent */
  bool secure;       /* https */
  bool to_file;
  struct mc_tempfile file;
  EVP_MD_CTX *digest; /* of the file, when asked for */
  char sha256[MC_HTTP_SHA256_LENGTH + 1];
  struct mc_http_source upload; /* the file that is sent */
  struct mc_http_source *files; /* one for each field of the form */
  size_t n_files;
  curl_mime *form;
  struct mc_http_feed feed;

  bool streaming, opened, paused;
  struct mc_buffer taken; /* what the reader has in hand */

  uv_timer_t timer; /* of the back-off, or the try; `has_timer` once it is the loop's */
  bool has_timer, late; /* late: the try's has run out */

  struct mc_buffer answer_headers; /* name NUL value NUL, of the last answer */
  struct mc_buffer answer;
  bool headers_whole; /* of the last answer: the empty line behind them came */
  bool body_seen;
  uint64_t size;
  bool ends_by_close; /* gzip, with nothing but its own trailer to say where it ends */
  unsigned char trail[4]; /* its last bytes */
  uint64_t n_raw;         /* bytes of it, undecoded */
  char *url;              /* where the answer came from */
  char *location;         /* where it points to, when that was not followed */
  int status, attempts;
  int socket_error; /* why no socket could be opened; 0: none was missing */
  struct mc_http_failure failure;
  char curl_text[CURL_ERROR_SIZE];
};

/* http_client.c: this process's client on the loop; NULL without memory. */
struct mc_http_client *mc_http_client(uv_loop_t *loop);

/* Puts the transfer's easy handle to work, or takes it away; 0 or a negated errno. */
int mc_http_client_add(struct mc_http *transfer);
void mc_http_client_remove(struct mc_http *transfer);

/* An easy handle with the options that all requests have; NULL without memory. What was
 * `give`n, of a plain request, is given out again. */
CURL *mc_http_client_take_easy(struct mc_http_client *client);
void mc_http_client_give_easy(struct mc_http_client *client, CURL *easy);

/* One transfer more or less is under way. */
void mc_http_client_enter(struct mc_http *transfer);
void mc_http_client_leave(struct mc_http *transfer);

/* True when libcurl may keep the request back until a connection is free: it does not
 * look at its time-out meanwhile. */
bool mc_http_client_may_hold(const struct mc_http *transfer);

/* Ends the loop's current turn. */
void mc_http_client_wake(struct mc_http_client *client);

/* http_body.c */
long mc_http_status_now(const struct mc_http *transfer);
void mc_http_equip_answer(CURL *easy);
void mc_http_prepare_answer(struct mc_http *transfer);

/* Empties the answer for a try. 0 or a negated errno. */
int mc_http_begin_answer(struct mc_http *transfer);

/* libcurl goes on with what was paused. */
void mc_http_resume(struct mc_http *transfer);

/* True when a body was received, and passed over. */
bool mc_http_spares_body(const struct mc_http *transfer);

bool mc_http_is_compressed(const struct mc_http *transfer);

/* True when a compressed body that seems whole is not. */
bool mc_http_is_cut_short(const struct mc_http *transfer);

/* Fills in `sha256`, when it was asked for. */
void mc_http_end_digest(struct mc_http *transfer);

/* http_upload.c: opens a file that is to be sent. 0 or a negated errno. */
int mc_http_source_open(struct mc_http_source *source, struct mc_http *transfer,
                        const char *path);
void mc_http_source_close(struct mc_http_source *source);

/* Callbacks of libcurl; the data is the source. A redirect, a further try, or a kept
 * connection that turned out dead, starts it anew. */
size_t mc_http_source_read(char *buffer, size_t one, size_t n, void *data);
int mc_http_source_seek(void *data, curl_off_t offset, int origin);

/* The body comes from these; length MC_HTTP_NO_LIMIT: not known. */
void mc_http_send_by(struct mc_http *transfer, uint64_t length, curl_read_callback read,
                     curl_seek_callback seek, void *data);
void mc_http_prepare_upload(struct mc_http *transfer);

/* http_form.c: opens what the form's fields name, or makes the body. 0; a negated errno,
 * and the path it is about, if any. Then the body is told to libcurl. */
int mc_http_open_form(struct mc_http *transfer, const struct mc_http_request *request,
                      const char **culprit);
int mc_http_prepare_form(struct mc_http *transfer, const struct mc_http_request *request);

/* Closes what is sent. */
void mc_http_close_files(struct mc_http *transfer);

/* http_feed.c */
void mc_http_prepare_feed(struct mc_http *transfer);
bool mc_http_has_fed(const struct mc_http *transfer);

/* http_redirect.c: what the next request of the transfer is sent with. */
void mc_http_set_method(struct mc_http *transfer);
void mc_http_begin_request(struct mc_http *transfer);

/* With an answer's headers complete. True: libcurl goes on to where they lead. */
bool mc_http_is_redirected(const struct mc_http *transfer, long status);
void mc_http_redirect(struct mc_http *transfer, long status);

/* http_jar.c */
CURLSH *mc_http_jar_share(struct mc_http_jar *jar);

/* http_body.c: a header of the last answer; NULL: there is none. */
const char *mc_http_header(const struct mc_http *transfer, const char *name);

/* http_attempt.c: sets the options that are the same for all requests. */
void mc_http_equip(CURL *easy);

/* An easy handle with all its options; 0 or a negated errno. */
int mc_http_prepare(struct mc_http *transfer, const struct mc_http_request *request);

/* Sends the request once (more). */
void mc_http_attempt(struct mc_http *transfer);

/* True when an answer of this status is asked for again. */
bool mc_http_status_is_retried(const struct mc_http *transfer, long status);

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
