/* A process is killed, or stopped for a while, at every instruction of drawing a bar and
 * of writing a line: what is on the terminal is what it would be had that happened before
 * or behind a whole page.
 *
 *   victim    draws, writes | dies, or is stopped                    | goes on
 *   main                                   writes a line, draws a bar           ends it
 *
 * Standard error is the terminal; all that comes to it is compared, byte by byte. */
#include "os/screen.h"
#include "os/pages.h"
#include "support/terminal.h"
#include "torture/support/sight.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 5  /* of the victim: a bar's place, the bar, again, a line, its end */
#define THIN  47 /* a prime, so that other instructions are met in each page */

struct output {
  size_t n;
  char bytes[4096];
};

static struct terminal terminal;

_Noreturn static void fail(const char *what) {
  printf("FAIL screen: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void open_terminal(void) {
  if (!terminal_open(&terminal, 0) || dup2(terminal.end, STDERR_FILENO) < 0)
    fail("no terminal");
  close(terminal.end);
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
    break;
  case 1:
    draw(bar, "victim");
    break;
  case 2:
    draw(bar, "victim again");
    break;
  case 3:
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
  memset(output, 0, sizeof *output);
  do {
    ssize_t n = read(terminal.screen, output->bytes + output->n,
                     sizeof output->bytes - output->n);
    if (n <= 0)
      fail("the terminal can't be read");
    output->n += (size_t)n;
  } while (output->n < length ||
           memcmp(output->bytes + output->n - length, end, length) != 0);
}

static void kill_victim(pid_t pid) {
  kill(pid, SIGKILL);
  if (waitpid(pid, NULL, 0) < 0)
    fail("it can't be killed");
}

/* It goes on up to its end, where it stops by itself. */
static void let_victim_end(pid_t pid) {
  int status;
  if (ptrace(PTRACE_DETACH, pid, NULL, NULL) || waitpid(pid, &status, WUNTRACED) < 0)
    fail("it does not go on");
  if (WIFSTOPPED(status) && (kill(pid, SIGCONT) || waitpid(pid, &status, 0) < 0))
    fail("it does not end");
  if (!WIFEXITED(status) || WEXITSTATUS(status))
    fail("it has not ended well");
}

/* What comes to the terminal when that happens to the victim so many steps behind these
 * pages. false: it came to its end before. */
static bool disturb(bool deadly, int pages, long steps, struct output *output) {
  pid_t pid = start_victim(pages);
  bool stepped = step(pid, steps);
  if (deadly)
    kill_victim(pid);
  say("behind\n");
  int bar = mc_screen_bar_new();
  draw(bar, "main");
  if (!deadly)
    let_victim_end(pid);
  mc_screen_bar_end(bar, "main", 4);
  read_output(output);
  return stepped;
}

/* One who goes on later may have changed its bar already: it is seen a page too early. */
static bool looks_same(const struct output *a, const struct output *b) {
  static struct sight of_a, of_b;
  return sight_see(&of_a, a->bytes, a->n) && sight_see(&of_b, b->bytes, b->n) &&
         memcmp(&of_a, &of_b, sizeof of_a) == 0;
}

static bool is_same(const struct output *a, const struct output *b) {
  return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static void show(const struct output *output) {
  for (size_t i = 0; i < output->n; i++)
    printf(output->bytes[i] < ' ' ? "\\%o" : "%c", output->bytes[i]);
  puts("");
}

/* Notes behind how many pages that may have been; false: behind no number of them. */
static bool find(bool deadly, const struct output *output, const struct output *expected,
                 bool *seen) {
  bool found = false;
  for (int pages = 0; pages <= PAGES; pages++)
    if (deadly ? is_same(output, &expected[pages]) : looks_same(output, &expected[pages]))
      found = seen[pages] = true;
  return found;
}

static bool try_all(bool deadly, long stride) {
  static struct output expected[PAGES + 1], output;
  const char *what = deadly ? "killed" : "stopped";
  bool seen[PAGES + 1] = {false};
  long trials = 0;
  for (int pages = 0; pages <= PAGES; pages++)
    disturb(deadly, pages, 0, &expected[pages]);
  for (long steps = 0; disturb(deadly, 0, steps, &output); steps += stride, trials++)
    if (!find(deadly, &output, expected, seen)) {
      printf("FAIL screen: %s at instruction %ld:\n", what, steps);
      show(&output);
      return false;
    }
  for (int pages = 0; pages <= PAGES; pages++)
    if (!seen[pages]) {
      printf("FAIL screen: it was never %s behind page %d\n", what, pages);
      return false;
    }
  printf("  %s %ld times\n", what, trials);
  return true;
}

/* As the other kill tests are told it: by -f or the environment. */
static bool is_full(char *const argv[]) {
  const char *form = getenv("MOONCREW_TORTURE");
  bool full = form && strcmp(form, "full") == 0;
  for (; *argv; argv++)
    full = full || strcmp(*argv, "-f") == 0;
  return full;
}

int main(int argc, char *argv[]) {
  (void)argc;
  long stride = is_full(argv) ? 1 : THIN;
  open_terminal();
  mc_pages_look = 1;
  mc_screen_share();
  if (!try_all(true, stride) || !try_all(false, stride))
    return 1;
  puts("PASS screen");
  return 0;
}
