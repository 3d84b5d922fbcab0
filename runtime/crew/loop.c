#include "crew/loop.h"

#include "share/member.h"

#include <errno.h>
#include <stdlib.h>

/* A turn looks up at least this often, in case the watcher of deaths is dead itself. */
#define LONGEST_SLEEP 1000000000u /* ns */

struct loop {
  uv_loop_t uv;
  uv_timer_t timer;       /* ends a turn at its deadline */
  uv_async_t nudge;       /* mc_loop_interrupt() */
  uv_poll_t bell;         /* others ring it */
  uv_prepare_t last_look; /* between the timers' callbacks and the sleep */
  bool (*ready)(void);
  bool has_bell;
  bool armed;
};

static struct loop *mine;

/* Timers run before the sleep of the same turn, which must not begin then. */
static void on_timer(uv_timer_t *timer) {
  uv_stop(timer->loop);
}

/* Other timers' callbacks may have made something ready. */
static void on_last_look(uv_prepare_t *last_look) {
  if (mine->ready && mine->ready())
    uv_stop(last_look->loop);
}

static void on_nudge(uv_async_t *nudge) {
  (void)nudge;
}

static void on_bell(uv_poll_t *bell, int status, int events) {
  (void)bell, (void)status, (void)events;
}

static int init(struct loop *loop) {
  int error = uv_loop_init(&loop->uv);
  if (error)
    return error;
  uv_timer_init(&loop->uv, &loop->timer);
  uv_prepare_init(&loop->uv, &loop->last_look);
  uv_prepare_start(&loop->last_look, on_last_look);
  error = uv_async_init(&loop->uv, &loop->nudge, on_nudge);
  if (error) {
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->last_look, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    uv_loop_close(&loop->uv);
    return error;
  }
  /* Ours never keep a loop alive that has nothing else to do. */
  uv_unref((uv_handle_t *)&loop->timer);
  uv_unref((uv_handle_t *)&loop->nudge);
  uv_unref((uv_handle_t *)&loop->last_look);
  return 0;
}

uv_loop_t *mc_loop(int *error) {
  int code = 0;
  if (!mine) {
    struct loop *loop = calloc(1, sizeof *loop);
    code = loop ? init(loop) : -ENOMEM;
    if (code)
      free(loop);
    else
      mine = loop;
  }
  if (error)
    *error = code;
  return mine ? &mine->uv : NULL;
}

uv_loop_t *mc_loop_if_made(void) {
  return mine ? &mine->uv : NULL;
}

bool mc_loop_is_busy(void) {
  return mine && uv_loop_alive(&mine->uv);
}

/* The bell's descriptor is made late: most processes never sleep in their loop. */
static int watch_bell(void) {
  if (mine->has_bell)
    return 0;
  int fd = mc_bell_fd();
  if (fd < 0)
    return fd;
  int error = uv_poll_init(&mine->uv, &mine->bell, fd);
  if (error)
    return error;
  uv_poll_start(&mine->bell, UV_READABLE, on_bell);
  uv_unref((uv_handle_t *)&mine->bell);
  mine->has_bell = true;
  return 0;
}

int mc_loop_turn(const struct mc_wait_for *list, size_t n, mc_time deadline,
                 bool (*ready)(void)) {
  int error;
  if (!mc_loop(&error) || (error = watch_bell()))
    return error;
  mine->armed = mc_bell_arm(list, n);
  if (!mine->armed) {
    uv_run(&mine->uv, UV_RUN_NOWAIT);
    return 0;
  }
  mc_time now = mc_now();
  mc_time sleep = deadline > now ? deadline - now : 0;
  if (sleep > LONGEST_SLEEP)
    sleep = LONGEST_SLEEP;
  uv_update_time(&mine->uv);
  /* Rounded up: a turn that ends too early would only be taken again. */
  uv_timer_start(&mine->timer, on_timer, (sleep + 999999) / 1000000, 0);
  uv_ref((uv_handle_t *)&mine->timer);
  mine->ready = ready;
  uv_run(&mine->uv, UV_RUN_ONCE);
  mine->ready = NULL;
  uv_timer_stop(&mine->timer);
  if (sleep == LONGEST_SLEEP)
    mc_members_reap(); /* in case the watcher is dead: a look at a few words */
  uv_unref((uv_handle_t *)&mine->timer);
  return 0;
}

void mc_loop_turned(const struct mc_wait_for *list, size_t n) {
  if (mine && mine->armed) {
    mine->armed = false;
    mc_bell_disarm(list, n);
  }
}

void mc_loop_run_pending(void) {
  if (mine)
    uv_run(&mine->uv, UV_RUN_NOWAIT);
}

void mc_loop_interrupt(void) {
  if (mine)
    uv_async_send(&mine->nudge);
}

void mc_loop_forget(void) {
  if (!mine)
    return;
  /* libuv wants the old loop's kernel state detached before a fresh one is made; the old
   * one is never touched again: what it owns belongs to the parent. */
  uv_loop_fork(&mine->uv);
  mine = NULL;
}

void mc_loop_close(void) {
  if (!mine)
    return;
  struct loop *loop = mine;
  mine = NULL;
  uv_close((uv_handle_t *)&loop->timer, NULL);
  uv_close((uv_handle_t *)&loop->nudge, NULL);
  uv_close((uv_handle_t *)&loop->last_look, NULL);
  if (loop->has_bell)
    uv_close((uv_handle_t *)&loop->bell, NULL);
  uv_run(&loop->uv, UV_RUN_NOWAIT);
  if (uv_loop_close(&loop->uv) == 0)
    free(loop); /* else a host's handles are in it still: they may need it */
}
