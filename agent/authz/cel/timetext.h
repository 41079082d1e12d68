/* Points in time and spans of it as text. source: RFC 3339; cel-spec doc/langdef.md, "Timestamps". Internal to cel/. */
#ifndef AUTHZ_CEL_TIMETEXT_H
#define AUTHZ_CEL_TIMETEXT_H

#include "authz/cel/value.h"

#define CEL_TIMESTAMP_MIN_S (-62135596800) /* 0001-01-01T00:00:00Z */
#define CEL_TIMESTAMP_MAX_S 253402300799   /* 9999-12-31T23:59:59Z */
#define CEL_DURATION_MAX_S  315576000000   /* google.protobuf.Duration: 10,000 years */
enum { CEL_TIME_TEXT_BYTES = 48 };

/* cel_timestamp_read, cel_duration_read - the whole text. false: it is none, or out of range. */
MUST_CHECK bool cel_timestamp_read(struct sv text, struct cel_value *ret);
/* "1h30m", "-1.5s", "250ms", "1us" "1µs" "1ns", "0" */
MUST_CHECK bool cel_duration_read(struct sv text, struct cel_value *ret);

/* cel_timestamp_text - RFC 3339 in UTC with as many digits as needed; cel_duration_text - "5400s", "-1.5s". Terminated;
 * they return the view. */
struct sv cel_timestamp_text(struct cel_value timestamp, char text[CEL_TIME_TEXT_BYTES]);
struct sv cel_duration_text(struct cel_value duration, char text[CEL_TIME_TEXT_BYTES]);

/* A day of the calendar, proleptic Gregorian. */
struct cel_date {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second;
	int day_of_week; /* 0 is Sunday */
	int day_of_year; /* from 0 */
};
/* cel_date_of - of Unix seconds, as they are on a clock that shows UTC plus offset_s. */
struct cel_date cel_date_of(int64_t seconds, int32_t offset_s);
/* cel_days_of - days since 1970-01-01 of a date; month from 1. */
int64_t cel_days_of(int64_t year, int month, int day);

#endif
