/* source: cel-spec doc/extensions/math.md */
#include "authz/cel/function.h"

#include <math.h>

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

static bool is_number(struct cel_value v)
{
	return v.kind == CEL_INT || v.kind == CEL_UINT || v.kind == CEL_DOUBLE;
}

/* The first of those that are furthest in that direction. */
static struct cel_value extreme(struct cel_call *call, const struct cel_value *at, unsigned n,
                                enum cel_order wanted)
{
	if (n == 0)
		return cel_error("math.greatest() and math.least() need an argument");
	if (!cel_charge(call, n))
		return cel_over();
	struct cel_value best = at[0];
	for (unsigned i = 0; i < n; i++) {
		if (!is_number(at[i]))
			return cel_no_overload();
		if (cel_compare(at[i], best) == wanted)
			best = at[i];
	}
	return best;
}

FUNCTION(greatest)
{
	return n == 1 && a[0].kind == CEL_LIST
	               ? extreme(call, a[0].items, a[0].n, CEL_ORDER_GREATER)
	               : extreme(call, a, n, CEL_ORDER_GREATER);
}

FUNCTION(least)
{
	return n == 1 && a[0].kind == CEL_LIST ? extreme(call, a[0].items, a[0].n, CEL_ORDER_LESS)
	                                       : extreme(call, a, n, CEL_ORDER_LESS);
}

#define OF_DOUBLE(name, made)        \
	FUNCTION(name)               \
	{                            \
		(void)call, (void)n; \
		return made;         \
	}

OF_DOUBLE(upwards, cel_double(ceil(a[0].d)))
OF_DOUBLE(downwards, cel_double(floor(a[0].d)))
OF_DOUBLE(nearest, cel_double(round(a[0].d)))
OF_DOUBLE(towards_zero, cel_double(trunc(a[0].d)))
OF_DOUBLE(root_of_double, cel_double(sqrt(a[0].d)))
OF_DOUBLE(root_of_int, cel_double(sqrt((double)a[0].i)))
OF_DOUBLE(root_of_uint, cel_double(sqrt((double)a[0].u)))
OF_DOUBLE(is_nan, cel_bool(isnan(a[0].d)))
OF_DOUBLE(is_inf, cel_bool(isinf(a[0].d)))
OF_DOUBLE(is_finite, cel_bool(isfinite(a[0].d)))
OF_DOUBLE(abs_double, cel_double(fabs(a[0].d)))
OF_DOUBLE(itself, a[0])
OF_DOUBLE(sign_double, cel_double(isnan(a[0].d) ? a[0].d : (a[0].d > 0) - (a[0].d < 0)))
OF_DOUBLE(sign_int, cel_int((a[0].i > 0) - (a[0].i < 0)))
OF_DOUBLE(sign_uint, cel_uint(a[0].u > 0))

FUNCTION(abs_int)
{
	(void)call, (void)n;
	if (a[0].i == INT64_MIN)
		return cel_error("integer overflow");
	return cel_int(a[0].i < 0 ? -a[0].i : a[0].i);
}

/* ---- bits ---- */

#define OF_BITS(name, operation)                                                        \
	FUNCTION(name##_int)                                                            \
	{                                                                               \
		(void)call, (void)n;                                                    \
		return cel_int((int64_t)((uint64_t)a[0].i operation(uint64_t) a[1].i)); \
	}                                                                               \
	FUNCTION(name##_uint)                                                           \
	{                                                                               \
		(void)call, (void)n;                                                    \
		return cel_uint(a[0].u operation a[1].u);                               \
	}

OF_BITS(and, &)
OF_BITS(or, |)
OF_BITS(xor, ^)

OF_DOUBLE(not_int, cel_int(~a[0].i))
OF_DOUBLE(not_uint, cel_uint(~a[0].u))

static struct cel_value shifted(struct cel_value of, int64_t by, bool is_left)
{
	uint64_t bits = of.u;
	if (by < 0)
		return cel_error("math.bitShift() by a negative number");
	if (by >= 64)
		bits = 0;
	else
		bits = is_left ? bits << by : bits >> by;
	return of.kind == CEL_INT ? cel_int((int64_t)bits) : cel_uint(bits);
}

FUNCTION(shift_left)
{
	(void)call, (void)n;
	return shifted(a[0], a[1].i, true);
}

FUNCTION(shift_right)
{
	(void)call, (void)n;
	return shifted(a[0], a[1].i, false);
}

#define MATH(name, args, result, call, does)                                \
	{                                                                   \
		"math." name, CEL_GLOBAL, args, result, call, does, 0, NULL \
	}
#define MATH_BITS(name, operation, does)                      \
	MATH(name, "int, int", "int", operation##_int, does), \
		MATH(name, "uint, uint", "uint", operation##_uint, does)

static const struct cel_function rows[] = {
	{"math.greatest", CEL_GLOBAL, "dyn", "dyn", greatest,
         "the greatest number, of the arguments or of a list", true, NULL},
	{"math.least", CEL_GLOBAL, "dyn", "dyn", least,
         "the least number, of the arguments or of a list", true, NULL},
	MATH("ceil", "double", "double", upwards, "the next whole number upwards"),
	MATH("floor", "double", "double", downwards, "the next whole number downwards"),
	MATH("round", "double", "double", nearest,
             "the nearest whole number, halves away from zero"),
	MATH("trunc", "double", "double", towards_zero, "without what is behind the point"),
	MATH("sqrt", "double", "double", root_of_double, "the square root"),
	MATH("sqrt", "int", "double", root_of_int, "the square root"),
	MATH("sqrt", "uint", "double", root_of_uint, "the square root"),
	MATH("abs", "double", "double", abs_double, "without its sign"),
	MATH("abs", "int", "int", abs_int, "without its sign"),
	MATH("abs", "uint", "uint", itself, "itself"),
	MATH("sign", "double", "double", sign_double, "-1, 0 or 1"),
	MATH("sign", "int", "int", sign_int, "-1, 0 or 1"),
	MATH("sign", "uint", "uint", sign_uint, "0 or 1"),
	MATH("isNaN", "double", "bool", is_nan, "is it no number"),
	MATH("isInf", "double", "bool", is_inf, "is it infinite"),
	MATH("isFinite", "double", "bool", is_finite, "is it a finite number"),
	MATH_BITS("bitAnd", and, "the bits that both have"),
	MATH_BITS("bitOr", or, "the bits that either has"),
	MATH_BITS("bitXor", xor, "the bits that one of them has"),
	MATH("bitNot", "int", "int", not_int, "the bits that it does not have"),
	MATH("bitNot", "uint", "uint", not_uint, "the bits that it does not have"),
	MATH("bitShiftLeft", "int, int", "int", shift_left, "its bits moved up"),
	MATH("bitShiftLeft", "uint, int", "uint", shift_left, "its bits moved up"),
	MATH("bitShiftRight", "int, int", "int", shift_right,
             "its bits moved down, zeros behind them"),
	MATH("bitShiftRight", "uint, int", "uint", shift_right, "its bits moved down"),
};

const struct cel_functions cel_functions_math = {"Math", rows, ARRAY_LEN(rows)};
