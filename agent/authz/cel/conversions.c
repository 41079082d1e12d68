/* From one type to another, out loud. source: cel-spec doc/langdef.md, "Type Conversions" */
#include "authz/cel/function.h"
#include "authz/cel/numbers.h"
#include "authz/cel/timetext.h"
#include "core/netaddr.h"
#include "core/utf8.h"

#include <math.h>

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

static struct cel_value range_error(void)
{
	return cel_error("range error");
}

FUNCTION(same)
{
	(void)call, (void)n;
	return a[0];
}

FUNCTION(bool_of_text)
{
	(void)call, (void)n;
	static const struct sv yes[] = {SV("1"), SV("t"), SV("true"), SV("TRUE"), SV("True")};
	static const struct sv no[] = {SV("0"), SV("f"), SV("false"), SV("FALSE"), SV("False")};
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (sv_eq(cel_text(a[0]), yes[i]))
			return cel_bool(true);
		if (sv_eq(cel_text(a[0]), no[i]))
			return cel_bool(false);
	}
	return cel_error("Type conversion error: this text is no bool");
}

/* ---- numbers ---- */

FUNCTION(int_of_uint)
{
	(void)call, (void)n;
	return a[0].u > INT64_MAX ? range_error() : cel_int((int64_t)a[0].u);
}

/* The extreme values are refused: as doubles they are rounded. */
FUNCTION(int_of_double)
{
	(void)call, (void)n;
	if (!(a[0].d > -9223372036854775808.0 && a[0].d < 9223372036854775807.0))
		return range_error();
	return cel_int((int64_t)a[0].d);
}

FUNCTION(int_of_text)
{
	int64_t number;
	(void)call, (void)n;
	return cel_int_read(cel_text(a[0]), &number)
	               ? cel_int(number)
	               : cel_error("Type conversion error: this text is no int");
}

FUNCTION(int_of_time)
{
	(void)call, (void)n;
	return cel_int(a[0].i);
}

FUNCTION(uint_of_int)
{
	(void)call, (void)n;
	return a[0].i < 0 ? range_error() : cel_uint((uint64_t)a[0].i);
}

FUNCTION(uint_of_double)
{
	(void)call, (void)n;
	if (!(a[0].d > -1 && a[0].d < 18446744073709551615.0))
		return range_error();
	return a[0].d < 0 ? range_error() : cel_uint((uint64_t)a[0].d);
}

FUNCTION(uint_of_text)
{
	uint64_t number;
	(void)call, (void)n;
	return cel_uint_read(cel_text(a[0]), &number)
	               ? cel_uint(number)
	               : cel_error("Type conversion error: this text is no uint");
}

FUNCTION(double_of_int)
{
	(void)call, (void)n;
	return cel_double((double)a[0].i);
}

FUNCTION(double_of_uint)
{
	(void)call, (void)n;
	return cel_double((double)a[0].u);
}

FUNCTION(double_of_text)
{
	double number;
	(void)call, (void)n;
	return cel_double_read(cel_text(a[0]), &number)
	               ? cel_double(number)
	               : cel_error("Type conversion error: this text is no double");
}

/* ---- text and bytes ---- */

static struct cel_value printed(struct cel_call *call, struct sv text)
{
	return text.n ? cel_string(text) : cel_out_of_memory(call);
}

FUNCTION(text_of_bool)
{
	(void)call, (void)n;
	return cel_string(a[0].u ? SVL("true") : SVL("false"));
}

FUNCTION(text_of_int)
{
	(void)n;
	return printed(call, arena_printf(call->arena, "%lld", (long long)a[0].i));
}

FUNCTION(text_of_uint)
{
	(void)n;
	return printed(call, arena_printf(call->arena, "%llu", (unsigned long long)a[0].u));
}

FUNCTION(text_of_double)
{
	char text[CEL_DOUBLE_TEXT_BYTES];
	(void)n;
	return cel_dup(call, cel_double_text(a[0].d, text));
}

FUNCTION(text_of_bytes)
{
	(void)n;
	if (!cel_charge(call, a[0].n / 16))
		return cel_over();
	return utf8_valid(cel_text(a[0])) ? cel_string(cel_text(a[0])) : cel_error("invalid UTF-8");
}

FUNCTION(text_of_timestamp)
{
	char text[CEL_TIME_TEXT_BYTES];
	(void)n;
	return cel_dup(call, cel_timestamp_text(a[0], text));
}

FUNCTION(text_of_duration)
{
	char text[CEL_TIME_TEXT_BYTES];
	(void)n;
	return cel_dup(call, cel_duration_text(a[0], text));
}

