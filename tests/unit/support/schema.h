/* A document judged by a JSON schema: the keywords that our schemas use and no others, so that none is passed
 * over. One rule is ours: a member that the schema does not name is a fault, whatever it says about more. */
#ifndef SUPPORT_SCHEMA_H
#define SUPPORT_SCHEMA_H

#include "core/sv.h"
#include "support/cmocka_prelude.h"

#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* schema/NAME of the source tree; owned by the caller. */
static inline json_t *schema_load(const char *name)
{
	char path[512];
	const char *source =
		getenv("HAWARD_SOURCE_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
	(void)snprintf(path, sizeof(path), "%s/schema/%s", source ? source : ".", name);
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	return document;
}

struct schema_fault {
	char text[256]; /* empty: none */
};

/* One look: a value, its schema, and the document that "#/..." points into. */
struct schema_look {
	const json_t *document;
	const json_t *schema;
	const json_t *value;
	const char *at;
	struct schema_fault *fault;
};

static inline bool schema_judge(struct schema_look look);

static inline bool schema_refuse(const struct schema_look *look, const char *keyword)
{
	char *shown = json_dumps(look->value, JSON_ENCODE_ANY | JSON_COMPACT);
	(void)snprintf(look->fault->text, sizeof(look->fault->text), "%s: %s refuses %.120s",
	               look->at, keyword, shown ? shown : "");
	free(shown);
	return false;
}

static inline bool schema_is_type(const char *type, const json_t *value)
{
	static const struct {
		const char *name;
		json_type is;
	} types[] = {{"string", JSON_STRING}, {"integer", JSON_INTEGER}, {"number", JSON_REAL},
	             {"object", JSON_OBJECT}, {"array", JSON_ARRAY},     {"null", JSON_NULL}};
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(type, "number") == 0 && json_is_integer(value))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, type) == 0)
			return json_typeof(value) == types[i].is;
	fail_msg("a schema has the type %s", type);
	return false;
}

static inline bool schema_type(const struct schema_look *look, const json_t *rule)
{
	size_t i;
	const json_t *one;
	if (json_is_string(rule))
		return schema_is_type(json_string_value(rule), look->value);
	json_array_foreach(
		rule, i, one) if (schema_is_type(json_string_value(one), look->value)) return true;
	return false;
}

static inline bool schema_enum(const struct schema_look *look, const json_t *rule)
{
	size_t i;
	const json_t *one;
	json_array_foreach(rule, i, one) if (json_equal(one, look->value)) return true;
	return false;
}

static inline bool schema_const(const struct schema_look *look, const json_t *rule)
{
	return json_equal(rule, look->value);
}

static inline bool schema_minimum(const struct schema_look *look, const json_t *rule)
{
	return !json_is_number(look->value) ||
	       json_number_value(look->value) >= json_number_value(rule);
}

static inline bool schema_pattern(const struct schema_look *look, const json_t *rule)
{
	regex_t regex;
	if (!json_is_string(look->value))
		return true;
	assert_int_equal(regcomp(&regex, json_string_value(rule), REG_EXTENDED | REG_NOSUB), 0);
	bool found = regexec(&regex, json_string_value(look->value), 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static inline bool schema_required(const struct schema_look *look, const json_t *rule)
{
	size_t i;
	const json_t *name;
	json_array_foreach(
		rule, i,
		name) if (json_is_object(look->value) &&
	                  !json_object_get(look->value, json_string_value(name))) return false;
	return true;
}

static inline bool schema_properties(const struct schema_look *look, const json_t *rule)
{
	const char *name;
	json_t *value;
	if (!json_is_object(look->value))
		return true;
	json_object_foreach((json_t *)(uintptr_t)look->value, name, value)
	{
		struct schema_look below = *look;
		below.schema = json_object_get(rule, name);
		below.value = value;
		below.at = name;
		if (!below.schema)
			return schema_refuse(&below, "properties, which do not know it,");
		if (!schema_judge(below))
			return false;
	}
	return true;
}

static inline bool schema_items(const struct schema_look *look, const json_t *rule)
{
	size_t i;
	const json_t *value;
	if (!json_is_array(look->value))
		return true;
	json_array_foreach(look->value, i, value)
	{
		struct schema_look below = *look;
		below.schema = rule;
		below.value = value;
		if (!schema_judge(below))
			return false;
	}
	return true;
}

/* The fault told is that of the last one. */
static inline bool schema_one_of(const struct schema_look *look, const json_t *rule)
{
	size_t i;
	const json_t *one;
	unsigned n = 0;
	json_array_foreach(rule, i, one)
	{
		struct schema_look below = *look;
		below.schema = one;
		n += schema_judge(below);
	}
	if (n == 1)
		look->fault->text[0] = '\0';
	return n == 1;
}

static inline bool schema_ref(const struct schema_look *look, const json_t *rule)
{
	struct sv rest = sv_of(json_string_value(rule));
	struct sv part;
	struct schema_look there = *look;
	assert_true(sv_starts(rest, SVL("#/")));
	rest = sv_from(rest, 2);
	there.schema = look->document;
	while (sv_cut(&rest, '/', &part))
		there.schema = json_object_getn(there.schema, part.at, part.n);
	assert_non_null(there.schema);
	return schema_judge(there);
}

static inline bool schema_says_nothing(const struct schema_look *look, const json_t *rule)
{
	(void)look;
	(void)rule;
	return true;
}

/* False and *fault when the value is not as the schema says. */
static inline bool schema_judge(struct schema_look look)
{
	static const struct {
		const char *keyword;
		bool (*holds)(const struct schema_look *look, const json_t *rule);
	} keywords[] = {
		{"type", schema_type},
		{"enum", schema_enum},
		{"const", schema_const},
		{"minimum", schema_minimum},
		{"pattern", schema_pattern},
		{"required", schema_required},
		{"properties", schema_properties},
		{"items", schema_items},
		{"oneOf", schema_one_of},
		{"$ref", schema_ref},
		{"additionalProperties", schema_says_nothing}, /* our rule is stricter */
		{"format", schema_says_nothing},
		{"description", schema_says_nothing},
		{"examples", schema_says_nothing},
		{"title", schema_says_nothing},
		{"$schema", schema_says_nothing},
		{"$id", schema_says_nothing},
		{"$defs", schema_says_nothing},
	};
	const char *name;
	json_t *rule;
	json_object_foreach((json_t *)(uintptr_t)look.schema, name, rule)
	{
		size_t i = 0;
		while (i < ARRAY_LEN(keywords) && strcmp(keywords[i].keyword, name) != 0)
			i++;
		if (i == ARRAY_LEN(keywords))
			fail_msg("a schema has the keyword %s", name);
		if (keywords[i].holds(&look, rule))
			continue;
		return look.fault->text[0] ? false : schema_refuse(&look, name);
	}
	return true;
}

static inline void schema_must_accept(const json_t *document, const json_t *schema,
                                      const json_t *value)
{
	struct schema_fault fault = {""};
	if (!schema_judge((struct schema_look){document, schema, value, "the document", &fault}))
		fail_msg("%s", fault.text);
}

static inline void schema_must_refuse(const json_t *document, const json_t *schema,
                                      const json_t *value)
{
	struct schema_fault fault = {""};
	if (schema_judge((struct schema_look){document, schema, value, "the document", &fault}))
		fail_msg("a schema accepts what it must not");
	assert_true(fault.text[0] != '\0');
}

#endif
