#include "authz/cel/zone.h"

#include "authz/cel/timetext.h"
#include "core/fileio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 86400, FILE_MAX_BYTES = 256 * 1024, PATH_BYTES = 128, TRANSITIONS_MAX = 8192 };

/* A day on which summer time begins or ends: Mm.w.d/time, or day n of the year. */
struct turn {
	char kind; /* 'M', 'J' (1 to 365 without the leap day), 'D' (0 to 365) */
	int month, week, day;
	int32_t at_s;
};

/* What holds behind the last transition. source: RFC 8536 3.3, POSIX TZ */
struct rule {
	int32_t standard_s, summer_s;
	bool has_summer;
	struct turn begins, ends;
};

struct cel_zone {
	size_t n;
	int64_t *at;       /* ascending */
	int32_t *offset_s; /* from at[i] on */
	int32_t first_s;   /* before at[0] */
	bool has_rule;
	struct rule rule;
};

void cel_zone_free(struct cel_zone *zone)
{
	if (!zone)
		return;
	free(zone->at);
	free(zone->offset_s);
	free(zone);
}

/* ---- the rule behind the last transition ---- */

static bool read_digits(struct sv *rest, int max, int *ret)
{
	int number = 0;
	size_t n = 0;
	for (; n < rest->n && n < 4 && rest->at[n] >= '0' && rest->at[n] <= '9'; n++)
		number = number * 10 + (rest->at[n] - '0');
	*rest = sv_from(*rest, n);
	*ret = number;
	return n > 0 && number <= max;
}

