#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "net/charset.h"
#include "net/html.h"

#include "net/html_path.h"
#include <errno.h>
#include <fcntl.h>
#include <libxml/xmlerror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mc_html *parse(const char *text, const char *encoding) {
  struct mc_html *html = mc_html_parse(text, strlen(text), NULL, encoding);
  assert_non_null(html);
  return html;
}

/* The string value of an expression; the caller frees it. */
static char *value(struct mc_html *html, const char *expression) {
  char error[MC_HTML_ERROR_MAX];
  xmlXPathObjectPtr found = mc_html_xpath(html, NULL, expression, error);
  assert_non_null(found);
  xmlChar *text = xmlXPathCastToString(found);
  xmlXPathFreeObject(found);
  char *copy = strdup((const char *)text);
  xmlFree(text);
  return copy;
}

static void check_value(struct mc_html *html, const char *expression,
                        const char *wanted) {
  char *text = value(html, expression);
  assert_string_equal(text, wanted);
  free(text);
}

static void finds_what_the_tutorial_looks_for(void **state) {
  (void)state;
  struct mc_html *html = parse(
      "<ul><li class='list-group-item'><a><img referrerpolicy='no-referrer'"
      " data-original=' http://a/1.jpg '></a></li>"
      "<li class='list-group-item'><img data-original='no'></li>"
      "<li class=list-group-item><img referrerpolicy=no-referrer data-original=2.jpg>",
      NULL);
  char error[MC_HTML_ERROR_MAX];
  xmlXPathObjectPtr found = mc_html_xpath(
      html, NULL,
      "//li[@class='list-group-item']//img[@referrerpolicy='no-referrer']/@data-original",
      error);
  assert_non_null(found);
  assert_int_equal(found->nodesetval->nodeNr, 2);
  assert_string_equal(found->nodesetval->nodeTab[0]->children->content,
                      " http://a/1.jpg ");
  assert_string_equal(found->nodesetval->nodeTab[1]->children->content, "2.jpg");
  xmlXPathFreeObject(found);
  mc_html_free(html);
}

static void broken_html_is_read(void **state) {
  (void)state;
  static const char *const pages[] = {
      "",
      "   ",
      "<",
      "<<<>>>",
      "</p></p>",
      "<p>a<b>c</p>d</b>",
      "<p x=",
      "<!--",
      "&#",
      "&#xffffffff;",
      "<![CDATA[",
      "<table><div>x</table>",
      "<?php",
      "\xff\xfe",
      "plain words",
      "<a href='x",
  };
  for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
    struct mc_html *html = parse(pages[i], NULL);
    check_value(html, "count(//nothing)", "0");
    mc_html_free(html);
  }
  struct mc_html *html = parse("<p>a<b>c</p>d</b><p>e", NULL);
  check_value(html, "count(//p)", "2");
  mc_html_free(html);
}

static void nul_bytes_do_not_end_the_page(void **state) {
  (void)state;
  static const char page[] = "<p>a\0b</p><i>after</i>";
  struct mc_html *html = mc_html_parse(page, sizeof page - 1, NULL, NULL);
  check_value(html, "//i", "after");
  check_value(html, "//p",
              "a\xef\xbf\xbd"
              "b");
  mc_html_free(html);
}

static void deep_nesting_neither_crashes_nor_hangs(void **state) {
  (void)state;
  struct mc_buffer page = {0};
  for (int i = 0; i < 100000; i++)
    assert_true(mc_buffer_append(&page, "<div><b>", 8));
  struct mc_html *html = mc_html_parse((char *)page.data, page.length, NULL, NULL);
  if (html) {
    char error[MC_HTML_ERROR_MAX];
    xmlXPathObjectPtr found = mc_html_xpath(html, NULL, "count(//div) > 10", error);
    assert_non_null(found);
    assert_true(found->boolval);
    xmlXPathFreeObject(found);
  }
  assert_non_null(html);
  mc_html_free(html);
  mc_buffer_free(&page);
}

