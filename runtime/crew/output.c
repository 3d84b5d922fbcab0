#include "crew/output.h"

#include <string.h>

void mc_worker_write_lines(void) {
  mc_output_lines();
}

void mc_worker_flush(void) {
  mc_output_flush();
}

int mc_seat_capture(const struct mc_seat *seat, uint32_t limit) {
  int error = limit ? mc_capture_begin(seat->capture) : 0;
  __atomic_store_n(&seat->desk->capture, error ? 0 : limit, __ATOMIC_RELAXED);
  return error;
}

void mc_seat_release(const struct mc_seat *seat) {
  mc_capture_end(seat->capture);
}

bool mc_result_capture(struct mc_buffer *message, struct mc_result_head *head,
                       const struct mc_capture *capture, uint32_t limit) {
  size_t begin = message->length;
  head->status |= MC_RESULT_CAPTURED;
  if (mc_buffer_append(message, head, sizeof *head)) {
    size_t at = message->length;
    bool done = mc_capture_read(capture, MC_STDOUT, limit, message);
    head->output = (uint32_t)(message->length - at);
    at = message->length;
    done = done && mc_capture_read(capture, MC_STDERR, limit, message);
    head->error_output = (uint32_t)(message->length - at);
    if (done) {
      memcpy(message->data + begin, head, sizeof *head);
      return true;
    }
  }
  message->length = begin;
  head->status &= ~MC_RESULT_CAPTURED;
  return false;
}