/* "+hh:mm:ss"; *ret in seconds */
static bool read_clock(struct sv *rest, int32_t *ret)
{
	int part[3] = {0};
	bool is_negative = rest->n > 0 && rest->at[0] == '-';
	if (rest->n > 0 && (rest->at[0] == '-' || rest->at[0] == '+'))
		*rest = sv_from(*rest, 1);
	for (size_t i = 0; i < 3; i++) {
		if (!read_digits(rest, i ? 59 : 167, &part[i]))
			return false;
		if (rest->n == 0 || rest->at[0] != ':' || i == 2)
			break;
		*rest = sv_from(*rest, 1);
	}
	*ret = (is_negative ? -1 : 1) * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

/* "EST" or "<-03>" */
static bool skip_name(struct sv *rest)
{
	size_t n = 0;
	if (rest->n > 0 && rest->at[0] == '<') {
		n = sv_find(*rest, '>');
		*rest = sv_from(*rest, n + 1);
		return n > 1;
	}
	while (n < rest->n && ((rest->at[n] | 32) >= 'a' && (rest->at[n] | 32) <= 'z'))
		n++;
	*rest = sv_from(*rest, n);
	return n >= 3;
}

static bool read_turn(struct sv *rest, struct turn *ret)
{
	*ret = (struct turn){.kind = 'D', .at_s = 7200};
	if (rest->n == 0 || rest->at[0] != ',')
		return false;
	*rest = sv_from(*rest, 1);
	char c = rest->n ? rest->at[0] : 0;
	if (c == 'M' || c == 'J') {
		ret->kind = c;
		*rest = sv_from(*rest, 1);
	}
	if (c == 'M') {
		if (!read_digits(rest, 12, &ret->month) || rest->n == 0 || rest->at[0] != '.')
			return false;
		*rest = sv_from(*rest, 1);
		if (!read_digits(rest, 5, &ret->week) || rest->n == 0 || rest->at[0] != '.')
			return false;
		*rest = sv_from(*rest, 1);
	}
	if (!read_digits(rest, c == 'M' ? 6 : 365, &ret->day) ||
	    (c == 'M' && (ret->month == 0 || ret->week == 0)))
		return false;
	if (rest->n == 0 || rest->at[0] != '/')
		return true;
	*rest = sv_from(*rest, 1);
	return read_clock(rest, &ret->at_s);
}

/* POSIX counts offsets west of UTC. */
static bool read_rule(struct sv text, struct rule *ret)
{
	*ret = (struct rule){0};
	if (!skip_name(&text) || !read_clock(&text, &ret->standard_s))
		return false;
	ret->standard_s = -ret->standard_s;
	if (text.n == 0)
		return true;
	ret->has_summer = true;
	ret->summer_s = ret->standard_s + 3600;
	if (!skip_name(&text))
		return false;
	if (text.n > 0 && text.at[0] != ',') {
		if (!read_clock(&text, &ret->summer_s))
			return false;
		ret->summer_s = -ret->summer_s;
	}
	return read_turn(&text, &ret->begins) && read_turn(&text, &ret->ends) && text.n == 0;
}

/* Seconds since 1970 on that zone's own clock at which the turn is taken. */
static int64_t turn_in(const struct turn *turn, int64_t year)
{
	int64_t first = cel_days_of(year, 1, 1), day;
	if (turn->kind == 'M') {
		int64_t month = cel_days_of(year, turn->month, 1);
		int64_t next = turn->month == 12 ? cel_days_of(year + 1, 1, 1)
		                                 : cel_days_of(year, turn->month + 1, 1);
		int weekday = (int)((month % 7 + 11) % 7); /* of the first; 0 is Sunday */
		day = month + (turn->day - weekday + 7) % 7 + 7LL * (turn->week - 1);
		while (day >= next)
			day -= 7;
	} else if (turn->kind == 'J') {
		bool is_leap = cel_days_of(year, 3, 1) - first == 60;
		day = first + turn->day - 1 + (is_leap && turn->day > 59);
	} else {
		day = first + turn->day;
	}
	return day * DAY_S + turn->at_s;
}

static int32_t rule_offset(const struct rule *rule, int64_t unix_s)
{
	if (!rule->has_summer)
		return rule->standard_s;
	int64_t year = cel_date_of(unix_s, rule->standard_s).year;
	int64_t begins = turn_in(&rule->begins, year) - rule->standard_s;
	int64_t ends = turn_in(&rule->ends, year) - rule->summer_s;
	bool is_summer = begins < ends ? unix_s >= begins && unix_s < ends
	                               : unix_s >= begins || unix_s < ends;
	return is_summer ? rule->summer_s : rule->standard_s;
}

int32_t cel_zone_offset(const struct cel_zone *zone, int64_t unix_s)
{
	size_t low = 0, high = zone->n;
	if (zone->n == 0 || (zone->has_rule && unix_s >= zone->at[zone->n - 1]))
		return zone->has_rule ? rule_offset(&zone->rule, unix_s) : zone->first_s;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zone->at[middle] <= unix_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}

/* ---- the file ---- */

struct header {
	uint32_t n_isut, n_isstd, n_leap, n_time, n_type, n_char;
};
enum { HEADER_BYTES = 44 };

static uint64_t big_endian(const char *at, size_t n)
{
	uint64_t number = 0;
	for (size_t i = 0; i < n; i++)
		number = number << 8 | (unsigned char)at[i];
	return number;
}

static bool read_header(struct sv bytes, struct header *ret, char *ret_version)
{
	if (bytes.n < HEADER_BYTES || memcmp(bytes.at, "TZif", 4) != 0)
		return false;
	uint32_t *fields[] = {&ret->n_isut, &ret->n_isstd, &ret->n_leap,
	                      &ret->n_time, &ret->n_type,  &ret->n_char};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		*fields[i] = (uint32_t)big_endian(bytes.at + 20 + 4 * i, 4);
		if (*fields[i] > TRANSITIONS_MAX)
			return false;
	}
	*ret_version = bytes.at[4];
	return ret->n_type > 0 && ret->n_type <= 256;
}

static size_t body_bytes(const struct header *h, size_t time_bytes)
{
	return h->n_time * (time_bytes + 1) + h->n_type * 6UL + h->n_char +
	       h->n_leap * (time_bytes + 4) + h->n_isstd + h->n_isut;
}

static bool read_offset(const char *types, uint32_t n_types, unsigned type, int32_t *ret)
{
	if (type >= n_types)
		return false;
	*ret = (int32_t)(uint32_t)big_endian(types + 6UL * type, 4);
	return *ret > -2 * DAY_S && *ret < 2 * DAY_S;
}

