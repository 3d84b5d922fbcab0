#include "crew/pool.h"

#include "base/error.h"
#include "share/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define GRACE      0.5 /* s: from TERM to KILL */
#define ASK_AGAIN  0.05
#define RETRY_FORK 0.2 /* s: until a worker that could not be forked is tried again */
#define FORK_TRIES 10  /* without a single worker alive: then the pool is broken */
#define FEW_DEATHS                                                                       \
  5 /* of workers that begin no task: so many are no reason to give up                   \
     */
#define A_LIFE 1000000000u /* ns: a worker that was ready for so long was of use */

struct foreman {
  struct mc_pool_options options;
  struct mc_child *workers;
  bool *present; /* workers[i] is a process, alive or not yet looked after */
  bool *late;    /* workers[i] was killed for its task\'s time-out */
  unsigned n_present;
  mc_time *started;
  bool unfit;      /* no worker can get ready for work: none is started any more */
  unsigned futile; /* so many in a row died before they began a task */
  uint64_t useful; /* the board's, when that was counted last */
  unsigned failed_forks;
  struct mc_seat seat; /* of the worker started last */
};

static void report(struct foreman *f, struct mc_result_head head) {
  struct mc_message message = {.bytes = &head, .length = sizeof head};
  while (mc_queue_put(f->options.results, &message, 1, MC_FOREVER) == MC_INTERRUPTED)
    if (mc_sigterm_came())
      return;
}

/* No more is coming and nothing waits to be done. */
static bool drained(struct foreman *f) {
  return mc_queue_closed(f->options.tasks) && mc_queue_size(f->options.tasks) == 0;
}

/* What the maker is told of the task that the worker `pid`, which has ended, had in hand.
 */
static struct mc_result_head end_of(struct foreman *f, pid_t pid, uint64_t task) {
  struct mc_result_head head = {
      .id = task, .status = MC_RESULT_LOST, .code = -SIGKILL, .pid = pid};
  for (unsigned i = 0; i < f->options.processes; i++) {
    /* It may have died since the workers were looked at, so it is looked at again. */
    if (f->workers[i].pid != pid || !mc_child_ended(&f->workers[i]))
      continue;
    head.code = f->workers[i].code;
    head.status = f->late[i] ? MC_RESULT_LATE : MC_RESULT_LOST;
    head.item = mc_board_item(f->options.board, i, task);
  }
  return head;
}

/* Every task that a dead worker had in hand is reported to the maker, once. */
static void report_lost(struct foreman *f) {
  struct mc_lease lease;
  pid_t pid;
  mc_members_reap();
  while (mc_queue_take_dead(f->options.tasks, &lease, NULL, &pid) == 1) {
    struct mc_task_head task = {0};
    if (lease.length >= sizeof task)
      memcpy(&task, lease.bytes, sizeof task);
    report(f, end_of(f, pid, task.id));
    mc_lease_settle(&lease);
  }
}

static int run_worker(void *data) {
  struct foreman *f = data;
  return f->options.worker(f->options.data, &f->seat);
}

static void start_workers(struct foreman *f) {
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (f->present[i])
      continue;
    mc_board_clear(f->options.board, i);
    f->seat.desk = &f->options.board->desks[i];
    f->seat.number++;
    f->late[i] = false;
    int error = mc_child_start(&f->workers[i], MC_SIGNALS_IGNORE_TERMINAL, run_worker, f);
    if (error) {
      f->failed_forks++;
      if (f->failed_forks == FORK_TRIES && f->n_present == 0)
        report(f, (struct mc_result_head){.status = MC_RESULT_BROKEN, .code = error});
      return;
    }
    f->failed_forks = 0;
    f->started[i] = mc_now();
    f->present[i] = true;
    f->n_present++;
  }
}

/* Worker i has ended before it was ready, or for nothing: when this goes on and on, it is
 * no use to start others. */
