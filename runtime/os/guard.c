#include "os/guard.h"

#include <time.h>

int mc_guard_init(struct mc_guard *guard) {
  pthread_condattr_t attributes;
  int error = pthread_condattr_init(&attributes);
  if (error)
    return -error;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  error = pthread_cond_init(&guard->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  if (error)
    return -error;
  error = pthread_mutex_init(&guard->mutex, NULL);
  if (error)
    pthread_cond_destroy(&guard->changed);
  return -error;
}

void mc_guard_destroy(struct mc_guard *guard) {
  pthread_cond_destroy(&guard->changed);
  pthread_mutex_destroy(&guard->mutex);
}

void mc_guard_lock(struct mc_guard *guard) {
  pthread_mutex_lock(&guard->mutex);
}

void mc_guard_unlock(struct mc_guard *guard) {
  pthread_mutex_unlock(&guard->mutex);
}

void mc_guard_wait(struct mc_guard *guard, mc_time deadline) {
  if (deadline == MC_FOREVER) {
    pthread_cond_wait(&guard->changed, &guard->mutex);
    return;
  }
  struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                           .tv_nsec = (long)(deadline % 1000000000u)};
  pthread_cond_timedwait(&guard->changed, &guard->mutex, &until);
}

void mc_guard_wake(struct mc_guard *guard) {
  pthread_cond_broadcast(&guard->changed);
}

int mc_cancel_off(void) {
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  return state;
}

void mc_cancel_restore(int state) {
  pthread_setcancelstate(state, &state);
}
