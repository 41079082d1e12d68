#include "authz/cel/format.h"

#include "authz/cel/numbers.h"
#include "authz/cel/timetext.h"
#include "core/netaddr.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRECISION_MAX = 100, DEPTH_MAX = 16 };

struct formatting {
	struct cel_call *call;
	char *at;
	size_t n, room;
	struct cel_value error; /* kind CEL_NULL: none */
};

static void fail(struct formatting *f, struct cel_value error)
{
	if (f->error.kind == CEL_NULL)
		f->error = error;
}

static void put(struct formatting *f, struct sv text)
{
	if (f->error.kind != CEL_NULL)
		return;
	if (f->n + text.n > f->room) {
		size_t room = 2 * (f->n + text.n) + 64;
		char *at =
			cel_charge(f->call, room / 16) ? arena_alloc(f->call->arena, room) : NULL;
		if (!at) {
			fail(f, cel_out_of_memory(f->call));
			return;
		}
		if (f->n)
			memcpy(at, f->at, f->n);
		f->at = at;
		f->room = room;
	}
	if (text.n)
		memcpy(f->at + f->n, text.at, text.n);
	f->n += text.n;
}

/* ---- %s: anything ---- */

static void put_value(struct formatting *f, struct cel_value v, unsigned depth);

static void put_list(struct formatting *f, struct cel_value v, unsigned depth)
{
	put(f, SVL("["));
	for (uint32_t i = 0; i < v.n && f->error.kind == CEL_NULL; i++) {
		put(f, i ? SVL(", ") : SVL(""));
		put_value(f, v.items[i], depth);
	}
	put(f, SVL("]"));
}

struct shown_key {
	struct sv text;
	const struct cel_value *value;
};

static int order_keys(const void *a, const void *b)
{
	const struct shown_key *l = a, *r = b;
	int order = memcmp(l->text.at, r->text.at, MIN_OF(l->text.n, r->text.n));
	return order ? order : l->text.n < r->text.n ? -1 : l->text.n > r->text.n;
}

/* By the text of the keys, so that equal maps look alike. */
static void put_map(struct formatting *f, struct cel_value v, unsigned depth)
{
	struct cel_value map = cel_map_plain(f->call, v);
	struct shown_key *keys = map.kind == CEL_MAP
	                                 ? arena_array(f->call->arena, map.n + 1UL, sizeof(*keys))
	                                 : NULL;
	if (!keys || !cel_charge(f->call, 4UL * map.n)) {
		fail(f, map.kind == CEL_MAP ? cel_out_of_memory(f->call) : map);
		return;
	}
	for (uint32_t i = 0; i < map.n; i++) {
		struct formatting key = {.call = f->call, .error = cel_null()};
		put_value(&key, map.entries[i].key, depth);
		keys[i] = (struct shown_key){{key.at ? key.at : "", key.n}, &map.entries[i].value};
		if (key.error.kind != CEL_NULL)
			fail(f, key.error);
	}
	qsort(keys, map.n, sizeof(*keys), order_keys);
	put(f, SVL("{"));
	for (uint32_t i = 0; i < map.n && f->error.kind == CEL_NULL; i++) {
		put(f, i ? SVL(", ") : SVL(""));
		put(f, keys[i].text);
		put(f, SVL(": "));
		put_value(f, *keys[i].value, depth);
	}
	put(f, SVL("}"));
}

static void put_plain(struct formatting *f, struct cel_value v)
{
	char text[CEL_TIME_TEXT_BYTES];
	if (v.kind == CEL_NULL)
		put(f, SVL("null"));
	else if (v.kind == CEL_BOOL)
		put(f, v.u ? SVL("true") : SVL("false"));
	else if (v.kind == CEL_INT)
		put(f, arena_printf(f->call->arena, "%lld", (long long)v.i));
	else if (v.kind == CEL_UINT)
		put(f, arena_printf(f->call->arena, "%llu", (unsigned long long)v.u));
	else if (v.kind == CEL_DOUBLE)
		put(f, cel_double_text(v.d, text));
	else if (v.kind == CEL_TIMESTAMP)
		put(f, cel_timestamp_text(v, text));
	else if (v.kind == CEL_DURATION)
		put(f, cel_duration_text(v, text));
	else if (v.kind == CEL_STRING || v.kind == CEL_BYTES || v.kind == CEL_TYPE)
		put(f, cel_text(v));
	else
		fail(f, cel_error("error during formatting: string clause can only be used on "
		                  "strings, bools, bytes, ints, doubles, maps, lists, types, "
		                  "durations, and timestamps"));
}

static void put_value(struct formatting *f, struct cel_value v, unsigned depth)
{
	if (depth > DEPTH_MAX)
		fail(f, cel_error("error during formatting: the value is nested too deeply"));
	else if (v.kind == CEL_LIST)
		put_list(f, v, depth + 1);
	else if (v.kind == CEL_MAP)
		put_map(f, v, depth + 1);
	else
		put_plain(f, v);
}

/* ---- the clauses ---- */

static bool put_special(struct formatting *f, struct cel_value v)
{
	char text[CEL_DOUBLE_TEXT_BYTES];
	if (v.kind != CEL_DOUBLE || isfinite(v.d))
		return false;
	put(f, cel_double_text(v.d, text));
	return true;
}

static struct cel_value wrong(struct formatting *f, const char *what, struct cel_value v)
{
	struct sv kind = cel_kind_name(v.kind);
	return cel_errorf(f->call, "error during formatting: only %s, was given %.*s", what,
	                  SV_ARG(kind));
}

