/* Arithmetic, comparison, containers: what is written with signs, and size(), type(), dyn(). */
#include "authz/cel/function.h"

#include <math.h>

/* ---- numbers: overflow is an error, never a wrap ---- */

#define INTEGER_OPERATION(name, kind, member, type, builtin)                                       \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n) \
	{                                                                                          \
		type result;                                                                       \
		(void)call, (void)n;                                                               \
		if (builtin(a[0].member, a[1].member, &result))                                    \
			return cel_error(#kind " overflow");                                       \
		return cel_##kind(result);                                                         \
	}

INTEGER_OPERATION(add_int, int, i, int64_t, __builtin_add_overflow)
INTEGER_OPERATION(sub_int, int, i, int64_t, __builtin_sub_overflow)
INTEGER_OPERATION(mul_int, int, i, int64_t, __builtin_mul_overflow)
INTEGER_OPERATION(add_uint, uint, u, uint64_t, __builtin_add_overflow)
INTEGER_OPERATION(sub_uint, uint, u, uint64_t, __builtin_sub_overflow)
INTEGER_OPERATION(mul_uint, uint, u, uint64_t, __builtin_mul_overflow)

#define DOUBLE_OPERATION(name, sign)                                                               \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n) \
	{                                                                                          \
		(void)call, (void)n;                                                               \
		return cel_double(a[0].d sign a[1].d);                                             \
	}

DOUBLE_OPERATION(add_double, +)
DOUBLE_OPERATION(sub_double, -)
DOUBLE_OPERATION(mul_double, *)

/* source: IEEE 754; a division by zero of doubles is an infinity or NaN */
__attribute__((no_sanitize("float-divide-by-zero"))) DOUBLE_OPERATION(div_double, /)

	static struct cel_value
	div_int(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	if (a[1].i == 0)
		return cel_error("division by zero");
	if (a[0].i == INT64_MIN && a[1].i == -1)
		return cel_error("int overflow");
	return cel_int(a[0].i / a[1].i);
}

static struct cel_value mod_int(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	if (a[1].i == 0)
		return cel_error("modulus by zero");
	if (a[0].i == INT64_MIN && a[1].i == -1)
		return cel_error("int overflow");
	return cel_int(a[0].i % a[1].i);
}

static struct cel_value div_uint(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return a[1].u ? cel_uint(a[0].u / a[1].u) : cel_error("division by zero");
}

static struct cel_value mod_uint(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return a[1].u ? cel_uint(a[0].u % a[1].u) : cel_error("modulus by zero");
}

static struct cel_value negate_int(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return a[0].i == INT64_MIN ? cel_error("int overflow") : cel_int(-a[0].i);
}

static struct cel_value negate_double(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return cel_double(-a[0].d);
}

/* ---- comparison ---- */

static struct cel_value equal(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	bool is_equal = cel_equal(call, a[0], a[1]);
	return call->is_over ? cel_over() : cel_bool(is_equal);
}

static struct cel_value unequal(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	bool is_equal = cel_equal(call, a[0], a[1]);
	return call->is_over ? cel_over() : cel_bool(!is_equal);
}

#define COMPARISON(name, holds)                                                                    \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n) \
	{                                                                                          \
		(void)call, (void)n;                                                               \
		enum cel_order order = cel_compare(a[0], a[1]);                                    \
		if (order == CEL_ORDER_MISMATCH)                                                   \
			return cel_no_overload();                                                  \
		return cel_bool(holds);                                                            \
	}

COMPARISON(less, order == CEL_ORDER_LESS)
COMPARISON(less_equal, order == CEL_ORDER_LESS || order == CEL_ORDER_EQUAL)
COMPARISON(greater, order == CEL_ORDER_GREATER)
COMPARISON(greater_equal, order == CEL_ORDER_GREATER || order == CEL_ORDER_EQUAL)

static struct cel_value not_bool(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return cel_bool(!a[0].u);
}

/* ---- text and lists ---- */

static struct cel_value add_text(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	struct cel_value ret = a[0];
	size_t length = (size_t)a[0].n + a[1].n;
	if (!cel_charge(call, length / 16))
		return cel_over();
	char *text = length > UINT32_MAX ? NULL : arena_alloc(call->arena, length + 1);
	if (!text)
		return cel_out_of_memory(call);
	if (a[0].n)
		memcpy(text, a[0].bytes, a[0].n);
	if (a[1].n)
		memcpy(text + a[0].n, a[1].bytes, a[1].n);
	ret.bytes = text;
	ret.n = (uint32_t)length;
	return ret;
}

static struct cel_value add_list(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	size_t length = (size_t)a[0].n + a[1].n;
	if (!cel_charge(call, length))
		return cel_over();
	struct cel_value *items = arena_array(call->arena, length + 1, sizeof(*items));
	if (!items)
		return cel_out_of_memory(call);
	if (a[0].n)
		memcpy(items, a[0].items, a[0].n * sizeof(*items));
	if (a[1].n)
		memcpy(items + a[0].n, a[1].items, a[1].n * sizeof(*items));
	return cel_list(items, length);
}

static struct cel_value in_list(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	for (uint32_t i = 0; i < a[1].n && !call->is_over; i++)
		if (cel_equal(call, a[0], a[1].items[i]))
			return cel_bool(true);
	return call->is_over ? cel_over() : cel_bool(false);
}

static struct cel_value in_map(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	struct cel_value ignored;
	bool is_in = cel_map_find(call, a[1], a[0], &ignored);
	return call->is_over ? cel_over() : cel_bool(is_in);
}

/* An index is a whole number of any type: [1.0] is [1]. */
static bool index_of(struct cel_value v, uint32_t n, uint32_t *ret)
{
	bool is_in = (v.kind == CEL_INT && v.i >= 0 && v.i < (int64_t)n) ||
	             (v.kind == CEL_UINT && v.u < n) ||
	             (v.kind == CEL_DOUBLE && v.d >= 0 && v.d < (double)n && trunc(v.d) == v.d);
	if (!is_in)
		return false;
	*ret = v.kind == CEL_DOUBLE ? (uint32_t)v.d : (uint32_t)v.u;
	return true;
}

static struct cel_value index_list(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	uint32_t at;
	(void)call, (void)n;
	if (a[1].kind != CEL_INT && a[1].kind != CEL_UINT && a[1].kind != CEL_DOUBLE)
		return cel_no_overload();
	if (a[1].kind == CEL_DOUBLE && trunc(a[1].d) != a[1].d)
		return cel_error("invalid_argument: an index is a whole number");
	return index_of(a[1], a[0].n, &at) ? a[0].items[at] : cel_error("index out of range");
}

static struct cel_value index_map(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	struct cel_value ret;
	(void)n;
	if (!cel_map_key(a[1]) && a[1].kind != CEL_DOUBLE)
		return cel_error("unsupported key type: no such overload");
	if (cel_map_find(call, a[0], a[1], &ret))
		return ret;
	if (call->is_over)
		return cel_over();
	if (a[1].kind == CEL_STRING)
		return cel_errorf(call, "no such key: %.*s", (int)MIN_OF(a[1].n, 64u), a[1].bytes);
	return cel_error("no such key");
}

struct cel_value cel_index(struct cel_call *call, struct cel_value of, struct cel_value index)
{
	const struct cel_value args[] = {of, index};
	if (of.kind == CEL_LIST)
		return index_list(call, args, 2);
	return of.kind == CEL_MAP ? index_map(call, args, 2) : cel_no_overload();
}

static struct cel_value size_text(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	if (!cel_charge(call, a[0].n / 16))
		return cel_over();
	return cel_int((int64_t)cel_utf8_count(cel_text(a[0])));
}

static struct cel_value size_plain(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	if (a[0].kind != CEL_MAP)
		return cel_int(a[0].n);
	struct cel_value map = cel_map_plain(call, a[0]);
	return map.kind == CEL_MAP ? cel_int(map.n) : map;
}

static struct cel_value type_of(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return cel_type_value(cel_kind_name(a[0].kind));
}

static struct cel_value as_it_is(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)call, (void)n;
	return a[0];
}

