#include "core/clock.h"
#include "core/macros.h"
#include "support/cmocka_prelude.h"

static void rfc3339_goes_both_ways(void **state)
{
	(void)state;
	static const struct {
		struct sv text;
		int64_t us;
		const char *canonical;
	} cases[] = {
		{SV("1970-01-01T00:00:00Z"), 0, "1970-01-01T00:00:00.000000Z"},
		{SV("2026-11-23T15:04:05.123456Z"), 1795446245123456,
	         "2026-11-23T15:04:05.123456Z"},
		{SV("2026-11-23T16:04:05.1+01:00"), 1795446245100000,
	         "2026-11-23T15:04:05.100000Z"},
		{SV("2026-11-23"), 1795392000000000, "2026-11-23T00:00:00.000000Z"},
		{SV("1969-12-31T23:59:59.5Z"), -500000, "1969-12-31T23:59:59.500000Z"},
		{SV("2024-02-29t00:00:00z"), 1709164800000000, "2024-02-29T00:00:00.000000Z"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t us;
		char text[CLOCK_TEXT_BYTES];
		assert_true(clock_parse(cases[i].text, &us));
		assert_true(us == cases[i].us);
		(void)clock_format(us, text);
		assert_string_equal(text, cases[i].canonical);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV(""),
		SV("2026"),
		SV("2026-13-01"),
		SV("2026-02-30"),
		SV("2025-02-29"),
		SV("2026-11-23T15:04"),
		SV("2026-11-23T15:04:05"),
		SV("2026-11-23T24:00:00Z"),
		SV("2026-11-23T15:60:00Z"),
		SV("2026-11-23T15:04:05.Z"),
		SV("2026-11-23T15:04:05Zx"),
		SV("2026-11-23T15:04:05+25:00"),
		SV("26-11-23"),
		SV("2026-1-2"),
		SV("now"),
		SV("2026-11-23T15:04:05.1234567890Z"),
	};
	int64_t us = 42;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(clock_parse(bad[i], &us));
	assert_int_equal(us, 42);
}

static void the_monotonic_clock_does_not_step_back(void **state)
{
	(void)state;
	uint64_t last = clock_mono_ns();
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_mono_ns();
		assert_true(now >= last);
		last = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3339_goes_both_ways),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(the_monotonic_clock_does_not_step_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
