/* One try of a request: its options, what its answer does, and whether to try again. */
#include "net/fs.h"
#include "net/http_internal.h"
#include "os/random.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE     32768L /* bytes that are received at once */
#define FOR_EVER        1e9    /* seconds */
#define OWN_TIME        0.02   /* seconds that libcurl has to notice a time-out itself */
#define MAX_BACKOFF     30.0   /* seconds */
#define MAX_RETRY_AFTER 300.0  /* seconds that a server may ask when we have for ever */

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

/* ---- the request ---- */

static long milliseconds(double seconds) {
  if (seconds < 0 || seconds > FOR_EVER)
    return 0; /* libcurl's "for ever", its default for connections excepted */
  double ms = ceil(seconds * 1e3);
  return ms < 1 ? 1 : (long)ms;
}

static void set_limits(CURL *easy, const struct mc_http_request *request) {
  double connect = request->connect_timeout, stall = request->stall_timeout;
  /* 0 would be libcurl's own 300 s. */
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   milliseconds(connect < 0 ? 1e6 : connect));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT,
                   stall < 0 ? 0L : (long)request->min_rate);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                   stall < 0 ? 0L : (milliseconds(stall) + 999) / 1000);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)request->follow);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)request->max_redirects);
}

static void set_trust(CURL *easy, const struct mc_http_request *request) {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)!request->insecure);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->insecure ? 0L : 2L);
  if (request->ca_file)
    curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
  curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy);
  /* Where a proxy is named, what the environment says of exceptions does not hold. */
  curl_easy_setopt(easy, CURLOPT_NOPROXY, request->proxy ? "" : NULL);
}

void mc_http_equip(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
  /* A name that is being looked up must not hold up the one who gives up waiting for it.
   */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  mc_http_equip_answer(easy);
}

/* What is set on the handle for this request alone. A handle that is given on has been
 * of a GET without anything but what is set for each. */
static bool is_plain(const struct mc_http *transfer,
                     const struct mc_http_request *request) {
  bool has_body = request->body || request->upload || request->fields || request->fed;
  bool has_proxy = request->proxy && *request->proxy;
  return !has_body && !transfer->jar && !request->ca_file && !has_proxy &&
         strcmp(transfer->method, "GET") == 0 && !strchr(request->url, '@');
}

int mc_http_prepare(struct mc_http *transfer, const struct mc_http_request *request) {
  CURL *easy = transfer->easy = mc_http_client_take_easy(transfer->client);
  if (!easy)
    return -ENOMEM;
  transfer->plain = is_plain(transfer, request);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
  curl_easy_setopt(easy, CURLOPT_USERAGENT,
                   transfer->names_itself ? NULL
                   : request->user_agent  ? request->user_agent
                                          : "mooncrew");
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
  if (transfer->jar) {
    curl_easy_setopt(easy, CURLOPT_SHARE, mc_http_jar_share(transfer->jar));
    curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* no file: it sets cookies going */
  }
  mc_http_prepare_answer(transfer);
  mc_http_set_method(transfer);
  int error = request->multipart ? mc_http_prepare_form(transfer, request) : 0;
  if (error)
    return error;
  set_limits(easy, request);
  set_trust(easy, request);
  /* Twenty requests to one HTTP/2 server share a connection when they wait to learn of
   * it. */
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)transfer->secure);
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CURLU, transfer->parsed);
  return code == CURLE_OK ? 0 : -ENOMEM;
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

/* Seconds for the next try; negative: for ever. */
static double try_time(const struct mc_http *transfer) {
  double left = seconds_left(transfer), limit = transfer->try_timeout;
  return limit >= 0 && (left < 0 || limit < left) ? limit : left;
}