static void encodings_become_utf8(void **state) {
  (void)state;
  static const struct {
    const char *page, *told, *wanted;
  } cases[] = {
      {"<p>\xe4\xb8\xad", NULL, "\xe4\xb8\xad"},                     /* bare UTF-8 */
      {"<p>\xe9t\xe9 \x80", NULL, "\xc3\xa9t\xc3\xa9 \xe2\x82\xac"}, /* windows-1252 */
      {"<meta charset=gb2312><p>\xd6\xd0\x95\x41", NULL, "\xe4\xb8\xad\xe6\x97\xb3"},
      {"<meta http-equiv='Content-Type' content='text/html; charset=\"GBK\"'><p>\xd6\xd0",
       NULL, "\xe4\xb8\xad"},
      {"<meta charset='utf-8'><p>\xd6\xd0", "gbk", "\xe4\xb8\xad"}, /* header wins */
      {"\xef\xbb\xbf<p>\xc3\xa9", "iso-8859-1", "\xc3\xa9"},        /* mark wins */
      {"<meta charset=nonsense><p>\xc3\xa9", NULL, "\xc3\xa9"},
      {"<p>\xc3\xa9", "no-such-charset", "\xc3\xa9"},
      {"<p>\xc3\xa9", "utf-8//TRANSLIT", "\xc3\xa9"},
      {"<p>\xc3\xa9", "", "\xc3\xa9"},
      {"<!-- <meta charset=gbk> --><p>\xc3\xa9", NULL, "\xc3\xa9"},
      {"<meta charset=utf-16><p>\xc3\xa9", NULL, "\xc3\xa9"},
      {"<meta charset=utf-8><p>a\xff\xe4\xb8"
       "b",
       NULL,
       "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
       "b"},
      {"<meta charset=Shift_JIS><p>\x93\xfa", NULL, "\xe6\x97\xa5"},
      {"<meta charset=euc-kr><p>\xc7\xd1", NULL, "\xed\x95\x9c"},
      {"<meta charset=koi8-r><p>\xd0", NULL, "\xd0\xbf"},
      {"<meta charset=big5><p>\xa4\xa4", NULL, "\xe4\xb8\xad"},
      {"<meta charset=gbk><p>a\xff"
       "b",
       NULL,
       "a\xef\xbf\xbd"
       "b"},
      {"<p>&eacute;&#x4e2d;&nbsp;", NULL, "\xc3\xa9\xe4\xb8\xad\xc2\xa0"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct mc_html *html = parse(cases[i].page, cases[i].told);
    check_value(html, "//p", cases[i].wanted);
    mc_html_free(html);
  }
  static const char utf16[] = "\xff\xfe<\0p\0>\0\x2d\x4e";
  struct mc_html *html = mc_html_parse(utf16, sizeof utf16 - 1, NULL, NULL);
  check_value(html, "//p", "\xe4\xb8\xad");
  mc_html_free(html);
}

static void conversion_refuses_what_is_no_encoding(void **state) {
  (void)state;
  struct mc_buffer out = {0};
  assert_int_equal(mc_charset_to_utf8("x", 1, "no-such-charset", &out), -EINVAL);
  assert_int_equal(out.length, 0);
  assert_false(mc_charset_is_known("no-such-charset"));
  assert_false(mc_charset_is_known(""));
  assert_true(mc_charset_is_known(" GB2312 "));
  assert_false(mc_charset_is_utf8("\xed\xa0\x80", 3)); /* a surrogate */
  assert_false(mc_charset_is_utf8("\xc0\xaf", 2));     /* an overlong '/' */
  assert_false(mc_charset_is_utf8("\xf4\x90\x80\x80", 4));
  assert_true(mc_charset_is_utf8("\xf0\x9f\x98\x80", 4));
}

static void check_refused(struct mc_html *html, const char *expression,
                          const char *part) {
  char error[MC_HTML_ERROR_MAX];
  assert_null(mc_html_xpath(html, NULL, expression, error));
  if (!strstr(error, part))
    fail_msg("%s: \"%s\" does not say \"%s\"", expression, error, part);
}

static void a_bad_xpath_says_why(void **state) {
  (void)state;
  struct mc_html *html = parse("<p>x", NULL);
  check_refused(html, "//[", "invalid expression (at character 3)");
  check_refused(html, "", "invalid expression");
  check_refused(html, "//p[", "invalid expression");
  check_refused(html, "nosuch()", "unknown function");
  check_refused(html, "x:p", "undefined namespace prefix");
  check_refused(html, "count(1)", "wrong type");
  check_refused(html, "count()", "wrong number of arguments");
  check_refused(html, "'x", "unfinished string");
  check_refused(html, "$v", "undefined variable");
  check_value(html, "//p", "x"); /* and the document is as good as before */
  mc_html_free(html);
}

static void an_endless_xpath_is_ended(void **state) {
  (void)state;
  struct mc_buffer page = {0};
  for (int i = 0; i < 2000; i++)
    assert_true(mc_buffer_append(&page, "<i></i>", 7));
  struct mc_html *html = mc_html_parse((char *)page.data, page.length, NULL, NULL);
  check_refused(html, "count(//i[count(//i[count(//i) > 1]) > 1])", "too many steps");
  check_value(html, "count(//i)", "2000");
  mc_html_free(html);
  mc_buffer_free(&page);
}

static void compiled_expressions_survive_each_other(void **state) {
  (void)state;
  struct mc_html *html = parse("<p>x", NULL);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 500; i++) {
      char expression[32], wanted[16];
      snprintf(expression, sizeof expression, "%d + count(//p)", i);
      snprintf(wanted, sizeof wanted, "%d", i + 1);
      check_value(html, expression, wanted);
    }
  mc_html_free(html);
}

