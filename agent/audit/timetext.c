#include "audit/timetext.h"

enum { SECONDS_PER_DAY = 86400 };

static char *put_digits(char *to, unsigned value, unsigned n)
{
	for (unsigned i = n; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + n;
}

static char *put_char(char *to, char c)
{
	*to = c;
	return to + 1;
}

/* source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years start in
 * March, so that the leap day is their last. */
static char *put_date(char *to, uint64_t days)
{
	uint64_t shifted = days + 719468, era = shifted / 146097;
	unsigned day_of_era = (unsigned)(shifted - era * 146097);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153;
	unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	to = put_digits(to, (unsigned)(era * 400) + year_of_era + (month <= 2), 4);
	to = put_digits(put_char(to, '-'), month, 2);
	return put_digits(put_char(to, '-'), day, 2);
}

struct sv audit_time_text(uint64_t at_us, char room[CLOCK_TEXT_BYTES])
{
	static const uint64_t last_us = 253402300799999999; /* 9999-12-31T23:59:59.999999Z */
	if (at_us > last_us)
		at_us = last_us;
	uint64_t seconds = at_us / 1000000;
	unsigned of_day = (unsigned)(seconds % SECONDS_PER_DAY);
	char *to = put_date(room, seconds / SECONDS_PER_DAY);
	to = put_digits(put_char(to, 'T'), of_day / 3600, 2);
	to = put_digits(put_char(to, ':'), of_day / 60 % 60, 2);
	to = put_digits(put_char(to, ':'), of_day % 60, 2);
	to = put_digits(put_char(to, '.'), (unsigned)(at_us % 1000000), 6);
	to = put_char(to, 'Z');
	*to = '\0';
	return (struct sv){room, (size_t)(to - room)};
}
