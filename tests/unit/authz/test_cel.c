/* The language by area, written from the text of cel-spec; and the public conformance suite where it is at hand:
 * HAWARD_CONFORMANCE names its folder, else ../shared/conformance is looked at. */
#include "authz/cel/json.h"
#include "authz/cel/program.h"
#include "authz/cel/type.h"
#include "core/jsonload.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct cel_limits wide = {.source_bytes = 65536, .nodes = 16384, .depth = 128};

struct world {
	struct arena keep, values;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	if (!w || arena_init(&w->keep, 1 << 20) != 0 || arena_init(&w->values, 1 << 22) != 0)
		return -1;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	arena_fini(&w->keep);
	arena_fini(&w->values);
	free(w);
	return 0;
}

/* Variables of the tables below. */
static const struct cel_variable variables[] = {
	{"x", "int"},
	{"s", "string"},
	{"claims", "map(string, dyn)"},
	{"groups", "list(string)"},
	{"request.path", "string"},
	{"missing", "string"},
	{"now", "timestamp"},
};
static const char claims_text[] =
	"{\"sub\":\"alice\",\"level\":3,\"ratio\":0.5,\"roles\":[\"a\",\"b\"],"
	"\"nested\":{\"deep\":true},\"none\":null}";

static struct cel_value get(struct cel_call *call, const void *context, uint32_t slot)
{
	static const struct cel_value groups[] = {{.kind = CEL_STRING, .n = 2, .bytes = "eu"},
	                                          {.kind = CEL_STRING, .n = 2, .bytes = "us"}};
	switch (slot) {
	case 0:
		return cel_int(7);
	case 1:
		return cel_string(SVL("text"));
	case 2:
		return cel_of_json(call, context);
	case 3:
		return cel_list(groups, 2);
	case 4:
		return cel_string(SVL("/orders/7"));
	case 6:
		return cel_timestamp(1700000000, 0);
	default:
		return cel_error("there is none");
	}
}

/* What comes out, as text: the typed value, or "error". Owned. */
static char *outcome(struct world *w, const char *source, unsigned flags)
{
	json_t *claims = json_load_strict(sv_of(claims_text), 0, NULL);
	const struct cel_env env = {.variables = variables, .n_variables = ARRAY_LEN(variables)};
	struct cel_problem problem;
	struct cel_program program;
	char *text = NULL;
	assert_non_null(claims);
	int r = cel_compile(sv_of(source), &env, flags, &wide, &w->keep, &problem, &program);
	if (r == 0) {
		struct cel_call call = {.arena = &w->values, .steps = 100000};
		const struct cel_bindings bindings = {get, claims};
		struct cel_value value = cel_evaluate(&program, &call, &bindings, NULL);
		json_t *json = cel_is_error(value) ? NULL : cel_to_typed(&call, value);
		text = json ? json_dumps(json, JSON_COMPACT) : NULL;
		json_decref(json);
		cel_program_fini(&program);
	} else {
		assert_int_equal(r, -EINVAL);
		assert_true(problem.text[0] != '\0');
		assert_true(problem.offset <= strlen(source));
	}
	json_decref(claims);
	arena_reset(&w->keep);
	arena_reset(&w->values);
	return text ? text : strdup("error");
}

#define TRUE    "{\"type\":\"bool\",\"value\":true}"
#define FALSE   "{\"type\":\"bool\",\"value\":false}"
#define INT(n)  "{\"type\":\"int\",\"value\":\"" n "\"}"
#define TEXT(t) "{\"type\":\"string\",\"value\":\"" t "\"}"

struct row {
	const char *source, *outcome;
};

static void hold(struct world *w, const struct row *rows, size_t n, unsigned flags)
{
	for (size_t i = 0; i < n; i++) {
		char *found = outcome(w, rows[i].source, flags);
		if (strcmp(found, rows[i].outcome) != 0)
			print_error("%s\n  gives %s\n  not   %s\n", rows[i].source, found,
			            rows[i].outcome);
		assert_string_equal(found, rows[i].outcome);
		free(found);
	}
}
#define HOLD(state, rows) hold(*(state), rows, ARRAY_LEN(rows), 0)

