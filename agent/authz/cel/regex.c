/* matches(): RE2's syntax, found anywhere in the text, in linear time. source: cel-spec doc/langdef.md */
#include "authz/cel/function.h"
#include "authz/cel/re2.h"

static bool make(struct sv pattern, void **ret, const char **why)
{
	*ret = cel_re2_new(pattern.at, pattern.n, why);
	return *ret;
}

static void release(void *prepared)
{
	cel_re2_free(prepared);
}

static const struct cel_preparation pattern_argument = {1, make, release};

/* A pattern that is no constant is compiled each time: outside of policies only. */
static struct cel_value matches(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	const char *why;
	(void)n;
	if (!cel_charge(call, a[0].n / 4))
		return cel_over();
	if (call->prepared)
		return cel_bool(cel_re2_finds(call->prepared, a[0].bytes, a[0].n));
	if (!cel_charge(call, 100 + a[1].n))
		return cel_over();
	struct cel_re2 *re = cel_re2_new(a[1].bytes, a[1].n, &why);
	if (!re)
		return cel_error(why);
	bool found = cel_re2_finds(re, a[0].bytes, a[0].n);
	cel_re2_free(re);
	return cel_bool(found);
}

static const struct cel_function rows[] = {
	{"matches", CEL_RECEIVER, "string, string", "bool", matches,
         "is the regular expression (RE2) found in it", 0, &pattern_argument},
	{"matches", CEL_GLOBAL, "string, string", "bool", matches,
         "is the regular expression (RE2) found in it", 0, &pattern_argument},
};

const struct cel_functions cel_functions_regex = {"Regular expressions", rows, ARRAY_LEN(rows)};
