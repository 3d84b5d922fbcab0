/* One try of a request: its options, what its answer does, and whether to try again. */
#include "net/fs.h"
#include "net/http_internal.h"
#include "os/random.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SPARE_BODY                                                                       \
  ((uint64_t)64 << 10)        /* of a refused download: read to keep the connection */
#define MAX_BACKOFF     30.0  /* seconds */
#define MAX_RETRY_AFTER 300.0 /* seconds that a server may ask when we have for ever */

void mc_http_fail(struct mc_http *transfer, const char *kind, const char *code,
                  const char *format, ...) {
  struct mc_http_failure *failure = &transfer->failure;
  if (failure->kind)
    return;
  failure->kind = kind;
  failure->code = code;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->text, sizeof failure->text, format, arguments);
  va_end(arguments);
}

/* ---- the answer ---- */

static long status_now(struct mc_http *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/* Keeps the headers of the last answer: a status line starts a new one (after a redirect,
 * or 100 Continue). */
static size_t on_header(char *line, size_t one, size_t n, void *data) {
  (void)one;
  struct mc_http *transfer = data;
  struct mc_buffer *kept = &transfer->answer_headers;
  if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    kept->length = 0;
    return n;
  }
  char *colon = memchr(line, ':', n);
  if (!colon)
    return n;
  char *value = colon + 1, *end = line + n;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && isspace((unsigned char)end[-1]))
    end--;
  size_t before = kept->length;
  for (char *c = line; c < colon; c++)
    *c = (char)tolower((unsigned char)*c);
  if (mc_buffer_append(kept, line, (size_t)(colon - line)) &&
      mc_buffer_byte(kept, '\0') &&
      mc_buffer_append(kept, value, (size_t)(end - value)) && mc_buffer_byte(kept, '\0'))
    return n;
  kept->length = before;
  mc_http_fail(transfer, "NoMemory", NULL, "no memory for the headers");
  return 0;
}

bool mc_http_next_header(const struct mc_http *transfer, size_t *cursor,
                         const char **name, const char **value) {
  const struct mc_buffer *kept = &transfer->answer_headers;
  if (*cursor >= kept->length)
    return false;
  *name = (const char *)kept->data + *cursor;
  *value = *name + strlen(*name) + 1;
  *cursor += strlen(*name) + 1 + strlen(*value) + 1;
  return true;
}

static bool has_header(const struct mc_http *transfer, const char *wanted) {
  size_t cursor = 0;
  const char *name, *value;
  while (mc_http_next_header(transfer, &cursor, &name, &value))
    if (strcmp(name, wanted) == 0)
      return true;
  return false;
}

/* Refuses an answer that says itself that it is too large, before it has been sent to us.
 * What is compressed has no honest size. */
static bool announces_too_much(struct mc_http *transfer) {
  curl_off_t length = -1;
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length >= 0 && (uint64_t)length > transfer->max_size &&
         !has_header(transfer, "content-encoding");
}

/* Anything but n ends the attempt. */
static size_t on_body(char *bytes, size_t one, size_t n, void *data) {
  (void)one;
  struct mc_http *transfer = data;
  bool refused = transfer->to_file && status_now(transfer) / 100 != 2;
  uint64_t limit = refused ? SPARE_BODY : transfer->max_size;
  bool first = !transfer->body_seen;
  transfer->body_seen = true;
  if ((first && !refused && announces_too_much(transfer)) || n > limit - transfer->size) {
    if (!refused)
      mc_http_fail(transfer, "TooLarge", NULL, "the body is larger than %llu bytes",
                   (unsigned long long)limit);
    return 0;
  }
  transfer->size += n;
  if (refused)
    return n;
  if (!transfer->to_file) {
    if (mc_buffer_append(&transfer->answer, bytes, n))
      return n;
    mc_http_fail(transfer, "NoMemory", NULL, "no memory for a body of %llu bytes",
                 (unsigned long long)transfer->size);
    return 0;
  }
  int error = mc_write_all(transfer->file.fd, bytes, n);
  if (error)
    mc_http_fail(transfer, "OSError", mc_errno_name(error), "%s: %s",
                 transfer->file.target, strerror(-error));
  return error ? 0 : n;
}

