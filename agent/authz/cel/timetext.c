#include "authz/cel/timetext.h"

#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 86400, NANOS = 1000000000 };

/* ---- the calendar: days from 0000-03-01, so that the leap day ends the year ---- */

int64_t cel_days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct cel_date cel_date_of(int64_t seconds, int32_t offset_s)
{
	int64_t local = seconds + offset_s, days = floor_divide(local, DAY_S);
	int second = (int)(local - days * DAY_S);
	int64_t z = days + 719468, era = floor_divide(z, 146097);
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t shifted = (5 * of_year + 2) / 153;
	struct cel_date date = {
		.day = (int)(of_year - (153 * shifted + 2) / 5 + 1),
		.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9),
		.hour = second / 3600,
		.minute = second / 60 % 60,
		.second = second % 60,
		.day_of_week = (int)((days % 7 + 11) % 7),
	};
	date.year = year + era * 400 + (date.month <= 2);
	date.day_of_year = (int)(days - cel_days_of(date.year, 1, 1));
	return date;
}

/* ---- reading RFC 3339 ---- */

static bool take_number(struct sv *rest, size_t n_digits, int max, int *ret)
{
	int number = 0;
	if (rest->n < n_digits)
		return false;
	for (size_t i = 0; i < n_digits; i++) {
		if (rest->at[i] < '0' || rest->at[i] > '9')
			return false;
		number = number * 10 + (rest->at[i] - '0');
	}
	*rest = sv_from(*rest, n_digits);
	*ret = number;
	return number <= max;
}

static bool take_char(struct sv *rest, char c)
{
	if (rest->n == 0 || (rest->at[0] != c && rest->at[0] != sv_lower_char(c)))
		return false;
	*rest = sv_from(*rest, 1);
	return true;
}

/* ".123" as nanoseconds; digits behind the ninth are cut. false: a point without a digit */
static bool take_fraction(struct sv *rest, uint32_t *ret)
{
	uint32_t nanos = 0, scale = NANOS / 10;
	size_t n = 0;
	*ret = 0;
	if (!take_char(rest, '.'))
		return true;
	for (; n < rest->n && rest->at[n] >= '0' && rest->at[n] <= '9'; n++) {
		nanos += scale * (uint32_t)(rest->at[n] - '0');
		scale /= 10;
	}
	*rest = sv_from(*rest, n);
	*ret = nanos;
	return n > 0;
}

static bool take_offset(struct sv *rest, int64_t *ret)
{
	int hours, minutes;
	*ret = 0;
	if (take_char(rest, 'Z'))
		return true;
	bool is_west = rest->n > 0 && rest->at[0] == '-';
	if (!take_char(rest, is_west ? '-' : '+') || !take_number(rest, 2, 23, &hours) ||
	    !take_char(rest, ':') || !take_number(rest, 2, 59, &minutes))
		return false;
	*ret = (is_west ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && is_leap);
}

bool cel_timestamp_read(struct sv text, struct cel_value *ret)
{
	int year, month, day, hour, minute, second;
	uint32_t nanos;
	int64_t offset;
	if (!take_number(&text, 4, 9999, &year) || !take_char(&text, '-') ||
	    !take_number(&text, 2, 12, &month) || month == 0 || !take_char(&text, '-') ||
	    !take_number(&text, 2, days_in(year, month), &day) || day == 0 ||
	    !take_char(&text, 'T') || !take_number(&text, 2, 23, &hour) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 59, &minute) || !take_char(&text, ':') ||
	    !take_number(&text, 2, 59, &second) || !take_fraction(&text, &nanos) ||
	    !take_offset(&text, &offset) || text.n > 0)
		return false;
	int64_t seconds =
		cel_days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset;
	if (seconds < CEL_TIMESTAMP_MIN_S || seconds > CEL_TIMESTAMP_MAX_S)
		return false;
	*ret = cel_timestamp(seconds, nanos);
	return true;
}

/* ---- reading spans ---- */

static const struct {
	struct sv name;
	int64_t nanos;
} units[] = {
	{SV("ns"), 1},       {SV("us"), 1000}, {SV("\xc2\xb5s"), 1000}, {SV("\xce\xbcs"), 1000},
	{SV("ms"), 1000000}, {SV("s"), NANOS}, {SV("m"), 60LL * NANOS}, {SV("h"), 3600LL * NANOS},
};