static void literals(void **state)
{
	static const struct row rows[] = {
		{"0x1F", INT("31")},
		{"-9223372036854775808", INT("-9223372036854775808")},
		{"9223372036854775808", "error"},
		{"18446744073709551615u", "{\"type\":\"uint\",\"value\":\"18446744073709551615\"}"},
		{".5e1", "{\"type\":\"double\",\"value\":\"5\"}"},
		{"'\\x41\\u00e9\\101\\n' == 'A\xc3\xa9"
	         "A\\n'",
	         TRUE},
		{"r'\\n' == '\\\\n'", TRUE},
		{"b'\\xff' == b'\\377'", TRUE},
		{"b'\\u0041'", "error"},
		{"'\\ud800'", "error"},
		{"'''a'b\n''' == \"a'b\\n\"", TRUE},
		{"'a\nb'", "error"},
		{"'open", "error"},
		{"{'a': 1, 'b': 2,}.size()", INT("2")},
		{"[1, 2,] // a comment",
	         "{\"type\":\"list\",\"value\":[" INT("1") "," INT("2") "]}"},
		{"1 +", "error"},
		{"1 2", "error"},
		{"a = 1", "error"},
		{"x{}", "error"},
		{"if", "error"},
		{"_in_(1, [1])", "error"},
	};
	HOLD(state, rows);
}

static void operators(void **state)
{
	static const struct row rows[] = {
		{"1 + 2 * 3 == 7 && !false", TRUE},
		{"2 - 1 - 1", INT("0")},
		{"--1", INT("1")},
		{"7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1", TRUE},
		{"9223372036854775807 + 1", "error"},
		{"1 / 0", "error"},
		{"1.0 / 0.0 > 1.0", TRUE},
		{"1 + 1u", "error"},
		{"1 + 1.0", "error"},
		{"dyn(1) == 1.0 && dyn(1) == 1u", TRUE},
		{"1 < 2.5 && 2u > 1", TRUE},
		{"dyn(9223372036854775807) < 9223372036854775808.0", FALSE},
		{"0.0/0.0 == 0.0/0.0", FALSE},
		{"dyn('1') == 1", FALSE},
		{"'a' < 'b' && b'a' < b'ab' && false < true", TRUE},
		{"[1, 2] == [1, 2] && {'a': 1} == {'a': dyn(1.0)}", TRUE},
		{"1 in [1, 2] && 'a' in {'a': 1} && !(3 in [])", TRUE},
		{"true ? 1 : 'a'", "error"},
		{"x > 3 ? 'big' : 'small'", TEXT("big")},
		{"{1: 'a'}[1.0] == 'a'", "error"},
		{"{1: 'a'}[dyn(1.0)] == 'a'", TRUE},
		{"{0: 1, 0u: 2}", "error"},
		{"[1, 2][2]", "error"},
	};
	HOLD(state, rows);
}

static void errors_are_absorbed_by_either_side(void **state)
{
	static const struct row rows[] = {
		{"1/0 == 1 || true", TRUE},
		{"true || 1/0 == 1", TRUE},
		{"1/0 == 1 && false", FALSE},
		{"false && 1/0 == 1", FALSE},
		{"1/0 == 1 || false", "error"},
		{"1/0 == 1 && true", "error"},
		{"(1/0 == 1 ? true : false) || true", TRUE},
		{"true ? 1 : 1/0", INT("1")},
		{"[1, 2, 0].exists(e, 2/e == 2)", TRUE},
		{"[0, 1].exists(e, 2/e == 7)", "error"},
		{"[0, 1].all(e, 2/e == 7)", FALSE},
		{"[0, 2].exists_one(e, 2/e == 1)", "error"},
		{"missing == 'a' || true", TRUE},
		{"missing == 'a'", "error"},
		{"has(missing)", "error"},
		{"has(request.path) && !has(claims.missing)", TRUE},
	};
	HOLD(state, rows);
}