static void put_decimal(struct formatting *f, struct cel_value v)
{
	if (v.kind == CEL_INT || v.kind == CEL_UINT)
		put_plain(f, v);
	else if (v.kind == CEL_DOUBLE && !put_special(f, v))
		put_plain(f, v);
	else if (v.kind != CEL_DOUBLE)
		fail(f, wrong(f, "integers can be formatted as decimal", v));
}

static bool as_double(struct cel_value v, double *ret)
{
	if (v.kind != CEL_DOUBLE && v.kind != CEL_INT && v.kind != CEL_UINT)
		return false;
	*ret = v.kind == CEL_DOUBLE ? v.d : v.kind == CEL_INT ? (double)v.i : (double)v.u;
	return true;
}

static void put_float(struct formatting *f, struct cel_value v, int precision, bool is_exponent)
{
	double d;
	if (put_special(f, v))
		return;
	if (!as_double(v, &d)) {
		fail(f, wrong(f,
		              is_exponent ? "numbers can be formatted as scientific notation"
		                          : "numbers can be formatted as fixed-point",
		              v));
		return;
	}
	put(f, is_exponent ? arena_printf(f->call->arena, "%.*e", precision, d)
	                   : arena_printf(f->call->arena, "%.*f", precision, d));
}

/* Digits of a number in a base of bits a digit, with a sign for negative ones. */
static void put_digits(struct formatting *f, struct cel_value v, unsigned bits, bool is_upper)
{
	char text[66];
	size_t at = sizeof(text);
	bool is_negative = v.kind == CEL_INT && v.i < 0;
	uint64_t number = is_negative ? 0 - (uint64_t)v.i : v.u;
	do {
		text[--at] = (is_upper ? "0123456789ABCDEF"
		                       : "0123456789abcdef")[number & ((1U << bits) - 1)];
		number >>= bits;
	} while (number);
	if (is_negative)
		text[--at] = '-';
	put(f, (struct sv){text + at, sizeof(text) - at});
}

static void put_binary(struct formatting *f, struct cel_value v)
{
	if (v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_BOOL)
		put_digits(f, v, 1, false);
	else
		fail(f, wrong(f, "integers and bools can be formatted as binary", v));
}

static void put_octal(struct formatting *f, struct cel_value v)
{
	if (v.kind == CEL_INT || v.kind == CEL_UINT)
		put_digits(f, v, 3, false);
	else
		fail(f, wrong(f, "integers can be formatted as octal", v));
}

static void put_hex(struct formatting *f, struct cel_value v, bool is_upper)
{
	if (v.kind == CEL_INT || v.kind == CEL_UINT) {
		put_digits(f, v, 4, is_upper);
		return;
	}
	if (v.kind != CEL_STRING && v.kind != CEL_BYTES) {
		fail(f, wrong(f, "integers, byte buffers, and strings can be formatted as hex", v));
		return;
	}
	for (uint32_t i = 0; i < v.n; i++) {
		char two[3];
		(void)snprintf(two, sizeof(two), is_upper ? "%02X" : "%02x",
		               (unsigned)(unsigned char)v.bytes[i]);
		put(f, sv_of(two));
	}
}

static void put_clause(struct formatting *f, char clause, int precision, struct cel_value v)
{
	switch (clause) {
	case 's':
		put_value(f, v, 0);
		break;
	case 'd':
		put_decimal(f, v);
		break;
	case 'f':
	case 'e':
		put_float(f, v, precision, clause == 'e');
		break;
	case 'b':
		put_binary(f, v);
		break;
	case 'o':
		put_octal(f, v);
		break;
	case 'x':
	case 'X':
		put_hex(f, v, clause == 'X');
		break;
	default:
		fail(f, cel_errorf(f->call,
		                   "could not parse formatting clause: unrecognized formatting "
		                   "clause \"%c\"",
		                   clause >= ' ' && clause < 0x7f ? clause : '?'));
	}
}

/* ".3" in front of a clause; 6 when there is none, -1 when it is too large. */
static int read_precision(struct sv *rest)
{
	int precision = 0;
	if (rest->n == 0 || rest->at[0] != '.')
		return 6;
	*rest = sv_from(*rest, 1);
	while (rest->n > 0 && rest->at[0] >= '0' && rest->at[0] <= '9') {
		precision = precision * 10 + (rest->at[0] - '0');
		*rest = sv_from(*rest, 1);
		if (precision > PRECISION_MAX)
			return -1;
	}
	return precision;
}

struct cel_value cel_format(struct cel_call *call, const struct cel_value *args, unsigned n)
{
	struct formatting f = {.call = call, .error = cel_null()};
	struct sv rest = cel_text(args[0]);
	uint32_t used = 0;
	(void)n;
	while (rest.n > 0 && f.error.kind == CEL_NULL) {
		size_t plain = sv_find(rest, '%');
		put(&f, sv_first(rest, plain));
		if (plain == rest.n)
			break;
		rest = sv_from(rest, plain + 1);
		if (rest.n > 0 && rest.at[0] == '%') {
			put(&f, SVL("%"));
			rest = sv_from(rest, 1);
			continue;
		}
		int precision = read_precision(&rest);
		if (rest.n == 0 || precision < 0)
			return cel_error(rest.n == 0 ? "unexpected end of string"
			                             : "the precision is too large");
		if (used >= args[1].n)
			return cel_errorf(call, "index %u out of range", (unsigned)used);
		put_clause(&f, rest.at[0], precision, args[1].items[used++]);
		rest = sv_from(rest, 1);
	}
	if (f.error.kind != CEL_NULL)
		return f.error;
	return cel_string((struct sv){f.at ? f.at : "", f.n});
}
