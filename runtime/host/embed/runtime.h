/* A runtime, as the files of this folder see it.
 *
 * One guard protects everything in it. Whoever waits reads the socket for all: the first
 * who comes ("the reader") sleeps in poll, the others on the guard, and all look again
 * after each arrival.
 *
 *   submit ─▶ slot, frame out ─▶ helper ─▶ frame in ─▶ finish: outcome in the task
 *                    callback: list of the due ─▶ dispatch     no callback: wait takes it
 */
#ifndef MC_EMBED_RUNTIME_H
#define MC_EMBED_RUNTIME_H

#include "host/embed/channel.h"
#include "host/embed/error.h"
#include "host/embed/values.h"
#include "os/guard.h"

#include <sys/types.h>

enum embed_state {
  EMBED_OPEN,
  EMBED_DRAINING, /* being closed: takes no more, but what is in flight goes on */
  EMBED_CLOSING   /* whoever is inside has to leave */
};

struct embed_task {
  mooncrew_task id;
  mooncrew_done done; /* NULL: for mooncrew_wait() */
  void *data;
  bool finished;
  bool ask;                 /* no task, but a question to the helper */
  bool forsaken;            /* nobody can ask for its outcome */
  mooncrew_values *results; /* once finished: these, or the error */
  mooncrew_error *error;
  struct embed_task *next_due;
};

/* A script calls a function of the host. */
struct embed_call {
  uint64_t id;           /* the helper's */
  mooncrew_values *args; /* the name, and what the script gave */
  struct embed_call *next;
};

struct embed_function {
  struct embed_function *next;
  mooncrew_function function;
  void *data;
  char name[];
};

struct mooncrew {
  mooncrew *next;           /* registry */
  uint64_t serial;          /* registry: never used again in this process */
  mooncrew_object *dropped; /* registry: objects that nobody holds any more */
  unsigned inside;          /* registry: threads in a call */
  struct mc_guard guard;
  enum embed_state state;
  struct embed_channel channel;
  int set;                /* what mooncrew_poll_fd() gives */
  int due;                /* a flag: callbacks wait to be run */
  int nudge;              /* a flag: the reader must look again */
  int pidfd;              /* the helper; in `set` until it is lost */
  pid_t pid;              /* 0: it is gone */
  bool reading;           /* some thread sleeps in poll */
  bool wants_room;        /* `set` watches the socket for room */
  unsigned running;       /* callbacks and host functions under way */
  bool starved;           /* something has come that there was no memory for */
  mooncrew_error *broken; /* nothing works any more, because */
  int task_timeout;
  unsigned backlog;
  void (*log)(void *data, const char *line, size_t length); /* NULL: none */
  void *log_data;

  struct embed_task **slots; /* by the lower half of the id; NULL: free */
  uint32_t *free_slots;
  size_t n_slots, max_slots, n_free, max_free;
  uint64_t last_number; /* the upper half */
  struct embed_task *first_due, *last_due;
  struct embed_call *first_call, *last_call;
  struct embed_function *functions;
  uint64_t submitted, done, failed, cancelled, in_flight;
};

/* Enters a runtime: it stays valid, the guard is held and the thread can't be cancelled
 * until embed_leave(). MOONCREW_OK, MOONCREW_EINVAL or MOONCREW_EFORKED with an error
 * that names the function. */
struct embed_visit {
  mooncrew *runtime;
  int cancel_state;
};
int embed_enter(struct embed_visit *visit, mooncrew *runtime, const char *function,
                mooncrew_error **error);
void embed_leave(struct embed_visit *visit);

/* Registry (registry.c). */
bool embed_register(mooncrew *runtime); /* false: not in this process */
/* Takes the runtime out and waits until nobody else is inside. */
void embed_unregister(struct embed_visit *visit);

/* The object is nobody's any more: the helper is told when the runtime sends next. */
void embed_object_drop(mooncrew_object *object);
/* Takes the list of those. */
mooncrew_object *embed_objects_dropped(mooncrew *runtime);
/* As embed_enter, for the runtime of an object. */
int embed_enter_object(struct embed_visit *visit, const mooncrew_object *object,
                       const char *function, mooncrew_error **error);

/* The helper (helper.c): starts it, shakes hands and fills in the runtime's descriptors.
 */
int embed_start(mooncrew *runtime, const mooncrew_options *options,
                mooncrew_error **error);
/* Ends it, by force if need be, and closes the descriptors. */
void embed_stop(mooncrew *runtime);

/* Arrivals (arrive.c); the guard is held. */

/* Takes in all that has come. */
void embed_take_in(mooncrew *runtime);
/* Sends what is to be sent; when it can't be sent at once, someone is told to go on. */
void embed_flush(mooncrew *runtime);
/* Lets go of the guard and sleeps until something came or the deadline. */
void embed_await(mooncrew *runtime, mc_time deadline);
/* Nothing more will come: all that is in flight fails. Takes the error. */
void embed_break(mooncrew *runtime, mooncrew_error *error);
/* The error object of what Lua raised: a mooncrew.Error, which crosses as a table. */
mooncrew_error *embed_raised(const mooncrew_values *values);
/* Fails with what broke the runtime. */
int embed_fail_broken(mooncrew *runtime, mooncrew_error **error);

/* Tasks (task.c); the guard is held. */
struct embed_task *embed_task_find(mooncrew *runtime, mooncrew_task id);
/* Gives the task in flight its outcome; takes both. */
void embed_task_finish(mooncrew *runtime, struct embed_task *task,
                       mooncrew_values *results, mooncrew_error *error);
/* Cancels all that are in flight. */
void embed_tasks_cancel(mooncrew *runtime);
/* Runs callbacks, without the guard meanwhile; how many. */
unsigned embed_run_due(mooncrew *runtime, unsigned most);
void embed_tasks_free(mooncrew *runtime);

/* Waits for the outcome of a task without a callback and takes it. */
int embed_wait(mooncrew *runtime, const char *function, mooncrew_task task,
               mc_time deadline, mooncrew_values **results, mooncrew_error **error);
/* Sends a frame that makes a task in flight, with an id of its own. `first` and `args`
 * are its values. MOONCREW_OK and *task, or MOONCREW_ENOMEM, MOONCREW_EINVAL. */
int embed_send(mooncrew *runtime, struct mc_frame *head, const mooncrew_values *first,
               const mooncrew_values *args, struct embed_task **task);

/* Asks the helper to call a method of an object, and waits for what comes of it; without
 * the guard. NULL args are none. */
int embed_ask(mooncrew_object *object, const char *function, const char *method,
              const mooncrew_values *args, mooncrew_values **results,
              mooncrew_error **error);

/* Calls of host functions (call.c); the guard is held. */
/* Takes in a call; false: no memory. */
bool embed_call_arrived(mooncrew *runtime, uint64_t id, mooncrew_values *args);
/* Runs the first that waits, without the guard meanwhile; false: none does. */
bool embed_run_call(mooncrew *runtime);
/* Tells the script of a call that it failed, and why. */
void embed_reply_failure(mooncrew *runtime, uint64_t id, const char *why);
void embed_calls_free(mooncrew *runtime);

/* The deadline of a time-out in milliseconds. */
mc_time embed_deadline(int timeout);

/* Copies the caller's struct of options, of an older or newer version, onto `mine`, whose
 * first field is its size. false: it has a field that is not known here. */
bool embed_options(void *mine, size_t size, const void *theirs);

#endif
