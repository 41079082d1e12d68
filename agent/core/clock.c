#include "core/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_real_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t clock_mono_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Division that rounds down, so that times before 1970 keep positive fractions. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct sv clock_format(int64_t real_us, char text[CLOCK_TEXT_BYTES])
{
	time_t seconds = (time_t)floor_div(real_us, 1000000);
	int64_t us = real_us - (int64_t)seconds * 1000000;
	struct tm t;
	if (!gmtime_r(&seconds, &t) || t.tm_year < -1900 || t.tm_year > 8099)
		return (struct sv){text, (size_t)snprintf(text, CLOCK_TEXT_BYTES, "%s", "-")};
	int n = snprintf(text, CLOCK_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
	                 (unsigned)(t.tm_year + 1900) % 10000, (unsigned)(t.tm_mon + 1) % 100,
	                 (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100,
	                 (unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100,
	                 (unsigned)us % 1000000);
	return (struct sv){text, (size_t)n};
}

/* Exactly n digits off the front. */
static bool digits(struct sv *text, size_t n, int *ret)
{
	unsigned long long value;
	if (text->n < n || !sv_to_u64(sv_first(*text, n), &value))
		return false;
	*ret = (int)value;
	*text = sv_from(*text, n);
	return true;
}

static bool letter(struct sv *text, const char *any_of)
{
	if (text->n == 0 || !strchr(any_of, text->at[0]) || text->at[0] == '\0')
		return false;
	*text = sv_from(*text, 1);
	return true;
}

static bool date(struct sv *text, struct tm *t)
{
	bool ok = digits(text, 4, &t->tm_year) && letter(text, "-") &&
	          digits(text, 2, &t->tm_mon) && letter(text, "-") && digits(text, 2, &t->tm_mday);
	t->tm_year -= 1900;
	t->tm_mon -= 1;
	return ok && t->tm_mon >= 0 && t->tm_mon < 12 && t->tm_mday >= 1 && t->tm_mday <= 31;
}

static bool fraction(struct sv *text, int64_t *us)
{
	int64_t unit = 100000;
	size_t n = 0;
	for (; text->n && text->at[0] >= '0' && text->at[0] <= '9'; n++, unit /= 10) {
		*us += (text->at[0] - '0') * unit;
		*text = sv_from(*text, 1);
	}
	return n > 0 && n <= 9;
}

static bool offset(struct sv *text, int64_t *seconds)
{
	int hours, minutes;
	*seconds = 0;
	if (letter(text, "Zz"))
		return true;
	bool minus = text->n && text->at[0] == '-';
	if (!letter(text, "+-") || !digits(text, 2, &hours) || !letter(text, ":") ||
	    !digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = (minus ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

bool clock_parse(struct sv text, int64_t *ret_us)
{
	struct tm t = {0};
	int64_t us = 0, zone = 0;
	if (!date(&text, &t))
		return false;
	if (text.n) {
		if (!letter(&text, "Tt ") || !digits(&text, 2, &t.tm_hour) || !letter(&text, ":") ||
		    !digits(&text, 2, &t.tm_min) || !letter(&text, ":") ||
		    !digits(&text, 2, &t.tm_sec))
			return false;
		if (letter(&text, ".") && !fraction(&text, &us))
			return false;
		if (!offset(&text, &zone) || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
			return false;
	}
	int day = t.tm_mday;
	int64_t seconds = (int64_t)timegm(&t);
	if (text.n || t.tm_mday != day) /* timegm() moves 31 June to 1 July */
		return false;
	*ret_us = (seconds - zone) * 1000000 + us;
	return true;
}