static void start_timer(struct mc_http *transfer, uv_timer_cb callback, double seconds) {
  uv_loop_t *loop = transfer->client->loop;
  if (!transfer->has_timer)
    uv_timer_init(loop, &transfer->timer); /* can't fail, nor can start */
  transfer->timer.data = transfer;
  transfer->has_timer = true;
  uv_update_time(loop);
  uv_timer_start(&transfer->timer, callback, (uint64_t)(seconds * 1e3), 0);
}

static void on_late(uv_timer_t *timer) {
  struct mc_http *transfer = timer->data;
  transfer->late = true;
  mc_http_client_remove(transfer);
  mc_http_attempt_over(transfer, CURLE_OPERATION_TIMEDOUT);
}

/* libcurl's own time-out comes first, but for a request that it holds back. */
static void watch_time(struct mc_http *transfer) {
  double seconds = try_time(transfer);
  transfer->late = false;
  if (seconds >= 0 && seconds < FOR_EVER && mc_http_client_may_hold(transfer))
    start_timer(transfer, on_late, seconds + OWN_TIME);
}

void mc_http_attempt(struct mc_http *transfer) {
  transfer->curl_text[0] = '\0';
  transfer->failure.kind = NULL;
  transfer->attempts++;
  transfer->state = MC_HTTP_IDLE;
  transfer->upload.sent = 0;
  transfer->socket_error = 0;
  mc_http_begin_request(transfer);
  int error = mc_http_begin_answer(transfer);
  if (error) {
    mc_http_fail(transfer, error == -ENOMEM ? "NoMemory" : "OSError",
                 mc_errno_name(error), "%s", strerror(-error));
    mc_http_finish_soon(transfer);
    return;
  }
  curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, milliseconds(try_time(transfer)));
  if (mc_http_client_add(transfer) == 0) {
    transfer->state = MC_HTTP_SENT;
    watch_time(transfer);
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
  case CURLE_PROXY:
    return "PROXY";
  case CURLE_TOO_MANY_REDIRECTS:
    return "REDIRECTS";
  case CURLE_BAD_CONTENT_ENCODING:
    return "ENCODING";
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_HTTP2_STREAM:
    return "TRUNCATED";
  default:
    return "PROTOCOL";
  }
}

/* What libcurl says in a way that leads astray; returns whether it is one of these. */
static bool explain_better(struct mc_http *transfer, CURLcode code) {
  bool in_headers = transfer->status && !transfer->headers_whole;
  if (code == CURLE_COULDNT_CONNECT && transfer->socket_error)
    mc_http_fail(transfer, "OSError", mc_errno_name(-transfer->socket_error),
                 "can't open a socket: %s", strerror(transfer->socket_error));
  else if (code == CURLE_OUT_OF_MEMORY && in_headers)
    mc_http_fail(transfer, "Http", "PROTOCOL",
                 "a header is too long, or there is no memory for it");
  else if (code == CURLE_WRITE_ERROR && mc_http_is_compressed(transfer))
    mc_http_fail(transfer, "Http", "ENCODING",
                 "the compressed body goes on behind its end");
  return transfer->failure.kind != NULL;
}

/* libcurl shows a proxy that it does not understand, with its password. */
static void hide_password(char *text) {
  char *at = strrchr(text, '@'), *from = strstr(text, "://");
  from = from ? from + 3 : strchr(text, '\'');
  if (at && from && from < at)
    memmove(from, at, strlen(at) + 1);
}

static void explain(struct mc_http *transfer, CURLcode code) {
  if (explain_better(transfer, code))
    return;
  hide_password(transfer->curl_text);
  const char *text =
      transfer->curl_text[0] ? transfer->curl_text : curl_easy_strerror(code);
  if (code == CURLE_OUT_OF_MEMORY)
    mc_http_fail(transfer, "NoMemory", NULL, "%s", text);
  else if (code != CURLE_OPERATION_TIMEDOUT)
    mc_http_fail(transfer, "Http", failure_code(code, transfer->status), "%s", text);
  else if (is_out_of_time(transfer))
    mc_http_fail(transfer, "Timeout", "TOTAL", "%s", text);
  else {
    double connected = 0, taken = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME, &connected);
    curl_easy_getinfo(transfer->easy, CURLINFO_TOTAL_TIME, &taken);
    bool whole = transfer->late ||
                 (transfer->try_timeout >= 0 && taken >= transfer->try_timeout - 0.002);
    mc_http_fail(transfer, "Timeout",
                 whole           ? "TRY"
                 : connected > 0 ? "STALLED"
                                 : "CONNECT",
                 "%s", text);
  }
}

