/* A body that comes in pieces from the caller.
 *
 *   libcurl ─▶ on_read: nothing there ─▶ paused, hungry ─▶ the caller's wait is over
 *           ◀─ goes on ◀──────────────── mc_http_feed ◀─── a piece, or the end
 *
 * What was handed over is not kept, so nothing can be sent a second time. */
#include "net/http_internal.h"

#include <errno.h>

static size_t on_read(char *buffer, size_t one, size_t n, void *data) {
  struct mc_http *transfer = data;
  struct mc_http_feed *feed = &transfer->feed;
  size_t left = feed->piece.length - feed->sent;
  if (left == 0) {
    if (feed->ended)
      return 0;
    feed->hungry = true;
    mc_http_client_wake(transfer->client);
    return CURL_READFUNC_PAUSE;
  }
  size_t wanted = one * n < left ? one * n : left;
  memcpy(buffer, feed->piece.data + feed->sent, wanted);
  feed->sent += wanted;
  return wanted;
}

static int on_seek(void *data, curl_off_t offset, int origin) {
  struct mc_http *transfer = data;
  bool is_here = origin == SEEK_SET && offset == 0 && !mc_http_has_fed(transfer);
  if (!is_here)
    mc_http_fail(transfer, "Http", "PROTOCOL",
                 "the body has to be sent again, and its function can't be asked twice");
  return is_here ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

void mc_http_prepare_feed(struct mc_http *transfer) {
  mc_http_send_by(transfer, transfer->feed.length, on_read, on_seek, transfer);
}

bool mc_http_has_fed(const struct mc_http *transfer) {
  return transfer->feed.total > 0 || transfer->feed.ended;
}

bool mc_http_is_hungry(const struct mc_http *transfer) {
  return transfer->feed.hungry && transfer->state == MC_HTTP_SENT;
}

bool mc_http_is_sending(const struct mc_http *transfer) {
  return transfer->feed.active && !transfer->feed.ended && !mc_http_is_done(transfer);
}

static bool fits(const struct mc_http_feed *feed, size_t n) {
  if (feed->length == MC_HTTP_NO_LIMIT)
    return true;
  return n ? n <= feed->length - feed->total : feed->total == feed->length;
}

int mc_http_feed(struct mc_http *transfer, const void *bytes, size_t n) {
  struct mc_http_feed *feed = &transfer->feed;
  if (!mc_http_is_hungry(transfer))
    return 0;            /* broken off meanwhile */
  if (bytes && n == 0) { /* asks again, but lets the loop see to the rest before */
    feed->hungry = false;
    mc_http_resume(transfer);
    return 0;
  }
  if (!fits(feed, n))
    return -EMSGSIZE;
  feed->piece.length = feed->sent = 0;
  if (!mc_buffer_append(&feed->piece, bytes, n))
    return -ENOMEM;
  feed->total += n;
  feed->ended = n == 0;
  feed->hungry = false;
  mc_http_resume(transfer);
  return 0;
}
