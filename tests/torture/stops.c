/* Writers of lines and bars are stopped and let go on at random, so soon after one
 * another that some go on just while another one passes them over: each line comes once,
 * whole, in its writer's order, and nothing is left of a bar.
 *
 *   writer 0…3    line 0, bar, line 1, bar …          ended by the last line
 *   main          reads the terminal; SIGSTOP, SIGCONT */
#include "os/pages.h"
#include "os/screen.h"
#include "support/terminal.h"
#include "torture/support/sight.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS 4
#define LINES   240
#define THIN    4 /* rounds */
#define FULL    100

static struct terminal terminal;
static char text[1 << 23];
static size_t n_text;

static void say(int fd, const char *line) {
  mc_screen_write(fd, line, strlen(line));
}

_Noreturn static void write_lines(int writer) {
  char line[SIGHT_WIDE];
  mc_screen_forked();
  int bar = mc_screen_bar_new();
  for (int i = 0; i < LINES; i++) {
    snprintf(line, sizeof line, "line %d of %d\n", i, writer);
    say(STDERR_FILENO, line);
    snprintf(line, sizeof line, "bar of %d at %d", writer, i);
    mc_screen_bar_draw(bar, line, strlen(line));
  }
  mc_screen_bar_end(bar, NULL, 0);
  _exit(0);
}

/* What has come meanwhile. */
static bool read_more(void) {
  struct pollfd more = {.fd = terminal.screen, .events = POLLIN};
  if (poll(&more, 1, 1) <= 0)
    return true;
  ssize_t n = read(terminal.screen, text + n_text, sizeof text - 1 - n_text);
  n_text += n > 0 ? (size_t)n : 0;
  return n > 0;
}

/* Stops one of them, or all as Ctrl-Z does, or lets them go on, unless they have ended.
 */
static void disturb(const pid_t pids[WRITERS]) {
  int signal = rand() % 2 ? SIGSTOP : SIGCONT, one = rand() % WRITERS;
  bool all = rand() % 4 == 0;
  for (int i = 0; i < WRITERS; i++)
    if (pids[i] && (all || i == one))
      kill(pids[i], signal);
}

/* false: one has not ended well. */
static bool collect(pid_t pids[WRITERS], int *alive) {
  int status = 0;
  for (int i = 0; i < WRITERS; i++)
    if (pids[i] && waitpid(pids[i], &status, WNOHANG) > 0) {
      pids[i] = 0;
      (*alive)--;
    }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Why what one sees is wrong; NULL: it is right. */
static const char *check(void) {
  static struct sight sight;
  int next[WRITERS] = {0}, writer, line, rows = 0;
  text[n_text] = 0;
  if (!sight_see(&sight, text, n_text))
    return "there is more than was written";
  for (; sight.rows[rows][0]; rows++) {
    char expected[SIGHT_WIDE];
    if (sscanf(sight.rows[rows], "line %d of %d", &line, &writer) != 2 || writer < 0 ||
        writer >= WRITERS)
      return sight.rows[rows];
    snprintf(expected, sizeof expected, "line %d of %d", next[writer]++, writer);
    if (strcmp(expected, sight.rows[rows]) != 0)
      return sight.rows[rows];
  }
  return rows == WRITERS * LINES ? NULL : "lines are missing";
}

/* The last thing that comes is the end of the last bar, which leaves nothing. */
static const char *run_round(void) {
  pid_t pids[WRITERS];
  int alive = WRITERS;
  n_text = 0;
  fflush(stdout);
  for (int i = 0; i < WRITERS; i++)
    if ((pids[i] = fork()) == 0)
      write_lines(i);
  while (alive > 0) {
    disturb(pids);
    if (!read_more())
      return "the terminal can't be read";
    if (!collect(pids, &alive))
      return "a writer has not ended well";
  }
  say(STDERR_FILENO, "\33[K"); /* is behind all others */
  while (n_text < 3 || memcmp(text + n_text - 3, "\33[K", 3) != 0)
    if (!read_more())
      return "the terminal can't be read";
  return check();
}

int main(void) {
  const char *form = getenv("MOONCREW_TORTURE");
  int rounds = form && strcmp(form, "full") == 0 ? FULL : THIN;
  if (!terminal_open(&terminal, 0) || dup2(terminal.end, STDERR_FILENO) < 0) {
    puts("FAIL stops: no terminal");
    return 1;
  }
  mc_pages_look = 1;
  mc_screen_share();
  for (int i = 0; i < rounds; i++) {
    srand((unsigned)i);
    const char *wrong = run_round();
    if (wrong) {
      printf("FAIL stops: round %d: %s\n", i, wrong);
      return 1;
    }
  }
  printf("  %d rounds\nPASS stops\n", rounds);
  return 0;
}
