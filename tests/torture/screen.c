/* A process is killed at every instruction of drawing a bar and of writing a line: what
 * is on the terminal is what it would be had it been killed before or behind a whole
 * page.
 *
 *   victim    draws, writes | dies
 *   main                             writes a line, draws a bar, ends it
 *
 * Standard error is the terminal; all that comes to it is compared, byte by byte. */
#include "os/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PAGES 4  /* of the victim: a bar, again, a line, and the bar's end */
#define THIN  23 /* a prime, so that other instructions are met in each page */

struct output {
  size_t n;
  char bytes[4096];
};

static int terminal; /* its other end */

_Noreturn static void fail(const char *what) {
  printf("FAIL screen: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void open_terminal(void) {
  terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) || unlockpt(terminal))
    fail("no terminal");
  int end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios raw;
  if (end < 0 || tcgetattr(end, &raw))
    fail("no terminal");
  cfmakeraw(&raw);
  if (tcsetattr(end, TCSANOW, &raw) || dup2(end, STDERR_FILENO) < 0)
    fail("no terminal");
  close(end);
}

static void draw(int bar, const char *text) {
  mc_screen_bar_draw(bar, text, strlen(text));
}

static void say(const char *text) {
  mc_screen_write(STDERR_FILENO, text, strlen(text));
}

static void draw_page(int page) {
  static int bar;
  switch (page) {
  case 0:
    bar = mc_screen_bar_new();
    draw(bar, "victim");
    break;
  case 1:
    draw(bar, "victim again");
    break;
  case 2:
    say("a line\n");
    break;
  default:
    mc_screen_bar_end(bar, "victim's end", 12);
  }
}

/* Draws `pages`, and may be stepped from then on. */
_Noreturn static void be_victim(int pages) {
  mc_screen_forked();
  for (int page = 0; page < pages; page++)
    draw_page(page);
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
    fail("no ptrace");
  raise(SIGSTOP);
  for (int page = pages; page < PAGES; page++)
    draw_page(page);
  raise(SIGSTOP);
  _exit(0);
}

static pid_t start_victim(int pages) {
  int status;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0)
    be_victim(pages);
  if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
    fail("no victim");
  return pid;
}

/* false: it came to its end before. */
static bool step(pid_t pid, long steps) {
  int status;
  for (long i = 0; i < steps; i++) {
    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || waitpid(pid, &status, 0) < 0)
      fail("it can't be stepped");
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
      return false;
  }
  return true;
}

/* All up to the end of main's bar. */
static void read_output(struct output *output) {
  static const char end[] = "main\33[?7h\r\n";
  const size_t length = sizeof end - 1;
  output->n = 0;
  do {
    ssize_t n =
        read(terminal, output->bytes + output->n, sizeof output->bytes - output->n);
    if (n <= 0)
      fail("the terminal can't be read");
    output->n += (size_t)n;
  } while (output->n < length ||
           memcmp(output->bytes + output->n - length, end, length) != 0);
}

/* What comes to the terminal when the victim dies so many steps behind these pages. */
static bool kill_at(int pages, long steps, struct output *output) {
  pid_t pid = start_victim(pages);
  bool stepped = step(pid, steps);
  kill(pid, SIGKILL);
  if (waitpid(pid, NULL, 0) < 0)
    fail("it can't be killed");
  say("behind\n");
  int bar = mc_screen_bar_new();
  draw(bar, "main");
  mc_screen_bar_end(bar, "main", 4);
  read_output(output);
  return stepped;
}

static bool is_same(const struct output *a, const struct output *b) {
  return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void show(const struct output *output) {
  for (size_t i = 0; i < output->n; i++)
    printf(output->bytes[i] < ' ' ? "\\%o" : "%c", output->bytes[i]);
  puts("");
}

/* Which of the expected ones it is; -1: none. */
static int find(const struct output *output, const struct output *expected) {
  for (int pages = 0; pages <= PAGES; pages++)
    if (is_same(output, &expected[pages]))
      return pages;
  return -1;
}

int main(void) {
  const char *form = getenv("MOONCREW_TORTURE");
  long stride = form && strcmp(form, "full") == 0 ? 1 : THIN, trials = 0;
  static struct output expected[PAGES + 1], output;
  bool seen[PAGES + 1] = {false};
  open_terminal();
  mc_screen_share();
  for (int pages = 0; pages <= PAGES; pages++)
    kill_at(pages, 0, &expected[pages]);
  for (long steps = 0; kill_at(0, steps, &output); steps += stride, trials++) {
    int pages = find(&output, expected);
    if (pages < 0) {
      printf("FAIL screen: killed at instruction %ld:\n", steps);
      show(&output);
      return 1;
    }
    seen[pages] = true;
  }
  for (int pages = 0; pages <= PAGES; pages++)
    if (!seen[pages]) {
      printf("FAIL screen: it never died behind page %d\n", pages);
      return 1;
    }
  printf("  %ld kills\nPASS screen\n", trials);
  return 0;
}
