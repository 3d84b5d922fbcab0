/* How many cores this process may use. */
#include "os/cores.h"
#include "os/process.h"

#include <stdio.h>
#include <string.h>

/* The cores that a cgroup v2 folder's cpu.max grants, rounded up; 0 when it sets no
 * limit. */
static int by_quota_file(const char *folder) {
  char path[4096];
  long long quota, period;
  if ((size_t)snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder) >=
      sizeof path)
    return 0;
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  int fields = fscanf(file, "%lld %lld", &quota, &period); /* "max 100000" reads none */
  fclose(file);
  if (fields != 2 || quota <= 0 || period <= 0)
    return 0;
  return (int)((quota + period - 1) / period);
}

/* A limit of any folder above holds too, so all of them are read. */
static int by_quota(void) {
  char line[4096];
  int least = 0;
  FILE *file = fopen("/proc/self/cgroup", "re");
  if (!file)
    return 0;
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, "0::", 3) != 0)
      continue;
    char *folder = line + 3;
    folder[strcspn(folder, "\n")] = 0;
    for (;;) {
      int cores = by_quota_file(folder);
      if (cores && (!least || cores < least))
        least = cores;
      char *slash = strrchr(folder, '/');
      if (!slash || !*folder)
        break;
      *slash = 0;
    }
  }
  fclose(file);
  return least;
}

int mc_cpu_count(void) {
  int cores = (int)mc_cores();
  int quota = by_quota();
  if (quota && quota < cores)
    cores = quota;
  return cores;
}
