#include "host/embed/error.h"

#include "host/embed/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT 512 /* bytes of a message of our own */

static mooncrew_error no_memory = {.code = MOONCREW_ENOMEM,
                                   .exit_code = -1,
                                   .message = "not enough memory",
                                   .traceback = "",
                                   .kind = ""};

static const struct {
  int code;
  const char *text;
} texts[] = {
    {MOONCREW_OK, "MOONCREW_OK: no error"},
    {MOONCREW_EINVAL, "MOONCREW_EINVAL: wrong argument"},
    {MOONCREW_ENOMEM, "MOONCREW_ENOMEM: not enough memory"},
    {MOONCREW_ESYSTEM, "MOONCREW_ESYSTEM: refused by the operating system"},
    {MOONCREW_EVERSION, "MOONCREW_EVERSION: versions that do not fit together"},
    {MOONCREW_EAGAIN, "MOONCREW_EAGAIN: the backlog is full"},
    {MOONCREW_ETIMEDOUT, "MOONCREW_ETIMEDOUT: timed out"},
    {MOONCREW_ECANCELLED, "MOONCREW_ECANCELLED: cancelled"},
    {MOONCREW_ECLOSED, "MOONCREW_ECLOSED: closed"},
    {MOONCREW_EHELPER, "MOONCREW_EHELPER: the helper process is gone"},
    {MOONCREW_EFORKED, "MOONCREW_EFORKED: belongs to the parent of this process"},
    {MOONCREW_EBUSY, "MOONCREW_EBUSY: in use"},
    {MOONCREW_ERUN, "MOONCREW_ERUN: error in Lua"},
    {MOONCREW_EWORKER, "MOONCREW_EWORKER: the worker process died"},
    {MOONCREW_ELIMIT, "MOONCREW_ELIMIT: over the limit"},
    {MOONCREW_EVALUE, "MOONCREW_EVALUE: not a value that was expected"},
    {MOONCREW_EEMPTY, "MOONCREW_EEMPTY: empty"},
    {MOONCREW_EFULL, "MOONCREW_EFULL: full"},
};

const char *mooncrew_strerror(int code) {
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].code == code)
      return texts[i].text;
  return "not a code of mooncrew";
}

const char *mooncrew_version(void) {
  return MOONCREW_VERSION;
}

static const char *put(char **at, const char *text) {
  char *start = *at;
  size_t n = strlen(text) + 1;
  memcpy(start, text, n);
  *at = start + n;
  return start;
}

mooncrew_error *embed_error_new(int code, const char *message, const char *traceback,
                                const char *kind) {
  mooncrew_error *error = embed_resize(NULL, sizeof *error + strlen(message) +
                                                 strlen(traceback) + strlen(kind) + 3);
  if (!error)
    return &no_memory;
  char *at = (char *)(error + 1);
  *error = (mooncrew_error){.code = code, .exit_code = -1};
  error->message = put(&at, message);
  error->traceback = put(&at, traceback);
  error->kind = put(&at, kind);
  return error;
}

int embed_fail(mooncrew_error **error, int code, const char *format, ...) {
  if (error) {
    char text[TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    *error = embed_error_new(code, text, "", "");
  }
  return code;
}

int embed_fail_system(mooncrew_error **error, int code, const char *what) {
  char text[128];
  int kind = code == -ENOMEM ? MOONCREW_ENOMEM : MOONCREW_ESYSTEM;
  return embed_fail(error, kind, "%s: %s", what, strerror_r(-code, text, sizeof text));
}

int embed_give(mooncrew_error **out, mooncrew_error *error) {
  int code = mooncrew_error_code(error);
  if (out)
    *out = error;
  else
    mooncrew_error_free(error);
  return code;
}

int mooncrew_error_code(const mooncrew_error *error) {
  return error ? error->code : MOONCREW_OK;
}

const char *mooncrew_error_message(const mooncrew_error *error) {
  return error ? error->message : "";
}

const char *mooncrew_error_traceback(const mooncrew_error *error) {
  return error ? error->traceback : "";
}

const char *mooncrew_error_kind(const mooncrew_error *error) {
  return error ? error->kind : "";
}

int mooncrew_error_signal(const mooncrew_error *error) {
  return error ? error->signal : 0;
}

int mooncrew_error_exit_code(const mooncrew_error *error) {
  return error ? error->exit_code : -1;
}

mooncrew_task mooncrew_error_task(const mooncrew_error *error) {
  return error ? error->task : 0;
}

void mooncrew_error_free(mooncrew_error *error) {
  if (error != &no_memory)
    embed_free(error);
}
