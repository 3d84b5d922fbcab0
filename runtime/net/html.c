#include "net/html.h"

#include "base/buffer.h"
#include "net/charset.h"
#include "net/html_path.h"
#include "net/url.h"

#include <errno.h>
#include <libxml/HTMLparser.h>
#include <libxml/HTMLtree.h>
#include <libxml/parserInternals.h>
#include <libxml/SAX2.h>
#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 30)
#define OPERATIONS_MAX                                                                   \
  50000000UL /* of one XPath: some seconds; a sane one takes thousands */
#define CACHE_SIZE 64
#define DEPTH_MAX  512 /* elements within each other, as in browsers */

#define PARSE_OPTIONS                                                                    \
  (HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |   \
   HTML_PARSE_COMPACT | HTML_PARSE_IGNORE_ENC | HTML_PARSE_NODEFDTD |                    \
   (int)XML_PARSE_HUGE) /* or texts of 10 MB end the page */

struct mc_html {
  xmlDocPtr document;
  xmlXPathContextPtr context;
  char *base;
};

/* ---- parsing ---- */

static void swallow(void *context, xmlErrorPtr error) {
  (void)context;
  (void)error;
}

/* Real pages forget end tags by the hundred, and libxml2 would drop all that follows.
 * What is too deep takes the place of the innermost element that is open. */
static void start_element(void *data, const xmlChar *name, const xmlChar **attributes) {
  htmlParserCtxtPtr parser = data;
  int names = parser->nameNr; /* the new one's included */
  if (names > DEPTH_MAX) {
    parser->nameTab[names - 2] = parser->nameTab[names - 1];
    parser->nameNr--;
    nodePop(parser);
  }
  xmlSAX2StartElement(data, name, attributes);
}

static xmlDocPtr parse_utf8(const char *text, size_t length) {
  if (length == 0) /* which libxml2 calls an error */
    return htmlNewDocNoDtD(NULL, NULL);
  htmlParserCtxtPtr parser = htmlNewParserCtxt();
  if (!parser)
    return NULL;
  parser->sax->serror = swallow;
  parser->sax->startElement = start_element;
  xmlDocPtr document =
      htmlCtxtReadMemory(parser, text, (int)length, NULL, "UTF-8", PARSE_OPTIONS);
  htmlFreeParserCtxt(parser);
  return document;
}

static xmlDocPtr parse_any(const char *text, size_t length, const char *told) {
  char name[MC_CHARSET_NAME_MAX];
  mc_charset_detect(text, length, told, name);
  bool marked = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
  if (strcasecmp(name, "UTF-8") == 0 && !marked && mc_charset_is_utf8(text, length))
    return parse_utf8(text, length);
  struct mc_buffer utf8 = {0};
  xmlDocPtr document = NULL;
  if (mc_charset_to_utf8(text, length, name, &utf8) == 0 && utf8.length <= TEXT_MAX)
    document = parse_utf8((const char *)utf8.data, utf8.length);
  mc_buffer_free(&utf8);
  return document;
}

/* Nothing can be relative to these, and browsers take no such base. */
static bool is_usable_base(const char *url) {
  return strncasecmp(url, "javascript:", 11) != 0 && strncasecmp(url, "data:", 5) != 0;
}

/* The page's own <base href>, which counts from where the page came from. */
static bool adopt_base(struct mc_html *html, const char *base) {
  if (base && !(html->base = strdup(base)))
    return false;
  char error[MC_HTML_ERROR_MAX];
  xmlXPathObjectPtr found = mc_html_xpath(html, NULL, "string(//base/@href)", error);
  if (!found)
    return false;
  if (found->stringval && *found->stringval) {
    char *own = mc_url_resolve(html->base, (const char *)found->stringval);
    if (own && is_usable_base(own)) {
      free(html->base);
      html->base = own;
    } else {
      free(own);
    }
  }
  xmlXPathFreeObject(found);
  return true;
}

struct mc_html *mc_html_parse(const char *text, size_t length, const char *base,
                              const char *encoding) {
  struct mc_html *html = length <= TEXT_MAX ? calloc(1, sizeof *html) : NULL;
  if (!html)
    return NULL;
  html->document = parse_any(text, length, encoding);
  html->context = html->document ? xmlXPathNewContext(html->document) : NULL;
  if (!html->context || !adopt_base(html, base)) {
    mc_html_free(html);
    return NULL;
  }
  return html;
}

void mc_html_free(struct mc_html *html) {
  if (!html)
    return;
  if (html->context)
    xmlXPathFreeContext(html->context);
  if (html->document)
    xmlFreeDoc(html->document);
  free(html->base);
  free(html);
}

xmlDocPtr mc_html_document(struct mc_html *html) {
  return html->document;
}

const char *mc_html_base(const struct mc_html *html) {
  return html->base;
}

/* ---- XPath ---- */

/* Expressions are few and used often. A slot is found by hash and simply overwritten. */
static struct compiled {
  char *text;
  xmlXPathCompExprPtr expression;
} cache[CACHE_SIZE];

static unsigned hash(const char *text) {
  unsigned h = 2166136261u;
  for (; *text; text++)
    h = (h ^ (unsigned char)*text) * 16777619u;
  return h;
}