static bool read_body(const char *body, const struct header *h, struct cel_zone *zone)
{
	const char *kinds = body + h->n_time * 8UL, *types = kinds + h->n_time;
	zone->at = calloc(h->n_time + 1UL, sizeof(*zone->at));
	zone->offset_s = calloc(h->n_time + 1UL, sizeof(*zone->offset_s));
	if (!zone->at || !zone->offset_s || !read_offset(types, h->n_type, 0, &zone->first_s))
		return false;
	for (uint32_t i = 0; i < h->n_time; i++) {
		zone->at[i] = (int64_t)big_endian(body + 8UL * i, 8);
		if ((i > 0 && zone->at[i] <= zone->at[i - 1]) ||
		    !read_offset(types, h->n_type, (unsigned char)kinds[i], &zone->offset_s[i]))
			return false;
	}
	zone->n = h->n_time;
	return true;
}

/* Only the second block counts, with 64 bits a time; every file since 2005 has it. */
static bool read_file(struct sv bytes, struct cel_zone *zone)
{
	struct header h;
	char version;
	if (!read_header(bytes, &h, &version) || version < '2')
		return false;
	bytes = sv_from(bytes, HEADER_BYTES + body_bytes(&h, 4));
	if (!read_header(bytes, &h, &version))
		return false;
	bytes = sv_from(bytes, HEADER_BYTES);
	size_t n = body_bytes(&h, 8);
	if (bytes.n < n || !read_body(bytes.at, &h, zone))
		return false;
	struct sv footer = sv_from(bytes, n);
	if (footer.n < 2 || footer.at[0] != '\n')
		return true;
	footer = sv_from(footer, 1);
	footer = sv_first(footer, sv_find(footer, '\n'));
	zone->has_rule = footer.n > 0;
	return footer.n == 0 || read_rule(footer, &zone->rule);
}

bool cel_zone_read(struct sv bytes, struct cel_zone **ret)
{
	struct cel_zone *zone = calloc(1, sizeof(*zone));
	if (zone && read_file(bytes, zone)) {
		*ret = zone;
		return true;
	}
	cel_zone_free(zone);
	return false;
}

/* ---- by name ---- */

static bool read_fixed(struct sv name, int32_t *ret)
{
	struct sv rest = name;
	bool has_sign = name.n > 0 && (name.at[0] == '+' || name.at[0] == '-');
	int hours, minutes;
	if (has_sign)
		rest = sv_from(rest, 1);
	if (!read_digits(&rest, 23, &hours) || rest.n != 3 || rest.at[0] != ':')
		return false;
	rest = sv_from(rest, 1);
	if (!read_digits(&rest, 59, &minutes) || rest.n > 0)
		return false;
	*ret = (name.at[0] == '-' ? -60 : 60) * (hours * 60 + minutes);
	return true;
}

static bool is_zone_name(struct sv name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		               (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
		if (!is_word && !(c == '/' && i > 0))
			return false;
	}
	return name.n > 0 && name.n < 64;
}

bool cel_zone_load(struct sv name, struct cel_zone **ret, const char **why)
{
	char path[PATH_BYTES];
	CLEANUP(freep) char *text = NULL;
	size_t n = 0;
	int32_t fixed = 0;
	*why = "this is no time zone; write UTC, +02:00, or a name such as Europe/Berlin";
	if (read_fixed(name, &fixed) || sv_eq(name, SVL("UTC")) || name.n == 0) {
		*ret = calloc(1, sizeof(**ret));
		if (*ret)
			(*ret)->first_s = fixed;
		return *ret;
	}
	if (!is_zone_name(name))
		return false;
	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", SV_ARG(name));
	int r = file_read(path, FILE_MAX_BYTES, &text, &n);
	if (r == -ENOENT)
		return false;
	*why = "the zone's file in /usr/share/zoneinfo cannot be read";
	return r == 0 && cel_zone_read((struct sv){text, n}, ret);
}
