#include "crew/pool.h"

#include "base/error.h"
#include "crew/output.h"
#include "share/wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define GRACE      0.5 /* s: from TERM to KILL */
#define ASK_AGAIN  0.05
#define RETRY_FORK 0.2 /* s: until a worker that could not be had is tried again */
#define FORK_TRIES 10  /* without a single worker alive: then the pool is broken */
#define FEW_DEATHS 5   /* so many workers that begin no task are no reason to give up */
#define A_LIFE     1000000000u /* ns: a worker that was ready for so long was of use */
#define PATIENCE   5000000000u /* ns: so long they may be killed before they begin */

struct worker {
  struct mc_child child;
  struct mc_capture capture; /* what its tasks write, when that is asked for */
  mc_time started;
  bool present; /* it is a process, alive or not yet looked after */
  bool late;    /* it was killed for its task's time-out */
};

struct foreman {
  struct mc_pool_options options;
  struct worker *workers;
  unsigned n_present;
  bool unfit;      /* no worker can get ready for work: none is started any more */
  unsigned futile; /* so many in a row died before they began a task */
  unsigned killed; /* so many of those were killed by somebody else */
  mc_time in_vain; /* since when they die */
  uint64_t useful; /* the board's, when that was counted last */
  unsigned failed_forks;
  mc_time next_fork;   /* no sooner: one failed, or those before died in vain */
  struct mc_seat seat; /* of the worker started last */
  struct mc_buffer message;
};

static void send(struct foreman *f, const void *bytes, size_t length) {
  struct mc_message message = {.bytes = bytes, .length = length};
  while (mc_queue_put(f->options.results, &message, 1, MC_FOREVER) == MC_INTERRUPTED)
    if (mc_sigterm_came())
      return;
}

static void report(struct foreman *f, struct mc_result_head head) {
  send(f, &head, sizeof head);
}

/* No more is coming and nothing waits to be done. */
static bool drained(struct foreman *f) {
  return mc_queue_closed(f->options.tasks) && mc_queue_size(f->options.tasks) == 0;
}

/* The worker that had this pid, which has ended; NULL: it is not known any more. */
static struct worker *ended_worker(struct foreman *f, pid_t pid) {
  for (unsigned i = 0; i < f->options.processes; i++)
    /* It may have died since the workers were looked at, so it is looked at again. */
    if (f->workers[i].child.pid == pid && mc_child_ended(&f->workers[i].child))
      return &f->workers[i];
  return NULL;
}

/* Tells the maker what has become of the task that the worker `pid` had in hand, with
 * what it wrote until then. */
static void report_task(struct foreman *f, pid_t pid, uint64_t task) {
  struct mc_result_head head = {
      .id = task, .status = MC_RESULT_LOST, .code = -SIGKILL, .pid = pid};
  const struct worker *worker = ended_worker(f, pid);
  uint32_t limit = 0;
  if (worker) {
    unsigned i = (unsigned)(worker - f->workers);
    head.code = worker->child.code;
    head.status = worker->late ? MC_RESULT_LATE : MC_RESULT_LOST;
    head.item = mc_board_item(f->options.board, i, task);
    limit = mc_board_capture(f->options.board, i, task);
  }
  f->message.length = 0;
  if (!limit || !mc_result_capture(&f->message, &head, &worker->capture, limit))
    report(f, head);
  else
    send(f, f->message.data, f->message.length);
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
    report_task(f, pid, task.id);
    mc_lease_settle(&lease);
  }
}

static int run_worker(void *data) {
  struct foreman *f = data;
  for (unsigned i = 0; i < f->options.processes; i++)
    if (&f->workers[i].capture != f->seat.capture)
      mc_capture_destroy(&f->workers[i].capture);
  return f->options.worker(f->options.data, &f->seat);
}

static void start_workers(struct foreman *f) {
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (f->workers[i].present)
      continue;
    mc_board_clear(f->options.board, i);
    f->seat.desk = &f->options.board->desks[i];
    f->seat.number++;
    f->seat.capture = &f->workers[i].capture;
    mc_capture_destroy(f->seat.capture);
    mc_capture_create(f->seat.capture); /* or there is none: then its tasks say so */
    f->workers[i].late = false;
    int error =
        mc_child_start(&f->workers[i].child, MC_SIGNALS_IGNORE_TERMINAL, run_worker, f);
    if (error) {
      f->failed_forks++;
      f->next_fork = mc_deadline(RETRY_FORK);
      if (f->failed_forks == FORK_TRIES && f->n_present == 0)
        report(f, (struct mc_result_head){.status = MC_RESULT_BROKEN, .code = error});
      return;
    }
    f->failed_forks = 0;
    f->workers[i].started = mc_now();
    f->workers[i].present = true;
    f->n_present++;
  }
}

