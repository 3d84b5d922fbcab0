/* The foreman: workers work, the dead are reported and replaced, and all of them end. */
#include "crew/pool.h"
#include "base/error.h"
#include "share/object.h"
#include "share/wait.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ECHO, DIE, ENDLESS, UNFIT, STILLBORN, SHOT, HANGS };

#define SHOTS 7 /* more than die by themselves before they are given up */

static mc_ref tasks, results;
static struct mc_board *board;

/* Takes tasks and does what their mode says; the answer's code is the worker's number. */
static int work(void *data, const struct mc_seat *seat) {
  struct mc_lease lease;
  if (*(int *)data == UNFIT)
    return MC_WORKER_UNFIT;
  mc_seat_prepare(seat, *(int *)data == HANGS ? mc_deadline(0.05) : MC_FOREVER);
  while (*(int *)data == HANGS)
    ;
  if (*(int *)data == STILLBORN)
    _exit(3);
  if (*(int *)data == SHOT && seat->number <= SHOTS)
    raise(SIGKILL);
  assert_true(mc_seat_ready(seat));
  while (mc_queue_take(tasks, &lease, 1, MC_FOREVER) == 1) {
    struct mc_task_head task;
    memcpy(&task, lease.bytes, sizeof task);
    mc_seat_begin(seat, task.id, task.timeout ? mc_now() + task.timeout : MC_FOREVER);
    if (task.mode == DIE)
      raise(SIGKILL);
    while (task.mode == ENDLESS)
      ;
    struct mc_result_head head = {
        .id = task.id, .code = (int)seat->number, .pid = getpid()};
    struct mc_message message = {.bytes = &head, .length = sizeof head};
    mc_queue_put(results, &message, 1, MC_FOREVER);
    mc_lease_settle(&lease);
    if (!mc_seat_end(seat))
      pause();
  }
  return 0;
}

static int start(struct mc_child *foreman, unsigned processes, int *kind) {
  struct mc_queue_options bury = {0, MC_BURY}, give_back = {0, MC_RETURN};
  assert_int_equal(mc_queue_create(&bury, &tasks), 0);
  assert_int_equal(mc_queue_create(&give_back, &results), 0);
  board = mc_board_create(processes);
  assert_non_null(board);
  struct mc_pool_options options = {.processes = processes,
                                    .tasks = tasks,
                                    .results = results,
                                    .board = board,
                                    .worker = work,
                                    .data = kind};
  return mc_pool_start(foreman, &options);
}

static void give_for(uint64_t id, uint32_t mode, double seconds) {
  struct mc_task_head head = {
      .id = id, .mode = mode, .timeout = (uint64_t)(seconds * 1e9)};
  struct mc_message message = {.bytes = &head, .length = sizeof head};
  assert_int_equal(mc_queue_put(tasks, &message, 1, MC_FOREVER), 1);
}

static void give(uint64_t id, uint32_t mode) {
  give_for(id, mode, 0);
}

static struct mc_result_head receive(void) {
  struct mc_lease lease;
  struct mc_result_head head;
  assert_int_equal(mc_queue_take(results, &lease, 1, MC_FOREVER), 1);
  memcpy(&head, lease.bytes, sizeof head);
  mc_lease_settle(&lease);
  return head;
}

static void drop_queues(void) {
  mc_board_destroy(board);
  mc_object_drop(tasks);
  mc_object_drop(results);
}

static void ends_when_the_tasks_are_closed_and_done(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 2, &kind), 0);
  uint64_t sum = 0;
  for (uint64_t id = 1; id <= 100; id++)
    give(id, ECHO);
  mc_queue_close(tasks);
  for (int i = 0; i < 100; i++) {
    struct mc_result_head head = receive();
    assert_int_equal(head.status, MC_RESULT_RETURNED);
    assert_true(head.code == 1 || head.code == 2);
    sum += head.id;
  }
  assert_int_equal(sum, 5050);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  assert_int_equal(foreman.code, 0);
  drop_queues();
}

static void reports_a_lost_task_once_and_goes_on(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  give(1, ECHO);
  give(2, DIE);
  give(3, ECHO);
  pid_t first = receive().pid;
  struct mc_result_head lost = receive();
  assert_int_equal(lost.status, MC_RESULT_LOST);
  assert_int_equal(lost.id, 2);
  assert_int_equal(lost.code, -SIGKILL);
  assert_int_equal(lost.pid, first);
  assert_int_equal(receive().status, MC_RESULT_RESTART);
  struct mc_result_head third = receive();
  assert_int_equal(third.id, 3);
  assert_int_not_equal(third.pid, first);
  mc_queue_close(tasks);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  assert_int_equal(mc_queue_size(results), 0);
  drop_queues();
}

static void terminates_workers_that_never_end(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  struct mc_space_stats stats;
  assert_int_equal(start(&foreman, 3, &kind), 0);
  for (uint64_t id = 1; id <= 3; id++)
    give(id, ENDLESS);
  give(4, ECHO);
  while (mc_queue_size(tasks) > 1)
    mc_wait(NULL, 0, mc_deadline(0.01));
  mc_pool_terminate(&foreman);
  assert_true(foreman.ended);
  mc_members_reap();
  mc_space_stats(&stats);
  assert_int_equal(stats.members, 2); /* this process and the watcher */
  drop_queues();
}