static void judge(struct foreman *f, unsigned i) {
  struct mc_board *board = f->options.board;
  bool ready = mc_board_is_ready(board, i);
  struct mc_result_head head = {.code = f->workers[i].code, .pid = f->workers[i].pid};
  uint64_t useful = mc_board_useful(board);
  if (mc_board_has_begun(board, i) || useful != f->useful ||
      (ready && mc_now() > f->started[i] + A_LIFE))
    f->futile = 0;
  f->useful = useful;
  if (f->unfit || mc_board_has_begun(board, i) || mc_queue_closed(f->options.tasks))
    return;
  f->futile++;
  if (!ready && f->late[i])
    head.status = MC_RESULT_HUNG;
  else if ((!ready && head.code == MC_WORKER_UNFIT) ||
           (f->futile >= FEW_DEATHS && f->futile >= 2 * f->options.processes))
    head.status = MC_RESULT_FUTILE;
  else
    return;
  f->unfit = true;
  report(f, head);
}

static void look_after_workers(struct foreman *f) {
  unsigned died = 0;
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (!f->present[i] || !mc_child_ended(&f->workers[i]))
      continue;
    f->present[i] = false;
    f->n_present--;
    died++;
    judge(f, i);
  }
  if (!died)
    return;
  report_lost(f);
  for (; died && !f->unfit && !drained(f); died--)
    report(f, (struct mc_result_head){.status = MC_RESULT_RESTART});
}

static void end_workers(struct foreman *f) {
  for (unsigned i = 0; i < f->options.processes; i++)
    if (f->present[i])
      mc_child_signal(&f->workers[i], SIGTERM);
  mc_time deadline = mc_deadline(GRACE);
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (!f->present[i])
      continue;
    while (mc_child_join(&f->workers[i], deadline) == MC_INTERRUPTED)
      ;
    mc_child_signal(&f->workers[i], SIGKILL);
    while (mc_child_join(&f->workers[i], MC_FOREVER) == MC_INTERRUPTED)
      ;
  }
}

/* Kills the workers whose task is doomed; says when to look again. */
static mc_time end_doomed(struct foreman *f) {
  struct mc_board *board = f->options.board;
  mc_time now = mc_now(), next = MC_FOREVER;
  __atomic_store_n(&board->next_look, 0, __ATOMIC_SEQ_CST);
  for (unsigned i = 0; i < f->options.processes; i++) {
    bool late = false;
    if (!f->present[i] || !mc_board_look(board, i, now, &late, &next))
      continue;
    f->late[i] = f->late[i] || late;
    mc_child_signal(&f->workers[i], SIGKILL);
  }
  __atomic_store_n(&board->next_look, next, __ATOMIC_SEQ_CST);
  return next;
}

static int supervise(void *data) {
  struct foreman *f = data;
  mc_catch_sigterm();
  f->seat.board = f->options.board;
  f->seat.foreman = mc_member_self();
  for (;;) {
    if (mc_sigterm_came()) {
      end_workers(f);
      return 0;
    }
    look_after_workers(f);
    if (!f->unfit && !drained(f))
      start_workers(f);
    if (f->n_present == 0 && (f->unfit || drained(f)))
      return f->unfit;
    if (f->n_present == 0 && f->failed_forks >= FORK_TRIES)
      return 1;
    mc_time next = end_doomed(f);
    mc_time retry = f->failed_forks ? mc_deadline(RETRY_FORK) : MC_FOREVER;
    mc_wait(NULL, 0, next < retry ? next : retry);
  }
}

int mc_pool_start(struct mc_child *child, const struct mc_pool_options *options) {
  struct foreman f = {.options = *options, .seat.maker = mc_member_self()};
  int error = -ENOMEM;
  f.workers = calloc(options->processes, sizeof *f.workers);
  f.present = calloc(options->processes, sizeof *f.present);
  f.late = calloc(options->processes, sizeof *f.late);
  f.started = calloc(options->processes, sizeof *f.started);
  if (f.workers && f.present && f.late && f.started)
    error = mc_child_start(child, MC_SIGNALS_IGNORE_TERMINAL, supervise, &f);
  free(f.workers);
  free(f.present);
  free(f.late);
  free(f.started);
  return error;
}

void mc_pool_terminate(struct mc_child *foreman) {
  mc_time end = mc_deadline(4 * GRACE);
  /* Asked again and again: a signal that comes between its look at the flag and its sleep
   * would wake it only a second later. */
  while (!mc_child_ended(foreman) && mc_now() < end) {
    mc_child_signal(foreman, SIGTERM);
    mc_child_join(foreman, mc_deadline(ASK_AGAIN));
  }
  mc_child_signal(foreman, SIGKILL); /* its workers go with it */
  while (mc_child_join(foreman, MC_FOREVER) == MC_INTERRUPTED)
    ;
}