static bool is_idempotent(const char *method) {
  static const char *const safe[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
    if (strcmp(method, safe[i]) == 0)
      return true;
  return false;
}

static bool may_retry(const struct mc_http *transfer) {
  return transfer->retries_left > 0 && is_idempotent(transfer->method) &&
         !mc_http_has_fed(transfer);
}

/* A proxy's refusal of a tunnel; 0: there was none. */
static long refusal(const struct mc_http *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status / 100 == 2 ? 0 : status;
}

bool mc_http_status_is_retried(const struct mc_http *transfer, long status) {
  return may_retry(transfer) && (status == 429 || status / 100 == 5);
}

static bool is_worth_a_retry(const struct mc_http *transfer, CURLcode code) {
  if (transfer->opened || !may_retry(transfer))
    return false;
  switch (code) {
  case CURLE_OK:
    return mc_http_status_is_retried(transfer, transfer->status);
  case CURLE_PROXY:
    return mc_http_status_is_retried(transfer, refusal(transfer));
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
  transfer->retries_left--;
  transfer->state = MC_HTTP_WAITING;
  start_timer(transfer, on_backoff_over, delay);
  return true;
}

static char *copy_info(struct mc_http *transfer, CURLINFO what) {
  char *text = NULL;
  curl_easy_getinfo(transfer->easy, what, &text);
  return text ? strdup(text) : NULL;
}

/* Looks for what breaks off unseen by libcurl. */
static CURLcode check_end(struct mc_http *transfer, CURLcode code) {
  const char *what = code != CURLE_OK                 ? NULL
                     : !transfer->headers_whole       ? "the headers break off"
                     : mc_http_is_cut_short(transfer) ? "the compressed body breaks off"
                                                      : NULL;
  if (!what)
    return code;
  snprintf(transfer->curl_text, sizeof transfer->curl_text, "%s", what);
  return CURLE_PARTIAL_FILE;
}

void mc_http_attempt_over(struct mc_http *transfer, CURLcode code) {
  transfer->state = MC_HTTP_IDLE;
  transfer->status = (int)mc_http_status_now(transfer);
  free(transfer->url);
  free(transfer->location);
  transfer->url = copy_info(transfer, CURLINFO_EFFECTIVE_URL);
  transfer->location = copy_info(transfer, CURLINFO_REDIRECT_URL);

  code = check_end(transfer, code);
  if (code == CURLE_RECV_ERROR && refusal(transfer))
    code = CURLE_PROXY; /* which libcurl says of SOCKS alone */
  bool is_refused = transfer->to_file && transfer->status && transfer->status / 100 != 2;
  if (code == CURLE_WRITE_ERROR && !transfer->failure.kind &&
      mc_http_spares_body(transfer))
    code = CURLE_OK; /* we ended it ourselves: enough of a page that nobody wants */
  bool own_doing = transfer->failure.kind != NULL;
  if (code != CURLE_OK)
    explain(transfer, code);
  else if (is_refused)
    mc_http_fail(transfer, "Http", "STATUS", "HTTP status %d", transfer->status);
  /* On a kept connection that dies libcurl itself asks again, at once and on the next one
   * that it kept; after a failure that is not wanted. */
  curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, (long)(code != CURLE_OK));
  if (!own_doing && is_worth_a_retry(transfer, code) && retry_later(transfer))
    return;
  mc_http_finish(transfer);
}
