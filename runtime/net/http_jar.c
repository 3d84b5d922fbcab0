/* Cookies that requests share: libcurl's share handle, which keeps them, and a handle to
 * talk to it. A child of a fork has a copy of its own. */
#include "net/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mc_http_jar {
  CURLSH *share;
  CURL *keeper;
  size_t holders;
};

struct mc_http_jar *mc_http_jar_new(void) {
  struct mc_http_jar *jar = mc_http_global() ? calloc(1, sizeof *jar) : NULL;
  if (!jar)
    return NULL;
  jar->holders = 1;
  jar->share = curl_share_init();
  jar->keeper = curl_easy_init();
  if (jar->share && jar->keeper &&
      curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) ==
          CURLSHE_OK &&
      curl_easy_setopt(jar->keeper, CURLOPT_SHARE, jar->share) == CURLE_OK)
    return jar;
  mc_http_jar_free(jar);
  return NULL;
}

void mc_http_jar_hold(struct mc_http_jar *jar) {
  jar->holders++;
}

void mc_http_jar_free(struct mc_http_jar *jar) {
  if (!jar || --jar->holders > 0)
    return;
  curl_easy_cleanup(jar->keeper);
  curl_share_cleanup(jar->share);
  free(jar);
}

CURLSH *mc_http_jar_share(struct mc_http_jar *jar) {
  return jar->share;
}

int mc_http_jar_add(struct mc_http_jar *jar, const char *line) {
  if (strpbrk(line, "\r\n"))
    return -EINVAL;
  CURLcode code = curl_easy_setopt(jar->keeper, CURLOPT_COOKIELIST, line);
  return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

int mc_http_jar_each(struct mc_http_jar *jar, void (*see)(const char *line, void *data),
                     void *data) {
  struct curl_slist *lines = NULL;
  if (curl_easy_getinfo(jar->keeper, CURLINFO_COOKIELIST, &lines) != CURLE_OK)
    return -ENOMEM;
  for (struct curl_slist *line = lines; line; line = line->next)
    see(line->data, data);
  curl_slist_free_all(lines);
  return 0;
}
