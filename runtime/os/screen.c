#include "os/screen.h"

#include "base/buffer.h"
#include "os/handover.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 1     /* s until we look whether the lock's holder is stopped */
#define HELD     4096  /* bytes that wait for a line end */
#define PIECE    32768 /* bytes of lines that are written in one piece with the bars */

/* A bar that was drawn for a wider terminal loses its end, and takes no second row. */
#define NO_WRAP "\33[?7l"
#define WRAP    "\33[?7h"

struct bar {
  pid_t pid;       /* whose; 0: free */
  uint32_t number; /* those with a smaller one are above it */
  uint32_t length;
  char text[MC_SCREEN_TEXT];
};

/* Written by the lock's holder. A page goes out by `over`: half of one would leave the
 * cursor nobody knows where. */
struct screen {
  pthread_mutex_t lock;
  dev_t terminal;
  uint32_t made;   /* bars so far */
  uint32_t shown;  /* rows below the cursor's, its own included, that are bars */
  uint32_t coming; /* the same, when what is in `over` is out */
  struct bar bars[MC_SCREEN_BARS];
  struct mc_handover over;
};

_Static_assert(MC_SCREEN_BARS *(MC_SCREEN_TEXT + 2) + PIECE + HELD < MC_HANDOVER_MOST,
               "a page finds room");

static struct screen *screen;
static struct mc_buffer held[STDERR_FILENO + 1]; /* by descriptor */
static struct mc_buffer page;                    /* what is written in one piece */
static uint32_t page_bars;                       /* rows of it that are bars */
static bool adopted, leaving;

/* ---- the shared memory ---- */

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

void mc_screen_share(void) {
  struct stat info;
  if (screen || !isatty(STDERR_FILENO) || fstat(STDERR_FILENO, &info))
    return;
  void *memory = mmap(NULL, sizeof *screen, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return;
  struct screen *made = memory;
  made->terminal = info.st_rdev;
  if (make_lock(&made->lock))
    screen = made;
  else
    munmap(memory, sizeof *made);
}

void mc_screen_forked(void) {
  if (!screen)
    return;
  for (size_t i = 0; i < sizeof held / sizeof *held; i++)
    held[i].length = 0;
}

/* Also true where that is not to be known. A terminal that takes nothing, or a machine
 * that is slow, stops nobody. */
static bool is_holder_stopped(void) {
  char path[32], state = 'T';
  uint32_t holder = *(volatile uint32_t *)&screen->lock & FUTEX_TID_MASK;
  if (holder == 0)
    return true;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)holder);
  FILE *file = fopen(path, "re");
  if (!file)
    return true;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
    state = 'T';
  fclose(file);
  return state == 'T' || state == 't';
}

/* Nobody has made a bar yet. */
static bool is_unused(void) {
  return __atomic_load_n(&screen->made, __ATOMIC_RELAXED) == 0;
}

/* false: its holder is stopped, or writes to something else by now, and we write all the
 * same. */
static bool take(void) {
  int error = pthread_mutex_trylock(&screen->lock); /* mostly that is all */
  while (error == EBUSY || (error == ETIMEDOUT && !is_unused() && !is_holder_stopped())) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += PATIENCE;
    error = pthread_mutex_clocklock(&screen->lock, CLOCK_MONOTONIC, &end);
  }
  if (error == EOWNERDEAD)
    pthread_mutex_consistent(&screen->lock);
  return !error || error == EOWNERDEAD;
}

static void give(bool taken) {
  if (taken)
    pthread_mutex_unlock(&screen->lock);
}

static bool finish(int fd) {
  bool done = mc_handover_write(&screen->over, fd);
  screen->shown = screen->coming;
  mc_handover_end(&screen->over);
  return done;
}

/* Before the terminal is written to: what a dead holder has begun is finished. */
static bool take_terminal(int fd) {
  bool taken = take();
  if (taken && screen->over.length)
    finish(fd);
  return taken;
}

/* ---- drawing ---- */

static bool is_terminal(int fd) {
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) &&
         info.st_rdev == screen->terminal;
}

void mc_screen_size(unsigned *columns, unsigned *rows) {
  struct winsize size = {0};
  ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
  *columns = size.ws_col;
  *rows = size.ws_row;
}

static bool is_alive(const struct bar *bar) {
  return bar->pid && (kill(bar->pid, 0) == 0 || errno != ESRCH);
}

/* The living bars with something to show, in their order. */
static size_t list_bars(const struct bar *list[MC_SCREEN_BARS]) {
  size_t n = 0;
  for (size_t i = 0; i < MC_SCREEN_BARS; i++) {
    struct bar *bar = &screen->bars[i];
    if (!is_alive(bar)) {
      bar->pid = 0;
      continue;
    }
    if (bar->length == 0)
      continue;
    size_t at = n++;
    for (; at > 0 && list[at - 1]->number > bar->number; at--)
      list[at] = list[at - 1];
    list[at] = bar;
  }
  return n;
}

