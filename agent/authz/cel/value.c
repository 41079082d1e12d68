#include "authz/cel/value.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- errors and budget ---- */

enum { ERROR_TEXT_BYTES = 256 };

struct cel_value cel_error(const char *text)
{
	return (struct cel_value){.kind = CEL_ERROR, .n = (uint32_t)strlen(text), .bytes = text};
}

struct cel_value cel_no_overload(void)
{
	return cel_error("no such overload");
}

struct cel_value cel_over(void)
{
	return cel_error("the expression takes too many steps or too much memory");
}

struct cel_value cel_out_of_memory(struct cel_call *call)
{
	call->is_over = true;
	return cel_over();
}

bool cel_charge(struct cel_call *call, uint64_t steps)
{
	if (call->is_over || steps > call->steps) {
		call->is_over = true;
		return false;
	}
	call->steps -= (uint32_t)steps;
	return true;
}

/* A cut in the middle of a character would not be UTF-8 any more. */
static size_t whole_characters(struct sv text)
{
	size_t last = text.n;
	while (last > 0 && ((unsigned char)text.at[last - 1] & 0xc0) == 0x80)
		last--;
	if (last == 0)
		return 0;
	last--;
	return utf8_length(sv_from(text, last)) == text.n - last ? text.n : last;
}

struct cel_value cel_errorf(struct cel_call *call, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct sv kept;
	if (n < 0)
		return cel_error("error");
	size_t length = whole_characters((struct sv){text, MIN_OF((size_t)n, sizeof(text) - 1)});
	if (!arena_dup(call->arena, (struct sv){text, length}, &kept))
		return cel_out_of_memory(call);
	return (struct cel_value){.kind = CEL_ERROR, .n = (uint32_t)kept.n, .bytes = kept.at};
}

/* ---- small ones ---- */

struct cel_value cel_optional_of(struct cel_call *call, struct cel_value some)
{
	struct cel_value *kept = arena_alloc(call->arena, sizeof(*kept));
	if (!kept)
		return cel_out_of_memory(call);
	*kept = some;
	return cel_optional(kept);
}

struct cel_value cel_dup(struct cel_call *call, struct sv text)
{
	struct sv kept;
	if (!arena_dup(call->arena, text, &kept))
		return cel_out_of_memory(call);
	return cel_string(kept);
}

size_t cel_utf8_count(struct sv text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return n;
}

static const struct sv kind_names[] = {
	[CEL_ERROR] = SV("error"),
	[CEL_NULL] = SV("null_type"),
	[CEL_BOOL] = SV("bool"),
	[CEL_INT] = SV("int"),
	[CEL_UINT] = SV("uint"),
	[CEL_DOUBLE] = SV("double"),
	[CEL_STRING] = SV("string"),
	[CEL_BYTES] = SV("bytes"),
	[CEL_LIST] = SV("list"),
	[CEL_MAP] = SV("map"),
	[CEL_TYPE] = SV("type"),
	[CEL_TIMESTAMP] = SV("google.protobuf.Timestamp"),
	[CEL_DURATION] = SV("google.protobuf.Duration"),
	[CEL_OPTIONAL] = SV("optional_type"),
	[CEL_IP] = SV("net.IP"),
	[CEL_CIDR] = SV("net.CIDR"),
};
_Static_assert(ARRAY_LEN(kind_names) == CEL_KIND_COUNT, "one name a kind");

struct sv cel_kind_name(uint8_t kind)
{
	return kind < CEL_KIND_COUNT ? kind_names[kind] : kind_names[CEL_ERROR];
}

/* ---- order ---- */

#define ORDER_OF(a, b) \
	((a) < (b) ? CEL_ORDER_LESS : (a) > (b) ? CEL_ORDER_GREATER : CEL_ORDER_EQUAL)

static enum cel_order reversed(enum cel_order order)
{
	if (order == CEL_ORDER_LESS)
		return CEL_ORDER_GREATER;
	return order == CEL_ORDER_GREATER ? CEL_ORDER_LESS : order;
}

static enum cel_order double_order(double a, double b)
{
	if (a != a || b != b)
		return CEL_ORDER_NONE;
	return ORDER_OF(a, b);
}

/* An integer outside the double's reach decides at once; inside it is rounded to a double, as the
 * reference implementations do. source: cel-spec, "Numeric comparison" and its conformance suite */
static enum cel_order int_double_order(int64_t i, double d)
{
	if (d < (double)INT64_MIN)
		return CEL_ORDER_GREATER;
	if (d > (double)INT64_MAX)
		return CEL_ORDER_LESS;
	return double_order((double)i, d);
}

static enum cel_order uint_double_order(uint64_t u, double d)
{
	if (d < 0)
		return CEL_ORDER_GREATER;
	if (d > (double)UINT64_MAX)
		return CEL_ORDER_LESS;
	return double_order((double)u, d);
}

static enum cel_order int_uint_order(int64_t i, uint64_t u)
{
	if (i < 0)
		return CEL_ORDER_LESS;
	return ORDER_OF((uint64_t)i, u);
}

static bool is_number(struct cel_value v)
{
	return v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_DOUBLE;
}