/* The comparison rows of one type with itself; at run time numbers of different types compare too. */
#define ORDERED(t)                                                                         \
	{"_<_", CEL_OPERATOR, t ", " t, "bool", less, "less than", 0, NULL},               \
		{"_<=_", CEL_OPERATOR, t ", " t, "bool", less_equal, "at most", 0, NULL},  \
		{"_>_", CEL_OPERATOR, t ", " t, "bool", greater, "greater than", 0, NULL}, \
	{                                                                                  \
		"_>=_", CEL_OPERATOR, t ", " t, "bool", greater_equal, "at least", 0, NULL \
	}
#define ORDERED_ACROSS(a, b)                                                               \
	{"_<_", CEL_OPERATOR, a ", " b, "bool", less, "less than", 0, NULL},               \
		{"_<=_", CEL_OPERATOR, a ", " b, "bool", less_equal, "at most", 0, NULL},  \
		{"_>_", CEL_OPERATOR, a ", " b, "bool", greater, "greater than", 0, NULL}, \
	{                                                                                  \
		"_>=_", CEL_OPERATOR, a ", " b, "bool", greater_equal, "at least", 0, NULL \
	}
#define OPERATOR(name, args, result, call, does)                      \
	{                                                             \
		name, CEL_OPERATOR, args, result, call, does, 0, NULL \
	}
