/* Each public function with each allocation that it makes failing in turn, until a call
 * gets all that it asks for: an error, no block left, no crash. The rows are in support/;
 * a function of mooncrew.h that has none is a failure. */
#include "support/attempts.h"
#include "support/memory.h"

/* luaopen_mooncrew is not the library's: embed.luamemory has it. */
static const char *const elsewhere[] = {"luaopen_mooncrew"};

static const struct attempt *const tables[] = {value_attempts, task_attempts,
                                               object_attempts};

/* ---- an attempt ---- */

static long failing_call, made; /* of the attempt: which fails, and how many there were */

void arm(void) {
  memory_count(failing_call);
}

void disarm(void) {
  made = memory_calls();
  memory_count(0);
}

void check_error(int code, mooncrew_error *failure) {
  if (mooncrew_error_code(failure) != code)
    fail_msg("%s, but the error object has %s", mooncrew_strerror(code),
             mooncrew_strerror(mooncrew_error_code(failure)));
  mooncrew_error_free(failure);
}

mooncrew *begin_host(void) {
  return open_host(1, 0);
}

int end_host(mooncrew *host, int code) {
  mooncrew_values_free(run_chunk(host, "return 1", NULL));
  while (stats_of(host).in_flight)
    assert_true(dispatch_next(host) >= 0);
  assert_int_equal(mooncrew_close(host, 0), MOONCREW_OK);
  return code;
}

/* Whether the code is one that the row expects of an allocation that failed. */
static bool is_expected(const struct attempt *attempt, int code) {
  switch (attempt->outcome) {
  case FAILS:
    return code == MOONCREW_ENOMEM;
  case SURVIVES:
    return code == MOONCREW_OK;
  case EITHER:
    return code == MOONCREW_OK || code == MOONCREW_ENOMEM;
  default:
    return false;
  }
}

/* How many allocations it makes when none fails. */
static long try_all(const struct attempt *attempt) {
  for (failing_call = 1;; failing_call++) {
    unsigned descriptors = count_descriptors();
    long before = memory_in_use;
    int code = attempt->make();
    if (memory_in_use != before)
      fail_msg("%s: allocation %ld failed and left %ld blocks", attempt->function,
               failing_call, memory_in_use - before);
    assert_int_equal(count_descriptors(), descriptors);
    if (made < failing_call) {
      if (code != MOONCREW_OK)
        fail_msg("%s: no allocation failed, but: %s", attempt->function,
                 mooncrew_strerror(code));
      return made;
    }
    if (!is_expected(attempt, code))
      fail_msg("%s: allocation %ld failed: %s", attempt->function, failing_call,
               mooncrew_strerror(code));
  }
}

static void test_failures(void **state) {
  const struct attempt *table = *state;
  for (; table->function; table++) {
    long n = try_all(table);
    assert_true((n == 0) == (table->outcome == NEVER));
    if (n)
      print_message("  %s%s%s: %ld allocations\n", table->function,
                    table->how ? ", " : "", table->how ? table->how : "", n);
  }
}

/* ---- the table is whole ---- */

static bool is_listed(const char *name) {
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
    if (!strcmp(name, elsewhere[i]))
      return true;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    for (const struct attempt *row = tables[i]; row->function; row++)
      if (!strcmp(name, row->function))
        return true;
  return false;
}

/* The name in front of the parenthesis of a declaration. */
static bool name_of(const char *declaration, char *name, size_t size) {
  const char *end = strchr(declaration, '(');
  if (!end)
    return false;
  const char *start = end;
  while (start > declaration &&
         (start[-1] == '_' || (start[-1] >= 'a' && start[-1] <= 'z')))
    start--;
  snprintf(name, size, "%.*s", (int)(end - start), start);
  return true;
}

static void test_table(void **state) {
  (void)state;
  static char text[1 << 17];
  FILE *file = fopen(MOONCREW_HEADER, "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  unsigned found = 0, missing = 0;
  for (char *at = text; (at = strstr(at, "\nMOONCREW_API ")); found++) {
    char name[64];
    at += strlen("\nMOONCREW_API ");
    if (name_of(at, name, sizeof name) && is_listed(name))
      continue;
    missing++;
    print_error("%s has no row\n", name);
  }
  assert_true(found > 60);
  assert_int_equal(missing, 0);
}

static int use_allocator(void **state) {
  (void)state;
  return mooncrew_set_allocator(memory_allocate, NULL);
}

static int use_malloc(void **state) {
  (void)state;
  assert_int_equal(memory_in_use, 0);
  return mooncrew_set_allocator(NULL, NULL);
}

#define rows(name, table)                                                                \
  { name, test_failures, use_allocator, use_malloc, (void *)(uintptr_t)(table) }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      rows("values", value_attempts),
      rows("tasks", task_attempts),
      rows("objects", object_attempts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