FUNCTION(text_of_ip)
{
	char text[NETADDR_TEXT_BYTES];
	(void)n;
	return cel_dup(call, netaddr_format(a[0].ip, text));
}

FUNCTION(text_of_cidr)
{
	char text[NETADDR_TEXT_BYTES];
	struct sv base = netaddr_format(&a[0].cidr->base, text);
	(void)n;
	return printed(call, arena_printf(call->arena, "%.*s/%u", SV_ARG(base),
	                                  (unsigned)a[0].cidr->n_bits));
}

FUNCTION(bytes_of_text)
{
	(void)call, (void)n;
	return cel_bytes(cel_text(a[0]));
}

/* ---- time ---- */

FUNCTION(timestamp_of_text)
{
	struct cel_value ret;
	(void)call, (void)n;
	return cel_timestamp_read(cel_text(a[0]), &ret)
	               ? ret
	               : cel_error("this is no timestamp (RFC 3339), or out of its range");
}

FUNCTION(timestamp_of_int)
{
	(void)call, (void)n;
	if (a[0].i < CEL_TIMESTAMP_MIN_S || a[0].i > CEL_TIMESTAMP_MAX_S)
		return cel_error("timestamp out of range");
	return cel_timestamp(a[0].i, 0);
}

FUNCTION(duration_of_text)
{
	struct cel_value ret;
	(void)call, (void)n;
	return cel_duration_read(cel_text(a[0]), &ret)
	               ? ret
	               : cel_error("this is no duration such as 1h30m, or out of its range");
}

FUNCTION(duration_of_int)
{
	(void)call, (void)n;
	if (a[0].i < -CEL_DURATION_MAX_S || a[0].i > CEL_DURATION_MAX_S)
		return cel_error("duration out of range");
	return cel_duration(a[0].i, 0);
}

#define TO(to, from, call, does)                              \
	{                                                     \
		to, CEL_GLOBAL, from, to, call, does, 0, NULL \
	}

static const struct cel_function rows[] = {
	TO("bool", "bool", same, "itself"),
	TO("bool", "string", bool_of_text, "1 t true TRUE True, or 0 f false FALSE False"),
	TO("int", "int", same, "itself"),
	TO("int", "uint", int_of_uint, "the same number, when it is small enough"),
	TO("int", "double", int_of_double, "cut towards zero, when it is small enough"),
	TO("int", "string", int_of_text, "of decimal digits"),
	TO("int", "timestamp", int_of_time, "seconds since 1970"),
	TO("int", "duration", int_of_time, "whole seconds"),
	TO("uint", "uint", same, "itself"),
	TO("uint", "int", uint_of_int, "the same number, when it is not negative"),
	TO("uint", "double", uint_of_double, "cut towards zero, when it is not negative"),
	TO("uint", "string", uint_of_text, "of decimal digits"),
	TO("double", "double", same, "itself"),
	TO("double", "int", double_of_int, "the nearest double"),
	TO("double", "uint", double_of_uint, "the nearest double"),
	TO("double", "string", double_of_text, "of a decimal number"),
	TO("string", "string", same, "itself"),
	TO("string", "bool", text_of_bool, "true or false"),
	TO("string", "int", text_of_int, "in decimal digits"),
	TO("string", "uint", text_of_uint, "in decimal digits"),
	TO("string", "double", text_of_double, "the shortest digits that stand for it"),
	TO("string", "bytes", text_of_bytes, "the text that the octets are in UTF-8"),
	TO("string", "timestamp", text_of_timestamp, "in the form of RFC 3339, in UTC"),
	TO("string", "duration", text_of_duration, "in seconds, with s behind them"),
	TO("string", "net.IP", text_of_ip, "the address in its usual form"),
	TO("string", "net.CIDR", text_of_cidr, "address/bits"),
	TO("bytes", "bytes", same, "itself"),
	TO("bytes", "string", bytes_of_text, "its octets in UTF-8"),
	TO("timestamp", "timestamp", same, "itself"),
	TO("timestamp", "string", timestamp_of_text, "of RFC 3339"),
	TO("timestamp", "int", timestamp_of_int, "so many seconds since 1970"),
	TO("duration", "duration", same, "itself"),
	TO("duration", "string", duration_of_text, "of 1h30m, 1.5s, 250ms"),
	TO("duration", "int", duration_of_int, "so many seconds"),
};

const struct cel_functions cel_functions_conversions = {"Conversions", rows, ARRAY_LEN(rows)};
