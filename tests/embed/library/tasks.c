/* Tasks in C, for tests/embed/options.c: a worker calls them. */
#include <mooncrew.h>

#include <stdlib.h>

MOONCREW_API int sum(void *data, const mooncrew_values *args, mooncrew_values *results);
MOONCREW_API int refuse(void *data, const mooncrew_values *args,
                        mooncrew_values *results);
MOONCREW_API int crash(void *data, const mooncrew_values *args, mooncrew_values *results);

/* sum(list, name) → { name = total }, how many */
int sum(void *data, const mooncrew_values *args, mooncrew_values *results) {
  const mooncrew_value *list = mooncrew_values_at(args, 0);
  const char *name = "";
  double total = 0, number = 0;
  size_t n = mooncrew_value_length(list);
  (void)data;
  mooncrew_value_string(mooncrew_values_at(args, 1), &name, NULL);
  for (size_t i = 1; i <= n; i++)
    if (mooncrew_value_number(mooncrew_value_item(list, (int64_t)i), &number) == 0)
      total += number;
  mooncrew_push_table(results);
  mooncrew_key(results, name);
  mooncrew_push_number(results, total);
  mooncrew_end_table(results);
  mooncrew_push_integer(results, (int64_t)n);
  return MOONCREW_OK;
}

int refuse(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data;
  if (mooncrew_values_count(args) == 0)
    mooncrew_push_string(results, "something expected");
  return MOONCREW_EVALUE;
}

int crash(void *data, const mooncrew_values *args, mooncrew_values *results) {
  (void)data, (void)args, (void)results;
  abort();
}
