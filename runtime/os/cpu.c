/* How many cores this process may use. */
#include "os/cores.h"
#include "os/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LENGTH 4096
#define ROOT   "/sys/fs/cgroup"

/* Reads up to two numbers of a file; how many there were. */
static int read_numbers(const char *folder, const char *name, long long numbers[2]) {
  char path[LENGTH];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
    return 0;
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  int n = fscanf(file, "%lld %lld", &numbers[0], &numbers[1]);
  fclose(file);
  return n;
}

/* The cores that one control group grants, rounded up; 0 when it sets no limit. */
static int by_group(const char *folder) {
  long long got[2], quota, period;
  if (read_numbers(folder, "cpu.max", got) == 2) { /* "max 100000" reads none */
    quota = got[0];
    period = got[1];
  } else if (read_numbers(folder, "cpu.cfs_quota_us", got) >= 1) { /* version 1 */
    quota = got[0];                                                /* -1: no limit */
    if (read_numbers(folder, "cpu.cfs_period_us", got) < 1)
      return 0;
    period = got[0];
  } else {
    return 0;
  }
  return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

static int lower(int least, int cores) {
  return cores && (!least || cores < least) ? cores : least;
}

/* A limit of any group above holds too, so all of them are read. In a container the path
 * may be one of the host, of which only the root is to be seen. */
static int by_groups(const char *mount, const char *path) {
  char folder[LENGTH];
  int least = 0;
  if ((size_t)snprintf(folder, sizeof folder, "%s%s", mount, path) >= sizeof folder)
    return 0;
  for (;;) {
    least = lower(least, by_group(folder));
    char *slash = strrchr(folder, '/');
    if (strlen(folder) <= strlen(mount) || !slash)
      return least;
    *slash = 0;
  }
}

static bool has_word(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *at = list; (at = strstr(at, word)); at += n)
    if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == 0))
      return true;
  return false;
}

/* One line of /proc/self/cgroup: "0::/path" of version 2, "4:cpu,cpuacct:/path" of 1. */
static int by_line(char *line) {
  char mount[LENGTH];
  char *controllers = strchr(line, ':');
  char *path = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!path)
    return 0;
  *controllers++ = 0;
  *path++ = 0;
  path[strcspn(path, "\n")] = 0;
  if (!*controllers)
    return lower(by_groups(ROOT, path), by_groups(ROOT "/unified", path));
  if (!has_word(controllers, "cpu"))
    return 0;
  snprintf(mount, sizeof mount, ROOT "/%s", controllers);
  return lower(by_groups(mount, path), by_groups(ROOT "/cpu", path));
}

static int by_quota(void) {
  char line[LENGTH];
  int least = 0;
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file)
    return 0;
  while (fgets(line, sizeof line, file))
    least = lower(least, by_line(line));
  fclose(file);
  return least;
}

int mc_cpu_count(void) {
  int cores = (int)mc_cores();
  return lower(cores, by_quota());
}
