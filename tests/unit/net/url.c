#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/url.h"

#include <stdlib.h>
#include <string.h>

static void addresses_are_resolved(void **state) {
  (void)state;
  static const struct {
    const char *base, *href, *wanted;
  } cases[] = {
      {"http://a/b/c/d?q", "g", "http://a/b/c/g"},
      {"http://a/b/c/d?q", "../g", "http://a/b/g"},
      {"http://a/b/c/d?q", "../../../../g", "http://a/g"},
      {"http://a/b/c/d?q", "/g", "http://a/g"},
      {"http://a/b/c/d?q", "//h/g", "http://h/g"},
      {"http://a/b/c/d?q", "?y", "http://a/b/c/d?y"},
      {"http://a/b/c/d?q", "https://x/y", "https://x/y"},
      {"http://a/b/c/d?q", "mailto:me@x", "mailto:me@x"},
      {"http://a/b/c/d?q", "./", "http://a/b/c/"},
      {"http://a/b/c/d?q", "", "http://a/b/c/d?q"},
      {"http://a", "b.png", "http://a/b.png"},
      {"http://a:81/x/", "b c.png", "http://a:81/x/b%20c.png"},
      {"http://a/", " \n b.png\t", "http://a/b.png"},
      {"http://a/", "\xe4\xb8\xad", "http://a/%E4%B8%AD"},
      {"http://a/", "https://b:81/c/../d.png", "https://b:81/c/../d.png"},
      {"http://a/", "http://b", "http://b"},
      {"http://a/", "http://b/c d", "http://b/c%20d"},
      {"http://a/x", "http:c", "http:c"},
      {"http://a/x?y#z", "", "http://a/x?y"},
      {"http://a/x?y#z", "#", "http://a/x?y#"},
      {"http://a/x", "1:2.png", "http://a/1:2.png"},
      {"http://a/x", "http://b:/c", "http://b/c"},
      {"http://a/x", "b%2Fc", "http://a/b%2Fc"},
      {"/img/", "b.png", "/img/b.png"},
      {"http://a/", "http://b\xc3\xbc/", "http://b\xc3\xbc/"},
      {"http://a/", "100%.png", "http://a/100%25.png"},
      {"http://a/", "a%20b", "http://a/a%20b"},
      {NULL, "x/y", "x/y"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *got = mc_url_resolve(cases[i].base, cases[i].href);
    assert_non_null(got);
    assert_string_equal(got, cases[i].wanted);
    free(got);
  }
}

static void no_address_is_made_of_a_port_that_is_none(void **state) {
  (void)state;
  assert_null(mc_url_resolve("http://a/", "http://b:999999999999/x"));
}

static void check_host(const char *host, const char *wanted) {
  CURLU *url = curl_url();
  assert_int_equal(curl_url_set(url, CURLUPART_URL, host, 0), CURLUE_OK);
  assert_null(mc_url_host_to_ascii(url));
  char *text = NULL;
  assert_int_equal(curl_url_get(url, CURLUPART_URL, &text, 0), CURLUE_OK);
  assert_string_equal(text, wanted);
  curl_free(text);
  curl_url_cleanup(url);
}

static void hosts_become_what_dns_has(void **state) {
  (void)state;
  check_host("http://b\xc3\xbc"
             "cher.de:8/x",
             "http://xn--bcher-kva.de:8/x");
  check_host("http://B%C3%9C"
             "CHER.de/",
             "http://xn--bcher-kva.de/");
  check_host("http://\xe4\xbe\x8b\xe3\x81\x88.jp/", "http://xn--r8jz45g.jp/");
  check_host("http://a_b.de/", "http://a_b.de/");
  check_host("http://[::1]/", "http://[::1]/");
}

static void hosts_that_can_not_be_say_why(void **state) {
  (void)state;
  CURLU *url = curl_url();
  assert_int_equal(curl_url_set(url, CURLUPART_URL, "http://\xff.de/", 0), CURLUE_OK);
  const char *reason = mc_url_host_to_ascii(url);
  assert_non_null(reason);
  assert_non_null(strstr(reason, "string"));
  curl_url_cleanup(url);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_are_resolved),
      cmocka_unit_test(no_address_is_made_of_a_port_that_is_none),
      cmocka_unit_test(hosts_become_what_dns_has),
      cmocka_unit_test(hosts_that_can_not_be_say_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
