/* A file that is sent, as a request's body or as a field of a form: read while it is
 * sent, a try at a time from its start. */
#include "net/fs.h"
#include "net/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mc_http_source_open(struct mc_http_source *source, struct mc_http *transfer,
                        const char *path) {
  struct stat info;
  /* Non-blocking, or a pipe without a writer would hold us here. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return -errno;
  *source = (struct mc_http_source){.transfer = transfer, .fd = fd};
  if (fstat(fd, &info) != 0)
    return -errno;
  if (S_ISDIR(info.st_mode))
    return -EISDIR;
  if (!S_ISREG(info.st_mode))
    return -EEXIST;
  source->length = (uint64_t)info.st_size;
  return 0;
}

void mc_http_source_close(struct mc_http_source *source) {
  if (source->fd >= 0)
    close(source->fd);
  source->fd = -1;
}

size_t mc_http_source_read(char *buffer, size_t one, size_t n, void *data) {
  struct mc_http_source *source = data;
  uint64_t left = source->length - source->sent;
  size_t wanted = one * n < left ? one * n : (size_t)left;
  if (wanted == 0)
    return 0;
  ssize_t got = pread(source->fd, buffer, wanted, (off_t)source->sent);
  if (got > 0) {
    source->sent += (uint64_t)got;
    return (size_t)got;
  }
  int error = got < 0 ? errno : EIO;
  mc_http_fail(source->transfer, "OSError", mc_errno_name(error),
               "the file that is sent: %s",
               got < 0 ? strerror(error) : "it became shorter");
  return CURL_READFUNC_ABORT;
}

int mc_http_source_seek(void *data, curl_off_t offset, int origin) {
  struct mc_http_source *source = data;
  if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > source->length)
    return CURL_SEEKFUNC_FAIL;
  source->sent = (uint64_t)offset;
  return CURL_SEEKFUNC_OK;
}

void mc_http_send_by(struct mc_http *transfer, uint64_t length, curl_read_callback read,
                     curl_seek_callback seek, void *data) {
  CURL *easy = transfer->easy;
  curl_off_t size = length == MC_HTTP_NO_LIMIT ? -1 : (curl_off_t)length;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
  curl_easy_setopt(easy, CURLOPT_READDATA, data);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, data);
}

void mc_http_prepare_upload(struct mc_http *transfer) {
  struct mc_http_source *upload = &transfer->upload;
  mc_http_send_by(transfer, upload->length, mc_http_source_read, mc_http_source_seek,
                  upload);
}