#define SIZE(type, call, does)                                         \
	{"size", CEL_GLOBAL, type, "int", call, does, 0, NULL},        \
	{                                                              \
		"size", CEL_RECEIVER, type, "int", call, does, 0, NULL \
	}

static const struct cel_function rows[] = {
	OPERATOR("_+_", "int, int", "int", add_int, "sum; an overflow is an error"),
	OPERATOR("_+_", "uint, uint", "uint", add_uint, "sum; an overflow is an error"),
	OPERATOR("_+_", "double, double", "double", add_double, "sum"),
	OPERATOR("_+_", "string, string", "string", add_text, "one text after the other"),
	OPERATOR("_+_", "bytes, bytes", "bytes", add_text, "one sequence after the other"),
	OPERATOR("_+_", "list(A), list(A)", "list(A)", add_list, "one list after the other"),
	OPERATOR("_-_", "int, int", "int", sub_int, "difference; an overflow is an error"),
	OPERATOR("_-_", "uint, uint", "uint", sub_uint, "difference; an overflow is an error"),
	OPERATOR("_-_", "double, double", "double", sub_double, "difference"),
	OPERATOR("_*_", "int, int", "int", mul_int, "product; an overflow is an error"),
	OPERATOR("_*_", "uint, uint", "uint", mul_uint, "product; an overflow is an error"),
	OPERATOR("_*_", "double, double", "double", mul_double, "product"),
	OPERATOR("_/_", "int, int", "int", div_int,
                 "quotient, cut towards zero; by zero is an error"),
	OPERATOR("_/_", "uint, uint", "uint", div_uint, "quotient; by zero is an error"),
	OPERATOR("_/_", "double, double", "double", div_double, "quotient"),
	OPERATOR("_%_", "int, int", "int", mod_int, "remainder with the sign of the first"),
	OPERATOR("_%_", "uint, uint", "uint", mod_uint, "remainder"),
	OPERATOR("-_", "int", "int", negate_int, "negative; an overflow is an error"),
	OPERATOR("-_", "double", "double", negate_double, "negative"),
	OPERATOR("!_", "bool", "bool", not_bool, "not"),
	OPERATOR("_==_", "A, A", "bool", equal, "equal; numbers of all types are on one line"),
	OPERATOR("_!=_", "A, A", "bool", unequal, "not equal"),
	ORDERED("bool"),
	ORDERED("int"),
	ORDERED("uint"),
	ORDERED("double"),
	ORDERED("string"),
	ORDERED("bytes"),
	ORDERED("timestamp"),
	ORDERED("duration"),
	ORDERED_ACROSS("int", "uint"),
	ORDERED_ACROSS("int", "double"),
	ORDERED_ACROSS("uint", "int"),
	ORDERED_ACROSS("uint", "double"),
	ORDERED_ACROSS("double", "int"),
	ORDERED_ACROSS("double", "uint"),
	OPERATOR("_in_", "A, list(A)", "bool", in_list, "is it an element"),
	OPERATOR("_in_", "A, map(A, B)", "bool", in_map, "is it a key"),
	OPERATOR("_[_]", "list(A), int", "A", index_list, "the element at that index, from 0"),
	OPERATOR("_[_]", "map(A, B), A", "B", index_map, "the value under that key"),
	SIZE("string", size_text, "how many code points"),
	SIZE("bytes", size_plain, "how many octets"),
	SIZE("list(A)", size_plain, "how many elements"),
	SIZE("map(A, B)", size_plain, "how many entries"),
	{"type", CEL_GLOBAL, "A", "type(A)", type_of, "the type of the value", 0, NULL},
	{"dyn", CEL_GLOBAL, "A", "dyn", as_it_is, "the value, its type left to run time", 0, NULL},
};

const struct cel_functions cel_functions_operators = {"Operators", rows, ARRAY_LEN(rows)};
