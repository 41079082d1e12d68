#include "authz/cel/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Digits and exponent of the shortest form: "d.ddde+xx" at precision p. */
static void shortest(double d, char text[CEL_DOUBLE_TEXT_BYTES])
{
	for (int precision = 0; precision < 17; precision++) {
		(void)snprintf(text, CEL_DOUBLE_TEXT_BYTES, "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			return;
	}
}

struct sv cel_double_text(double d, char text[CEL_DOUBLE_TEXT_BYTES])
{
	char digits[CEL_DOUBLE_TEXT_BYTES];
	if (isnan(d) || isinf(d)) {
		(void)snprintf(text, CEL_DOUBLE_TEXT_BYTES, "%s",
		               isnan(d) ? "NaN"
		               : d < 0  ? "-Infinity"
		                        : "Infinity");
		return sv_of(text);
	}
	shortest(d, digits);
	const char *mark = strchr(digits, 'e');
	int exponent = mark ? (int)strtol(mark + 1, NULL, 10) : 0;
	int n_digits = mark ? (int)(mark - digits) - (digits[0] == '-') : 1;
	n_digits = n_digits > 1 ? n_digits - 1 : 1; /* without the point */
	if (exponent < -4 || exponent >= 16)
		(void)snprintf(text, CEL_DOUBLE_TEXT_BYTES, "%s", digits);
	else
		(void)snprintf(text, CEL_DOUBLE_TEXT_BYTES, "%.*f",
		               n_digits - 1 > exponent ? n_digits - 1 - exponent : 0, d);
	return sv_of(text);
}

static bool is_special(struct sv text, double *ret)
{
	static const struct {
		struct sv text;
		double is;
	} rows[] = {{SV("nan"), (double)NAN},
	            {SV("inf"), (double)INFINITY},
	            {SV("infinity"), (double)INFINITY}};
	bool is_negative = text.n > 0 && text.at[0] == '-';
	if (text.n > 0 && (text.at[0] == '-' || text.at[0] == '+'))
		text = sv_from(text, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (sv_eq_ci(text, rows[i].text)) {
			*ret = is_negative ? -rows[i].is : rows[i].is;
			return true;
		}
	return false;
}

bool cel_double_read(struct sv text, double *ret)
{
	char copy[400], *end;
	if (is_special(text, ret))
		return true;
	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!strchr("0123456789+-.eE", text.at[i]) || text.at[i] == 0)
			return false;
	memcpy(copy, text.at, text.n);
	copy[text.n] = '\0';
	*ret = strtod(copy, &end);
	return *end == '\0';
}

bool cel_uint_read(struct sv text, uint64_t *ret)
{
	uint64_t number = 0;
	if (text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i];
		if (c < '0' || c > '9' || __builtin_mul_overflow(number, 10U, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(c - '0'), &number))
			return false;
	}
	*ret = number;
	return true;
}

bool cel_int_read(struct sv text, int64_t *ret)
{
	uint64_t number;
	bool is_negative = text.n > 0 && text.at[0] == '-';
	bool has_sign = is_negative || (text.n > 0 && text.at[0] == '+');
	if (!cel_uint_read(has_sign ? sv_from(text, 1) : text, &number) ||
	    number > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret = is_negative ? (int64_t)(0 - number) : (int64_t)number;
	return true;
}
