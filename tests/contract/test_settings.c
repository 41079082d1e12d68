/* agent/settings.c and schema/settings.schema.json say the same of every setting: that it is there, its type,
 * its limits, its default; and both judge the cases of settings-cases.json alike. */
#include "core/fileio.h"
#include "core/jsonload.h"
#include "settings.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A table row beside what the schema says of it. */
struct pair {
	const struct json_field *field;
	const json_t *schema;
	char pointer[256];
};

static json_t *read_document(const char *name)
{
	const char *root = getenv("HAWARD_SOURCE_DIR");
	char path[4096];
	char *text = NULL;
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	assert_int_equal(file_read(path, 1 << 20, &text, &n), 0);
	json_t *document = json_load_strict((struct sv){text, n}, 0, NULL);
	free(text);
	assert_non_null(document);
	return document;
}

static void same_number(const struct pair *p, const json_t *schema, const char *keyword,
                        int64_t wanted)
{
	const json_t *value = json_object_get(schema, keyword);
	if (!json_is_integer(value) || json_integer_value(value) != wanted)
		fail_msg("%s: %s is not %lld", p->pointer, keyword, (long long)wanted);
}

static void same_length(const struct pair *p, const json_t *schema)
{
	if (p->field->max > 0) {
		same_number(p, schema, "minLength", p->field->min);
		same_number(p, schema, "maxLength", p->field->max);
	} else if (json_object_get(schema, "maxLength") || json_object_get(schema, "minLength")) {
		fail_msg("%s: the schema has a length that the table has not", p->pointer);
	}
}

static void same_type(const struct pair *p, const char *wanted)
{
	const json_t *type = json_object_get(p->schema, "type");
	const char *name = json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
	const char *other = json_string_value(json_array_get(type, 1));
	bool nullable = json_array_size(type) == 2 && other && strcmp(other, "null") == 0;
	if (!name || strcmp(name, wanted) != 0 || nullable != p->field->nullable)
		fail_msg("%s: the type is not %s%s", p->pointer, wanted,
		         p->field->nullable ? " or null" : "");
}

static void same_default(const struct pair *p, json_t *wanted)
{
	const json_t *stated = json_object_get(p->schema, "default");
	if (!json_equal(stated, wanted))
		fail_msg("%s: the default is %s", p->pointer,
		         json_dumps(wanted, JSON_ENCODE_ANY | JSON_COMPACT));
	json_decref(wanted);
}

static void same_string(const struct pair *p, const void *at)
{
	const char *value = *(char *const *)at;
	same_type(p, "string");
	same_length(p, p->schema);
	if (value || p->field->nullable)
		same_default(p, value ? json_string(value) : json_null());
	else if (json_object_get(p->schema, "default"))
		fail_msg("%s: there is no default", p->pointer);
}

static void same_strings(const struct pair *p, const void *at)
{
	const struct json_strings *list = at;
	const json_t *items = json_object_get(p->schema, "items");
	json_t *value = json_array();
	same_type(p, "array");
	if (!json_object_get(items, "$ref")) {
		assert_string_equal(json_string_value(json_object_get(items, "type")), "string");
		same_length(p, items);
	}
	for (size_t i = 0; i < list->n; i++)
		assert_int_equal(json_array_append_new(value, json_string(list->at[i])), 0);
	same_default(p, value);
}

static void same_bool(const struct pair *p, const void *at)
{
	same_type(p, "boolean");
	same_default(p, json_boolean(*(const bool *)at));
}

static void same_int(const struct pair *p, const void *at)
{
	same_type(p, "integer");
	same_number(p, p->schema, "minimum", p->field->min);
	same_number(p, p->schema, "maximum", p->field->max);
	same_default(p, json_integer(*(const int64_t *)at));
}

static void same_enum(const struct pair *p, const void *at)
{
	const json_t *names = json_object_get(p->schema, "enum");
	assert_int_equal(json_array_size(names), p->field->n_names);
	for (size_t i = 0; i < p->field->n_names; i++)
		assert_string_equal(json_string_value(json_array_get(names, i)),
		                    p->field->names[i]);
	same_default(p, json_string(p->field->names[*(const unsigned *)at]));
}

static void no_value(const struct pair *p, const void *at)
{
	(void)at;
	fail_msg("%s: settings have no free-form members", p->pointer);
}