static void macros(void **state)
{
	static const struct row rows[] = {
		{"has(claims.sub) && !has(claims.nobody) && has(claims.none)", TRUE},
		{"has(claims.nested.deep) && claims.nested.deep", TRUE},
		{"has(claims)", "error"},
		{"[1, 2, 3].map(e, e * 2).filter(e, e > 2) == [4, 6]", TRUE},
		{"[1, 2, 3].map(e, e > 1, e * 2) == [4, 6]", TRUE},
		{"{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])", TRUE},
		{"[1, 2, 3].exists(i, v, i == 2 && v == 3)", TRUE},
		{"{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}", TRUE},
		{"['a', 'b'].transformList(i, v, v + string(i)) == ['a0', 'b1']", TRUE},
		{"{'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}", TRUE},
		{"['a', 'a'].transformMapEntry(i, v, {v: i})", "error"},
		{"cel.bind(y, x + 1, y * y)", INT("64")},
		{"[[1], [2]].exists(x, x.exists(x, x == 2))", TRUE},
		{"groups.exists(g, g == 'eu')", TRUE},
		{"[1].all(x.y, true)", "error"},
		{"[1].exists(a, a, true)", "error"},
		{"5.all(e, true)", "error"},
	};
	HOLD(state, rows);
}

static void names_and_types(void **state)
{
	static const struct row rows[] = {
		{"request.path", TEXT("/orders/7")},
		{"request.paht", "error"},
		{"claims.level >= 3 && claims.ratio == 0.5", TRUE},
		{"claims.level + 1", INT("4")},
		{"claims.sub + 1", "error"},
		{"claims.nobody", "error"},
		{"s + 1", "error"},
		{"s.size() == 4 && size(s) == 4", TRUE},
		{"x.size()", "error"},
		{"s.foo", "error"},
		{"type(1) == int && type(type(1)) == type", TRUE},
		{"type(now) == google.protobuf.Timestamp", TRUE},
		{"[1].map(request, request + 1)[0]", INT("2")},
		{".x == 7 && [1].all(x, .x == 7)", TRUE},
		{"groups[0] == 1", "error"},
		{"nobody", "error"},
		{"nothing()", "error"},
	};
	HOLD(state, rows);
}

static void texts(void **state)
{
	static const struct row rows[] = {
		{"'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')",
	         TRUE},
		{"'\xc3\xa9t\xc3\xa9'.size() == 3 && '\xc3\xa9t\xc3\xa9'.charAt(2) == '\xc3\xa9'",
	         TRUE},
		{"'abcabc'.indexOf('c', 3) == 5 && 'abcabc'.lastIndexOf('a') == 3", TRUE},
		{"'abc'.substring(1, 2) == 'b' && 'abc'.substring(3) == ''", TRUE},
		{"'abc'.substring(2, 1)", "error"},
		{"'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
	         TRUE},
		{"['a', 'b'].join('-') == 'a-b'", TRUE},
		{"'aXbX'.replace('X', '-', 1) == 'a-bX' && 'ab'.replace('', '-') == '-a-b-'", TRUE},
		{"' \\t a\\n'.trim() == 'a' && 'abc'.reverse() == 'cba'", TRUE},
		{"'%s %d %.2f %x %b %o %e'.format([[1, 'a'], 5, 1.005, 255, 5, 8, 1.0])",
	         TEXT("[1, a] 5 1.00 ff 101 10 1.000000e+00")},
		{"'%s'.format([])", "error"},
		{"'%q'.format([1])", "error"},
		{"strings.quote('a\"\\n')", TEXT("\\\"a\\\\\\\"\\\\n\\\"")},
		{"'user-12'.matches('^user-[0-9]+$') && !'x'.matches('^$')", TRUE},
		{"'x'.matches('(')", "error"},
		{"'x'.matches('(?:a{1000}){1000}')", "error"},
		{"base64.decode(base64.encode(b'ab')) == b'ab' && base64.decode('YWI') == b'ab'",
	         TRUE},
		{"base64.decode('!')", "error"},
	};
	HOLD(state, rows);
}

