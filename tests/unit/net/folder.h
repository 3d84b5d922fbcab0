/* A folder of a test's own, gone after it. */
#ifndef TESTS_UNIT_NET_FOLDER_H
#define TESTS_UNIT_NET_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "%s", "/tmp/mooncrew-test-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128]; /* rm, since some tests make paths longer than PATH_MAX */
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

/* folder/name, in one of a few static buffers. */
__attribute__((unused)) static const char *in_folder(const char *name) {
  static char paths[32][2048];
  static int next;
  char *path = paths[next++ % 32];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

__attribute__((unused)) static void write_file(const char *path, const void *bytes,
                                               size_t n) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  assert_int_equal(fclose(file), 0);
}

/* The whole of a file; the caller frees it. */
__attribute__((unused)) static char *read_file(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *n = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*n + 1);
  assert_int_equal(fread(bytes, 1, *n, file), *n);
  bytes[*n] = '\0';
  fclose(file);
  return bytes;
}

__attribute__((unused)) static size_t count_entries(void) {
  size_t n = 0;
  DIR *open = opendir(folder);
  assert_non_null(open);
  for (struct dirent *entry; (entry = readdir(open));)
    n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  closedir(open);
  return n;
}

#endif