/* ---- the request ---- */

static long milliseconds(double seconds) {
  if (seconds < 0 || seconds > 1e9)
    return 0; /* libcurl's "for ever", its default for connections excepted */
  double ms = ceil(seconds * 1e3);
  return ms < 1 ? 1 : (long)ms;
}

static void set_method(struct mc_http *transfer) {
  CURL *easy = transfer->easy;
  const char *method = transfer->method;
  if (transfer->body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)transfer->body_length);
    if (strcmp(method, "POST") != 0)
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  } else if (strcmp(method, "HEAD") == 0) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (strcmp(method, "GET") != 0) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  }
}

static void set_limits(CURL *easy, const struct mc_http_request *request) {
  double connect = request->connect_timeout;
  /* 0 would be libcurl's own 300 s. */
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   milliseconds(connect < 0 ? 1e6 : connect));
  if (request->stall_timeout >= 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     (milliseconds(request->stall_timeout) + 999) / 1000);
  }
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)request->follow);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)request->max_redirects);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
}

static void set_trust(CURL *easy, const struct mc_http_request *request) {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)!request->insecure);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->insecure ? 0L : 2L);
  if (request->ca_file)
    curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
  if (request->proxy)
    curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);
}

int mc_http_prepare(struct mc_http *transfer, const struct mc_http_request *request) {
  CURL *easy = transfer->easy = curl_easy_init();
  if (!easy)
    return -ENOMEM;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  /* A name that is being looked up must not hold up the one who gives up waiting for it.
   */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT,
                   request->user_agent ? request->user_agent : "mooncrew");
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  mc_http_client_own_sockets(transfer);
  set_method(transfer);
  set_limits(easy, request);
  set_trust(easy, request);
  if (transfer->parsed) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CURLU, transfer->parsed);
    char *scheme = NULL;
    /* Twenty requests to one HTTP/2 server share a connection when they wait to learn of
     * it. */
    if (curl_url_get(transfer->parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK)
      curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)(strcmp(scheme, "https") == 0));
    curl_free(scheme);
    return code == CURLE_OK ? 0 : -ENOMEM;
  }
  return 0;
}

static double seconds_left(const struct mc_http *transfer) {
  if (transfer->deadline == MC_FOREVER)
    return -1;
  mc_time now = mc_now();
  return now >= transfer->deadline ? 0 : (double)(transfer->deadline - now) / 1e9;
}

/* libcurl counts whole milliseconds, and may give up one early. */
static bool is_out_of_time(const struct mc_http *transfer) {
  double left = seconds_left(transfer);
  return left >= 0 && left < 0.002;
}

void mc_http_attempt(struct mc_http *transfer) {
  transfer->answer.length = transfer->answer_headers.length = 0;
  transfer->size = 0;
  transfer->body_seen = false;
  transfer->curl_text[0] = '\0';
  transfer->failure.kind = NULL;
  transfer->attempts++;
  transfer->state = MC_HTTP_IDLE;
  int error = transfer->attempts > 1 && transfer->to_file
                  ? mc_tempfile_rewind(&transfer->file)
                  : 0;
  if (error) {
    mc_http_fail(transfer, "OSError", mc_errno_name(error), "%s: %s",
                 transfer->file.target, strerror(-error));
    mc_http_finish_soon(transfer);
    return;
  }
  curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS,
                   milliseconds(seconds_left(transfer)));
  if (mc_http_client_add(transfer) == 0) {
    transfer->state = MC_HTTP_SENT;
    return;
  }
  mc_http_fail(transfer, "NoMemory", NULL, "no memory for a request");
  mc_http_finish_soon(transfer);
}

/* ---- what became of it ---- */

static const char *failure_code(CURLcode code, int status) {
  switch (code) {
  case CURLE_URL_MALFORMAT:
    return "URL";
  case CURLE_UNSUPPORTED_PROTOCOL: /* where a redirect leads to, or what is no HTTP at all
                                    */
    return status ? "URL" : "PROTOCOL";
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return "RESOLVE";
  case CURLE_COULDNT_CONNECT:
    return "CONNECT";
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_ENGINE_INITFAILED:
    return "TLS";
  case CURLE_TOO_MANY_REDIRECTS:
    return "REDIRECTS";
  case CURLE_BAD_CONTENT_ENCODING:
    return "ENCODING";
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
    return "TRUNCATED";
  default:
    return "PROTOCOL";
  }
}

