/* The answer of one try: its headers, and its body on the way to memory, to a file or to
 * a reader.
 *
 *   libcurl ─▶ on_body ─┬─▶ answer: the whole body
 *                       ├─▶ file, and its SHA-256
 *                       └─▶ answer, READ_AHEAD at most ─▶ mc_http_take: libcurl pauses
 *                                                         until it is empty */
#include "net/fs.h"
#include "net/http_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define SPARE_BODY                                                                       \
  ((uint64_t)64 << 10) /* of a body that nobody wants: read to keep the connection */
#define GZIP_MIN   18  /* bytes of a head and a trailer */
#define READ_AHEAD ((size_t)256 << 10)

long mc_http_status_now(const struct mc_http *transfer) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

/* ---- headers ---- */

const char *mc_http_header(const struct mc_http *transfer, const char *wanted) {
  size_t cursor = 0;
  const char *name, *value;
  while (mc_http_next_header(transfer, &cursor, &name, &value))
    if (strcmp(name, wanted) == 0)
      return value;
  return NULL;
}

/* With its headers complete: no other answer follows this one. */
static bool is_last(const struct mc_http *transfer) {
  long status = mc_http_status_now(transfer);
  if (status / 100 == 1 || mc_http_status_is_retried(transfer, status))
    return false;
  return !mc_http_is_redirected(transfer, status);
}

/* A body that ends with its connection may break off unseen. One of gzip tells how many
 * bytes it was made of, in its last four. libcurl shows what it receives to nobody but
 * who debugs. */
static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t n, void *data) {
  (void)easy;
  struct mc_http *transfer = data;
  const size_t room = sizeof transfer->trail;
  if (type != CURLINFO_DATA_IN)
    return 0;
  transfer->n_raw += n;
  if (n >= room) {
    memcpy(transfer->trail, bytes + n - room, room);
  } else {
    memmove(transfer->trail, transfer->trail + n, room - n);
    memcpy(transfer->trail + room - n, bytes, n);
  }
  return 0;
}

static void watch_the_end(struct mc_http *transfer) {
  const char *encoding = mc_http_header(transfer, "content-encoding");
  long version = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
  transfer->ends_by_close =
      encoding && (!strcasecmp(encoding, "gzip") || !strcasecmp(encoding, "x-gzip")) &&
      (version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1) &&
      !mc_http_header(transfer, "content-length") &&
      !mc_http_header(transfer, "transfer-encoding");
  transfer->n_raw = 0;
  curl_easy_setopt(transfer->easy, CURLOPT_VERBOSE, (long)transfer->ends_by_close);
}

bool mc_http_is_compressed(const struct mc_http *transfer) {
  return mc_http_header(transfer, "content-encoding") != NULL;
}

bool mc_http_is_cut_short(const struct mc_http *transfer) {
  if (!transfer->ends_by_close || transfer->n_raw == 0)
    return false;
  uint32_t length = 0;
  for (size_t i = 0; i < sizeof transfer->trail; i++)
    length |= (uint32_t)transfer->trail[i] << 8 * i;
  return transfer->n_raw < GZIP_MIN || length != (uint32_t)transfer->size;
}

static void headers_over(struct mc_http *transfer) {
  transfer->headers_whole = true;
  watch_the_end(transfer);
  mc_http_redirect(transfer, mc_http_status_now(transfer));
  if (!transfer->streaming || !is_last(transfer))
    return;
  transfer->opened = true;
  mc_http_client_wake(transfer->client);
}

static bool is_status_line(const char *line, size_t n) {
  return n > 5 && memcmp(line, "HTTP/", 5) == 0 && isdigit((unsigned char)line[5]);
}

static bool keep_header(struct mc_buffer *kept, const char *name, size_t name_length,
                        const char *value, size_t value_length) {
  size_t before = kept->length;
  if (mc_buffer_append(kept, name, name_length) && mc_buffer_byte(kept, '\0') &&
      mc_buffer_append(kept, value, value_length) && mc_buffer_byte(kept, '\0'))
    return true;
  kept->length = before;
  return false;
}

/* A line that begins with a blank goes on with the value before it. */
static bool continue_header(struct mc_buffer *kept, const char *more, size_t n) {
  kept->length--;
  bool done = mc_buffer_byte(kept, ' ') && mc_buffer_append(kept, more, n);
  return mc_buffer_byte(kept, '\0') && done;
}

static bool keep_line(struct mc_http *transfer, char *line, size_t n) {
  struct mc_buffer *kept = &transfer->answer_headers;
  char *end = line + n;
  while (end > line && isspace((unsigned char)end[-1]))
    end--;
  bool goes_on = (*line == ' ' || *line == '\t') && kept->length > 0;
  char *colon = goes_on ? line : memchr(line, ':', (size_t)(end - line));
  if (!colon)
    return true;
  char *value = colon + 1;
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  if (goes_on)
    return end <= value || continue_header(kept, value, (size_t)(end - value));
  for (char *c = line; c < colon; c++)
    *c = (char)tolower((unsigned char)*c);
  return keep_header(kept, line, (size_t)(colon - line), value, (size_t)(end - value));
}

/* Keeps the headers of the last answer: a status line starts a new one (after a redirect,
 * or 100 Continue). What a chunked body has behind it is none of them. */