static void conversions(void **state)
{
	static const struct row rows[] = {
		{"int('-12') == -12 && int(-1.9) == -1 && int(5u) == 5", TRUE},
		{"int(9223372036854775807.0)", "error"},
		{"int('1.0')", "error"},
		{"uint(-1)", "error"},
		{"double('1e3') == 1000.0 && double(1) == 1.0", TRUE},
		{"double('1e3x')", "error"},
		{"string(1.5) == '1.5' && string(1e100) == '1e+100' && string(-0.0) == '-0'", TRUE},
		{"string(b'\\xff')", "error"},
		{"bool('True') && !bool('0')", TRUE},
		{"bool('yes')", "error"},
		{"string(duration('1h30m')) == '5400s' && duration('-1.5s') == duration('-1500ms')",
	         TRUE},
		{"duration('1')", "error"},
		{"timestamp('2009-02-13T23:31:30Z') == timestamp(1234567890)", TRUE},
		{"timestamp('2009-02-30T00:00:00Z')", "error"},
		{"timestamp('10000-01-01T00:00:00Z')", "error"},
	};
	HOLD(state, rows);
}

static void times(void **state)
{
	static const struct row rows[] = {
		{"now.getFullYear() == 2023 && now.getMonth() == 10 && now.getDate() == 14", TRUE},
		{"now.getDayOfWeek() == 2 && now.getDayOfYear() == 317 && now.getHours() == 22",
	         TRUE},
		{"now.getHours('+02:00') == 0 && now.getHours('-02:30') == 19", TRUE},
		{"now.getHours('Europe/Berlin') == 23 && now.getHours('UTC') == 22", TRUE},
		{"now.getHours('Nowhere/At_All')", "error"},
		{"now.getHours('../../etc/passwd')", "error"},
		{"now + duration('1h') > now && now - (now - duration('5s')) == duration('5s')",
	         TRUE},
		{"timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error"},
		{"duration('123.321s').getMilliseconds() == 321 && duration('90m').getHours() == 1",
	         TRUE},
		{"duration('-123.321s').getSeconds() == -123", TRUE},
	};
	HOLD(state, rows);
}

static void networks(void **state)
{
	static const struct row rows[] = {
		{"cidr('10.0.0.0/8').containsIP('10.1.2.3') && "
	         "!cidr('10.0.0.0/8').containsIP('11.0.0.0')",
	         TRUE},
		{"cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", TRUE},
		{"cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", TRUE},
		{"ip('::1').isLoopback() && ip('fe80::1').isLinkLocalUnicast()", TRUE},
		{"ip('::ffff:c0a8:1') == ip('192.168.0.1')", TRUE},
		{"ip('::ffff:192.168.0.1')", "error"},
		{"ip('fe80::1%eth0')", "error"},
		{"cidr('10.0.0.0/33')", "error"},
		{"isIP('1.2.3.4') && !isIP('1.2.3') && isCIDR('::/0')", TRUE},
		{"type(ip('::1')) == net.IP", TRUE},
	};
	HOLD(state, rows);
}

