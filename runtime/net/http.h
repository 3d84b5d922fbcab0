/* An HTTP client on the process's libuv loop. No Lua.
 *
 *   mc_http_start ──► attempt ──► answer or failure ──► done(transfer, data), from the
 * loop ▲                │ └── back-off ◄───┘  while tries and time are left
 *
 * There is one client per process, made when first used: it keeps connections, TLS
 * sessions and names that were looked up. A forked child makes its own; what it inherited
 * of its parent's is forgotten, never touched. One thread of a process uses it. */
#ifndef MC_NET_HTTP_H
#define MC_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define MC_HTTP_NO_LIMIT UINT64_MAX

#define MC_HTTP_SHA256_LENGTH 64

struct mc_http;     /* one request on its way, and then its outcome */
struct mc_http_jar; /* cookies, shared by requests */

/* Called once, from the loop, never from mc_http_start. It may free the transfer. */
typedef void mc_http_done(struct mc_http *transfer, void *data);

/* A field of a form: bytes, or a file. */
struct mc_http_field {
  const char *name;
  const void *data;
  size_t length;
  const char *path;     /* the file that is sent, read meanwhile; NULL: `data` */
  const char *filename; /* as the server is told; NULL: the path's last part, or none */
  const char *type;     /* NULL: by the file's name, or none */
};

/* All of it is copied by mc_http_start. Fill it with mc_http_defaults first. */
struct mc_http_request {
  const char *url;            /* http or https */
  const char *method;         /* NULL: GET, or POST when there is a body */
  const char *const *headers; /* "Name: value" each */
  size_t n_headers;
  const char *user_agent; /* NULL: "mooncrew"; a header of that name counts more */
  const void *body;       /* NULL: none */
  size_t body_length;
  const char *upload; /* a file whose bytes are the body, instead of `body` */
  const struct mc_http_field *fields; /* of a form, instead of those; NULL: none */
  size_t n_fields;
  bool multipart;      /* with files, so as multipart/form-data */
  bool fed;            /* the body is what mc_http_feed is given */
  uint64_t fed_length; /* of it; MC_HTTP_NO_LIMIT: not known */
  const char
      *path;   /* a download: the file to make of a 2xx answer's body; NULL: to memory */
  bool sha256; /* of a download: its hash as well */
  bool stream; /* the body is read by mc_http_take while it comes */
  struct mc_http_jar *jar; /* NULL: no cookies */

  double timeout;     /* seconds for everything, retries included; negative: for ever */
  double try_timeout; /* seconds for each try; negative: for ever */
  double connect_timeout; /* seconds for each connection; negative: for ever */
  double stall_timeout;   /* seconds below min_rate; negative: for ever */
  uint64_t min_rate;      /* bytes a second; 1: not one is enough to be stalled */
  uint64_t max_size;      /* of the decoded body, in bytes */
  bool follow;            /* redirects */
  int max_redirects;
  int retries; /* further tries after a failed connection, 429 or 5xx, where repeating is
                  safe */
  double backoff;      /* seconds before the first of them; doubles each time */
  bool insecure;       /* don't verify the server's certificate */
  const char *ca_file; /* trust these instead of the system's; NULL: the system's */
  const char *proxy;   /* NULL: as the environment says; "": none */

  mc_http_done *done;
  void *data;
};

/* What went wrong. kind NULL: nothing. */
struct mc_http_failure {
  const char *kind; /* "Timeout", "TooLarge", "Http", "OSError", "NoMemory" */
  const char *code; /* for "Http": "URL", "RESOLVE", "CONNECT", "PROXY", "TLS",
                       "REDIRECTS", "ENCODING", "TRUNCATED", "STATUS", "PROTOCOL"; for
                       "OSError": "ENOSPC" and so on; for "Timeout": "TOTAL" when
                       opts.timeout ran out, else "CONNECT", "STALLED", "TRY" */
  char text[512];
};

struct mc_http_result {
  struct mc_http_failure failure;
  int status;           /* 0: no answer came */
  const char *url;      /* of the last request, after redirects */
  const char *location; /* of a redirect that was not followed; NULL: none */
  const void *body;
  size_t body_length; /* of a download: 0 */
  uint64_t size;      /* bytes of the decoded body, in memory or in the file */
  const char *sha256; /* in hexadecimal; NULL: not asked for */
  int attempts;       /* requests sent, redirects not counted */
};

void mc_http_defaults(struct mc_http_request *request);

#define MC_HTTP_URL_SHOWN 400

