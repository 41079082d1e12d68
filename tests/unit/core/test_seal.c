/* Sealed boxes: what was closed opens, whole, for its purpose, under the keys that still count, and nothing else does. */
#include "core/seal.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>

static struct seal_key key_of(uint8_t byte)
{
	struct seal_key key = {.made_at_s = 1};
	memset(key.bytes, byte, sizeof(key.bytes));
	return key;
}

static struct seal_ring ring;

static int one_key(void **state)
{
	(void)state;
	const struct seal_key key = key_of(7);
	ring = (struct seal_ring){0};
	seal_ring_add(&ring, 1, &key);
	return 0;
}

static void what_was_closed_opens(void **state)
{
	(void)state;
	static const struct sv texts[] = {SV(""), SV("x"),
	                                  SV("a secret of some length, longer than a block")};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		uint8_t box[128], text[128];
		struct sv made = {(const char *)box, texts[i].n + SEAL_OVERHEAD};
		assert_true(seal_close(&ring, SVL("test"), texts[i], box));
		assert_true(seal_open(&ring, SVL("test"), made, text));
		assert_memory_equal(text, texts[i].at, texts[i].n);
		assert_false(seal_open(&ring, SVL("tess"), made, text));
		assert_false(seal_open(&ring, SVL(""), made, text));
	}
}

static void the_same_text_is_closed_differently_each_time(void **state)
{
	(void)state;
	uint8_t a[64], b[64];
	assert_true(seal_close(&ring, SVL("test"), SVL("text"), a));
	assert_true(seal_close(&ring, SVL("test"), SVL("text"), b));
	assert_memory_not_equal(a, b, 4 + SEAL_OVERHEAD);
}

static void a_box_with_any_bit_turned_does_not_open(void **state)
{
	(void)state;
	uint8_t box[4 + SEAL_OVERHEAD], text[4];
	assert_true(seal_close(&ring, SVL("test"), SVL("text"), box));
	for (size_t i = 0; i < sizeof(box) * 8; i++) {
		box[i / 8] ^= (uint8_t)(1U << i % 8);
		assert_false(
			seal_open(&ring, SVL("test"), (struct sv){(char *)box, sizeof(box)}, text));
		assert_memory_equal(text, "\0\0\0\0", 4);
		box[i / 8] ^= (uint8_t)(1U << i % 8);
		memset(text, 0, sizeof(text));
	}
	for (size_t n = 0; n < sizeof(box); n++)
		assert_false(seal_open(&ring, SVL("test"), (struct sv){(char *)box, n}, text));
}

static void old_keys_open_for_a_while_and_new_ones_close(void **state)
{
	(void)state;
	uint8_t first[4 + SEAL_OVERHEAD], box[4 + SEAL_OVERHEAD], text[4];
	struct sv oldest = {(char *)first, sizeof(first)};
	assert_true(seal_close(&ring, SVL("test"), SVL("text"), first));
	for (uint32_t number = 2; number < 200; number++) {
		const struct seal_key key = key_of((uint8_t)number);
		seal_ring_add(&ring, number, &key);
		assert_true(seal_close(&ring, SVL("test"), SVL("text"), box));
		assert_int_equal(box[4], number);
		assert_true(
			seal_open(&ring, SVL("test"), (struct sv){(char *)box, sizeof(box)}, text));
		assert_true(seal_open(&ring, SVL("test"), oldest, text) == (number <= SEAL_KEPT));
	}
}

static void a_ring_may_begin_with_any_number(void **state)
{
	(void)state;
	struct seal_ring other = {0};
	const struct seal_key key = key_of(1);
	uint8_t box[SEAL_OVERHEAD];
	assert_false(seal_close(&other, SVL("test"), SVL(""), box));
	seal_ring_add(&other, 1000, &key);
	assert_non_null(seal_ring_key(&other, 1000));
	assert_null(seal_ring_key(&other, 999));
	assert_null(seal_ring_key(&other, 1001));
	assert_null(seal_ring_key(&other, 0));
	seal_ring_fini(&other);
	assert_false(seal_close(&other, SVL("test"), SVL(""), box));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_closed_opens, one_key),
		cmocka_unit_test_setup(the_same_text_is_closed_differently_each_time, one_key),
		cmocka_unit_test_setup(a_box_with_any_bit_turned_does_not_open, one_key),
		cmocka_unit_test_setup(old_keys_open_for_a_while_and_new_ones_close, one_key),
		cmocka_unit_test(a_ring_may_begin_with_any_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