static void optionals(void **state)
{
	static const struct row rows[] = {
		{"claims.?nobody.orValue('x') == 'x' && claims.?sub.orValue('x') == 'alice'", TRUE},
		{"claims.?nested.deep.hasValue() && !claims.?nobody.deep.hasValue()", TRUE},
		{"[1, 2][?5].hasValue()", FALSE},
		{"claims[?'sub'].optMap(v, v + '!').value()", TEXT("alice!")},
		{"optional.none().value()", "error"},
		{"[?optional.none(), 1] == [1] && {?'a': optional.of(1)} == {'a': 1}", TRUE},
		{"optional.ofNonZeroValue('').or(optional.of('b')).value()", TEXT("b")},
		{"[1].optMap(v, v)", "error"},
	};
	HOLD(state, rows);
}

static void mathematics(void **state)
{
	static const struct row rows[] = {
		{"math.greatest(1, 2.5, 2u) == 2.5 && math.least([3, 1]) == 1", TRUE},
		{"math.greatest()", "error"},
		{"math.greatest('a')", "error"},
		{"math.round(-1.5) == -2.0 && math.abs(-3) == 3 && math.sign(-2.0) == -1.0", TRUE},
		{"math.abs(-9223372036854775808)", "error"},
		{"math.bitAnd(6, 3) == 2 && math.bitShiftRight(-1024, 64) == 0", TRUE},
		{"math.bitShiftLeft(1, -1)", "error"},
		{"math.sqrt(9) == 3.0 && math.isNaN(math.sqrt(-1.0))", TRUE},
	};
	HOLD(state, rows);
}

static void unchecked_mistakes_wait_for_run_time(void **state)
{
	static const struct row rows[] = {
		{"nobody || true", TRUE},      {"nothing(1) || true", TRUE},
		{"'a'.foo() || true", TRUE},   {"1 + 'a'", "error"},
		{"true ? 'a' : 1", TEXT("a")}, {"x + 1", INT("8")},
	};
	hold(*state, rows, ARRAY_LEN(rows), CEL_UNCHECKED);
}

static void a_condition_is_a_bool_with_constant_patterns(void **state)
{
	static const struct row rows[] = {
		{"x == 7", TRUE},
		{"claims.nested.deep", TRUE},
		{"x + 1", "error"},
		{"s.matches('^te')", TRUE},
		{"s.matches(s)", "error"},
		{"s.matches('(')", "error"},
		{"now.getHours('UTC') == 22", TRUE},
		{"now.getHours(s) == 22", "error"},
	};
	hold(*state, rows, ARRAY_LEN(rows), CEL_STRICT);
}

/* ---- limits ---- */

static int compile_many(struct world *w, const char *front, const char *middle, const char *back,
                        size_t n, struct cel_problem *problem)
{
	const struct cel_env env = {.variables = variables, .n_variables = ARRAY_LEN(variables)};
	struct cel_program program = {0};
	size_t length = n * (strlen(front) + strlen(back)) + strlen(middle) + 1;
	char *text = calloc(1, length);
	assert_non_null(text);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		strcat(text, front);
	strcat(text, middle);
	for (size_t i = 0; i < n; i++)
		strcat(text, back);
	int r = cel_compile(sv_of(text), &env, 0, &cel_limits_condition, &w->keep, problem,
	                    &program);
	cel_program_fini(&program);
	arena_reset(&w->keep);
	free(text);
	return r;
}

static void what_is_too_much_is_refused(void **state)
{
	struct world *w = *state;
	struct cel_problem problem;
	assert_int_equal(compile_many(w, "(", "1", ")", 32, &problem), 0);
	assert_int_equal(compile_many(w, "(", "1", ")", 1000, &problem), -EINVAL);
	assert_non_null(strstr(problem.text, "deep"));
	assert_int_equal(compile_many(w, "-", "x", "", 1000, &problem), -EINVAL);
	assert_int_equal(compile_many(w, "[", "1", "]", 1000, &problem), -EINVAL);
	assert_int_equal(compile_many(w, "1+", "1", "", 200, &problem), 0);
	assert_int_equal(compile_many(w, "1+", "1", "", 1000, &problem), -EINVAL);
	assert_int_equal(compile_many(w, "true?1:", "1", "", 24, &problem), 0);
	assert_int_equal(compile_many(w, "", "'", "a", 5000, &problem), -EINVAL);
}