/* A URL for a message: without name and password, and not without end. `is_one` says that
 * it could be read as one; else what is in front of any '@' may be a password. */
void mc_http_show_url(const char *url, bool is_one, char shown[MC_HTTP_URL_SHOWN]);

/* Starts a request on the loop. Wrong URLs and everything else that the network says come
 * as the outcome. 0; -EINVAL for a method or header that can't be sent (line breaks), and
 * *culprit is that; what the system says of a file that is sent, or mc_tempfile_open of
 * the download's path, and *culprit is the path; -ENOMEM. On failure there is no
 * transfer. */
int mc_http_start(uv_loop_t *loop, const struct mc_http_request *request,
                  struct mc_http **transfer, const char **culprit);

/* True in the process that made the transfer. */
bool mc_http_is_ours(const struct mc_http *transfer);

/* True once done has been or is being called. */
bool mc_http_is_done(const struct mc_http *transfer);

/* The outcome, valid until the transfer is freed; all zero while it is not done. */
struct mc_http_result mc_http_outcome(const struct mc_http *transfer);

/* Goes through the answer's headers: set *cursor to 0 first. Names are in lower case. */
bool mc_http_next_header(const struct mc_http *transfer, size_t *cursor,
                         const char **name, const char **value);

/* ---- a body in pieces ---- */

/* True when mc_http_feed is waited for. */
bool mc_http_is_hungry(const struct mc_http *transfer);

/* True while there is more to come from mc_http_feed. */
bool mc_http_is_sending(const struct mc_http *transfer);

/* Sends a copy of the bytes; NULL is the end, and none at all are asked for once more
 * after a turn of the loop. Nothing happens to a transfer that does not wait for them. 0;
 * -EMSGSIZE: more, or at the end fewer, than was said; -ENOMEM. There is no retry once
 * something was fed. */
int mc_http_feed(struct mc_http *transfer, const void *bytes, size_t n);

/* ---- a stream ---- */

/* True once the headers of the last answer are there, or all is over. No retry follows.
 */
bool mc_http_is_open(const struct mc_http *transfer);

/* True when mc_http_take has something, or nothing more will come. */
bool mc_http_is_readable(const struct mc_http *transfer);

/* What came since the last time; valid until the next one. Nothing: see is_readable. */
void mc_http_take(struct mc_http *transfer, const void **bytes, size_t *n);

/* Of an open stream: the status and the address so far. */
int mc_http_status(const struct mc_http *transfer);
const char *mc_http_url(const struct mc_http *transfer);

/* Frees a transfer; one that is not done is broken off, without a call of done, and
 * leaves no file. In a child of the process that started it: forgets it. NULL is fine. */
void mc_http_free(struct mc_http *transfer);

/* Closes the client's idle connections and handles; the loop needs a turn more to let go
 * of them. Transfers that are under way are failed (kind "Cancelled", done is called). */
void mc_http_shutdown(void);

/* Makes libcurl ready, unless it is; false: no memory. Whoever needs it does so: done
 * before a fork it need not be done by each child. */
bool mc_http_global(void);

/* In a forked child, right after the fork: closes the child's copies of its parent's
 * sockets and half-written files, which would else stay open as long as the child lives.
 * Not needed for anything else: a child that does without it makes its own client all the
 * same. */
void mc_http_forked(void);

/* How many transfers are under way in this process. */
size_t mc_http_running(void);

/* What holds for all requests of this process, and of children that it has from then on;
 * 0: no limit. Requests over a limit wait for their turn, which their time-outs count. */
struct mc_http_limits {
  long connections, per_host; /* open at once */
  long kept;                  /* idle ones, for the next requests; 0: 64 */
  long streams;               /* at once in a connection of HTTP/2; 0: 100 */
};

void mc_http_set_limits(const struct mc_http_limits *limits);

/* ---- cookies ---- */

/* NULL: no memory. */
struct mc_http_jar *mc_http_jar_new(void);

/* Lets go of it: requests under way keep it until they are done. */
void mc_http_jar_free(struct mc_http_jar *jar);
void mc_http_jar_hold(struct mc_http_jar *jar);

/* Adds a line of a cookies.txt, or a "Set-Cookie: …" one; "ALL" empties the jar. 0;
 * -EINVAL; -ENOMEM. */
int mc_http_jar_add(struct mc_http_jar *jar, const char *line);

/* Goes through the jar's lines, in the form of cookies.txt. 0 or -ENOMEM. */
int mc_http_jar_each(struct mc_http_jar *jar, void (*see)(const char *line, void *data),
                     void *data);

#endif
