#include "bind/current.h"

#include <stdio.h>
#include <unistd.h>

#define NAME_LENGTH 128

static char current_name[NAME_LENGTH] = "MainProcess";
static char parent_name[NAME_LENGTH];
static bool current_daemon;

static pid_t current_pid;

pid_t bind_current_pid(void) {
  if (!current_pid)
    current_pid = getpid();
  return current_pid;
}

const char *bind_current_name(void) {
  return current_name;
}

void bind_current_set(const char *name, bool daemon) {
  snprintf(parent_name, sizeof parent_name, "%s", current_name);
  snprintf(current_name, sizeof current_name, "%s", name);
  current_daemon = daemon;
  current_pid = getpid();
}

const char *bind_parent_name(void) {
  return parent_name[0] ? parent_name : NULL;
}

bool bind_current_is_daemon(void) {
  return current_daemon;
}