/* libxml2 hands a context's own handler a code without words. */
static const char *xpath_text(int code) {
  switch (code - XML_XPATH_EXPRESSION_OK) {
  case XPATH_NUMBER_ERROR:
    return "malformed number";
  case XPATH_UNFINISHED_LITERAL_ERROR:
  case XPATH_START_LITERAL_ERROR:
    return "unfinished string";
  case XPATH_VARIABLE_REF_ERROR:
  case XPATH_UNDEF_VARIABLE_ERROR:
    return "undefined variable";
  case XPATH_INVALID_PREDICATE_ERROR:
    return "invalid predicate";
  case XPATH_UNCLOSED_ERROR:
    return "unclosed bracket";
  case XPATH_UNKNOWN_FUNC_ERROR:
    return "unknown function";
  case XPATH_INVALID_TYPE:
    return "wrong type of operand";
  case XPATH_INVALID_ARITY:
    return "wrong number of arguments";
  case XPATH_UNDEF_PREFIX_ERROR:
    return "undefined namespace prefix";
  case XPATH_MEMORY_ERROR:
    return "no memory";
  case XPATH_INVALID_CHAR_ERROR:
  case XPATH_ENCODING_ERROR:
    return "not valid UTF-8";
  case XPATH_OP_LIMIT_EXCEEDED:
    return "takes too many steps on this document";
  case XPATH_STACK_ERROR:
  case XPATH_RECURSION_LIMIT_EXCEEDED:
    return "nested too deeply";
  default:
    return "invalid expression";
  }
}

static void keep_error(void *data, xmlErrorPtr problem) {
  char *error = data;
  if (*error || !problem) /* the first one is the cause */
    return;
  const char *text = xpath_text(problem->code);
  if (problem->str1 && problem->int1 > 0)
    snprintf(error, MC_HTML_ERROR_MAX, "%s (at character %d)", text, problem->int1 + 1);
  else
    snprintf(error, MC_HTML_ERROR_MAX, "%s", text);
}

/* What is wrong with an expression is said of the one that was given. */
static xmlXPathCompExprPtr translate(xmlXPathContextPtr context, const char *expression) {
  xmlXPathCompExprPtr made = xmlXPathCtxtCompile(context, BAD_CAST expression);
  char *path = made ? mc_html_path(expression) : NULL;
  xmlXPathCompExprPtr faster = path ? xmlXPathCtxtCompile(context, BAD_CAST path) : NULL;
  free(path);
  if (!faster)
    return made;
  xmlXPathFreeCompExpr(made);
  return faster;
}

static xmlXPathCompExprPtr compile(xmlXPathContextPtr context, const char *expression) {
  struct compiled *slot = &cache[hash(expression) % CACHE_SIZE];
  if (slot->text && strcmp(slot->text, expression) == 0)
    return slot->expression;
  xmlXPathCompExprPtr made = translate(context, expression);
  char *text = made ? strdup(expression) : NULL;
  if (!text) {
    xmlXPathFreeCompExpr(made);
    return NULL;
  }
  xmlXPathFreeCompExpr(slot->expression);
  free(slot->text);
  *slot = (struct compiled){text, made};
  return made;
}

static void print_nothing(void *context, const char *format, ...) {
  (void)context;
  (void)format;
}

/* Some complaints of libxml2 (of an unknown function, for one) go past the context's
 * handler to the thread's, which prints them; so that one is swapped meanwhile, and put
 * back. */
static xmlXPathObjectPtr evaluate(xmlXPathContextPtr context, const char *expression) {
  xmlGenericErrorFunc handler = xmlGenericError;
  void *handler_data = xmlGenericErrorContext;
  xmlSetGenericErrorFunc(NULL, print_nothing);
  xmlXPathCompExprPtr compiled = compile(context, expression);
  xmlXPathObjectPtr found = compiled ? xmlXPathCompiledEval(compiled, context) : NULL;
  xmlSetGenericErrorFunc(handler_data, handler);
  return found;
}

xmlXPathObjectPtr mc_html_xpath(struct mc_html *html, xmlNodePtr node,
                                const char *expression, char error[MC_HTML_ERROR_MAX]) {
  xmlXPathContextPtr context = html->context;
  error[0] = '\0';
  context->error = keep_error;
  context->userData = error;
  context->opLimit = OPERATIONS_MAX;
  context->opCount = 0;
  context->node = node ? node : (xmlNodePtr)html->document;
  xmlXPathObjectPtr found = evaluate(context, expression);
  context->error = swallow;
  context->userData = NULL;
  if (!found && !error[0])
    snprintf(error, MC_HTML_ERROR_MAX, "cannot be evaluated");
  return found;
}

/* ---- text ---- */

char *mc_html_content(xmlNodePtr node) {
  xmlChar *content = xmlNodeGetContent(node);
  char *copy = content ? strdup((const char *)content) : NULL;
  xmlFree(content);
  return copy;
}

char *mc_html_markup(xmlNodePtr node) {
  xmlBufferPtr buffer = xmlBufferCreate();
  xmlOutputBufferPtr out = buffer ? xmlOutputBufferCreateBuffer(buffer, NULL) : NULL;
  char *copy = NULL;
  if (out) {
    htmlNodeDumpFormatOutput(out, node->doc, node, "UTF-8", 0);
    if (xmlOutputBufferClose(out) >= 0)
      copy = strdup((const char *)xmlBufferContent(buffer));
  }
  xmlBufferFree(buffer);
  return copy;
}
