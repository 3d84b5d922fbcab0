#include "os/screen.h"

#include "base/buffer.h"
#include "os/pages.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELD  4096  /* bytes that wait for a line end */
#define PIECE 32768 /* bytes of lines that are written in one piece with the bars */

/* A bar that was drawn for a wider terminal loses its end, and takes no second row. */
#define NO_WRAP "\33[?7l"
#define WRAP    "\33[?7h"

struct bar {
  pid_t pid;       /* whose; 0: free */
  uint32_t number; /* those with a smaller one are above it */
  uint32_t length;
  char text[MC_SCREEN_TEXT];
};

/* Written by who has the turn (pages.h); a bar's `pid`, first and last, without it too.
 * What a page tells those behind it is how many rows of it are bars: they are below the
 * cursor's row, with that one. Half a page would leave the cursor nobody knows where. */
struct screen {
  dev_t terminal;
  uint32_t made; /* bars so far */
  struct bar bars[MC_SCREEN_BARS];
  struct mc_pages pages;
};

_Static_assert(MC_SCREEN_BARS *(MC_SCREEN_TEXT + 2) + PIECE + HELD < MC_HANDOVER_MOST,
               "a page finds room");

static struct screen *screen;
static struct mc_buffer held[STDERR_FILENO + 1]; /* by descriptor */
static struct mc_buffer page;                    /* what is written in one piece */
static uint32_t page_bars;                       /* rows of it that are bars */
static bool adopted, leaving;

/* ---- the shared memory ---- */

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
  if (mc_pages_make(&made->pages))
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

/* Nobody has made a bar yet. */
static bool is_unused(void) {
  return __atomic_load_n(&screen->made, __ATOMIC_RELAXED) == 0;
}

/* As long as there was no bar it is not needed so much that a holder who writes to
 * something else by now could keep us from writing. */