static void add(const char *text) {
  mc_buffer_append(&page, text, strlen(text)); /* without memory, less is drawn */
}

/* As many as the terminal has rows for, above which there is one for the lines that go
 * by. */
static void add_bars(void) {
  const struct bar *list[MC_SCREEN_BARS];
  unsigned columns, rows;
  mc_screen_size(&columns, &rows);
  size_t n = list_bars(list), room = rows > 2 ? rows - 1 : rows ? 1 : MC_SCREEN_BARS;
  if (n > room)
    n = room;
  page_bars = (uint32_t)n;
  if (n == 0)
    return;
  add(NO_WRAP);
  for (size_t i = 0; i < n; i++) {
    size_t length = list[i]->length < MC_SCREEN_TEXT ? list[i]->length : MC_SCREEN_TEXT;
    add(i ? "\r\n" : "");
    mc_buffer_append(&page, list[i]->text, length);
  }
  char back[32];
  snprintf(back, sizeof back, n > 1 ? WRAP "\r\33[%uA" : WRAP "\r", (unsigned)n - 1);
  add(back);
}

/* Clears the bars; what is added then takes their place. */
static void begin_page(void) {
  page.length = 0;
  add(screen->shown ? "\r\33[J" : "");
}

/* Without the lock, what its holder has begun is torn by this. */
static bool write_page(int fd, bool taken) {
  bool safe = taken && page.length > 0 && page.length <= MC_HANDOVER_MOST;
  if (safe) {
    screen->coming = page_bars;
    mc_handover_begin(&screen->over, page.data, page.length);
    return finish(fd);
  }
  mc_handover_end(&screen->over);
  bool done = mc_write_out(fd, page.data, page.length);
  screen->shown = page_bars;
  return done;
}

static bool redraw(int fd, bool taken) {
  add_bars();
  return write_page(fd, taken);
}

/* What waits for a line end, and more. */
static bool write_held(int fd, const char *text, size_t n) {
  struct mc_buffer *waiting = &held[fd];
  bool done = waiting->length == 0 || mc_write_out(fd, waiting->data, waiting->length);
  waiting->length = 0;
  return mc_write_out(fd, text, n) && done;
}

/* ---- bars ---- */

static bool is_own(int bar) {
  return screen && bar >= 0 && bar < MC_SCREEN_BARS && screen->bars[bar].pid == getpid();
}

int mc_screen_bar_new(void) {
  const struct bar *list[MC_SCREEN_BARS];
  int found = -1;
  if (!screen)
    return -1;
  bool taken = take();
  list_bars(list); /* those of the dead are free now */
  for (int i = 0; i < MC_SCREEN_BARS && found < 0; i++)
    if (!screen->bars[i].pid)
      found = i;
  if (found >= 0) {
    struct bar *bar = &screen->bars[found];
    bar->number = screen->made++;
    bar->length = 0;
    __atomic_store_n(&bar->pid, getpid(), __ATOMIC_RELEASE);
  }
  give(taken);
  return found;
}

/* A killed process counts as alive until it is collected: half a text is none. */
static void set_text(struct bar *bar, const char *text, size_t n) {
  if (n > MC_SCREEN_TEXT)
    n = MC_SCREEN_TEXT;
  __atomic_store_n(&bar->length, 0, __ATOMIC_RELEASE);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  memcpy(bar->text, text, n);
  __atomic_store_n(&bar->length, (uint32_t)n, __ATOMIC_RELEASE);
}

void mc_screen_bar_draw(int bar, const char *text, size_t n) {
  if (!is_own(bar) || !is_terminal(STDERR_FILENO))
    return;
  bool taken = take_terminal(STDERR_FILENO);
  set_text(&screen->bars[bar], text, n);
  begin_page();
  if (!screen->shown)
    add("\r\33[K");
  redraw(STDERR_FILENO, taken);
  give(taken);
}

/* Where stderr is something else by now, the others take the bar away. */
static void end_elsewhere(int bar, const char *text, size_t n) {
  screen->bars[bar].pid = 0;
  if (text && mc_write_out(STDERR_FILENO, text, n))
    mc_write_out(STDERR_FILENO, "\n", 1);
}

void mc_screen_bar_end(int bar, const char *text, size_t n) {
  if (!is_own(bar))
    return;
  if (!is_terminal(STDERR_FILENO)) {
    end_elsewhere(bar, text, n);
    return;
  }
  bool taken = take_terminal(STDERR_FILENO);
  screen->bars[bar].pid = 0;
  begin_page();
  if (text) {
    add(NO_WRAP);
    mc_buffer_append(&page, text, n);
    add(WRAP "\r\n");
  }
  redraw(STDERR_FILENO, taken);
  if (!screen->shown)
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
      write_held(fd, "", 0);
  give(taken);
}

