/* Values of CEL, the language of conditions: 16 bytes each, what they point at lives in an arena.
 *
 * An error is a value too (CEL_ERROR, which is zero): whoever gets one hands it on. What is not in the
 * header below about equality and order is in cel-spec doc/langdef.md, "Equality" and "Ordering".
 */
#ifndef AUTHZ_CEL_VALUE_H
#define AUTHZ_CEL_VALUE_H

#include "core/arena.h"
#include "core/macros.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

enum cel_kind {
	CEL_ERROR = 0,
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_LIST,
	CEL_MAP,
	CEL_TYPE,
	CEL_TIMESTAMP,
	CEL_DURATION,
	CEL_OPTIONAL,
	CEL_IP,
	CEL_CIDR,
	CEL_KIND_COUNT,
};

struct cel_call;
struct cel_entry;
struct cel_lazy_map;

struct cel_value {
	uint8_t kind;   /* enum cel_kind */
	bool is_lazy;   /* CEL_MAP only: the union's lazy holds it, n is unknown */
	uint16_t spare; /* zero */
	/* STRING, BYTES, ERROR: bytes; LIST: items; MAP: entries; TIMESTAMP, DURATION: nanoseconds,
	 * 0 to 999,999,999, also before the epoch and in a negative duration: -0.5 s is -1 s and
	 * 500,000,000 ns; TYPE: bytes of the name */
	uint32_t n;
	union {
		bool boolean;
		int64_t i; /* INT; TIMESTAMP: Unix seconds; DURATION: seconds */
		uint64_t u;
		double d;
		const char *bytes; /* STRING (UTF-8), BYTES, ERROR (its text), TYPE (its name) */
		const struct cel_value *items;
		const struct cel_entry *entries;
		const struct cel_lazy_map *lazy;
		const struct cel_value *some; /* OPTIONAL; NULL is none */
		const struct netaddr *ip;
		const struct netblock *cidr; /* bits below the prefix are kept */
	};
};
_Static_assert(sizeof(struct cel_value) == 16, "values are passed in two registers");

struct cel_entry {
	struct cel_value key; /* INT, UINT, BOOL, STRING; no two numerically equal */
	struct cel_value value;
};

/* A map that is not laid out until somebody asks: claims in JSON, header fields of a request. */
struct cel_lazy_map {
	/* the value under a key; false: there is none. May give an error value. */
	bool (*find)(struct cel_call *call, const void *context, struct sv key,
	             struct cel_value *ret);
	/* all of it as a plain map in the call's arena, or an error value */
	struct cel_value (*all)(struct cel_call *call, const void *context);
	const void *context;
};

/* What one evaluation may use, and what functions get of it. */
struct cel_call {
	struct arena *arena;
	uint32_t steps; /* left; cel_charge() takes from it */
	bool is_over;   /* steps or memory ran out: everything ends, && and || do not absorb it */
	const void *
		prepared; /* of this call: what function.h's prepare made of the constant argument, or NULL */
	const void *host; /* what the embedder handed in, for its own functions */
};

/* ---- making them ---- */

static inline struct cel_value cel_null(void)
{
	return (struct cel_value){.kind = CEL_NULL};
}
static inline struct cel_value cel_bool(bool b)
{
	return (struct cel_value){.kind = CEL_BOOL, .u = b};
}
static inline struct cel_value cel_int(int64_t i)
{
	return (struct cel_value){.kind = CEL_INT, .i = i};
}
static inline struct cel_value cel_uint(uint64_t u)
{
	return (struct cel_value){.kind = CEL_UINT, .u = u};
}
static inline struct cel_value cel_double(double d)
{
	return (struct cel_value){.kind = CEL_DOUBLE, .d = d};
}
/* lifetime: text, items and entries are borrowed; they live in the arena, the program or the request */
static inline struct cel_value cel_string(struct sv text)
{
	return (struct cel_value){.kind = CEL_STRING, .n = (uint32_t)text.n, .bytes = text.at};
}
static inline struct cel_value cel_bytes(struct sv bytes)
{
	return (struct cel_value){.kind = CEL_BYTES, .n = (uint32_t)bytes.n, .bytes = bytes.at};
}
static inline struct cel_value cel_list(const struct cel_value *items, size_t n)
{
	return (struct cel_value){.kind = CEL_LIST, .n = (uint32_t)n, .items = items};
}
static inline struct cel_value cel_map(const struct cel_entry *entries, size_t n)
{
	return (struct cel_value){.kind = CEL_MAP, .n = (uint32_t)n, .entries = entries};
}
static inline struct cel_value cel_lazy(const struct cel_lazy_map *lazy)
{
	return (struct cel_value){.kind = CEL_MAP, .is_lazy = true, .lazy = lazy};
}
static inline struct cel_value cel_type_value(struct sv name)
{
	return (struct cel_value){.kind = CEL_TYPE, .n = (uint32_t)name.n, .bytes = name.at};
}
/* nanos: 0 to 999,999,999 */
static inline struct cel_value cel_timestamp(int64_t seconds, uint32_t nanos)
{
	return (struct cel_value){.kind = CEL_TIMESTAMP, .n = nanos, .i = seconds};
}
static inline struct cel_value cel_duration(int64_t seconds, uint32_t nanos)
{
	return (struct cel_value){.kind = CEL_DURATION, .n = nanos, .i = seconds};
}
/* some: borrowed; NULL is none */
static inline struct cel_value cel_optional(const struct cel_value *some)
{
	return (struct cel_value){.kind = CEL_OPTIONAL, .some = some};
}
static inline struct cel_value cel_ip(const struct netaddr *ip)
{
	return (struct cel_value){.kind = CEL_IP, .ip = ip};
}
static inline struct cel_value cel_cidr(const struct netblock *cidr)
{
	return (struct cel_value){.kind = CEL_CIDR, .cidr = cidr};
}

