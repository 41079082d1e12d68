#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/jsonpos.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdlib.h>

static void positions_are_those_a_person_sees(void **state)
{
	(void)state;
	static const struct sv text =
		SV("{\n  \"a\": [1, {\"b/c\": \"x]\\\"\"},\n    true],\n  \"d~\": null\n}");
	static const struct {
		const char *pointer;
		unsigned line, column;
	} cases[] = {
		{"", 1, 1},           {"/a", 2, 8},   {"/a/0", 2, 9},
		{"/a/1/b~1c", 2, 20}, {"/a/2", 3, 5}, {"/d~0", 4, 9},
		{"/a/7", 2, 8},       {"/zz", 1, 1},  {"/a/1/q", 2, 12},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned line, column;
		json_position(text, cases[i].pointer, &line, &column);
		assert_int_equal(line, cases[i].line);
		assert_int_equal(column, cases[i].column);
	}
}

static void broken_text_has_a_position_too(void **state)
{
	(void)state;
	static const char *const texts[] = {"{\"a\":", "[[[[", "\"",    "{\"a\" \"b\"}",
	                                    "}",       "{,}",  "[1,,2]"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		unsigned line = 0, column = 0;
		json_position(sv_of(texts[i]), "/a/0/b", &line, &column);
		assert_true(line == 1 && column >= 1);
	}
}

static void strict_loading_refuses_with_a_place(void **state)
{
	(void)state;
	static const struct {
		struct sv text;
		const char *code;
	} cases[] = {
		{SV(""), "not_json"},
		{SV("{\"a\":1,\"a\":2}"), "duplicate_member"},
		{SV("{\"a\":1} x"), "not_json"},
		{SV("{\"a\":\"\\u0000\"}"), "not_json"},
		{SV("\"\xff\""), "not_json"},
		{SV("[[[[1]]]]"), "too_deep"},
		{SV("{\"a\":\n nul}"), "not_json"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct diag d = diag_over("x.json", cases[i].text);
		assert_null(json_load_strict(cases[i].text, 3, &d));
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].code, cases[i].code);
		assert_true(d.items[0].line >= 1);
		diag_fini(&d);
	}
	json_t *deep = json_load_strict(SVL("[[[\"[[[[\"]]]"), 3, NULL);
	assert_non_null(deep);
	json_decref(deep);
}

struct inner {
	int64_t size;
};

struct outer {
	char *name;
	bool on;
	unsigned mode;
	struct json_strings list;
	struct inner inner;
	const json_t *rest;
};

static const char *const modes[] = {"enforce", "shadow"};
static const struct json_field inner_fields[] = {
	{.name = "size",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct inner, size),
         .min = 1,
         .max = 9},
};
static const struct json_field fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct outer, name),
         .min = 1,
         .max = 8,
         .required = true},
	{.name = "on", .kind = JSON_FIELD_BOOL, .offset = offsetof(struct outer, on)},
	{.name = "mode",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct outer, mode),
         .names = modes,
         .n_names = ARRAY_LEN(modes)},
	{.name = "list", .kind = JSON_FIELD_STRINGS, .offset = offsetof(struct outer, list)},
	{.name = "inner",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct outer, inner),
         .fields = inner_fields,
         .n_fields = ARRAY_LEN(inner_fields),
         .nullable = true},
	{.name = "rest", .kind = JSON_FIELD_VALUE, .offset = offsetof(struct outer, rest)},
};

static int read_outer(struct sv text, struct diag *d, struct outer *ret)
{
	json_t *object = json_load_strict(text, 0, d);
	assert_non_null(object);
	int r = json_fields_read(object, fields, ARRAY_LEN(fields), "", d, ret);
	json_decref(object);
	return r;
}

static void a_table_reads_an_object(void **state)
{
	(void)state;
	struct outer o = {.inner.size = 5};
	assert_int_equal(read_outer(SVL("{\"name\":\"x\",\"on\":true,\"mode\":\"shadow\","
	                                "\"list\":[\"a\",\"b\"],\"inner\":null}"),
	                            NULL, &o),
	                 0);
	assert_string_equal(o.name, "x");
	assert_true(o.on && o.mode == 1 && o.list.n == 2 && o.inner.size == 5);
	json_fields_free(fields, ARRAY_LEN(fields), &o);
	assert_null(o.name);
}

static void every_error_is_reported_at_its_pointer(void **state)
{
	(void)state;
	static const struct sv text = SV("{\"nam\":1,\n\"on\":1,\"mode\":\"shado\",\"list\":[\"a\","
	                                 "2],\"inner\":{\"size\":10}}");
	static const struct {
		const char *pointer, *code;
	} expected[] = {
		{"", "missing_key"},       {"/nam", "unknown_key"},
		{"/on", "wrong_type"},     {"/mode", "unknown_value"},
		{"/list/1", "wrong_type"}, {"/inner/size", "out_of_range"},
	};
	struct outer o = {0};
	struct diag d = diag_over("x.json", text);
	assert_int_equal(read_outer(text, &d, &o), -EINVAL);
	assert_int_equal(d.n, ARRAY_LEN(expected));
	for (size_t i = 0; i < d.n; i++) {
		assert_string_equal(d.items[i].pointer, expected[i].pointer);
		assert_string_equal(d.items[i].code, expected[i].code);
	}
	assert_non_null(strstr(d.items[1].message, "did you mean 'name'"));
	assert_non_null(strstr(d.items[3].message, "did you mean 'shadow'"));
	assert_int_equal(d.items[2].line, 2);
	diag_fini(&d);
	json_fields_free(fields, ARRAY_LEN(fields), &o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(positions_are_those_a_person_sees),
		cmocka_unit_test(broken_text_has_a_position_too),
		cmocka_unit_test(strict_loading_refuses_with_a_place),
		cmocka_unit_test(a_table_reads_an_object),
		cmocka_unit_test(every_error_is_reported_at_its_pointer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