static enum cel_order number_order(struct cel_value a, struct cel_value b)
{
	if (a.kind == b.kind) {
		if (a.kind == CEL_INT)
			return ORDER_OF(a.i, b.i);
		return a.kind == CEL_UINT ? ORDER_OF(a.u, b.u) : double_order(a.d, b.d);
	}
	if (a.kind > b.kind)
		return reversed(number_order(b, a)); /* once: INT < UINT < DOUBLE */
	if (b.kind == CEL_UINT)
		return int_uint_order(a.i, b.u);
	return a.kind == CEL_INT ? int_double_order(a.i, b.d) : uint_double_order(a.u, b.d);
}
_Static_assert(CEL_INT < CEL_UINT && CEL_UINT < CEL_DOUBLE, "number_order() sorts by kind");

static enum cel_order text_order(struct sv a, struct sv b)
{
	size_t n = MIN_OF(a.n, b.n);
	int order = n ? memcmp(a.at, b.at, n) : 0;
	if (order != 0)
		return order < 0 ? CEL_ORDER_LESS : CEL_ORDER_GREATER;
	return ORDER_OF(a.n, b.n);
}

static enum cel_order time_order(struct cel_value a, struct cel_value b)
{
	return a.i != b.i ? ORDER_OF(a.i, b.i) : ORDER_OF(a.n, b.n);
}

enum cel_order cel_compare(struct cel_value a, struct cel_value b)
{
	if (is_number(a) && is_number(b))
		return number_order(a, b);
	if (a.kind != b.kind)
		return CEL_ORDER_MISMATCH;
	if (a.kind == CEL_BOOL)
		return ORDER_OF(a.u, b.u);
	if (a.kind == CEL_STRING || a.kind == CEL_BYTES)
		return text_order(cel_text(a), cel_text(b));
	if (a.kind == CEL_TIMESTAMP || a.kind == CEL_DURATION)
		return time_order(a, b);
	return CEL_ORDER_MISMATCH;
}

/* ---- maps ---- */

bool cel_map_key(struct cel_value v)
{
	return v.kind == CEL_STRING || v.kind == CEL_INT || v.kind == CEL_UINT ||
	       v.kind == CEL_BOOL;
}

static bool same_key(struct cel_value a, struct cel_value b)
{
	if (a.kind == CEL_STRING && b.kind == CEL_STRING)
		return sv_eq(cel_text(a), cel_text(b));
	if (is_number(a) && is_number(b))
		return number_order(a, b) == CEL_ORDER_EQUAL;
	return a.kind == CEL_BOOL && b.kind == CEL_BOOL && a.u == b.u;
}

bool cel_map_find(struct cel_call *call, struct cel_value map, struct cel_value key,
                  struct cel_value *ret)
{
	if (map.is_lazy)
		return cel_charge(call, 1) && key.kind == CEL_STRING &&
		       map.lazy->find(call, map.lazy->context, cel_text(key), ret);
	if (!cel_charge(call, map.n / 8))
		return false;
	for (uint32_t i = 0; i < map.n; i++) {
		if (!same_key(map.entries[i].key, key))
			continue;
		*ret = map.entries[i].value;
		return true;
	}
	return false;
}

struct cel_value cel_map_plain(struct cel_call *call, struct cel_value map)
{
	return map.is_lazy ? map.lazy->all(call, map.lazy->context) : map;
}

/* ---- equality ---- */

static bool lists_equal(struct cel_call *call, struct cel_value a, struct cel_value b)
{
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++)
		if (!cel_equal(call, a.items[i], b.items[i]))
			return false;
	return true;
}

static bool maps_equal(struct cel_call *call, struct cel_value a, struct cel_value b)
{
	a = cel_map_plain(call, a);
	b = cel_map_plain(call, b);
	if (a.kind != CEL_MAP || b.kind != CEL_MAP || a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		struct cel_value other;
		if (!cel_map_find(call, b, a.entries[i].key, &other) ||
		    !cel_equal(call, a.entries[i].value, other))
			return false;
	}
	return true;
}

static bool optionals_equal(struct cel_call *call, struct cel_value a, struct cel_value b)
{
	if (!a.some || !b.some)
		return a.some == b.some;
	return cel_equal(call, *a.some, *b.some);
}

static bool cidrs_equal(const struct netblock *a, const struct netblock *b)
{
	return a->n_bits == b->n_bits && netaddr_eq(&a->base, &b->base);
}

static bool same_kind_equal(struct cel_call *call, struct cel_value a, struct cel_value b)
{
	switch ((enum cel_kind)a.kind) {
	case CEL_ERROR:
		return false;
	case CEL_NULL:
		return true;
	case CEL_LIST:
		return lists_equal(call, a, b);
	case CEL_MAP:
		return maps_equal(call, a, b);
	case CEL_OPTIONAL:
		return optionals_equal(call, a, b);
	case CEL_IP:
		return netaddr_eq(a.ip, b.ip);
	case CEL_CIDR:
		return cidrs_equal(a.cidr, b.cidr);
	case CEL_TYPE:
		return sv_eq(cel_text(a), cel_text(b));
	case CEL_BOOL:
	case CEL_INT:
	case CEL_UINT:
	case CEL_DOUBLE:
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_TIMESTAMP:
	case CEL_DURATION:
	case CEL_KIND_COUNT:
		break;
	}
	return cel_compare(a, b) == CEL_ORDER_EQUAL;
}

/* Depth is that of the values: bounded by the program's for what it builds, by JSON_MAX_DEPTH for what
 * comes from outside; a value shared many times costs each time. */
bool cel_equal(struct cel_call *call, struct cel_value a, struct cel_value b)
{
	if (!cel_charge(call, 1))
		return false;
	if (is_number(a) && is_number(b))
		return number_order(a, b) == CEL_ORDER_EQUAL;
	return a.kind == b.kind && same_kind_equal(call, a, b);
}
