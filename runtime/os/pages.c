#include "os/pages.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <time.h>

#define LOOKS 4 /* at a holder that is stopped, before it is passed over */

uint32_t mc_pages_look = 250;

static bool make_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes))
    return false;
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  bool made = pthread_mutex_init(lock, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  return made;
}

bool mc_pages_make(struct mc_pages *pages) {
  bool made = true;
  for (int i = 0; i < MC_PAGES_PLACES; i++)
    made = made && make_lock(&pages->places[i].lock);
  return made;
}

/* ---- locks ---- */

/* What a lock's dead holder left is for mc_handover and settle() to see. */
static int made_consistent(pthread_mutex_t *lock, int error) {
  if (error != EOWNERDEAD)
    return error;
  pthread_mutex_consistent(lock);
  return 0;
}

static int try_lock(pthread_mutex_t *lock) {
  return made_consistent(lock, pthread_mutex_trylock(lock));
}

/* 0, ETIMEDOUT, or what can't be helped. */
static int lock_within(pthread_mutex_t *lock, uint32_t milliseconds) {
  struct timespec end;
  int error = try_lock(lock);
  if (error != EBUSY)
    return error;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += (long)milliseconds * 1000000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  return made_consistent(lock, pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &end));
}

/* The kernel knows a lock's holder by its first word. Where nothing is to be seen of it
 * (in a sandbox) it is waited for. */
static bool is_holder_stopped(const pthread_mutex_t *lock) {
  char path[32], state = 0;
  uint32_t holder =
      __atomic_load_n((const uint32_t *)lock, __ATOMIC_SEQ_CST) & FUTEX_TID_MASK;
  if (holder == 0)
    return false;
  snprintf(path, sizeof path, "/proc/%u/stat", (unsigned)holder);
  FILE *file = fopen(path, "re");
  if (!file)
    return false;
  bool found = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
  fclose(file);
  return found && (state == 'T' || state == 't');
}

/* ---- the turn of another one ---- */

/* It makes no call any more, or none before it has seen that it was passed over. */
static bool is_at_rest(void *data) {
  pthread_mutex_t *lock = data;
  if (is_holder_stopped(lock))
    return true;
  if (lock_within(lock, mc_pages_look))
    return false;
  pthread_mutex_unlock(lock);
  return true;
}

static struct mc_page *source_of(struct mc_pages *pages, const struct mc_page *page) {
  uint32_t from = __atomic_load_n(&page->from, __ATOMIC_SEQ_CST);
  return from ? &pages->places[from - 1] : NULL;
}

static void set_source(struct mc_page *page, uint32_t from) {
  __atomic_store_n(&page->from, from, __ATOMIC_SEQ_CST);
}

/* Takes over what the one that was passed over left: a page, what it had yet to take over
 * itself, or no more than what is shown. false: we were passed over meanwhile. */
static bool take_over(struct mc_pages *pages, struct mc_page *page) {
  for (struct mc_page *old; (old = source_of(pages, page));) {
    size_t n = mc_handover_take(&old->over, &page->kept, is_at_rest, &old->lock);
    if (n == 0 && source_of(pages, old)) {
      page->kept = old->kept;
      set_source(page, old->from);
      continue;
    }
    page->shown = old->shown;
    page->coming = old->coming;
    if (n > 0 && !mc_handover_inherit(&page->over, &old->over, n, page->kept))
      return false;
    set_source(page, 0);
  }
  return true;
}

/* Whether somebody may still have something to take over from it. */
static bool is_needed(struct mc_pages *pages, const struct mc_page *page) {
  uint32_t current = __atomic_load_n(&pages->current, __ATOMIC_SEQ_CST);
  const struct mc_page *at = &pages->places[current % MC_PAGES_PLACES];
  for (; at && at != page; at = source_of(pages, at))
    ;
  return at == page;
}

static bool make_current(struct mc_pages *pages, uint32_t now, uint32_t next) {
  return is_holder_stopped(&pages->places[now % MC_PAGES_PLACES].lock) &&
         __atomic_compare_exchange_n(&pages->current, &now, next, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

/* The place that is current in the stead of `now`; NULL: it is not to be had, or no
 * longer stopped. */
static struct mc_page *pass_over(struct mc_pages *pages, uint32_t now) {
  for (uint32_t next = now + 1; next < now + MC_PAGES_PLACES; next++) {
    struct mc_page *page = &pages->places[next % MC_PAGES_PLACES];
    if (try_lock(&page->lock))
      continue;
    if (!is_needed(pages, page)) {
      mc_handover_reset(&page->over);
      set_source(page, now % MC_PAGES_PLACES + 1);
      if (make_current(pages, now, next))
        return page;
    }
    pthread_mutex_unlock(&page->lock);
  }
  return NULL;
}

/* ---- the own turn ---- */

/* A page that is under way is written to its end. false: it was taken away. */
static bool finish(struct mc_page *page, int fd, bool *done) {
  *done = mc_handover_write(&page->over, fd);
  page->shown = page->coming;
  return mc_handover_end(&page->over);
}

/* What others have left is put in order. false: the turn was lost meanwhile. */
static bool settle(struct mc_pages *pages, struct mc_page *page, int fd) {
  bool done;
  if (!take_over(pages, page) || mc_handover_is_taken(&page->over))
    return false;
  return fd < 0 || !mc_handover_is_begun(&page->over) || finish(page, fd, &done);
}

struct mc_page *mc_pages_take(struct mc_pages *pages, int fd, bool for_long) {
  uint32_t last = 0;
  for (unsigned looks = 0; looks < 2 * LOOKS;) {
    uint32_t now = __atomic_load_n(&pages->current, __ATOMIC_SEQ_CST);
    struct mc_page *page = &pages->places[now % MC_PAGES_PLACES];
    int error = lock_within(&page->lock, mc_pages_look);
    if (error == ETIMEDOUT) {
      bool counts = !for_long || is_holder_stopped(&page->lock);
      looks = counts && now == last ? looks + 1 : counts;
      last = now;
      page = looks >= LOOKS ? pass_over(pages, now) : NULL;
      if (!page)
        continue;
    } else if (error) {
      return NULL;
    } else if (__atomic_load_n(&pages->current, __ATOMIC_SEQ_CST) != now) {
      pthread_mutex_unlock(&page->lock);
      continue;
    }
    if (settle(pages, page, fd))
      return page;
    pthread_mutex_unlock(&page->lock);
    looks = 0;
  }
  return NULL;
}

void mc_pages_give(struct mc_page *turn) {
  if (turn)
    pthread_mutex_unlock(&turn->lock);
}

/* It finds no room: nobody could go on with it. */
static enum mc_page_end write_long(struct mc_page *turn, int fd, const void *text,
                                   size_t n, uint32_t shown) {
  if (mc_handover_is_taken(&turn->over))
    return MC_PAGE_LOST;
  turn->shown = shown;
  return mc_write_out(fd, text, n) ? MC_PAGE_DONE : MC_PAGE_FAILED;
}

enum mc_page_end mc_page_write(struct mc_page *turn, int fd, const void *text, size_t n,
                               uint32_t shown) {
  bool done;
  if (n == 0 || n > MC_HANDOVER_MOST)
    return write_long(turn, fd, text, n, shown);
  turn->coming = shown;
  if (!mc_handover_begin(&turn->over, text, n))
    return MC_PAGE_LOST;
  finish(turn, fd, &done); /* by who took it away, if somebody did */
  return done ? MC_PAGE_DONE : MC_PAGE_FAILED;
}
