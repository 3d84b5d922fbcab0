/* The part of the random test that all workers share: numbers that come into the deque or
 * the queue once, and leave once. Whoever dies while he takes one from the deque may have
 * taken it with him, so as many may be missing; the queue gives it back. */
#include "torture/support/model.h"

#include "base/error.h"
#include "share/list.h"

#include <string.h>

#define MANY 1500u /* elements beyond which more leave than come */

static struct mc_batch batch;

/* Numbers of n that come together, or 0: this round has no more. */
static uint64_t numbers(struct passage *passage, uint32_t n) {
  uint64_t first = __atomic_fetch_add(&passage->next, n, __ATOMIC_SEQ_CST);
  if (first + n + 1 > NUMBERS)
    return 0;
  passage->batch[first + 1] = (uint8_t)n;
  for (uint32_t i = 1; i <= n; i++)
    passage->in[first + i] = BEGUN;
  return first + 1;
}

static void are_in(struct passage *passage, uint64_t first, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    __atomic_store_n(&passage->in[first + i], RETURNED, __ATOMIC_SEQ_CST);
}

static uint8_t *out_of(struct passage *passage, int64_t number) {
  uint64_t id = (uint64_t)number >> 1;
  if (id == 0 || id >= NUMBERS || passage->in[id] == NEVER)
    model_fail("number %lu never came in", id);
  return &passage->out[id];
}

/* ---- the deque ---- */

static void come_in(void) {
  struct mc_value values[AT_ONCE];
  uint32_t n = model_any(3) ? 1 : 1 + model_any(AT_ONCE);
  uint64_t first = numbers(&model->deque, n);
  if (first == 0)
    return;
  bool as_bytes = model_any(2);
  for (uint32_t i = 0; i < n; i++)
    values[i] = model_value((int64_t)(first + i) << 1 | as_bytes, i);
  int rc;
  if (n > 1 || model_any(3) == 0)
    rc = mc_list_append(model_list, values, n);
  else if (model_any(4))
    rc = mc_list_append_left(model_list, values);
  else
    rc = mc_list_insert(model_list, mc_list_size(model_list) / 2, values);
  if (rc == MC_RANGE) /* the list has become shorter meanwhile */
    return;
  if (rc != 0)
    model_fail("append: %d", rc);
  are_in(&model->deque, first, n);
}

static void go_out(unsigned worker) {
  uint32_t *popping = &model->worker[worker].popping;
  mc_batch_empty(&batch);
  __atomic_store_n(popping, 1, __ATOMIC_SEQ_CST);
  uint32_t which = model_any(10);
  int rc;
  if (which < 4)
    rc = mc_list_pop(model_list, &batch);
  else if (which < 9)
    rc = mc_list_pop_left(model_list, &batch);
  else
    rc = mc_list_take(model_list, mc_list_size(model_list) / 3, &batch);
  if (rc < 0 && rc != MC_RANGE)
    model_fail("pop: %d", rc);
  if (rc == 1) {
    int64_t number = model_number(&batch, 0);
    if (__atomic_exchange_n(out_of(&model->deque, number), RETURNED, __ATOMIC_SEQ_CST))
      model_fail("number %ld left the deque twice", number >> 1);
  }
  __atomic_store_n(popping, 0, __ATOMIC_SEQ_CST);
}

static void look_at(uint64_t index) {
  mc_batch_empty(&batch);
  int rc = mc_list_get(model_list, index, &batch);
  if (rc < 0)
    model_fail("get of an element: %d", rc);
  if (rc)
    out_of(&model->deque, model_number(&batch, 0));
}

void model_deque(unsigned worker) {
  uint64_t size = mc_list_size(model_list);
  if (model_any(5) == 0)
    look_at(model_any((uint32_t)size + 1));
  else if (model_any(100) == 0 && mc_list_reverse(model_list) != 0)
    model_fail("reverse failed");
  else if (size < MANY ? model_any(2) : model_any(6) == 0)
    come_in();
  else
    go_out(worker);
}

/* ---- the queue ---- */

