/* What to do between two looks at a word that another core is about to change. */
#ifndef MC_SHARE_PAUSE_H
#define MC_SHARE_PAUSE_H

static inline void mc_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#else
  __asm__ volatile("" ::: "memory");
#endif
}

#endif
