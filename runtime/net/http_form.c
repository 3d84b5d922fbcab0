/* The fields of a form as a request's body.
 *
 *   no file among them   application/x-www-form-urlencoded, made here
 *   else                 multipart/form-data, made by libcurl; files are read meanwhile
 */
#include "net/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || (byte && strchr("*-._", byte));
}

static bool append_encoded(struct mc_buffer *body, const char *bytes, size_t n) {
  static const char digits[] = "0123456789ABCDEF";
  bool done = mc_buffer_reserve(body, n);
  for (size_t i = 0; done && i < n; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
    done = is_plain(byte) ? mc_buffer_byte(body, byte)
           : byte == ' '  ? mc_buffer_byte(body, '+')
                          : mc_buffer_append(body, escaped, sizeof escaped);
  }
  return done;
}

static int encode(struct mc_http *transfer, const struct mc_http_request *request) {
  struct mc_buffer body = {0};
  bool done = mc_buffer_reserve(&body, 1);
  for (size_t i = 0; done && i < request->n_fields; i++) {
    const struct mc_http_field *field = &request->fields[i];
    done = (i == 0 || mc_buffer_byte(&body, '&')) &&
           append_encoded(&body, field->name, strlen(field->name)) &&
           mc_buffer_byte(&body, '=') &&
           append_encoded(&body, field->data, field->length);
  }
  transfer->body = (char *)body.data; /* freed with free(), as a buffer's bytes are */
  transfer->body_length = body.length;
  return done ? 0 : -ENOMEM;
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static CURLcode fill_from_file(curl_mimepart *part, struct mc_http_source *source,
                               const struct mc_http_field *field) {
  CURLcode code = curl_mime_data_cb(part, (curl_off_t)source->length, mc_http_source_read,
                                    mc_http_source_seek, NULL, source);
  const char *name = field->filename ? field->filename : last_part(field->path);
  return code == CURLE_OK ? curl_mime_filename(part, name) : code;
}

static CURLcode fill(curl_mimepart *part, struct mc_http_source *source,
                     const struct mc_http_field *field) {
  CURLcode code = curl_mime_name(part, field->name);
  if (code == CURLE_OK && field->path)
    code = fill_from_file(part, source, field);
  else if (code == CURLE_OK)
    code = curl_mime_data(part, field->data, field->length);
  if (code == CURLE_OK && !field->path && field->filename)
    code = curl_mime_filename(part, field->filename);
  if (code == CURLE_OK && field->type)
    code = curl_mime_type(part, field->type);
  return code;
}

int mc_http_open_form(struct mc_http *transfer, const struct mc_http_request *request,
                      const char **culprit) {
  if (!request->multipart)
    return encode(transfer, request);
  transfer->files = calloc(request->n_fields + 1, sizeof *transfer->files);
  if (!transfer->files)
    return -ENOMEM;
  for (size_t i = 0; i < request->n_fields; i++) {
    struct mc_http_source *source = &transfer->files[transfer->n_files++];
    source->fd = -1;
    *culprit = request->fields[i].path;
    int error = *culprit ? mc_http_source_open(source, transfer, *culprit) : 0;
    if (error)
      return error;
  }
  *culprit = NULL;
  return 0;
}

int mc_http_prepare_form(struct mc_http *transfer,
                         const struct mc_http_request *request) {
  transfer->form = curl_mime_init(transfer->easy);
  CURLcode code = transfer->form ? CURLE_OK : CURLE_OUT_OF_MEMORY;
  for (size_t i = 0; code == CURLE_OK && i < request->n_fields; i++) {
    curl_mimepart *part = curl_mime_addpart(transfer->form);
    code =
        part ? fill(part, &transfer->files[i], &request->fields[i]) : CURLE_OUT_OF_MEMORY;
  }
  if (code == CURLE_OK)
    code = curl_easy_setopt(transfer->easy, CURLOPT_MIMEPOST, transfer->form);
  return code == CURLE_OK ? 0 : -ENOMEM;
}

void mc_http_close_files(struct mc_http *transfer) {
  mc_http_source_close(&transfer->upload);
  for (size_t i = 0; i < transfer->n_files; i++)
    mc_http_source_close(&transfer->files[i]);
}
