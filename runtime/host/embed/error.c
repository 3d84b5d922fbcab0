#include "host/embed/error.h"

#include "host/embed/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT 512 /* bytes of a message of our own */

/* By negated code: what it means. An error for which there is no memory is one of these:
 * so its code at least is told. */
#define BARE(name, text)                                                                 \
  [-(name)] = {.code = (name),                                                           \
               .exit_code = -1,                                                          \
               .message = #name ": " text,                                               \
               .traceback = "",                                                          \
               .kind = ""}
static mooncrew_error bare[] = {
    BARE(MOONCREW_OK, "no error"),
    BARE(MOONCREW_EINVAL, "wrong argument"),
    BARE(MOONCREW_ENOMEM, "not enough memory"),
    BARE(MOONCREW_ESYSTEM, "refused by the operating system"),
    BARE(MOONCREW_EVERSION, "versions that do not fit together"),
    BARE(MOONCREW_EAGAIN, "the backlog is full"),
    BARE(MOONCREW_ETIMEDOUT, "timed out"),
    BARE(MOONCREW_ECANCELLED, "cancelled"),
    BARE(MOONCREW_ECLOSED, "closed"),
    BARE(MOONCREW_EHELPER, "the helper process is gone"),
    BARE(MOONCREW_EFORKED, "belongs to the parent of this process"),
    BARE(MOONCREW_EBUSY, "in use"),
    BARE(MOONCREW_ERUN, "error in Lua"),
    BARE(MOONCREW_EWORKER, "the worker process died"),
    BARE(MOONCREW_ELIMIT, "over the limit"),
    BARE(MOONCREW_EVALUE, "not a value that was expected"),
    BARE(MOONCREW_EEMPTY, "empty"),
    BARE(MOONCREW_EFULL, "full"),
};

static bool is_code(int code) {
  return code <= 0 && code > -(int)(sizeof bare / sizeof *bare);
}

bool embed_is_bare(const mooncrew_error *error) {
  return error && error == &bare[-error->code];
}

const char *mooncrew_strerror(int code) {
  return is_code(code) ? bare[-code].message : "not a code of mooncrew";
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
    return &bare[-code];
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
  if (!embed_is_bare(error))
    embed_free(error);
}