static void nothing_is_printed_and_no_handler_changed(void **state) {
  (void)state;
  xmlGenericErrorFunc before = xmlGenericError;
  xmlStructuredErrorFunc structured = xmlStructuredError;
  FILE *sink = tmpfile();
  assert_non_null(sink);
  int real = dup(STDERR_FILENO);
  dup2(fileno(sink), STDERR_FILENO);
  struct mc_html *html = parse("<p <b>&nosuch;</x><p id=a><p id=a>", "nonsense");
  static const char *const bad[] = {"//[",   "nosuch()", "x:nosuch()", "$x:y",
                                    "//x:y", "$y",       "'"};
  size_t refused = 0;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char error[MC_HTML_ERROR_MAX];
    refused += mc_html_xpath(html, NULL, bad[i], error) == NULL;
  }
  dup2(real, STDERR_FILENO);
  close(real);
  assert_int_equal(refused, sizeof bad / sizeof bad[0]);
  assert_int_equal(lseek(fileno(sink), 0, SEEK_END), 0);
  fclose(sink);
  assert_ptr_equal(before, xmlGenericError);
  assert_ptr_equal(structured, xmlStructuredError);
  mc_html_free(html);
}

static const struct {
  const char *given, *taken; /* NULL: as it was given */
} paths[] = {
    {"//p", "/descendant::p"},
    {"//li[@class='x']//img[ @a = \"b\" ]/@src",
     "/descendant::li[@class='x']/descendant::img[ @a = \"b\" ]/@src"},
    {".//x:p | a//*[not(@b)]", "./descendant::x:p | a/descendant::*[not(@b)]"},
    {"//p[contains(concat(' ', normalize-space(@class), ' '), ' x ') and . = '1']",
     "/descendant::p[contains(concat(' ', normalize-space(@class), ' '), ' x ') and . = "
     "'1']"},
    {"//a[text() = '//b']", "/descendant::a[text() = '//b']"},
    {"//p[.//img[@a]]", "//p[./descendant::img[@a]]"},
    {"id('x')//b", "id('x')/descendant::b"},
    /* What may count. */
    {"//p[1]", NULL},
    {"//p[@a][2]", NULL},
    {"//p[last()]", NULL},
    {"//p[position()=1]", NULL},
    {"//p[@a - 1]", NULL},
    {"//p[@a -1]", NULL},
    {"//p[@a+@b]", NULL},
    {"//p[count(b)]", NULL},
    {"//p[string-length(@a)]", NULL},
    {"//p[-@a]", NULL},
    {"//p[@a*@b]", NULL},
    {"//p[$x]", NULL},
    {"//p[not(1)]", NULL},
    /* Other steps, and what is no XPath. */
    {"//text()", NULL},
    {"//@href", NULL},
    {"//.", NULL},
    {"//..", NULL},
    {"//a:*", NULL},
    {"//child::p", NULL},
    {"///p", NULL},
    {"//", NULL},
    {"//p[", NULL},
    {"//p[@a='x]", NULL},
    {"'//p", NULL},
    {"", NULL},
};

