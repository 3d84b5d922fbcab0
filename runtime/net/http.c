#include "net/http.h"

#include "net/fs.h"
#include "net/http_internal.h"
#include "net/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

void mc_http_defaults(struct mc_http_request *request) {
  *request = (struct mc_http_request){
      .timeout = -1,
      .try_timeout = -1,
      .connect_timeout = 30,
      .stall_timeout = -1,
      .min_rate = 1,
      .max_size = MC_HTTP_NO_LIMIT,
      .follow = true,
      .max_redirects = 10,
      .backoff = 0.5,
      .fed_length = MC_HTTP_NO_LIMIT,
  };
}

/* ---- what is sent ---- */

static bool is_token(const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f ||
        strchr("()<>@,;:\\\"/[]?={}", text[i]))
      return false;
  return n > 0;
}

/* A line break would smuggle in a header, or a request, of its own. */
static bool is_header(const char *line) {
  const char *colon = strchr(line, ':');
  return colon && is_token(line, (size_t)(colon - line)) && !strpbrk(colon, "\r\n");
}

static int add_line(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (!longer)
    return -ENOMEM;
  *list = longer;
  return 0;
}

/* libcurl takes "Name:" for "leave this one out" and "Name;" for an empty value. */
static int add_header(struct curl_slist **list, const char *line) {
  const char *colon = strchr(line, ':');
  if (colon[1 + strspn(colon + 1, " \t")])
    return add_line(list, line);
  char *empty = strdup(line);
  if (!empty)
    return -ENOMEM;
  empty[colon - line] = ';';
  empty[colon - line + 1] = '\0';
  int error = add_line(list, empty);
  free(empty);
  return error;
}

static bool has_body(const struct mc_http_request *request) {
  return request->body || request->fields || request->fed || request->upload;
}

/* What libcurl would ask for by itself; but it formats its own headers letter by letter,
 * twice. NULL: it knows no encoding. */
static const char *encodings(void) {
  static char line[80];
  static const struct {
    int feature;
    const char *name;
  } all[] = {{CURL_VERSION_LIBZ, "deflate, gzip"},
             {CURL_VERSION_BROTLI, "br"},
             {CURL_VERSION_ZSTD, "zstd"}};
  if (line[0])
    return line;
  int features = curl_version_info(CURLVERSION_NOW)->features, n = 0;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (features & all[i].feature)
      n += snprintf(line + n, sizeof line - (size_t)n, "%s %s",
                    n ? "," : "Accept-Encoding:", all[i].name);
  return line[0] ? line : NULL;
}