static void put_some(void) {
  struct mc_message messages[AT_ONCE];
  uint32_t n = model_any(2) ? 1 : 1 + model_any(AT_ONCE);
  uint64_t first = numbers(&model->queue, n);
  if (first == 0)
    return;
  for (uint32_t i = 0; i < n; i++)
    messages[i] = model_value((int64_t)(first + i) << 1 | 1, i).message;
  int rc = mc_queue_put(model_messages, messages, n, MC_NOW);
  if (rc != (int)n)
    model_fail("put of %u: %d", n, rc);
  are_in(&model->queue, first, n);
}

/* A settle that is cut off may have happened or not; one that returned happened once. */
static void settle(const struct mc_lease *lease) {
  uint8_t *out = out_of(&model->queue, model_number_of(lease->bytes, lease->length));
  if (*out == RETURNED)
    model_fail("a settled message came back");
  *out = BEGUN;
  mc_lease_settle(lease);
  __atomic_store_n(out, RETURNED, __ATOMIC_SEQ_CST);
}

static void take_some(void) {
  struct mc_lease leases[AT_ONCE];
  int n = mc_queue_try_take(model_messages, leases, 1 + model_any(AT_ONCE));
  if (n < 0 && n != MC_EMPTY)
    model_fail("take: %d", n);
  for (int i = 0; i < n; i++) {
    if (model_any(10) == 0)
      mc_lease_return(&leases[i]);
    else
      settle(&leases[i]);
  }
}

void model_queue(unsigned worker) {
  (void)worker;
  if (mc_queue_size(model_messages) < MANY ? model_any(2) : model_any(6) == 0)
    put_some();
  else
    take_some();
}

/* ---- comparing ---- */

static void drain_queue(uint8_t *found) {
  struct mc_lease lease;
  while (mc_queue_try_take(model_messages, &lease, 1) == 1) {
    int64_t number = model_number_of(lease.bytes, lease.length);
    if (*out_of(&model->queue, number) == RETURNED || found[number >> 1]++)
      model_fail("message %ld is there twice", number >> 1);
    mc_lease_settle(&lease);
  }
}

static void drain_deque(uint8_t *found) {
  for (;;) {
    mc_batch_empty(&batch);
    if (mc_list_pop(model_list, &batch) != 1)
      break;
    int64_t number = model_number(&batch, 0);
    if (*out_of(&model->deque, number) != NEVER || found[number >> 1]++)
      model_fail("number %ld is in the deque twice", number >> 1);
  }
}

/* Numbers that must be there and are not. A batch came in as a whole: if it returned, or
 * if one of it was seen. */
static uint64_t missing(const struct passage *passage, const uint8_t *found) {
  uint64_t sum = 0;
  for (uint64_t id = 1; id <= passage->next && id < NUMBERS; id++) {
    uint32_t n = passage->batch[id], seen = 0, here = 0;
    for (uint32_t i = 0; i < n; i++) {
      here += found[id + i] || passage->out[id + i];
      seen += passage->in[id + i] == RETURNED;
    }
    if (here || seen)
      sum += n - here;
  }
  return sum;
}

static void forget(struct passage *passage) {
  uint64_t used = passage->next + 1 < NUMBERS ? passage->next + 1 : NUMBERS;
  memset(passage->in, NEVER, used);
  memset(passage->out, NEVER, used);
  memset(passage->batch, 0, used);
  passage->next = 0;
}

void model_compare_passages(void) {
  static uint8_t found[NUMBERS];
  drain_queue(found);
  uint64_t n = missing(&model->queue, found);
  if (n)
    model_fail("%lu messages are missing", n);
  memset(found, 0, sizeof(found));
  drain_deque(found);
  n = missing(&model->deque, found);
  if (n > model->unclear_pops)
    model_fail("%lu numbers are missing from the deque, %lu were perhaps taken", n,
               model->unclear_pops);
  memset(found, 0, sizeof(found));
  forget(&model->queue);
  forget(&model->deque);
  model->unclear_pops = 0;
  mc_batch_free(&batch);
}