/* cel_optional_of - an optional with that value, copied into the arena. */
struct cel_value cel_optional_of(struct cel_call *call, struct cel_value some);

/* ---- errors ---- */

/* cel_error - an error with a fixed text; text: static. */
struct cel_value cel_error(const char *text);
/* cel_errorf - an error with a text of its own, in the arena. Quote no secret and no more than a few
 * dozen bytes of a value. */
struct cel_value cel_errorf(struct cel_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
/* cel_no_overload - the error of a function that does not take these types. */
struct cel_value cel_no_overload(void);
/* cel_out_of_memory - the arena is full: marks the call as over. */
struct cel_value cel_out_of_memory(struct cel_call *call);

/* cel_charge - take steps from the budget: one for each 16 bytes or element looked at, beyond the one
 * that each call costs. false: there are none left, the call is over; return cel_over(). Whatever
 * walks through values or text charges. */
MUST_CHECK bool cel_charge(struct cel_call *call, uint64_t steps);
/* cel_over - the error value that goes with a false from cel_charge(). */
struct cel_value cel_over(void);

/* ---- looking at them ---- */

static inline bool cel_is_error(struct cel_value v)
{
	return v.kind == CEL_ERROR;
}
static inline bool cel_is_true(struct cel_value v)
{
	return v.kind == CEL_BOOL && v.u == 1;
}
static inline bool cel_is_false(struct cel_value v)
{
	return v.kind == CEL_BOOL && v.u == 0;
}
/* cel_text - the bytes of STRING, BYTES, ERROR, TYPE. */
static inline struct sv cel_text(struct cel_value v)
{
	return (struct sv){v.bytes, v.n};
}

/* cel_kind_name - the name of the type of such a value: "int", "google.protobuf.Timestamp", "net.IP". */
struct sv cel_kind_name(uint8_t kind);

/* cel_equal - numbers of three types on one line, lists in order, maps by key; otherwise other kinds
 * are unequal. NaN equals nothing. Charges; on false look at call->is_over. */
bool cel_equal(struct cel_call *call, struct cel_value a, struct cel_value b);

enum cel_order {
	CEL_ORDER_LESS = -1,
	CEL_ORDER_EQUAL = 0,
	CEL_ORDER_GREATER = 1,
	CEL_ORDER_NONE = 2,     /* NaN is in it */
	CEL_ORDER_MISMATCH = 3, /* no order between these kinds */
};
/* cel_compare - the order of numbers (across types), bools, strings and bytes (bytewise), timestamps,
 * durations. */
enum cel_order cel_compare(struct cel_value a, struct cel_value b);

/* cel_map_find - the value under the key, by numeric equality. false: none, or a key that can be none.
 * Charges; may give an error value. */
bool cel_map_find(struct cel_call *call, struct cel_value map, struct cel_value key,
                  struct cel_value *ret);
/* cel_map_plain - the map laid out: entries and n may be read. May give an error. */
struct cel_value cel_map_plain(struct cel_call *call, struct cel_value map);
/* cel_map_key - whether a value may be a key. */
bool cel_map_key(struct cel_value v);

/* cel_dup - a copy of the text in the arena as a string value, or an error. */
struct cel_value cel_dup(struct cel_call *call, struct sv text);

/* cel_utf8_count - code points of well-formed text. */
size_t cel_utf8_count(struct sv text);

#endif