static void steps_and_memory_end(void **state)
{
	static const char *const greedy[] = {
		"[1,2,3,4,5,6,7,8,9,0].map(a, [1,2,3,4,5,6,7,8,9,0].map(b, "
		"[1,2,3,4,5,6,7,8,9,0].map("
		"c, [1,2,3,4,5,6,7,8,9,0].map(d, [1,2,3,4,5,6,7,8,9,0].map(e, a))))).size() > 0 || "
		"true",
		"cel.bind(a, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', cel.bind(b, a+a+a+a+a+a+a+a, "
		"cel.bind("
		"c, b+b+b+b+b+b+b+b, cel.bind(d, c+c+c+c+c+c+c+c, cel.bind(e, d+d+d+d+d+d+d+d, "
		"e+e+e+e+e+e+e+e))))).size() > 0 || true",
	};
	struct world *w = *state;
	for (size_t i = 0; i < ARRAY_LEN(greedy); i++) {
		const struct cel_env env = {0};
		struct cel_problem problem;
		struct cel_program program;
		assert_int_equal(cel_compile(sv_of(greedy[i]), &env, CEL_STRICT,
		                             &cel_limits_condition, &w->keep, &problem, &program),
		                 0);
		struct cel_call call = {.arena = &w->values, .steps = CEL_CONDITION_STEPS};
		const struct cel_bindings bindings = {get, NULL};
		struct cel_value value = cel_evaluate(&program, &call, &bindings, NULL);
		assert_int_equal(value.kind, CEL_ERROR);
		assert_true(call.is_over);
		cel_program_fini(&program);
		arena_reset(&w->keep);
		arena_reset(&w->values);
	}
}

static void a_mistake_has_its_place(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *source;
		unsigned line, column;
		const char *says;
	} rows[] = {
		{"request.paht == 'a'", 1, 1, "request.path"},
		{"x == 1 &&\n  s.siez() == 1", 2, 5, "siez"},
		{"s == 1", 1, 3, "=="},
		{"x ==", 1, 5, "missing"},
		{"'\xc3\xa9' + 1", 1, 5, "+"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cel_env env = {.variables = variables,
		                            .n_variables = ARRAY_LEN(variables)};
		struct cel_problem problem;
		struct cel_program program;
		unsigned line, column;
		assert_int_equal(cel_compile(sv_of(rows[i].source), &env, 0, &wide, &w->keep,
		                             &problem, &program),
		                 -EINVAL);
		cel_place(sv_of(rows[i].source), problem.offset, &line, &column);
		if (!strstr(problem.text, rows[i].says))
			print_error("%s: %s\n", rows[i].source, problem.text);
		assert_non_null(strstr(problem.text, rows[i].says));
		assert_int_equal(line, rows[i].line);
		assert_int_equal(column, rows[i].column);
		arena_reset(&w->keep);
	}
}

/* ---- the public suite ---- */

static FILE *open_cases(void)
{
	char path[4096];
	const char *dir = getenv("HAWARD_CONFORMANCE"), *root = getenv("HAWARD_SOURCE_DIR");
	(void)snprintf(path, sizeof(path), "%s%s/cel-conformance.jsonl",
	               dir    ? dir
	               : root ? root
	                      : ".",
	               dir ? "" : "/../shared/conformance");
	return fopen(path, "re");
}

struct bound {
	const json_t *values;
	const struct cel_variable *variables;
};

static struct cel_value get_bound(struct cel_call *call, const void *context, uint32_t slot)
{
	const struct bound *bound = context;
	const json_t *value = json_object_get(bound->values, bound->variables[slot].name);
	return value ? cel_of_typed(call, value) : cel_error("unbound");
}