static void paths_are_made_shorter_where_they_mean_the_same(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    char *got = mc_html_path(paths[i].given);
    assert_non_null(got);
    assert_string_equal(got, paths[i].taken ? paths[i].taken : paths[i].given);
    free(got);
  }
}

/* What both forms find, by libxml2 alone, in the order of the document. */
static void check_same(xmlXPathContextPtr context, const char *given) {
  char *path = mc_html_path(given);
  assert_non_null(path);
  assert_string_not_equal(path, given);
  xmlXPathObjectPtr one = xmlXPathEval(BAD_CAST given, context);
  xmlXPathObjectPtr two = xmlXPathEval(BAD_CAST path, context);
  assert_non_null(one);
  assert_non_null(two);
  int n = xmlXPathNodeSetGetLength(one->nodesetval);
  assert_int_equal(n, xmlXPathNodeSetGetLength(two->nodesetval));
  assert_int_not_equal(n, 0);
  for (int i = 0; i < n; i++)
    assert_ptr_equal(one->nodesetval->nodeTab[i], two->nodesetval->nodeTab[i]);
  xmlXPathFreeObject(one);
  xmlXPathFreeObject(two);
  free(path);
}

static void shorter_paths_find_the_same(void **state) {
  (void)state;
  static const char *const all[] = {
      "//p",
      "//p[@a]",
      "//p[@a='1']//p[@a]/@a",
      "//p[not(@a)] | //b[@a='2']",
      "//*[@a='1']//*[not(@a = '1')]",
      "//p[.//b[@a]]",
      "//p[@a and contains(@a, '1')]//b",
      "/html/body//p[@a='1']/b[1]",
      "//b[. = 'x' or text() = 'y']",
  };
  struct mc_html *html =
      parse("<div><p a=1><b a=2>x</b><b>y</b></p><object><p a=1><object><p a=1><b>x</b>"
            "<b a=2>y</b></object><p>z</object></div><p a=12><b>x</b>",
            NULL);
  xmlXPathContextPtr context = xmlXPathNewContext(mc_html_document(html));
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    check_same(context, all[i]);
  xmlXPathFreeContext(context);
  mc_html_free(html);
}

static void the_pages_own_base_counts(void **state) {
  (void)state;
  static const char page[] = "<head><base href='img/'></head>";
  struct mc_html *html = mc_html_parse(page, sizeof page - 1, "http://a/b/c.html", NULL);
  assert_string_equal(mc_html_base(html), "http://a/b/img/");
  mc_html_free(html);
  html = mc_html_parse("<p>", 3, "http://a/b", NULL);
  assert_string_equal(mc_html_base(html), "http://a/b");
  mc_html_free(html);
  html = parse("<p>", NULL);
  assert_null(mc_html_base(html));
  mc_html_free(html);
}

static void text_and_markup(void **state) {
  (void)state;
  struct mc_html *html = parse("<div><p a='&lt;'>x<b>\xc3\xa9</b>y</p><br></div>", NULL);
  xmlNodePtr root = xmlDocGetRootElement(mc_html_document(html));
  char *text = mc_html_content(root), *markup = mc_html_markup(root->children->children);
  assert_string_equal(text, "x\xc3\xa9y");
  assert_string_equal(markup, "<div><p a=\"&lt;\">x<b>\xc3\xa9</b>y</p><br></div>");
  free(text);
  free(markup);
  mc_html_free(html);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_what_the_tutorial_looks_for),
      cmocka_unit_test(broken_html_is_read),
      cmocka_unit_test(nul_bytes_do_not_end_the_page),
      cmocka_unit_test(deep_nesting_neither_crashes_nor_hangs),
      cmocka_unit_test(encodings_become_utf8),
      cmocka_unit_test(conversion_refuses_what_is_no_encoding),
      cmocka_unit_test(a_bad_xpath_says_why),
      cmocka_unit_test(an_endless_xpath_is_ended),
      cmocka_unit_test(compiled_expressions_survive_each_other),
      cmocka_unit_test(nothing_is_printed_and_no_handler_changed),
      cmocka_unit_test(paths_are_made_shorter_where_they_mean_the_same),
      cmocka_unit_test(shorter_paths_find_the_same),
      cmocka_unit_test(text_and_markup),
      cmocka_unit_test(the_pages_own_base_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