static struct mc_page *take(int fd) {
  return mc_pages_take(&screen->pages, fd, !is_unused());
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

/* The length goes first: who claims the place has no text yet. */
static void free_place(struct bar *bar, pid_t owner) {
  __atomic_store_n(&bar->length, 0, __ATOMIC_RELEASE);
  __atomic_compare_exchange_n(&bar->pid, &owner, 0, false, __ATOMIC_ACQ_REL,
                              __ATOMIC_RELAXED);
}

/* Whether it is of somebody alive; a dead one's place is free then. */
static bool is_alive(struct bar *bar) {
  pid_t owner = __atomic_load_n(&bar->pid, __ATOMIC_ACQUIRE);
  bool alive = owner && (kill(owner, 0) == 0 || errno != ESRCH);
  if (owner && !alive)
    free_place(bar, owner);
  return alive;
}

/* The living bars with something to show, in their order. */
static size_t list_bars(const struct bar *list[MC_SCREEN_BARS]) {
  size_t n = 0;
  for (size_t i = 0; i < MC_SCREEN_BARS; i++) {
    struct bar *bar = &screen->bars[i];
    if (!is_alive(bar))
      continue;
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

/* What a page is of. */
struct drawing {
  int bar, fd;
  const char *text;
  size_t n;
};

/* Clears the bars; what is added then takes their place. */
static void begin_page(const struct mc_page *turn) {
  page.length = 0;
  add(turn->shown ? "\r\33[J" : "");
}

/* Writes the page that fill() begins and the bars end; once more when the turn was lost
 * before. Then it is another one, or NULL: there is none, and nothing was written. */
static bool show(struct mc_page **turn, const struct drawing *drawing,
                 void (*fill)(const struct mc_page *, const struct drawing *)) {
  while (*turn) {
    fill(*turn, drawing);
    add_bars();
    enum mc_page_end end =
        mc_page_write(*turn, drawing->fd, page.data, page.length, page_bars);
    if (end != MC_PAGE_LOST)
      return end == MC_PAGE_DONE;
    mc_pages_give(*turn);
    *turn = take(drawing->fd);
  }
  return false;
}

static bool show_once(const struct drawing *drawing,
                      void (*fill)(const struct mc_page *, const struct drawing *)) {
  struct mc_page *turn = take(drawing->fd);
  bool done = show(&turn, drawing, fill);
  mc_pages_give(turn);
  return done;
}

static void fill_nothing(const struct mc_page *turn, const struct drawing *drawing) {
  (void)drawing;
  begin_page(turn);
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

/* Without the turn, which may be lost in the middle, two may look at the same place. */
static bool claim(struct bar *bar) {
  pid_t nobody = 0;
  return __atomic_compare_exchange_n(&bar->pid, &nobody, getpid(), false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

int mc_screen_bar_new(void) {
  const struct bar *list[MC_SCREEN_BARS];
  int found = -1;
  if (!screen)
    return -1;
  struct mc_page *turn = take(-1);
  uint32_t number = __atomic_fetch_add(&screen->made, 1, __ATOMIC_RELAXED);
  list_bars(list); /* those of the dead are free now */
  for (int i = 0; i < MC_SCREEN_BARS && found < 0; i++)
    if (claim(&screen->bars[i]))
      found = i;
  if (found >= 0)
    screen->bars[found].number = number;
  mc_pages_give(turn);
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

static void fill_bar(const struct mc_page *turn, const struct drawing *drawing) {
  set_text(&screen->bars[drawing->bar], drawing->text, drawing->n);
  begin_page(turn);
  if (!turn->shown)
    add("\r\33[K");
}

void mc_screen_bar_draw(int bar, const char *text, size_t n) {
  struct drawing drawing = {bar, STDERR_FILENO, text, n};
  if (is_own(bar) && is_terminal(STDERR_FILENO))
    show_once(&drawing, fill_bar);
}

static void fill_end(const struct mc_page *turn, const struct drawing *drawing) {
  if (is_own(drawing->bar))
    free_place(&screen->bars[drawing->bar], getpid());
  begin_page(turn);
  if (!drawing->text)
    return;
  add(NO_WRAP);
  mc_buffer_append(&page, drawing->text, drawing->n);
  add(WRAP "\r\n");
}

/* Where stderr is something else by now, the others take the bar away. */
static void end_elsewhere(int bar, const char *text, size_t n) {
  free_place(&screen->bars[bar], getpid());
  if (text && mc_write_out(STDERR_FILENO, text, n))
    mc_write_out(STDERR_FILENO, "\n", 1);
}

void mc_screen_bar_end(int bar, const char *text, size_t n) {
  struct drawing drawing = {bar, STDERR_FILENO, text, n};
  if (!is_own(bar))
    return;
  struct mc_page *turn = is_terminal(STDERR_FILENO) ? take(STDERR_FILENO) : NULL;
  if (!turn) {
    end_elsewhere(bar, text, n);
    return;
  }
  show(&turn, &drawing, fill_end);
  if (turn && !turn->shown)
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
      write_held(fd, "", 0);
  mc_pages_give(turn);
}

/* ---- lines ---- */

static bool has_bars(void) {
  const struct bar *list[MC_SCREEN_BARS];
  return list_bars(list) > 0;
}

/* Bars whose processes are all dead: nobody draws there again. */
static void clear_dead(struct mc_page **turn, int fd) {
  struct drawing drawing = {.fd = fd};
  if (*turn && (*turn)->shown > 0 && !has_bars())
    show(turn, &drawing, fill_nothing);
}

/* How much of a text goes out with its lines: the rest, without a line end, waits, unless
 * it is very long. */
static size_t whole_of(int fd, const char *text, size_t n) {
  const char *last = memrchr(text, '\n', n);
  size_t whole = last ? (size_t)(last - text) + 1 : 0;
  return held[fd].length + n - whole > HELD ? n : whole;
}

/* What waited, and lines. Without memory, less is written. */
static void fill_lines(const struct mc_page *turn, const struct drawing *lines) {
  const struct mc_buffer *waiting = &held[lines->fd];
  begin_page(turn);
  mc_buffer_append(&page, waiting->data, waiting->length);
  mc_buffer_append(&page, lines->text, lines->n);
  if (lines->text[lines->n - 1] != '\n')
    add("\r\n");
}

static bool write_above(struct mc_page **turn, int fd, const char *text, size_t n) {
  struct mc_buffer *waiting = &held[fd];
  struct drawing lines = {.fd = fd, .text = text, .n = whole_of(fd, text, n)};
  if (lines.n == 0)
    return mc_buffer_append(waiting, text, n) || write_held(fd, text, n);
  bool done = show(turn, &lines, fill_lines) || (!*turn && write_held(fd, text, lines.n));
  waiting->length = 0;
  return mc_buffer_append(waiting, text + lines.n, n - lines.n) && done;
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

static bool write_pieces_above(struct mc_page **turn, int fd, const char *text,
                               size_t n) {
  bool done = true;
  for (size_t piece; n > 0; text += piece, n -= piece) {
    piece = piece_of(text, n);
    done = write_above(turn, fd, text, piece) && done;
  }
  return done;
}

static bool write_among(struct mc_page **turn, int fd, const char *text, size_t n) {
  if (!leaving && has_bars())
    return write_pieces_above(turn, fd, text, n);
  clear_dead(turn, fd);
  return write_held(fd, text, n);
}

/* Where nobody ever made a bar, the turn is all that a write costs more: not even what
 * the descriptor is now is asked. */
bool mc_screen_write(int fd, const char *text, size_t n) {
  if (n == 0)
    return true;
  bool unused = screen && is_unused();
  if (!screen || fd > STDERR_FILENO || (!unused && !is_terminal(fd)))
    return mc_write_out(fd, text, n);
  struct mc_page *turn = take(fd);
  bool direct = is_unused() || (unused && !is_terminal(fd));
  bool done = direct ? mc_write_out(fd, text, n) : write_among(&turn, fd, text, n);
  mc_pages_give(turn);
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

static void fill_held(const struct mc_page *turn, const struct drawing *drawing) {
  begin_page(turn);
  mc_buffer_append(&page, held[drawing->fd].data, held[drawing->fd].length);
  add(turn->shown ? "\r\n" : "");
}

static void leave_terminal(int fd) {
  struct drawing drawing = {.fd = fd};
  struct mc_page *turn = take(fd);
  clear_dead(&turn, fd);
  if (held[fd].length)
    show(&turn, &drawing, fill_held);
  held[fd].length = 0;
  mc_pages_give(turn);
}

void mc_screen_leave(void) {
  if (!screen || !adopted || leaving)
    return;
  fflush(stdout);
  fflush(stderr);
  if (is_unused())
    return;
  for (int i = 0; i < MC_SCREEN_BARS; i++)
    if (is_own(i))
      mc_screen_bar_end(i, screen->bars[i].text, screen->bars[i].length);
  leaving = true;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (is_terminal(fd))
      leave_terminal(fd);
}
