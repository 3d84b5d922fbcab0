/* In a worker, not in a host: a function in C is called with values of Lua. */
#include "host/embed/values.h"

int mooncrew_apply(mooncrew_function function, const unsigned char *bytes, size_t length,
                   unsigned char **out, size_t *out_length) {
  struct embed_buffer encoded = {0}, refs = {0};
  mooncrew_values *args = NULL, *results = mooncrew_values_new();
  const char *why = NULL;
  *out = NULL;
  *out_length = 0;
  int code = embed_decode(bytes, length, NULL, 0, &args, &why);
  if (!code && !results)
    code = MOONCREW_ENOMEM;
  if (!code)
    code = function(NULL, args, results);
  if (results && why)
    mooncrew_push_string(results, why);
  int encoding = results ? embed_encode(NULL, results, NULL, &encoded, &refs) : code;
  if (!encoding) {
    *out = encoded.data;
    *out_length = encoded.length;
  } else {
    embed_buffer_free(&encoded);
    code = encoding;
  }
  embed_buffer_free(&refs);
  mooncrew_values_free(args);
  mooncrew_values_free(results);
  return code;
}

void mooncrew_apply_free(unsigned char *out) {
  embed_free(out);
}
