/* Points in time, and spans between them. source: cel-spec doc/langdef.md, "Timestamps" */
#include "authz/cel/function.h"
#include "authz/cel/timetext.h"
#include "authz/cel/zone.h"

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

enum { NANOS = 1000000000 };

/* ---- sums ---- */

/* Seconds and nanoseconds, each added or taken away, with the borrow. false: out of range of int64 */
static bool add(struct cel_value a, struct cel_value b, int sign, struct cel_value *ret)
{
	int64_t nanos = (int64_t)a.n + sign * (int64_t)b.n, carry = 0;
	if (nanos >= NANOS) {
		nanos -= NANOS;
		carry = 1;
	} else if (nanos < 0) {
		nanos += NANOS;
		carry = -1;
	}
	ret->n = (uint32_t)nanos;
	bool over = sign > 0 ? __builtin_add_overflow(a.i, b.i, &ret->i)
	                     : __builtin_sub_overflow(a.i, b.i, &ret->i);
	return !over && !__builtin_add_overflow(ret->i, carry, &ret->i);
}

static struct cel_value timestamp_sum(struct cel_value a, struct cel_value b, int sign)
{
	struct cel_value ret = cel_timestamp(0, 0);
	if (!add(a, b, sign, &ret) || ret.i < CEL_TIMESTAMP_MIN_S || ret.i > CEL_TIMESTAMP_MAX_S)
		return cel_error("timestamp out of range");
	return ret;
}

static struct cel_value duration_sum(struct cel_value a, struct cel_value b, int sign)
{
	struct cel_value ret = cel_duration(0, 0);
	if (!add(a, b, sign, &ret) || ret.i < -CEL_DURATION_MAX_S || ret.i > CEL_DURATION_MAX_S ||
	    (ret.i == CEL_DURATION_MAX_S && ret.n > 0))
		return cel_error("duration out of range");
	return ret;
}

FUNCTION(timestamp_and_duration)
{
	(void)call, (void)n;
	return timestamp_sum(a[0], a[1], 1);
}

FUNCTION(duration_and_timestamp)
{
	(void)call, (void)n;
	return timestamp_sum(a[1], a[0], 1);
}

FUNCTION(duration_and_duration)
{
	(void)call, (void)n;
	return duration_sum(a[0], a[1], 1);
}

FUNCTION(timestamp_less_duration)
{
	(void)call, (void)n;
	return timestamp_sum(a[0], a[1], -1);
}

FUNCTION(difference)
{
	(void)call, (void)n;
	return duration_sum(a[0], a[1], -1);
}

FUNCTION(negative)
{
	(void)call, (void)n;
	return duration_sum(cel_duration(0, 0), a[0], -1);
}

/* ---- the calendar ---- */

static bool make_zone(struct sv name, void **ret, const char **why)
{
	struct cel_zone *zone = NULL;
	if (!cel_zone_load(name, &zone, why))
		return false;
	*ret = zone;
	return true;
}

static void release_zone(void *zone)
{
	cel_zone_free(zone);
}

static const struct cel_preparation zone_argument = {1, make_zone, release_zone};

/* A zone that is no constant is loaded each time: outside of policies only. */
static bool offset_of(struct cel_call *call, const struct cel_value *a, unsigned n, int32_t *ret,
                      const char **why)
{
	struct cel_zone *zone = NULL;
	*ret = 0;
	if (n == 1)
		return true;
	if (call->prepared) {
		*ret = cel_zone_offset(call->prepared, a[0].i);
		return true;
	}
	if (!cel_zone_load(cel_text(a[1]), &zone, why))
		return false;
	*ret = cel_zone_offset(zone, a[0].i);
	cel_zone_free(zone);
	return true;
}

#define OF_DATE(name, expression)                                \
	FUNCTION(name)                                           \
	{                                                        \
		int32_t offset;                                  \
		const char *why;                                 \
		if (!offset_of(call, a, n, &offset, &why))       \
			return cel_error(why);                   \
		struct cel_date d = cel_date_of(a[0].i, offset); \
		return cel_int(expression);                      \
	}

