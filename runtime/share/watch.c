/* The watcher: sleeps on the life words of all members, which the kernel changes at a
 * death. */
#include "share/member.h"

#include "os/futex.h"
#include "share/member_state.h"
#include "share/wake.h"

#include <errno.h>
#include <stdlib.h>

#define SHORT_NAP                                                                        \
  10000000u /* nanoseconds: where the kernel can't watch all of them at once */

/* The census and the life word of each seat, also of those in which nobody sits: the
 * kernel wakes who sleeps on a word whatever its value, so whoever comes there is watched
 * from the start, and need not wake us. When these are too many, of those that are used,
 * and each one that is taken wakes us. false: these are too many too. */
static bool collect(struct mc_futex_word *words, size_t *n, uint32_t census) {
  words[0] = (struct mc_futex_word){&mc_space->census, census};
  *n = 1;
  uint32_t high = __atomic_load_n(&mc_space->seats_high, __ATOMIC_ACQUIRE);
  bool all = high < MC_FUTEX_WAITV_MAX;
  __atomic_store_n(&mc_space->watched, all ? high : 0, __ATOMIC_SEQ_CST);
  for (uint32_t i = 0; i < high; i++) {
    bool used = __atomic_load_n(&mc_space->seats[i], __ATOMIC_ACQUIRE) & MC_SEAT_USED;
    if (!used && !all)
      continue;
    const uint32_t *word = &mc_slot(i)->life.word;
    uint32_t life = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (*n == MC_FUTEX_WAITV_MAX)
      return false;
    /* Died since the last look: another value, so that there will be no sleep. */
    words[(*n)++] = (struct mc_futex_word){word, used ? life & ~MC_FUTEX_DIED : life};
  }
  return true;
}

static void nap(uint32_t census) {
  mc_futex_wait(&mc_space->census, census, SHORT_NAP);
}

int mc_members_watch(struct mc_member main) {
  mc_awake_count(mc_self, false);
  for (;;) {
    uint32_t census = __atomic_load_n(&mc_space->census, __ATOMIC_SEQ_CST);
    bool gone = mc_member_gone(main);
    mc_members_reap();
    if (gone)
      break;
    struct mc_futex_word words[MC_FUTEX_WAITV_MAX];
    size_t n;
    if (!collect(words, &n, census)) {
      nap(census);
      continue;
    }
    int rc = mc_futex_wait_any(words, n, MC_FUTEX_SLEEP_FOREVER);
    if (rc == -ENOSYS)
      nap(census);
    else if (rc != 0 && rc != -EAGAIN && rc != -EINTR)
      return rc;
  }
  mc_awake_count(mc_self, true);
  return 0;
}

void mc_members_set_watcher(struct mc_member watcher) {
  __atomic_store_n(&mc_space->watcher, mc_member_pack(watcher), __ATOMIC_RELEASE);
}

void mc_member_ring(struct mc_member member) {
  if (!mc_member_gone(member))
    mc_ring(mc_slot(member.slot));
}