/* ---- lines ---- */

static bool has_bars(void) {
  const struct bar *list[MC_SCREEN_BARS];
  return list_bars(list) > 0;
}

/* Bars whose processes are all dead: nobody draws there again. */
static void clear_dead(int fd, bool taken) {
  if (screen->shown == 0 || has_bars())
    return;
  begin_page();
  redraw(fd, taken);
}

/* Whole lines go out; the rest waits, unless it is very long. */
static bool write_above(int fd, const char *text, size_t n, bool taken) {
  struct mc_buffer *waiting = &held[fd];
  const char *last = memrchr(text, '\n', n);
  size_t whole = last ? (size_t)(last - text) + 1 : 0;
  bool too_long = waiting->length + n - whole > HELD;
  if (!last && !too_long)
    return mc_buffer_append(waiting, text, n) || write_held(fd, text, n);
  if (too_long)
    whole = n;
  begin_page();
  bool done = mc_buffer_append(&page, waiting->data, waiting->length) &&
              mc_buffer_append(&page, text, whole);
  waiting->length = 0;
  if (text[whole - 1] != '\n')
    add("\r\n");
  done = mc_buffer_append(waiting, text + whole, n - whole) && done;
  return redraw(fd, taken) && done;
}

/* How much of a text is written at once: up to a line end, however long the line is. */
static size_t piece_of(const char *text, size_t n) {
  if (n <= PIECE)
    return n;
  const char *end = memrchr(text, '\n', PIECE);
  if (!end)
    end = memchr(text + PIECE, '\n', n - PIECE);
  return end ? (size_t)(end - text) + 1 : n;
}

static bool write_pieces_above(int fd, const char *text, size_t n, bool taken) {
  bool done = true;
  for (size_t piece; n > 0; text += piece, n -= piece) {
    piece = piece_of(text, n);
    done = write_above(fd, text, piece, taken) && done;
  }
  return done;
}

static bool write_among(int fd, const char *text, size_t n, bool taken) {
  if (!leaving && has_bars())
    return write_pieces_above(fd, text, n, taken);
  clear_dead(fd, taken);
  return write_held(fd, text, n);
}

/* Where nobody ever made a bar, the lock is all that a write costs more: not even what
 * the descriptor is now is asked. */
bool mc_screen_write(int fd, const char *text, size_t n) {
  if (n == 0)
    return true;
  if (!screen || fd > STDERR_FILENO || (!is_unused() && !is_terminal(fd)))
    return mc_write_out(fd, text, n);
  bool taken = take_terminal(fd);
  bool direct = is_unused() || !is_terminal(fd);
  bool done = direct ? mc_write_out(fd, text, n) : write_among(fd, text, n, taken);
  give(taken);
  return done;
}

/* ---- stdio ---- */

static ssize_t on_write(void *cookie, const char *text, size_t n) {
  return mc_screen_write((int)(intptr_t)cookie, text, n) ? (ssize_t)n : 0;
}

/* How a stream is buffered; one that was not used yet, as usual. */
static int mode_of(FILE *stream, int usual) {
  if (__flbf(stream))
    return _IOLBF;
  size_t size = __fbufsize(stream);
  return size == 0 ? usual : size == 1 ? _IONBF : _IOFBF;
}

static bool replace(FILE **stream, int fd, int usual) {
  if (!is_terminal(fd))
    return false;
  int mode = mode_of(*stream, usual);
  fflush(*stream);
  FILE *through =
      fopencookie((void *)(intptr_t)fd, "w", (cookie_io_functions_t){.write = on_write});
  if (!through)
    return false;
  setvbuf(through, NULL, mode, 0);
  *stream = through;
  return true;
}

bool mc_screen_adopt(void) {
  if (!screen || adopted)
    return false;
  adopted = true;
  bool replaced = replace(&stdout, STDOUT_FILENO, _IOLBF);
  replaced = replace(&stderr, STDERR_FILENO, _IONBF) || replaced;
  atexit(mc_screen_leave);
  return replaced;
}

static void leave_terminal(int fd) {
  bool taken = take_terminal(fd);
  clear_dead(fd, taken);
  if (held[fd].length) {
    begin_page();
    mc_buffer_append(&page, held[fd].data, held[fd].length);
    held[fd].length = 0;
    add(screen->shown ? "\r\n" : "");
    redraw(fd, taken);
  }
  give(taken);
}

void mc_screen_leave(void) {
  if (!screen || !adopted || leaving)
    return;
  fflush(stdout);
  fflush(stderr);
  for (int i = 0; i < MC_SCREEN_BARS; i++)
    if (is_own(i))
      mc_screen_bar_end(i, screen->bars[i].text, screen->bars[i].length);
  leaving = true;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (is_terminal(fd))
      leave_terminal(fd);
}