OF_DATE(full_year, d.year)
OF_DATE(month, d.month - 1)
OF_DATE(date, d.day)
OF_DATE(day_of_month, d.day - 1)
OF_DATE(day_of_week, d.day_of_week)
OF_DATE(day_of_year, d.day_of_year)
OF_DATE(hours, d.hour)
OF_DATE(minutes, d.minute)
OF_DATE(seconds, d.second)
OF_DATE(milliseconds, (int64_t)(a[0].n / 1000000) + 0 * d.second)

/* ---- whole units of a span, cut towards zero ---- */

static int64_t whole_seconds(struct cel_value d)
{
	return d.i < 0 && d.n > 0 ? d.i + 1 : d.i;
}

#define OF_SPAN(name, expression)                      \
	FUNCTION(name)                                 \
	{                                              \
		(void)call, (void)n;                   \
		int64_t seconds = whole_seconds(a[0]); \
		return cel_int(expression);            \
	}

OF_SPAN(span_hours, seconds / 3600)
OF_SPAN(span_minutes, seconds / 60)
OF_SPAN(span_seconds, seconds)

/* Only what is behind the whole seconds: 321 of 123.321 s. */
FUNCTION(span_milliseconds)
{
	(void)call, (void)n;
	bool is_negative = a[0].i < 0 && a[0].n > 0;
	return cel_int(is_negative ? -(int64_t)((NANOS - a[0].n) / 1000000)
	                           : (int64_t)(a[0].n / 1000000));
}

#define OPERATOR(name, args, result, call, does)                      \
	{                                                             \
		name, CEL_OPERATOR, args, result, call, does, 0, NULL \
	}
#define GETTER(name, call, does)                                                                \
	{name, CEL_RECEIVER, "timestamp", "int", call, does ", in UTC", 0, NULL},               \
	{                                                                                       \
		name, CEL_RECEIVER, "timestamp, string", "int", call, does ", in that zone", 0, \
			&zone_argument                                                          \
	}
#define SPAN(name, call, does)                                             \
	{                                                                  \
		name, CEL_RECEIVER, "duration", "int", call, does, 0, NULL \
	}

static const struct cel_function rows[] = {
	OPERATOR("_+_", "timestamp, duration", "timestamp", timestamp_and_duration,
                 "so much later"),
	OPERATOR("_+_", "duration, timestamp", "timestamp", duration_and_timestamp,
                 "so much later"),
	OPERATOR("_+_", "duration, duration", "duration", duration_and_duration, "both together"),
	OPERATOR("_-_", "timestamp, duration", "timestamp", timestamp_less_duration,
                 "so much earlier"),
	OPERATOR("_-_", "timestamp, timestamp", "duration", difference, "the time between"),
	OPERATOR("_-_", "duration, duration", "duration", difference, "the one less the other"),
	OPERATOR("-_", "duration", "duration", negative, "the same backwards"),
	GETTER("getFullYear", full_year, "the year"),
	GETTER("getMonth", month, "the month, from 0"),
	GETTER("getDate", date, "the day of the month, from 1"),
	GETTER("getDayOfMonth", day_of_month, "the day of the month, from 0"),
	GETTER("getDayOfWeek", day_of_week, "the day of the week, Sunday is 0"),
	GETTER("getDayOfYear", day_of_year, "the day of the year, from 0"),
	GETTER("getHours", hours, "the hour, 0 to 23"),
	GETTER("getMinutes", minutes, "the minute"),
	GETTER("getSeconds", seconds, "the second"),
	GETTER("getMilliseconds", milliseconds, "the millisecond"),
	SPAN("getHours", span_hours, "all of it in whole hours"),
	SPAN("getMinutes", span_minutes, "all of it in whole minutes"),
	SPAN("getSeconds", span_seconds, "all of it in whole seconds"),
	SPAN("getMilliseconds", span_milliseconds, "the milliseconds behind the whole seconds"),
};

const struct cel_functions cel_functions_time = {"Time", rows, ARRAY_LEN(rows)};