/* Returns the number of variables; -1: functions are declared, which the language has no bodies for. */
static int declare(const json_t *one, struct cel_variable room[16])
{
	int n = 0;
	size_t i;
	json_t *row;
	const char *name;
	json_t *value;
	json_array_foreach(json_object_get(one, "type_env"), i, row)
	{
		const char *type = json_string_value(json_object_get(row, "type"));
		if (!type || n == 16)
			return -1;
		room[n++] = (struct cel_variable){json_string_value(json_object_get(row, "name")),
		                                  type};
	}
	if (n > 0)
		return n;
	json_object_foreach(json_object_get(one, "bindings"), name, value)
	{
		if (n == 16)
			return -1;
		room[n++] = (struct cel_variable){name, "dyn"};
	}
	return n;
}

static bool agrees(struct world *w, const json_t *one, const struct cel_env *env)
{
	const json_t *expect = json_object_get(one, "expect");
	const json_t *wanted = json_object_get(expect, "value");
	const char *type = json_string_value(json_object_get(expect, "deduced_type"));
	bool wants_error = json_is_true(json_object_get(expect, "error"));
	unsigned flags = json_is_true(json_object_get(one, "disable_check")) ? CEL_UNCHECKED : 0;
	const struct bound bound = {json_object_get(one, "bindings"), env->variables};
	const struct cel_bindings bindings = {get_bound, &bound};
	struct cel_problem problem;
	struct cel_program program;
	struct cel_call call = {.arena = &w->values, .steps = 1000000};
	if (cel_compile(json_string_sv(json_object_get(one, "expr")), env, flags, &wide, &w->keep,
	                &problem, &program) != 0)
		return wants_error;
	struct cel_value value = cel_evaluate(&program, &call, &bindings, NULL);
	struct cel_value hoped = wanted ? cel_of_typed(&call, wanted) : cel_null();
	bool is_nan = value.kind == CEL_DOUBLE && value.d != value.d && hoped.kind == CEL_DOUBLE &&
	              hoped.d != hoped.d;
	bool good = wants_error
	                    ? cel_is_error(value)
	                    : !wanted || is_nan ||
	                              (value.kind == hoped.kind && cel_equal(&call, value, hoped));
	if (good && type)
		good = sv_eq(cel_type_text(&w->keep, program.type), sv_of(type));
	cel_program_fini(&program);
	return good;
}

static void the_public_suite_agrees(void **state)
{
	struct world *w = *state;
	char *line = NULL;
	size_t room = 0, n_judged = 0, n_skipped = 0, n_wrong = 0;
	ssize_t n;
	FILE *cases = open_cases();
	if (!cases) {
		print_message("cel-conformance.jsonl is not here: skipped\n");
		skip();
		return;
	}
	while ((n = getline(&line, &room, cases)) > 0) {
		struct cel_variable declared[16];
		json_t *one = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
		assert_non_null(one);
		int n_declared = declare(one, declared);
		const struct cel_env env = {
			.variables = declared,
			.n_variables = n_declared > 0 ? (size_t)n_declared : 0,
			.container = json_string_sv(json_object_get(one, "container"))};
		bool good = n_declared < 0 || agrees(w, one, &env);
		if (!good)
			print_error("%.*s\n", (int)n, line);
		n_skipped += n_declared < 0;
		n_judged += n_declared >= 0;
		n_wrong += !good;
		json_decref(one);
		arena_reset(&w->keep);
		arena_reset(&w->values);
	}
	free(line);
	(void)fclose(cases);
	print_message("%zu judged, %zu skipped, %zu wrong\n", n_judged, n_skipped, n_wrong);
	assert_true(n_judged > 0);
	assert_int_equal(n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(literals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(operators, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_are_absorbed_by_either_side, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(macros, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_and_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(conversions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(networks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(optionals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mathematics, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unchecked_mistakes_wait_for_run_time, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_condition_is_a_bool_with_constant_patterns,
	                                        set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_too_much_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(steps_and_memory_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mistake_has_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_public_suite_agrees, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
