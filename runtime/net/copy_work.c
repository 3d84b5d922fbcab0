#include "net/copy_work.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mc_copy_work {
  uv_work_t work;
  char *from, *to;
  pid_t pid;
  atomic_bool stop; /* set by the owner's thread, read by the one that copies */
  int error;        /* written by the thread that copies, read after it is done */
  struct mc_fs_copy copy;
  bool done, abandoned; /* the owner's thread alone */
};

static void release(struct mc_copy_work *work) {
  free(work->from);
  free(work->to);
  free(work);
}

static bool is_stopped(void *data) {
  struct mc_copy_work *work = data;
  return atomic_load_explicit(&work->stop, memory_order_relaxed);
}

static void copy(uv_work_t *request) {
  struct mc_copy_work *work = request->data;
  work->error = mc_fs_copy_file(&work->copy);
}

static void on_done(uv_work_t *request, int status) {
  struct mc_copy_work *work = request->data;
  if (status < 0)
    work->error = status; /* cancelled before it began */
  work->done = true;
  if (work->abandoned)
    release(work);
}

int mc_copy_start(uv_loop_t *loop, const struct mc_fs_copy *wanted,
                  struct mc_copy_work **result) {
  *result = NULL;
  struct mc_copy_work *work = calloc(1, sizeof *work);
  if (!work)
    return -ENOMEM;
  work->from = strdup(wanted->from);
  work->to = strdup(wanted->to);
  work->copy = *wanted;
  work->copy.from = work->from;
  work->copy.to = work->to;
  work->copy.stop = is_stopped;
  work->copy.data = work;
  work->pid = getpid();
  work->work.data = work;
  int error = work->from && work->to ? 0 : -ENOMEM;
  if (!error)
    error = uv_queue_work(loop, &work->work, copy, on_done);
  if (error)
    release(work);
  else
    *result = work;
  return error;
}

bool mc_copy_is_done(const struct mc_copy_work *work) {
  return work->done;
}

int mc_copy_outcome(const struct mc_copy_work *work, struct mc_fs_failure *failure,
                    unsigned *lost) {
  *failure = work->copy.failure;
  *lost = work->copy.lost;
  return work->error;
}

void mc_copy_free(struct mc_copy_work *work) {
  if (!work || work->pid != getpid())
    return;
  if (work->done) {
    release(work);
    return;
  }
  work->abandoned = true;
  atomic_store_explicit(&work->stop, true, memory_order_relaxed);
  uv_cancel((uv_req_t *)&work->work); /* in vain once it runs: then it is stopped */
}