static bool is_named(const char *line, const char *name) {
  size_t n = strlen(name);
  return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static bool is_about_body(const char *line) {
  return strncasecmp(line, "Content-", 8) == 0 || is_named(line, "Expect");
}

/* Where the body ends is a matter of the body: said otherwise, the server waits for more,
 * or takes the rest for a request of its own. */
static bool is_framing(const char *line) {
  return is_named(line, "Content-Length") || is_named(line, "Transfer-Encoding");
}

/* The lists of lines that are about the body, and of the others. */
struct lines {
  struct curl_slist *body, *others;
};

static int sort_headers(struct mc_http *transfer, const struct mc_http_request *request,
                        struct lines *lines, const char **culprit) {
  bool has_type = false, has_encodings = !encodings();
  for (size_t i = 0; i < request->n_headers; i++) {
    const char *line = *culprit = request->headers[i];
    struct curl_slist **list = is_about_body(line) ? &lines->body : &lines->others;
    int error = !is_header(line)   ? -EINVAL
                : is_framing(line) ? 0
                                   : add_header(list, line);
    if (error)
      return error;
    has_type = has_type || is_named(line, "Content-Type");
    has_encodings = has_encodings || is_named(line, "Accept-Encoding");
    transfer->names_itself = transfer->names_itself || is_named(line, "User-Agent");
  }
  *culprit = NULL;
  int error = has_encodings ? 0 : add_line(&lines->others, encodings());
  if (error || !has_body(request))
    return error;
  /* Without these libcurl waits a second for a "100 Continue", and calls every body a
   * form. */
  error = add_line(&lines->body, "Expect:");
  if (!error && !has_type && !request->multipart)
    error = add_line(&lines->body,
                     request->fields ? "Content-Type: " FORM_TYPE : "Content-Type:");
  return error;
}

static int copy_headers(struct mc_http *transfer, const struct mc_http_request *request,
                        const char **culprit) {
  struct lines lines = {0};
  int error = sort_headers(transfer, request, &lines, culprit);
  struct curl_slist **end = &lines.body;
  while (*end)
    end = &(*end)->next;
  *end = transfer->bare_headers = lines.others;
  transfer->headers = lines.body;
  return error;
}

/* Reads the URL as browsers do: with spaces and letters of any language in it, which are
 * encoded. A URL that is none is kept as a failure for the outcome, since URLs come from
 * pages. */
static int parse_url(struct mc_http *transfer, const char *url) {
  CURLU *parsed = curl_url();
  if (!parsed)
    return -ENOMEM;
  CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url,
                                CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME);
  char *scheme = NULL;
  const char *bad_host = NULL;
  if (code == CURLUE_OK)
    code = curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0);
  if (code == CURLUE_OUT_OF_MEMORY) {
    curl_url_cleanup(parsed);
    return -ENOMEM;
  }
  if (code != CURLUE_OK)
    mc_http_fail(transfer, "Http", "URL", "not a URL: %s",
                 code == CURLUE_BAD_SCHEME ? "no http:// or https:// in front"
                                           : curl_url_strerror(code));
  else if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
    mc_http_fail(transfer, "Http", "URL", "only http and https are served, not %s",
                 scheme);
  else if ((bad_host = mc_url_host_to_ascii(parsed)))
    mc_http_fail(transfer, "Http", "URL", "not a URL: its host: %s", bad_host);
  transfer->secure = scheme && strcasecmp(scheme, "https") == 0;
  curl_free(scheme);
  if (transfer->failure.kind)
    curl_url_cleanup(parsed);
  else
    transfer->parsed = parsed;
  return 0;
}

/* Opens the files that are sent, or makes the body of a form's fields. */
static int open_body(struct mc_http *transfer, const struct mc_http_request *request,
                     const char **culprit) {
  transfer->feed =
      (struct mc_http_feed){.active = request->fed, .length = request->fed_length};
  if (request->fields)
    return mc_http_open_form(transfer, request, culprit);
  if (!request->upload)
    return 0;
  *culprit = request->upload;
  return mc_http_source_open(&transfer->upload, transfer, request->upload);
}

/* Servers know methods in upper case alone; that of the usual ones is not minded here, as
 * in browsers. */
static const char *method_of(const struct mc_http_request *request) {
  static const char *const usual[] = {"GET",    "HEAD",  "POST",    "PUT",
                                      "DELETE", "PATCH", "OPTIONS", NULL};
  if (!request->method)
    return request->upload ? "PUT" : has_body(request) ? "POST" : "GET";
  for (const char *const *method = usual; *method; method++)
    if (strcasecmp(*method, request->method) == 0)
      return *method;
  return request->method;
}

/* Of these servers want to be told that there is no body. */
static bool wants_body(const struct mc_http_request *request) {
  const char *method = method_of(request);
  return !has_body(request) &&
         (!strcmp(method, "POST") || !strcmp(method, "PUT") || !strcmp(method, "PATCH"));
}

