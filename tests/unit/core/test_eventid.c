#include "core/eventid.h"
#include "support/cmocka_prelude.h"

static void ids_rise_strictly_even_when_the_clock_steps_back(void **state)
{
	(void)state;
	struct event_ids ids = {0};
	struct event_id last = {0}, id;
	int64_t at_us = 1790000000000000;
	for (int i = 0; i < 20000; i++) {
		if (i % 100 == 0)
			at_us += i % 300 ? 1500 : -5000;
		assert_true(event_id_next(&ids, at_us, &id));
		assert_true(memcmp(&id, &last, sizeof(id)) > 0);
		last = id;
	}
}

static void text_sorts_as_the_bytes_and_comes_back(void **state)
{
	(void)state;
	struct event_ids ids = {0};
	struct event_id id, back;
	char text[EVENT_ID_TEXT_BYTES + 1], last[EVENT_ID_TEXT_BYTES + 1] = "";
	for (int i = 0; i < 1000; i++) {
		assert_true(event_id_next(&ids, 1790000000000000 + i * 300, &id));
		struct sv view = event_id_text(&id, text);
		assert_true(strcmp(text, last) > 0);
		assert_true(event_id_parse(view, &back));
		assert_memory_equal(&id, &back, sizeof(id));
		memcpy(last, text, sizeof(text));
	}
	assert_true(event_id_ms(&id) == (uint64_t)(1790000000000 + 999 * 3 / 10));
}

static void only_exact_ids_are_read(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV(""),
		SV("01ARZ3NDEKTSV4RRFFQ69G5FA"),
		SV("01ARZ3NDEKTSV4RRFFQ69G5FAVX"),
		SV("81ARZ3NDEKTSV4RRFFQ69G5FAV"),
		SV("01ARZ3NDEKTSV4RRFFQ69G5FAU"),
		SV("01ARZ3NDEKTSV4RRFFQ69G5FA "),
	};
	struct event_id id;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(event_id_parse(bad[i], &id));
	assert_true(event_id_parse(SVL("01arz3ndektsv4rrffq69g5fav"), &id));
	assert_true(event_id_is_set(&id));
	assert_false(event_id_is_set(&(struct event_id){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_rise_strictly_even_when_the_clock_steps_back),
		cmocka_unit_test(text_sorts_as_the_bytes_and_comes_back),
		cmocka_unit_test(only_exact_ids_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
