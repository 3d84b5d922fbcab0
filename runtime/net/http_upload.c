/* A file as a request's body: read while it is sent, a try at a time from its start. */
#include "net/fs.h"
#include "net/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mc_http_open_upload(struct mc_http *transfer, const char *path) {
  struct stat info;
  /* Non-blocking, or a pipe without a writer would hold us here. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return -errno;
  transfer->upload = fd;
  if (fstat(fd, &info) != 0)
    return -errno;
  if (S_ISDIR(info.st_mode))
    return -EISDIR;
  if (!S_ISREG(info.st_mode))
    return -EEXIST;
  transfer->upload_length = (uint64_t)info.st_size;
  return 0;
}

static size_t on_read(char *buffer, size_t one, size_t n, void *data) {
  struct mc_http *transfer = data;
  uint64_t left = transfer->upload_length - transfer->upload_sent;
  size_t wanted = one * n < left ? one * n : (size_t)left;
  if (wanted == 0)
    return 0;
  ssize_t got = pread(transfer->upload, buffer, wanted, (off_t)transfer->upload_sent);
  if (got > 0) {
    transfer->upload_sent += (uint64_t)got;
    return (size_t)got;
  }
  int error = got < 0 ? errno : EIO;
  mc_http_fail(transfer, "OSError", mc_errno_name(error), "the file that is sent: %s",
               got < 0 ? strerror(error) : "it became shorter");
  return CURL_READFUNC_ABORT;
}

/* A redirect, or a kept connection that turned out dead, starts the body anew. */
static int on_seek(void *data, curl_off_t offset, int origin) {
  struct mc_http *transfer = data;
  if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->upload_length)
    return CURL_SEEKFUNC_FAIL;
  transfer->upload_sent = (uint64_t)offset;
  return CURL_SEEKFUNC_OK;
}

void mc_http_prepare_upload(struct mc_http *transfer) {
  CURL *easy = transfer->easy;
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->upload_length);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
  if (strcmp(transfer->method, "PUT") != 0)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
}

void mc_http_close_upload(struct mc_http *transfer) {
  if (transfer->upload >= 0)
    close(transfer->upload);
  transfer->upload = -1;
}
