/* What a host's library and its helper process say to each other, over a stream socket.
 *
 *   frame   struct mc_frame, n_refs references (u32), length bytes
 *   bytes   a message of the value codec (wire/format.h), or nothing
 *
 * Both come from one build; the hello says so, and whoever gets another one's gives up.
 */
#ifndef MC_BASE_FRAME_H
#define MC_BASE_FRAME_H

#include <stdint.h>

#define MC_FRAME_MAGIC    0x6d6f6f6eu /* in `number` of a hello */
#define MC_FRAME_PROTOCOL 1 /* in `code` of a hello; counts up with each change */

enum mc_frame_type {
  /* both ways */
  MC_FRAME_HELLO, /* values: the options as one table; back: versions, or an error */

  /* to the helper */
  MC_FRAME_TASK, /* id; number: its time in ns, 0: none; code: enum mc_task_form; values:
                    the form's own, then the arguments */
  MC_FRAME_CANCEL, /* id; code: whether by force */
  MC_FRAME_ASK,    /* id; values: a shared object or false, what is to be done, arguments;
                    answered by DONE */
  MC_FRAME_DROP,   /* number: a reference that the host no longer holds */
  MC_FRAME_REPLY,  /* id of a CALL; code: 0 or 1 for an error; values: what came out */
  MC_FRAME_BYE,    /* end in order */

  /* to the host */
  MC_FRAME_DONE, /* id; code: enum mc_done; values: results or the error */
  MC_FRAME_CALL, /* id 0: a line of the log; elseid; values: the name of a host function,
                    and arguments */
  MC_FRAME_BROKEN, /* no worker can work; values: the error */
  MC_FRAME_TYPES,
};

/* How a task says what is to be run: the values in front of its arguments. */
enum mc_task_form {
  MC_FORM_FUNCTION, /* module, name */
  MC_FORM_SOURCE,   /* text, chunk name */
  MC_FORM_FILE,     /* path */
  MC_FORM_LIBRARY,  /* path, symbol */
  MC_FORMS,
};

enum mc_done {
  MC_DONE_RETURNED,
  MC_DONE_RAISED,
  MC_DONE_LOST, /* number: pid in the upper half; the exit status or -signal in the lower
                 */
  MC_DONE_LATE, /* as LOST */
  MC_DONE_CANCELLED,
};

struct mc_frame {
  uint64_t length; /* of the bytes */
  uint64_t id;
  uint64_t number;
  uint32_t n_refs;
  uint16_t type; /* enum mc_frame_type */
  int16_t code;
};

#endif
