/* The method of a request, and of those that redirects make of it.
 *
 *              301, 302          303         307, 308
 *   GET HEAD   as they were      as they were
 *   POST       GET, no body      GET         as it was, with its body
 *   others     as they were      GET         as they were
 *
 * libcurl goes by this where it knows the method. It knows GET, HEAD and POST; another's
 * name it would keep, and drop the body. So all that has a body is a POST to it, and the
 * name is told and taken back here. */
#include "net/http_internal.h"

#include <string.h>

static bool is(const struct mc_http *transfer, const char *method) {
  return strcmp(transfer->method, method) == 0;
}

static void set_body(struct mc_http *transfer) {
  CURL *easy = transfer->easy;
  if (transfer->upload.fd >= 0) {
    mc_http_prepare_upload(transfer);
  } else if (transfer->feed.active) {
    mc_http_prepare_feed(transfer);
  } else if (transfer->body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)transfer->body_length);
  }
}

void mc_http_set_method(struct mc_http *transfer) {
  bool has_body = transfer->upload.fd >= 0 || transfer->feed.active || transfer->body ||
                  transfer->files;
  set_body(transfer);
  if (has_body)
    curl_easy_setopt(
        transfer->easy, CURLOPT_POSTREDIR,
        is(transfer, "POST") ? 0L : (long)(CURL_REDIR_POST_301 | CURL_REDIR_POST_302));
  else if (is(transfer, "HEAD"))
    curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L);
  bool is_known =
      has_body ? is(transfer, "POST") : is(transfer, "GET") || is(transfer, "HEAD");
  transfer->told_method = is_known ? NULL : transfer->method;
}

void mc_http_begin_request(struct mc_http *transfer) {
  curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
  if (transfer->told_method)
    curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, transfer->told_method);
}

bool mc_http_is_redirected(const struct mc_http *transfer, long status) {
  return status / 100 == 3 && transfer->follow && mc_http_header(transfer, "location");
}

void mc_http_redirect(struct mc_http *transfer, long status) {
  bool becomes_get = status == 303
                         ? !is(transfer, "HEAD")
                         : (status == 301 || status == 302) && is(transfer, "POST");
  if (!becomes_get || !mc_http_is_redirected(transfer, status))
    return;
  curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->bare_headers);
  if (transfer->told_method)
    curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, NULL);
}
