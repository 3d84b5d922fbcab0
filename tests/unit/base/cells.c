/* The allocator of small blocks: what is in them stays, and memory is used again. */
#include "base/cells.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 4000
#define LARGER (2 * MC_CELL_MOST)

static struct mc_cells *cells;
static bool no_memory;

/* What the allocator calls as malloc and realloc: the linker puts these in their place.
 */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size) {
  return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *block, size_t size) {
  return no_memory ? NULL : __real_realloc(block, size);
}

static int set_up(void **state) {
  (void)state;
  cells = mc_cells_new();
  return cells ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  mc_cells_free(cells);
  return 0;
}

static void *make(size_t size) {
  return mc_cells_realloc(cells, NULL, 5, size); /* Lua tells a type there */
}

static void drop(void *block, size_t size) {
  assert_null(mc_cells_realloc(cells, block, size, 0));
}

static size_t in_use(void) {
  struct mallinfo2 all = mallinfo2();
  return all.uordblks + all.hblkhd;
}

struct block {
  unsigned char *bytes;
  size_t size;
  unsigned char value;
};

static void check(const struct block *block, size_t size) {
  for (size_t i = 0; i < size; i++)
    assert_int_equal(block->bytes[i], block->value);
}

static void fill(struct block *block, size_t size, unsigned char value) {
  block->size = size;
  block->value = value;
  assert_non_null(block->bytes);
  assert_int_equal((uintptr_t)block->bytes % _Alignof(max_align_t), 0);
  memset(block->bytes, value, size);
}

static void change(struct block *block) {
  size_t size = (size_t)rand() % LARGER;
  size_t old = block->size;
  check(block, old);
  block->bytes = mc_cells_realloc(cells, block->bytes, block->bytes ? old : 6, size);
  if (size == 0) {
    assert_null(block->bytes);
    block->size = 0;
    return;
  }
  assert_non_null(block->bytes);
  check(block, old < size ? old : size);
  fill(block, size, (unsigned char)rand());
}

static void test_blocks_keep_their_bytes(void **state) {
  (void)state;
  static struct block blocks[BLOCKS];
  srand(1);
  for (int i = 0; i < 400000; i++)
    change(&blocks[rand() % BLOCKS]);
  for (int i = 0; i < BLOCKS; i++)
    if (blocks[i].bytes)
      drop(blocks[i].bytes, blocks[i].size);
}

static void test_nothing_is_no_block(void **state) {
  (void)state;
  assert_null(make(0));
}

static void make_many(void **blocks, size_t size) {
  for (int i = 0; i < BLOCKS; i++) {
    blocks[i] = make(size);
    assert_non_null(blocks[i]);
  }
}

static void drop_many(void **blocks, size_t size) {
  for (int i = 0; i < BLOCKS; i++)
    drop(blocks[i], size);
}

static void test_free_pages_serve_any_size(void **state) {
  (void)state;
  static void *blocks[BLOCKS];
  make_many(blocks, MC_CELL_MOST);
  drop_many(blocks, MC_CELL_MOST);
  size_t before = in_use();
  for (size_t size = 1; size <= MC_CELL_MOST; size++) {
    make_many(blocks, size);
    drop_many(blocks, size);
  }
  assert_int_equal(in_use(), before);
}

static void test_a_cell_is_used_again(void **state) {
  (void)state;
  void *block = make(40);
  size_t before = in_use();
  for (int i = 0; i < 1000000; i++) {
    drop(block, 40);
    assert_ptr_equal(make(40), block);
  }
  assert_int_equal(in_use(), before);
  drop(block, 40);
}

static void test_all_is_given_back(void **state) {
  (void)state;
  static void *blocks[BLOCKS];
  size_t before = in_use();
  struct mc_cells *kept = cells;
  assert_int_equal(set_up(NULL), 0);
  make_many(blocks, 100); /* not freed one by one */
  mc_cells_free(cells);
  cells = kept;
  assert_int_equal(in_use(), before);
}

struct chain {
  struct chain *next;
};

static struct chain *take_all(size_t size) {
  struct chain *all = NULL, *one;
  while ((one = make(size))) {
    one->next = all;
    all = one;
  }
  return all;
}

static void drop_all(struct chain *all, size_t size) {
  while (all) {
    struct chain *one = all;
    all = one->next;
    drop(one, size);
  }
}

/* Without memory, a block stays what it was when it can't grow, and can yet be made
 * smaller: a cell, and one of malloc's that becomes a cell. */
static void test_without_memory(void **state) {
  (void)state;
  unsigned char *small = make(MC_CELL_MOST), *large = make(LARGER);
  memset(small, 1, MC_CELL_MOST);
  memset(large, 2, LARGER);
  struct chain *taken[MC_CELL_MOST / 16];
  no_memory = true;
  for (size_t i = 0; i < MC_CELL_MOST / 16; i++)
    taken[i] = take_all(16 * (i + 1));
  assert_null(make(24));
  assert_null(make(LARGER));
  assert_null(mc_cells_realloc(cells, small, MC_CELL_MOST, LARGER));
  assert_int_equal(small[MC_CELL_MOST - 1], 1);
  small = mc_cells_realloc(cells, small, MC_CELL_MOST, 24);
  large = mc_cells_realloc(cells, large, LARGER, 24);
  no_memory = false;
  assert_non_null(small);
  assert_non_null(large);
  assert_int_equal(small[23], 1);
  assert_int_equal(large[23], 2);
  drop(small, 24);
  drop(large, 24);
  for (size_t i = 0; i < MC_CELL_MOST / 16; i++)
    drop_all(taken[i], 16 * (i + 1));
}

static void test_no_memory_to_begin_with(void **state) {
  (void)state;
  struct mc_cells *kept = cells;
  assert_int_equal(set_up(NULL), 0);
  no_memory = true;
  void *none = make(1);
  no_memory = false;
  void *one = make(1);
  mc_cells_free(cells);
  cells = kept;
  assert_null(none);
  assert_non_null(one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_blocks_keep_their_bytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_nothing_is_no_block, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_free_pages_serve_any_size, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_a_cell_is_used_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_all_is_given_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_without_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_no_memory_to_begin_with, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