static const int64_t *take_unit(struct sv *rest)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = units[i].name.n;
		bool is_it = sv_starts(*rest, units[i].name);
		/* "m" is not the beginning of "ms" */
		if (!is_it || (n == 1 && rest->n > 1 && rest->at[0] == 'm' && rest->at[1] == 's'))
			continue;
		*rest = sv_from(*rest, n);
		return &units[i].nanos;
	}
	return NULL;
}

/* One "1.5h" in nanoseconds. */
static bool take_span(struct sv *rest, __int128 *ret)
{
	__int128 whole = 0, fraction = 0, scale = 1;
	size_t n = 0, n_digits = 0;
	for (; n < rest->n && rest->at[n] >= '0' && rest->at[n] <= '9'; n++, n_digits++) {
		whole = whole * 10 + (rest->at[n] - '0');
		if (whole > CEL_DURATION_MAX_S * (__int128)NANOS)
			return false;
	}
	if (n < rest->n && rest->at[n] == '.')
		for (n++; n < rest->n && rest->at[n] >= '0' && rest->at[n] <= '9'; n++, n_digits++)
			if (scale < (__int128)NANOS * NANOS) {
				fraction = fraction * 10 + (rest->at[n] - '0');
				scale *= 10;
			}
	*rest = sv_from(*rest, n);
	const int64_t *unit = n_digits ? take_unit(rest) : NULL;
	if (!unit)
		return false;
	*ret = whole * *unit + fraction * *unit / scale;
	return true;
}

bool cel_duration_read(struct sv text, struct cel_value *ret)
{
	__int128 nanos = 0, one;
	bool is_negative = text.n > 0 && text.at[0] == '-';
	if (text.n > 0 && (text.at[0] == '-' || text.at[0] == '+'))
		text = sv_from(text, 1);
	if (sv_eq(text, SVL("0"))) {
		*ret = cel_duration(0, 0);
		return true;
	}
	if (text.n == 0)
		return false;
	while (text.n > 0) {
		if (!take_span(&text, &one))
			return false;
		nanos += one;
		if (nanos > (__int128)CEL_DURATION_MAX_S * NANOS)
			return false;
	}
	nanos = is_negative ? -nanos : nanos;
	int64_t seconds = (int64_t)(nanos / NANOS);
	int32_t rest = (int32_t)(nanos % NANOS);
	if (rest < 0) {
		rest += NANOS;
		seconds--;
	}
	*ret = cel_duration(seconds, (uint32_t)rest);
	return true;
}

/* ---- writing ---- */

/* ".5" without the zeros behind; nothing for none. */
static void put_fraction(uint32_t nanos, char text[CEL_TIME_TEXT_BYTES])
{
	int n = (int)strlen(text);
	if (nanos == 0)
		return;
	n += snprintf(text + n, (size_t)(CEL_TIME_TEXT_BYTES - n), ".%09u", nanos);
	while (text[n - 1] == '0')
		text[--n] = '\0';
}

static struct sv put_end(char text[CEL_TIME_TEXT_BYTES], char c)
{
	size_t n = strlen(text);
	text[n] = c;
	text[n + 1] = '\0';
	return (struct sv){text, n + 1};
}

struct sv cel_timestamp_text(struct cel_value t, char text[CEL_TIME_TEXT_BYTES])
{
	struct cel_date d = cel_date_of(t.i, 0);
	(void)snprintf(text, CEL_TIME_TEXT_BYTES - 12, "%04d-%02d-%02dT%02d:%02d:%02d", (int)d.year,
	               d.month, d.day, d.hour, d.minute, d.second);
	put_fraction(t.n, text);
	return put_end(text, 'Z');
}

struct sv cel_duration_text(struct cel_value d, char text[CEL_TIME_TEXT_BYTES])
{
	bool is_negative = d.i < 0;
	int64_t seconds = is_negative && d.n ? d.i + 1 : d.i;
	uint32_t nanos = is_negative && d.n ? NANOS - d.n : d.n;
	(void)snprintf(text, CEL_TIME_TEXT_BYTES - 12, "%s%lld", is_negative ? "-" : "",
	               llabs((long long)seconds));
	put_fraction(nanos, text);
	return put_end(text, 's');
}