static size_t on_header(char *line, size_t one, size_t n, void *data) {
  (void)one;
  struct mc_http *transfer = data;
  if (is_status_line(line, n)) {
    transfer->answer_headers.length = 0;
    transfer->headers_whole = false;
    return n;
  }
  if (transfer->headers_whole)
    return n;
  if (*line == '\r' || *line == '\n')
    headers_over(transfer);
  else if (!keep_line(transfer, line, n)) {
    mc_http_fail(transfer, "NoMemory", NULL, "no memory for the headers");
    return 0;
  }
  return n;
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

/* ---- bodies ---- */

/* A download writes 2xx answers alone; a reader does not get to see an answer that will
 * be asked for again. */
static bool is_unwanted(const struct mc_http *transfer) {
  long status = mc_http_status_now(transfer);
  return transfer->to_file
             ? status / 100 != 2
             : transfer->streaming && mc_http_status_is_retried(transfer, status);
}

/* Refuses an answer that says itself that it is too large, before it has been sent to us.
 * What is compressed has no honest size. */
static bool announces_too_much(struct mc_http *transfer) {
  curl_off_t length = -1;
  curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length >= 0 && (uint64_t)length > transfer->max_size &&
         !mc_http_is_compressed(transfer);
}

static bool keep(struct mc_http *transfer, const char *bytes, size_t n) {
  if (mc_buffer_append(&transfer->answer, bytes, n))
    return true;
  mc_http_fail(transfer, "NoMemory", NULL, "no memory for a body of %llu bytes",
               (unsigned long long)transfer->size);
  return false;
}

static bool write_out(struct mc_http *transfer, const char *bytes, size_t n) {
  int error = mc_write_all(transfer->file.fd, bytes, n);
  if (error)
    mc_http_fail(transfer, "OSError", mc_errno_name(error), "%s: %s",
                 transfer->file.target, strerror(-error));
  else if (transfer->digest)
    EVP_DigestUpdate(transfer->digest, bytes, n);
  return !error;
}

/* Anything but n ends the attempt. */
static size_t on_body(char *bytes, size_t one, size_t n, void *data) {
  (void)one;
  struct mc_http *transfer = data;
  bool unwanted = is_unwanted(transfer);
  if (transfer->streaming && !unwanted && transfer->answer.length >= READ_AHEAD) {
    transfer->paused = true;
    return CURL_WRITEFUNC_PAUSE; /* the same bytes come again */
  }
  uint64_t limit = unwanted ? SPARE_BODY : transfer->max_size;
  bool first = !transfer->body_seen;
  transfer->body_seen = true;
  if ((first && !unwanted && announces_too_much(transfer)) ||
      n > limit - transfer->size) {
    if (!unwanted)
      mc_http_fail(transfer, "TooLarge", NULL, "the body is larger than %llu bytes",
                   (unsigned long long)limit);
    return 0;
  }
  transfer->size += n;
  if (unwanted)
    return n;
  if (transfer->to_file)
    return write_out(transfer, bytes, n) ? n : 0;
  if (!keep(transfer, bytes, n))
    return 0;
  if (transfer->streaming)
    mc_http_client_wake(transfer->client);
  return n;
}

bool mc_http_spares_body(const struct mc_http *transfer) {
  return transfer->body_seen && is_unwanted(transfer);
}

void mc_http_equip_answer(CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
}

void mc_http_prepare_answer(struct mc_http *transfer) {
  curl_easy_setopt(transfer->easy, CURLOPT_DEBUGDATA, transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
}

int mc_http_begin_answer(struct mc_http *transfer) {
  transfer->answer.length = transfer->answer_headers.length = 0;
  transfer->size = 0;
  transfer->body_seen = transfer->paused = transfer->ends_by_close = false;
  transfer->headers_whole = false;
  curl_easy_setopt(transfer->easy, CURLOPT_VERBOSE, 0L);
  if (transfer->digest && !EVP_DigestInit_ex(transfer->digest, EVP_sha256(), NULL))
    return -ENOMEM;
  return transfer->attempts > 1 && transfer->to_file ? mc_tempfile_rewind(&transfer->file)
                                                     : 0;
}

void mc_http_end_digest(struct mc_http *transfer) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (!transfer->digest || !EVP_DigestFinal_ex(transfer->digest, bytes, &n))
    return;
  for (unsigned i = 0; i < n && 2 * i + 2 < sizeof transfer->sha256; i++) {
    transfer->sha256[2 * i] = digits[bytes[i] >> 4];
    transfer->sha256[2 * i + 1] = digits[bytes[i] & 15];
  }
}

/* ---- reading ---- */

bool mc_http_is_open(const struct mc_http *transfer) {
  return transfer->opened || mc_http_is_done(transfer);
}

bool mc_http_is_readable(const struct mc_http *transfer) {
  return transfer->answer.length > 0 || mc_http_is_done(transfer);
}

void mc_http_take(struct mc_http *transfer, const void **bytes, size_t *n) {
  struct mc_buffer spare = transfer->taken;
  transfer->taken = transfer->answer;
  transfer->answer = spare;
  transfer->answer.length = 0;
  *bytes = transfer->taken.data;
  *n = transfer->taken.length;
  if (transfer->paused && transfer->state == MC_HTTP_SENT)
    mc_http_resume(transfer);
}

void mc_http_resume(struct mc_http *transfer) {
  transfer->paused = false;
  /* Calls on_body at once with what libcurl holds; what fails there it would forget. */
  CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
  if (code == CURLE_OK)
    return;
  mc_http_client_remove(transfer);
  mc_http_fail(transfer, "Http", "PROTOCOL", "%s", curl_easy_strerror(code));
  mc_http_finish_soon(transfer);
}