static void ends_a_task_that_is_late(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  give_for(1, ECHO, 60);
  pid_t first = receive().pid;
  give_for(2, ENDLESS, 0.05);
  struct mc_result_head late = receive();
  assert_int_equal(late.status, MC_RESULT_LATE);
  assert_int_equal(late.id, 2);
  assert_int_equal(late.pid, first);
  assert_int_equal(receive().status, MC_RESULT_RESTART);
  give(3, ECHO);
  assert_int_not_equal(receive().pid, first);
  mc_queue_close(tasks);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  drop_queues();
}

static void ends_the_worker_of_a_doomed_task_alone(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 2, &kind), 0);
  give(1, ENDLESS);
  assert_false(mc_board_doom(board, 7));
  while (!mc_board_doom(board, 1)) /* until a worker has it in hand */
    mc_wait(NULL, 0, mc_deadline(0.001));
  mc_member_ring(foreman.member);
  struct mc_result_head lost = receive();
  assert_int_equal(lost.status, MC_RESULT_LOST);
  assert_int_equal(lost.id, 1);
  mc_queue_close(tasks);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  drop_queues();
}

static void gives_up_on_workers_that_are_unfit(void **state) {
  (void)state;
  int kind = UNFIT;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 2, &kind), 0);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  assert_int_equal(foreman.code, 1);
  assert_int_equal(receive().status, MC_RESULT_FUTILE);
  assert_int_equal(mc_queue_size(results), 0);
  drop_queues();
}

static void gives_up_on_workers_that_die_before_they_begin(void **state) {
  (void)state;
  int kind = STILLBORN;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  for (int i = 1; i < 5; i++)
    assert_int_equal(receive().status, MC_RESULT_RESTART);
  struct mc_result_head head = receive();
  assert_int_equal(head.status, MC_RESULT_FUTILE);
  assert_int_equal(head.code, 3);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  assert_int_equal(foreman.code, 1);
  assert_int_equal(mc_queue_size(results), 0);
  drop_queues();
}

static void replaces_workers_that_are_killed_before_they_begin(void **state) {
  (void)state;
  int kind = SHOT;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  give(1, ECHO);
  for (int i = 0; i < SHOTS; i++)
    assert_int_equal(receive().status, MC_RESULT_RESTART);
  struct mc_result_head head = receive();
  assert_int_equal(head.status, MC_RESULT_RETURNED);
  assert_int_equal(head.code, SHOTS + 1);
  mc_queue_close(tasks);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  drop_queues();
}

static void gives_up_on_workers_that_do_not_get_ready(void **state) {
  (void)state;
  int kind = HANGS;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  struct mc_result_head head = receive();
  assert_int_equal(head.status, MC_RESULT_HUNG);
  assert_true(head.pid > 1);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  assert_int_equal(foreman.code, 1);
  drop_queues();
}

static void goes_on_for_ever_with_tasks_that_kill(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 1, &kind), 0);
  for (uint64_t id = 1; id <= 12; id++)
    give(id, DIE);
  for (int i = 0; i < 12; i++) {
    assert_int_equal(receive().status, MC_RESULT_LOST);
    assert_int_equal(receive().status, MC_RESULT_RESTART);
  }
  give(13, ECHO);
  assert_int_equal(receive().status, MC_RESULT_RETURNED);
  mc_queue_close(tasks);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  drop_queues();
}

static void takes_its_workers_along_when_it_is_killed(void **state) {
  (void)state;
  int kind = ECHO;
  struct mc_child foreman;
  assert_int_equal(start(&foreman, 2, &kind), 0);
  give(1, ECHO);
  pid_t worker = receive().pid;
  assert_int_equal(mc_child_signal(&foreman, SIGKILL), 0);
  assert_int_equal(mc_child_join(&foreman, MC_FOREVER), 0);
  /* Its parent is gone, so somebody else collects it: it is away, or a zombie on its way.
   */
  struct mc_space_stats stats;
  do {
    mc_members_reap();
    mc_space_stats(&stats);
  } while (stats.members > 2 && mc_wait(NULL, 0, mc_deadline(0.05)) != MC_INTERRUPTED);
  assert_int_equal(stats.members, 2);
  assert_int_not_equal(worker, 0);
  drop_queues();
}

static int make_space(void **state) {
  (void)state;
  return mc_space_create(64u << 20);
}

static int stop_watcher(void **state) {
  (void)state;
  mc_watcher_stop();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ends_when_the_tasks_are_closed_and_done),
      cmocka_unit_test(reports_a_lost_task_once_and_goes_on),
      cmocka_unit_test(terminates_workers_that_never_end),
      cmocka_unit_test(ends_a_task_that_is_late),
      cmocka_unit_test(ends_the_worker_of_a_doomed_task_alone),
      cmocka_unit_test(gives_up_on_workers_that_are_unfit),
      cmocka_unit_test(gives_up_on_workers_that_die_before_they_begin),
      cmocka_unit_test(replaces_workers_that_are_killed_before_they_begin),
      cmocka_unit_test(gives_up_on_workers_that_do_not_get_ready),
      cmocka_unit_test(goes_on_for_ever_with_tasks_that_kill),
      cmocka_unit_test(takes_its_workers_along_when_it_is_killed),
  };
  return cmocka_run_group_tests(tests, make_space, stop_watcher);
}
