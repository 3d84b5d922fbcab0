/* The filter is a program for the kernel's little machine, put together here.
 *
 *   another architecture ─▶ the end     refused calls ─▶ EPERM     io_uring ─▶ ENOSYS
 *   socket(not a Unix datagram) ─▶ EACCES     cutting files by their path ─▶ EACCES
 *
 * io_uring is not there for programs in the filter: its requests are not system calls, so
 * a socket could be had through it. Programs do without it then. */
#include "os/seccomp.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_STEPS 128

#if defined __x86_64__
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#define FIRST_X32_CALL   0x40000000u /* the same architecture with other numbers */
#elif defined __aarch64__
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

struct filter {
  struct sock_filter steps[MAX_STEPS];
  unsigned short n;
};

static void add(struct filter *f, uint16_t code, uint8_t when_true, uint8_t when_false,
                uint32_t k) {
  f->steps[f->n++] = (struct sock_filter){code, when_true, when_false, k};
}

static void load(struct filter *f, size_t offset) {
  add(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* The lower half of an argument; the upper one means nothing to the calls below. */
static void load_argument(struct filter *f, unsigned i) {
  load(f, offsetof(struct seccomp_data, args) + 8 * i);
}

static void mask(struct filter *f, uint32_t bits) {
  add(f, BPF_ALU | BPF_AND | BPF_K, 0, 0, bits);
}

static void skip_unless_equal(struct filter *f, uint32_t value, uint8_t steps) {
  add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, steps, value);
}

static void answer(struct filter *f, uint32_t action) {
  add(f, BPF_RET | BPF_K, 0, 0, action);
}

static void fail(struct filter *f, int error) {
  answer(f, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void fail_if_equal(struct filter *f, uint32_t value, int error) {
  skip_unless_equal(f, value, 1);
  fail(f, error);
}

/* Begins what is said about one call; end_call() says where that ends. */
static unsigned short begin_call(struct filter *f, uint32_t number) {
  load(f, offsetof(struct seccomp_data, nr));
  skip_unless_equal(f, number, 0);
  return f->n;
}

static void end_call(struct filter *f, unsigned short begun) {
  answer(f, SECCOMP_RET_ALLOW);
  f->steps[begun - 1].jf = (uint8_t)(f->n - begun);
}

/* Reaches past paths, or into the kernel, with root's rights. */
static const uint32_t refused[] = {
    SYS_bpf,
    SYS_open_by_handle_at,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
};

static void refuse_calls(struct filter *f) {
  load(f, offsetof(struct seccomp_data, arch));
  add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OUR_ARCHITECTURE);
  answer(f, SECCOMP_RET_KILL_PROCESS);
  load(f, offsetof(struct seccomp_data, nr));
#ifdef FIRST_X32_CALL
  add(f, BPF_JMP | BPF_JGE | BPF_K, 0, 1, FIRST_X32_CALL);
  fail(f, ENOSYS);
#endif
  fail_if_equal(f, SYS_io_uring_setup, ENOSYS);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    fail_if_equal(f, refused[i], EPERM);
}

/* Typing into the terminal would be a command of whoever reads it next. */
static void refuse_typing(struct filter *f) {
  unsigned short begun = begin_call(f, SYS_ioctl);
  load_argument(f, 1);
  fail_if_equal(f, TIOCSTI, EPERM);
  fail_if_equal(f, TIOCLINUX, EPERM);
  end_call(f, begun);
}

static void refuse_network(struct filter *f) {
  unsigned short begun = begin_call(f, SYS_socket);
  load_argument(f, 0);
  skip_unless_equal(f, AF_UNIX, 4);
  load_argument(f, 1);
  mask(f, 0xf); /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
  skip_unless_equal(f, SOCK_DGRAM, 1);
  answer(f, SECCOMP_RET_ALLOW);
  fail(f, EACCES);
  end_call(f, begun);
  begun = begin_call(f, SYS_socketpair);
  load_argument(f, 0);
  add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AF_UNIX);
  fail(f, EACCES);
  end_call(f, begun);
}

/* open(): with O_TRUNC, but not for writing, which a rule about paths would see. */
static void refuse_sly_truncation(struct filter *f, uint32_t call, unsigned flags) {
  unsigned short begun = begin_call(f, call);
  load_argument(f, flags);
  mask(f, O_TRUNC | O_ACCMODE);
  fail_if_equal(f, O_TRUNC | O_RDONLY, EACCES);
  fail_if_equal(f, O_TRUNC | O_ACCMODE, EACCES);
  end_call(f, begun);
}

static void refuse_truncation(struct filter *f) {
  load(f, offsetof(struct seccomp_data, nr));
  fail_if_equal(f, SYS_truncate, EACCES);
  fail_if_equal(f, SYS_openat2, ENOSYS); /* its flags are not to be seen here */
#ifdef SYS_open
  refuse_sly_truncation(f, SYS_open, 1);
#endif
  refuse_sly_truncation(f, SYS_openat, 2);
}

bool mc_seccomp_available(void) {
#ifdef OUR_ARCHITECTURE
  uint32_t action = SECCOMP_RET_ERRNO;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
#else
  return false;
#endif
}

int mc_seccomp_enter(const struct mc_seccomp *rules) {
  struct filter f = {.n = 0};
  refuse_calls(&f);
  refuse_typing(&f);
  if (!rules->network)
    refuse_network(&f);
  if (!rules->truncate)
    refuse_truncation(&f);
  answer(&f, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {f.n, f.steps};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}