static int copy_request(struct mc_http *transfer, const struct mc_http_request *request,
                        const char **culprit) {
  const char *method = method_of(request);
  *culprit = method;
  if (!is_token(method, strlen(method)))
    return -EINVAL;
  *culprit = NULL;
  transfer->method = strdup(method);
  transfer->url = strdup(request->url);
  if (!transfer->method || !transfer->url)
    return -ENOMEM;
  if (request->body) {
    transfer->body = malloc(request->body_length + 1);
    if (!transfer->body)
      return -ENOMEM;
    memcpy(transfer->body, request->body, request->body_length);
    transfer->body_length = request->body_length;
  }
  transfer->deadline = request->timeout < 0 ? MC_FOREVER : mc_deadline(request->timeout);
  transfer->try_timeout = request->try_timeout;
  transfer->follow = request->follow;
  transfer->streaming = request->stream;
  transfer->retries_left = request->retries;
  transfer->backoff = request->backoff;
  transfer->max_size = request->max_size;
  transfer->done = request->done;
  transfer->data = request->data;
  int error = copy_headers(transfer, request, culprit);
  if (!error)
    error = parse_url(transfer, request->url);
  if (!error)
    error = open_body(transfer, request, culprit);
  if (!error && request->path) {
    *culprit = request->path;
    error = mc_tempfile_open(&transfer->file, request->path);
    transfer->to_file = !error;
    if (!error && request->sha256 && !(transfer->digest = EVP_MD_CTX_new()))
      error = -ENOMEM;
  }
  if (request->jar) {
    transfer->jar = request->jar;
    mc_http_jar_hold(transfer->jar);
  }
  return error ? error : mc_http_prepare(transfer, request);
}

void mc_http_show_url(const char *url, bool is_one, char shown[MC_HTTP_URL_SHOWN]) {
  static const char more[] = "…";
  const char *start = strstr(url, "://");
  start = start ? start + 3 : url;
  const char *host = start, *end = start + strcspn(start, is_one ? "/?#" : "");
  for (const char *c = start; c < end; c++)
    if (*c == '@')
      host = c;
  const size_t room = MC_HTTP_URL_SHOWN - sizeof more;
  if (host == start || (size_t)(start - url) > room) /* nothing to hide, or no URL */
    start = host = url;
  int n = snprintf(shown, room, "%.*s%s%s", (int)(start - url), url,
                   host > start ? "***" : "", host);
  if (n < 0 || (size_t)n >= room)
    strcat(shown, more); /* NOLINT: there is room */
}

/* ---- life ---- */

static void release_request(struct mc_http *transfer) {
  if (transfer->easy)
    curl_easy_cleanup(transfer->easy);
  if (transfer->parsed)
    curl_url_cleanup(transfer->parsed);
  curl_slist_free_all(transfer->headers);
  free(transfer->method);
  free(transfer->body);
  mc_tempfile_discard(&transfer->file);
  curl_mime_free(transfer->form); /* after the handle that uses it */
  mc_http_close_files(transfer);
  free(transfer->files);
  EVP_MD_CTX_free(transfer->digest);
  mc_http_jar_free(transfer->jar); /* after the handle that uses it */
  transfer->digest = NULL;
  transfer->form = NULL;
  transfer->files = NULL;
  transfer->n_files = 0;
  transfer->jar = NULL;
  transfer->easy = NULL;
  transfer->parsed = NULL;
  transfer->headers = transfer->bare_headers = NULL;
  transfer->method = transfer->body = NULL;
  transfer->told_method = NULL;
}

static void release_memory(struct mc_http *transfer) {
  mc_buffer_free(&transfer->answer);
  mc_buffer_free(&transfer->taken);
  mc_buffer_free(&transfer->answer_headers);
  mc_buffer_free(&transfer->feed.piece);
  free(transfer->url);
  free(transfer->location);
  free(transfer);
}

static void on_soon(uv_timer_t *timer) {
  mc_http_finish(timer->data);
}

void mc_http_finish_soon(struct mc_http *transfer) {
  if (!transfer->has_timer)
    uv_timer_init(transfer->client->loop,
                  &transfer->timer); /* can't fail, nor can start */
  transfer->timer.data = transfer;
  transfer->has_timer = true;
  transfer->state = MC_HTTP_WAITING;
  uv_timer_start(&transfer->timer, on_soon, 0, 0);
}