static void same_object(const struct json_field *fields, size_t n, const json_t *schema,
                        const void *defaults, const char *pointer);

static void same_section(const struct pair *p, const void *at)
{
	same_object(p->field->fields, p->field->n_fields, p->schema, at, p->pointer);
}

static void (*const judges[])(const struct pair *p, const void *at) = {
	[JSON_FIELD_STRING] = same_string, [JSON_FIELD_STRINGS] = same_strings,
	[JSON_FIELD_BOOL] = same_bool,     [JSON_FIELD_INT] = same_int,
	[JSON_FIELD_ENUM] = same_enum,     [JSON_FIELD_OBJECT] = same_section,
	[JSON_FIELD_VALUE] = no_value,
};

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables are */
static void same_object(const struct json_field *fields, size_t n, const json_t *schema,
                        const void *defaults, const char *pointer)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *value;
	assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	for (size_t i = 0; i < n; i++) {
		struct pair p = {.field = &fields[i],
		                 .schema = json_object_get(properties, fields[i].name)};
		(void)snprintf(p.pointer, sizeof(p.pointer), "%s/%s", pointer, fields[i].name);
		if (!p.schema)
			fail_msg("%s is not in the schema", p.pointer);
		if (!json_object_get(p.schema, "description"))
			fail_msg("%s has no description", p.pointer);
		assert_false(fields[i].required);
		judges[fields[i].kind](&p, (const char *)defaults + fields[i].offset);
	}
	json_object_foreach((json_t *)(uintptr_t)properties, name, value)
	{
		size_t at = 0;
		while (at < n && strcmp(fields[at].name, name) != 0)
			at++;
		if (at == n)
			fail_msg("%s/%s is in the schema alone", pointer, name);
	}
}

static void every_setting_is_in_the_schema_as_it_is_read(void **state)
{
	(void)state;
	struct json_field fields[SETTINGS_N_FIELDS];
	struct settings defaults;
	json_t *schema = read_document("schema/settings.schema.json");
	settings_fields(fields);
	assert_int_equal(settings_default(&defaults), 0);
	same_object(fields, SETTINGS_N_FIELDS, schema, &defaults, "");
	settings_fini(&defaults);
	json_decref(schema);
}

/* returns what settings_load() says of the document */
static int judge(const json_t *document, const char *name, bool valid)
{
	char path[] = "/tmp/haward-settings-XXXXXX";
	int fd = mkstemp(path);
	char *text = NULL;
	struct settings settings;
	assert_true(fd >= 0);
	assert_int_equal(json_dumpfd(document, fd, JSON_ENCODE_ANY), 0);
	assert_int_equal(close(fd), 0);
	struct diag d = diag_over(name, (struct sv){0});
	int r = settings_load(path, &d, &text, &settings);
	if ((r == 0) != valid) {
		print_message("%s\n", name);
		diag_print(&d, stderr);
	}
	assert_int_equal(d.n > 0, r != 0);
	settings_fini(&settings);
	diag_fini(&d);
	free(text);
	assert_int_equal(unlink(path), 0);
	return r;
}

static void the_loader_judges_as_the_table_says(void **state)
{
	(void)state;
	json_t *cases = read_document("tests/contract/settings-cases.json");
	assert_true(json_array_size(cases) > 100);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		const json_t *one = json_array_get(cases, i);
		bool valid = json_is_true(json_object_get(one, "valid"));
		const char *name = json_string_value(json_object_get(one, "name"));
		assert_int_equal(judge(json_object_get(one, "document"), name, valid),
		                 valid ? 0 : -EINVAL);
	}
	json_decref(cases);
}

static void the_shipped_settings_are_good(void **state)
{
	(void)state;
	static const char *const shipped[] = {
		"haproxy-examples/quickstart/haward.json", "haproxy-examples/api-keys/haward.json",
		"haproxy-examples/mtls/haward.json", "agent/packaging/haward.json.in"};
	for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
		json_t *document = read_document(shipped[i]);
		assert_int_equal(judge(document, shipped[i], true), 0);
		json_decref(document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_is_in_the_schema_as_it_is_read),
		cmocka_unit_test(the_loader_judges_as_the_table_says),
		cmocka_unit_test(the_shipped_settings_are_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