/* One more has died before it began a task. Whether it is no use to start others: soon
 * when they end by themselves, as an initializer that crashes makes them. What the system
 * kills, short of memory, or a person, says nothing about the next one: it is waited for
 * that to pass, for a while and without haste. */
static bool count_futile(struct foreman *f, int code) {
  mc_time now = mc_now();
  if (f->futile++ == 0)
    f->in_vain = now;
  f->killed += code == -SIGKILL || code == -SIGTERM;
  unsigned few = 2 * f->options.processes;
  if (few < FEW_DEATHS)
    few = FEW_DEATHS;
  if (f->futile < few)
    return false;
  f->next_fork = mc_deadline(RETRY_FORK);
  return f->futile - f->killed >= few || now > f->in_vain + PATIENCE;
}

/* Worker i has ended before it was ready, or for nothing: when this goes on and on, it is
 * no use to start others. */
static void judge(struct foreman *f, unsigned i) {
  struct mc_board *board = f->options.board;
  bool ready = mc_board_is_ready(board, i);
  struct mc_result_head head = {.code = f->workers[i].child.code,
                                .pid = f->workers[i].child.pid};
  uint64_t useful = mc_board_useful(board);
  if (mc_board_has_begun(board, i) || useful != f->useful ||
      (ready && mc_now() > f->workers[i].started + A_LIFE))
    f->futile = f->killed = 0;
  f->useful = useful;
  if (f->unfit || mc_board_has_begun(board, i) || mc_queue_closed(f->options.tasks))
    return;
  bool futile = count_futile(f, head.code);
  if (!ready && f->workers[i].late)
    head.status = MC_RESULT_HUNG;
  else if (futile || (!ready && head.code == MC_WORKER_UNFIT))
    head.status = MC_RESULT_FUTILE;
  else
    return;
  f->unfit = true;
  report(f, head);
}

static void look_after_workers(struct foreman *f) {
  unsigned died = 0;
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (!f->workers[i].present || !mc_child_ended(&f->workers[i].child))
      continue;
    f->workers[i].present = false;
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
    if (f->workers[i].present)
      mc_child_signal(&f->workers[i].child, SIGTERM);
  mc_time deadline = mc_deadline(GRACE);
  for (unsigned i = 0; i < f->options.processes; i++) {
    if (!f->workers[i].present)
      continue;
    while (mc_child_join(&f->workers[i].child, deadline) == MC_INTERRUPTED)
      ;
    mc_child_signal(&f->workers[i].child, SIGKILL);
    while (mc_child_join(&f->workers[i].child, MC_FOREVER) == MC_INTERRUPTED)
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
    uint32_t limit = mc_board_captures(board, i);
    if (f->workers[i].present && limit)
      mc_capture_trim(&f->workers[i].capture, limit);
    if (!f->workers[i].present || !mc_board_look(board, i, now, &late, &next))
      continue;
    f->workers[i].late = f->workers[i].late || late;
    mc_child_signal(&f->workers[i].child, SIGKILL);
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
    bool wanted = !f->unfit && !drained(f);
    if (wanted && mc_now() >= f->next_fork)
      start_workers(f);
    if (f->n_present == 0 && (f->unfit || drained(f)))
      return f->unfit;
    if (f->n_present == 0 && f->failed_forks >= FORK_TRIES)
      return 1;
    mc_time next = end_doomed(f);
    bool missing = wanted && f->n_present < f->options.processes;
    mc_time retry = missing ? f->next_fork : MC_FOREVER;
    mc_wait(NULL, 0, next < retry ? next : retry);
  }
}

int mc_pool_start(struct mc_child *child, const struct mc_pool_options *options) {
  struct foreman f = {.options = *options, .seat.maker = mc_member_self()};
  f.workers = calloc(options->processes, sizeof *f.workers);
  if (!f.workers)
    return -ENOMEM;
  for (unsigned i = 0; i < options->processes; i++)
    f.workers[i].capture = MC_NO_CAPTURE;
  int error = mc_child_start(child, MC_SIGNALS_IGNORE_TERMINAL, supervise, &f);
  free(f.workers);
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
