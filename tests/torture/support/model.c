/* The ledger, numbers and values of the random test. */
#include "torture/support/model.h"

#include "share/dict.h"
#include "share/list.h"
#include "share/object.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LONGEST 3000u

struct model *model;
mc_ref model_dicts[DICTS], model_list_of_cells, model_list, model_messages,
    model_referred;

static uint64_t state; /* of random numbers */

void model_fail(const char *format, ...) {
  char why[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, sizeof(why), format, arguments);
  va_end(arguments);
  snprintf(model->failure, sizeof(model->failure), "FAIL model_random: %s\n", why);
  kill(0, SIGTERM);
  for (;;)
    pause();
}

void model_seed(uint64_t seed) {
  state = seed;
}

uint32_t model_any(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((state >> 33) * below >> 31);
}

static size_t length_of(int64_t number) {
  uint64_t mixed = (uint64_t)number * 0x9e3779b97f4a7c15u >> 40;
  return sizeof(number) + (mixed % 20 ? mixed % 100 : mixed % LONGEST);
}

static unsigned char filler(int64_t number, size_t i) {
  return (unsigned char)((uint64_t)number * 31 + i);
}

struct mc_value model_value(int64_t number, unsigned which) {
  static unsigned char bytes[AT_ONCE][LONGEST + 8];
  if (number == ABSENT)
    return (struct mc_value){.form = MC_NOTHING};
  if (number % 2 == 0)
    return (struct mc_value){.form = MC_INTEGER, .integer = number};
  size_t length = length_of(number);
  memcpy(bytes[which], &number, sizeof(number));
  for (size_t i = sizeof(number); i < length; i++)
    bytes[which][i] = filler(number, i);
  struct mc_message message = {.bytes = bytes[which],
                               .length = length,
                               .handles = &model_referred,
                               .n_handles = number % 16 == 3 ? 1 : 0};
  return (struct mc_value){.form = MC_BYTES, .message = message};
}

int64_t model_number_of(const unsigned char *bytes, size_t length) {
  int64_t number;
  if (length < sizeof(number))
    model_fail("a value of %lu bytes", length);
  memcpy(&number, bytes, sizeof(number));
  if (number % 2 == 0 || length != length_of(number))
    model_fail("a torn value: %ld has %lu bytes", number, length);
  for (size_t i = sizeof(number); i < length; i++)
    if (bytes[i] != filler(number, i))
      model_fail("a torn value: %ld is wrong at byte %lu", number, i);
  return number;
}

int64_t model_number(const struct mc_batch *batch, size_t i) {
  const struct mc_item *item = mc_batch_item(batch, i);
  if (item->form == MC_INTEGER)
    return item->integer;
  if (item->form != MC_BYTES)
    model_fail("a value of form %u", item->form);
  return model_number_of((const unsigned char *)batch->bytes.data + item->at,
                         item->length);
}

int64_t model_any_number(void) {
  return (int64_t)model_any(1u << 30);
}

static bool make_objects(void) {
  const struct mc_queue_options options = {0, MC_RETURN};
  struct mc_value zero = {.form = MC_INTEGER, .integer = 0};
  if (mc_queue_create(&options, &model_referred) != 0 ||
      mc_queue_create(&options, &model_messages) != 0 ||
      mc_list_create(&model_list) != 0 || mc_list_create(&model_list_of_cells) != 0)
    return false;
  for (unsigned i = 0; i < DICTS; i++)
    if (mc_dict_create(&model_dicts[i]) != 0)
      return false;
  for (unsigned i = 0; i < WORKERS * CELLS; i++)
    if (mc_list_append(model_list_of_cells, &zero, 1) != 0)
      return false;
  return true;
}

bool model_open(void) {
  model = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (model == MAP_FAILED)
    return false;
  for (unsigned worker = 0; worker < WORKERS; worker++)
    for (unsigned dict = 0; dict < DICTS; dict++)
      for (unsigned key = 0; key < KEYS; key++)
        model->worker[worker].key[dict][key] = ABSENT;
  return make_objects();
}

void model_drop(void) {
  for (unsigned i = 0; i < DICTS; i++)
    mc_object_drop(model_dicts[i]);
  mc_object_drop(model_list_of_cells);
  mc_object_drop(model_list);
  mc_object_drop(model_messages);
  mc_object_drop(model_referred);
}

void model_compare(void) {
  model_compare_tables();
  model_compare_passages();
}