int mc_http_start(uv_loop_t *loop, const struct mc_http_request *request,
                  struct mc_http **result, const char **culprit) {
  *result = NULL;
  *culprit = NULL;
  struct mc_http_client *client = mc_http_client(loop);
  struct mc_http *transfer = client ? calloc(1, sizeof *transfer) : NULL;
  if (!transfer)
    return -ENOMEM;
  transfer->client = client;
  transfer->file.fd = transfer->upload.fd = -1;
  struct mc_http_request filled = *request;
  if (wants_body(request))
    filled.body = "";
  int error = copy_request(transfer, &filled, culprit);
  if (error) {
    release_request(transfer);
    release_memory(transfer);
    return error;
  }
  mc_http_client_enter(transfer);
  *result = transfer;
  if (transfer->failure.kind)
    mc_http_finish_soon(transfer);
  else
    mc_http_attempt(transfer);
  return 0;
}

/* libcurl's handle is of use to others, but not where it failed: it may have kept
 * something of that. */
static void pass_on_easy(struct mc_http *transfer) {
  if (transfer->failure.kind || !transfer->plain)
    return;
  mc_http_client_give_easy(transfer->client, transfer->easy);
  transfer->easy = NULL;
}

void mc_http_finish(struct mc_http *transfer) {
  mc_http_client_leave(transfer);
  transfer->state = MC_HTTP_DONE;
  if (transfer->has_timer)
    uv_timer_stop(&transfer->timer);
  if (transfer->to_file && !transfer->failure.kind) {
    mc_http_end_digest(transfer);
    int error = mc_tempfile_commit(&transfer->file);
    if (error)
      mc_http_fail(transfer, "OSError", mc_errno_name(error), "%s", strerror(-error));
  }
  pass_on_easy(transfer);
  release_request(transfer);
  mc_http_client_wake(transfer->client);
  if (transfer->done)
    transfer->done(transfer, transfer->data);
}

int mc_http_status(const struct mc_http *transfer) {
  return transfer->easy ? (int)mc_http_status_now(transfer) : transfer->status;
}

const char *mc_http_url(const struct mc_http *transfer) {
  char *url = NULL;
  if (transfer->easy)
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
  return url ? url : transfer->url ? transfer->url : "";
}

bool mc_http_is_done(const struct mc_http *transfer) {
  return transfer->state == MC_HTTP_DONE;
}

struct mc_http_result mc_http_outcome(const struct mc_http *transfer) {
  if (!mc_http_is_done(transfer))
    return (struct mc_http_result){0};
  return (struct mc_http_result){
      .failure = transfer->failure,
      .status = transfer->status,
      .url = transfer->url ? transfer->url : "",
      .location = transfer->location,
      .body = transfer->answer.data ? (const void *)transfer->answer.data : "",
      .body_length = transfer->answer.length,
      .size = transfer->size,
      .sha256 = transfer->sha256[0] ? transfer->sha256 : NULL,
      .attempts = transfer->attempts,
  };
}

static void on_timer_closed(uv_handle_t *handle) {
  release_memory(handle->data);
}

void mc_http_free(struct mc_http *transfer) {
  if (!transfer)
    return;
  if (!mc_http_is_ours(transfer)) {
    /* In a forked child: the connection, the file and the loop are the parent's. */
    mc_tempfile_forget(&transfer->file);
    mc_http_close_files(transfer);
    return;
  }
  if (transfer->state != MC_HTTP_DONE) {
    mc_http_client_remove(transfer);
    mc_http_client_leave(transfer);
    transfer->state = MC_HTTP_DONE;
    release_request(transfer);
  }
  if (transfer->has_timer)
    uv_close((uv_handle_t *)&transfer->timer, on_timer_closed);
  else
    release_memory(transfer);
}