static void explain(struct mc_http *transfer, CURLcode code) {
  const char *text =
      transfer->curl_text[0] ? transfer->curl_text : curl_easy_strerror(code);
  if (code == CURLE_OUT_OF_MEMORY)
    mc_http_fail(transfer, "NoMemory", NULL, "%s", text);
  else if (code != CURLE_OPERATION_TIMEDOUT)
    mc_http_fail(transfer, "Http", failure_code(code, transfer->status), "%s", text);
  else if (is_out_of_time(transfer))
    mc_http_fail(transfer, "Timeout", "TOTAL", "%s", text);
  else {
    double connected = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME, &connected);
    mc_http_fail(transfer, "Timeout", connected > 0 ? "STALLED" : "CONNECT", "%s", text);
  }
}

static bool is_idempotent(const char *method) {
  static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
    if (strcmp(method, safe[i]) == 0)
      return true;
  return false;
}

static bool is_worth_a_retry(const struct mc_http *transfer, CURLcode code) {
  if (transfer->retries_left <= 0 || !is_idempotent(transfer->method))
    return false;
  switch (code) {
  case CURLE_OK:
    return transfer->status == 429 || transfer->status / 100 == 5;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_GOT_NOTHING:
  case CURLE_PARTIAL_FILE:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
  case CURLE_OPERATION_TIMEDOUT:
    return true;
  default:
    return false;
  }
}

/* Seconds until the next try, spread so that those who failed together don't come back
 * together; negative: there is no time for one. */
static double next_delay(struct mc_http *transfer) {
  if (is_out_of_time(transfer))
    return -1;
  double delay = transfer->backoff < MAX_BACKOFF ? transfer->backoff : MAX_BACKOFF;
  transfer->backoff *= 2;
  delay *= 0.5 + 0.5 * ((double)(uint32_t)mc_random64() / UINT32_MAX);
  curl_off_t asked = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &asked);
  if ((double)asked > delay)
    delay = (double)asked;
  double left = seconds_left(transfer);
  double room = left < 0 ? MAX_RETRY_AFTER : left;
  return delay <= room ? delay : -1;
}

static void on_backoff_over(uv_timer_t *timer) {
  mc_http_attempt(timer->data);
}

static bool retry_later(struct mc_http *transfer) {
  double delay = next_delay(transfer);
  if (delay < 0)
    return false;
  if (!transfer->has_timer) {
    if (uv_timer_init(transfer->client->loop, &transfer->timer) != 0)
      return false;
    transfer->timer.data = transfer;
    transfer->has_timer = true;
  }
  transfer->retries_left--;
  transfer->state = MC_HTTP_WAITING;
  uv_update_time(transfer->client->loop);
  return uv_timer_start(&transfer->timer, on_backoff_over, (uint64_t)(delay * 1e3), 0) ==
         0;
}

void mc_http_attempt_over(struct mc_http *transfer, CURLcode code) {
  transfer->state = MC_HTTP_IDLE;
  transfer->status = (int)status_now(transfer);
  const char *url = NULL;
  curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
  free(transfer->url);
  transfer->url = url ? strdup(url) : NULL;

  bool is_refused = transfer->to_file && transfer->status && transfer->status / 100 != 2;
  if (code == CURLE_WRITE_ERROR && is_refused && !transfer->failure.kind)
    code = CURLE_OK; /* we ended it ourselves: enough of a page that nobody wants */
  bool own_doing = transfer->failure.kind != NULL;
  if (code != CURLE_OK)
    explain(transfer, code);
  else if (is_refused)
    mc_http_fail(transfer, "Http", "STATUS", "HTTP status %d", transfer->status);
  if (!own_doing && is_worth_a_retry(transfer, code) && retry_later(transfer))
    return;
  mc_http_finish(transfer);
}
