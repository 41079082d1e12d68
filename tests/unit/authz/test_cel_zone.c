/* Zones of the system's files, also beyond the last transition that a file lists. */
#include "authz/cel/timetext.h"
#include "authz/cel/zone.h"
#include "support/cmocka_prelude.h"

static int32_t offset_at(const char *name, const char *time)
{
	struct cel_zone *zone = NULL;
	const char *why;
	struct cel_value at;
	assert_true(cel_zone_load(sv_of(name), &zone, &why));
	assert_true(cel_timestamp_read(sv_of(time), &at));
	int32_t offset = cel_zone_offset(zone, at.i);
	cel_zone_free(zone);
	return offset;
}

static void summer_comes_and_goes(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *time;
		int32_t offset;
	} rows[] = {
		{"Europe/Berlin", "2026-03-29T00:59:59Z", 3600},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", 7200},
		{"Europe/Berlin", "2026-10-25T00:59:59Z", 7200},
		{"Europe/Berlin", "2026-10-25T01:00:00Z", 3600},
		{"Europe/Berlin", "2150-07-01T00:00:00Z", 7200},
		{"Europe/Berlin", "2150-12-01T00:00:00Z", 3600},
		{"America/New_York", "2150-07-01T00:00:00Z", -14400},
		{"Australia/Sydney", "2150-01-01T00:00:00Z", 39600},
		{"Australia/Sydney", "2150-07-01T00:00:00Z", 36000},
		{"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
		{"UTC", "2026-01-01T00:00:00Z", 0},
		{"-09:30", "2026-01-01T00:00:00Z", -34200},
		{"02:00", "2026-01-01T00:00:00Z", 7200},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int32_t found = offset_at(rows[i].zone, rows[i].time);
		if (found != rows[i].offset)
			print_error("%s at %s: %d\n", rows[i].zone, rows[i].time, found);
		assert_int_equal(found, rows[i].offset);
	}
}

static void what_is_no_zone_is_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"Mars/Base", "../zoneinfo/UTC", "/etc/localtime", "a b",
	                                    "+24:00",    "+1:60",           "zone.tab"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct cel_zone *zone = NULL;
		const char *why = NULL;
		assert_false(cel_zone_load(sv_of(names[i]), &zone, &why));
		assert_non_null(why);
	}
}

static void days_are_counted(void **state)
{
	(void)state;
	static const int64_t days[] = {-719162, -1, 0, 59, 60, 11016, 19000, 2932896};
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct cel_date d = cel_date_of(days[i] * 86400 + 3661, 0);
		assert_int_equal(cel_days_of(d.year, d.month, d.day), days[i]);
		assert_int_equal(d.hour * 3600 + d.minute * 60 + d.second, 3661);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(summer_comes_and_goes),
		cmocka_unit_test(what_is_no_zone_is_refused),
		cmocka_unit_test(days_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
