/* Values that may be missing. source: cel-spec doc/extensions/optional.md */
#include "authz/cel/function.h"

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

FUNCTION(of)
{
	(void)n;
	return cel_optional_of(call, a[0]);
}

FUNCTION(none)
{
	(void)call, (void)a, (void)n;
	return cel_optional(NULL);
}

/* Zero is what a field has that nobody set: 0, "", [], {}, false, null, an empty span. */
static bool is_zero(struct cel_call *call, struct cel_value v)
{
	switch ((enum cel_kind)v.kind) {
	case CEL_NULL:
		return true;
	case CEL_BOOL:
	case CEL_INT:
	case CEL_UINT:
		return v.u == 0;
	case CEL_DOUBLE:
		return v.d == 0;
	case CEL_STRING:
	case CEL_BYTES:
	case CEL_LIST:
		return v.n == 0;
	case CEL_MAP:
		v = cel_map_plain(call, v);
		return v.kind == CEL_MAP && v.n == 0;
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		return v.i == 0 && v.n == 0;
	case CEL_OPTIONAL:
		return !v.some;
	case CEL_ERROR:
	case CEL_TYPE:
	case CEL_IP:
	case CEL_CIDR:
	case CEL_KIND_COUNT:
		break;
	}
	return false;
}

FUNCTION(of_non_zero)
{
	(void)n;
	return is_zero(call, a[0]) ? cel_optional(NULL) : cel_optional_of(call, a[0]);
}

FUNCTION(has_value)
{
	(void)call, (void)n;
	return cel_bool(a[0].some != NULL);
}

FUNCTION(value)
{
	(void)call, (void)n;
	return a[0].some ? *a[0].some : cel_error("optional.none() dereference");
}

FUNCTION(or_value)
{
	(void)call, (void)n;
	return a[0].some ? *a[0].some : a[1];
}

FUNCTION(or_else)
{
	(void)call, (void)n;
	return a[0].some ? a[0] : a[1];
}

FUNCTION(unwrap)
{
	size_t made = 0;
	(void)n;
	struct cel_value *items = arena_array(call->arena, a[0].n + 1UL, sizeof(*items));
	if (!items)
		return cel_out_of_memory(call);
	for (uint32_t i = 0; i < a[0].n; i++) {
		if (a[0].items[i].kind != CEL_OPTIONAL)
			return cel_no_overload();
		if (a[0].items[i].some)
			items[made++] = *a[0].items[i].some;
	}
	return cel_list(items, made);
}

FUNCTION(first)
{
	(void)n;
	return a[0].n ? cel_optional_of(call, a[0].items[0]) : cel_optional(NULL);
}

FUNCTION(last)
{
	(void)n;
	return a[0].n ? cel_optional_of(call, a[0].items[a[0].n - 1]) : cel_optional(NULL);
}

static const struct cel_function rows[] = {
	{"optional.of", CEL_GLOBAL, "A", "optional_type(A)", of, "the value, as one that is there",
         0, NULL},
	{"optional.none", CEL_GLOBAL, "", "optional_type(A)", none, "a value that is not there", 0,
         NULL},
	{"optional.ofNonZeroValue", CEL_GLOBAL, "A", "optional_type(A)", of_non_zero,
         "the value, unless it is empty or zero", 0, NULL},
	{"optional.unwrap", CEL_GLOBAL, "list(optional_type(A))", "list(A)", unwrap,
         "those values that are there", 0, NULL},
	{"unwrapOpt", CEL_RECEIVER, "list(optional_type(A))", "list(A)", unwrap,
         "those values that are there", 0, NULL},
	{"hasValue", CEL_RECEIVER, "optional_type(A)", "bool", has_value, "is it there", 0, NULL},
	{"value", CEL_RECEIVER, "optional_type(A)", "A", value,
         "the value; an error when there is none", 0, NULL},
	{"orValue", CEL_RECEIVER, "optional_type(A), A", "A", or_value,
         "the value, else that of the argument", 0, NULL},
	{"or", CEL_RECEIVER, "optional_type(A), optional_type(A)", "optional_type(A)", or_else,
         "itself when it is there, else the argument", 0, NULL},
	{"first", CEL_RECEIVER, "list(A)", "optional_type(A)", first, "the first element", 0, NULL},
	{"last", CEL_RECEIVER, "list(A)", "optional_type(A)", last, "the last element", 0, NULL},
};

const struct cel_functions cel_functions_optionals = {"Optionals", rows, ARRAY_LEN(rows)};
