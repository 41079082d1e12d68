#include "core/jsonfields.h"

#include "core/jsonload.h"
#include "core/jsonpos.h"
#include "core/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTER_BYTES = 1024, NAMES_MAX = 64 };

/* One member on its way into its place. */
struct place {
	const struct json_field *field;
	const json_t *value;
	char pointer[POINTER_BYTES];
	struct diag *diag;
	void *into;
};

static int wrong_kind(const struct place *p, const char *expected)
{
	diag_add(p->diag, p->pointer, "wrong_type", "%s is expected here", expected);
	return -EINVAL;
}

static int check_length(const struct place *p, const char *pointer, size_t n)
{
	const struct json_field *f = p->field;
	if (f->max <= 0 || ((int64_t)n >= f->min && (int64_t)n <= f->max))
		return 0;
	diag_add(p->diag, pointer, "wrong_length", "between %lld and %lld bytes are expected",
	         (long long)f->min, (long long)f->max);
	return -EINVAL;
}

static int read_string(const struct place *p)
{
	if (!json_is_string(p->value))
		return wrong_kind(p, "a string");
	struct sv text = json_string_sv(p->value);
	if (check_length(p, p->pointer, text.n))
		return -EINVAL;
	char *copy = sv_dup(text);
	if (!copy)
		return -ENOMEM;
	free(*(char **)p->into);
	*(char **)p->into = copy;
	return 0;
}

static int read_strings(const struct place *p)
{
	struct json_strings list = {0};
	int r = json_strings_read(p->value, p->pointer, p->diag, &list);
	for (size_t i = 0; i < list.n; i++) {
		char at[POINTER_BYTES + 32];
		(void)snprintf(at, sizeof(at), "%s/%zu", p->pointer, i);
		if (check_length(p, at, strlen(list.at[i])))
			r = -EINVAL;
	}
	if (r) {
		json_strings_free(&list);
		return r;
	}
	json_strings_free(p->into);
	*(struct json_strings *)p->into = list;
	return 0;
}

static int read_bool(const struct place *p)
{
	if (!json_is_boolean(p->value))
		return wrong_kind(p, "true or false");
	*(bool *)p->into = json_is_true(p->value);
	return 0;
}

static int read_int(const struct place *p)
{
	if (!json_is_integer(p->value))
		return wrong_kind(p, "a whole number");
	json_int_t value = json_integer_value(p->value);
	if (value < p->field->min || value > p->field->max) {
		diag_add(p->diag, p->pointer, "out_of_range", "%lld is outside %lld to %lld",
		         (long long)value, (long long)p->field->min, (long long)p->field->max);
		return -EINVAL;
	}
	*(int64_t *)p->into = value;
	return 0;
}

static int read_enum(const struct place *p)
{
	if (!json_is_string(p->value))
		return wrong_kind(p, "a string");
	struct sv text = json_string_sv(p->value);
	unsigned value;
	if (!names_find(p->field->names, p->field->n_names, text, &value)) {
		const char *near = names_nearest(p->field->names, p->field->n_names, text);
		diag_add(p->diag, p->pointer, "unknown_value", "'%.*s' is not known here%s%s%s",
		         SV_ARG(text), near ? "; did you mean '" : "", near ? near : "",
		         near ? "'?" : "");
		return -EINVAL;
	}
	*(unsigned *)p->into = value;
	return 0;
}

static int read_object(const struct place *p)
{
	return json_fields_read(p->value, p->field->fields, p->field->n_fields, p->pointer, p->diag,
	                        p->into);
}

static int read_value(const struct place *p)
{
	*(const json_t **)p->into = p->value;
	return 0;
}

static int (*const readers[])(const struct place *p) = {
	[JSON_FIELD_STRING] = read_string, [JSON_FIELD_STRINGS] = read_strings,
	[JSON_FIELD_BOOL] = read_bool,     [JSON_FIELD_INT] = read_int,
	[JSON_FIELD_ENUM] = read_enum,     [JSON_FIELD_OBJECT] = read_object,
	[JSON_FIELD_VALUE] = read_value,
};

static const struct json_field *find_field(const struct json_field *fields, size_t n,
                                           const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static void report_unknown(const struct json_field *fields, size_t n, const char *pointer,
                           const char *name, struct diag *d)
{
	const char *names[NAMES_MAX];
	size_t n_names = 0;
	for (size_t i = 0; i < n && i < NAMES_MAX; i++)
		names[n_names++] = fields[i].name;
	const char *near = names_nearest(names, n_names, sv_of(name));
	diag_add(d, pointer, "unknown_key", "'%s' is not known here%s%s%s", name,
	         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int report_missing(const json_t *object, const struct json_field *fields, size_t n,
                          const char *pointer, struct diag *d)
{
	int r = 0;
	for (size_t i = 0; i < n; i++) {
		if (!fields[i].required || json_object_get(object, fields[i].name))
			continue;
		diag_add(d, pointer, "missing_key", "'%s' is required here", fields[i].name);
		r = -EINVAL;
	}
	return r;
}

static int read_member(const struct place *p)
{
	if (!p->field)
		return -EINVAL;
	if (json_is_null(p->value) && p->field->nullable)
		return 0;
	return readers[p->field->kind](p);
}

int json_fields_read(const json_t *object, const struct json_field *fields, size_t n_fields,
                     const char *pointer, struct diag *d, void *into)
{
	const char *name;
	json_t *value;
	if (!json_is_object(object)) {
		diag_add(d, pointer, "wrong_type", "an object is expected here");
		return -EINVAL;
	}
	int result = report_missing(object, fields, n_fields, pointer, d);
	/* jansson's iterator takes a json_t that it does not change */
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		struct place p = {
			.field = find_field(fields, n_fields, name), .value = value, .diag = d};
		(void)snprintf(p.pointer, sizeof(p.pointer), "%s", pointer);
		(void)json_pointer_add(p.pointer, sizeof(p.pointer), sv_of(name));
		if (p.field)
			p.into = (char *)into + p.field->offset;
		else
			report_unknown(fields, n_fields, p.pointer, name, d);
		int r = read_member(&p);
		if (r && result != -ENOMEM)
			result = r;
	}
	return result;
}

void json_fields_free(const struct json_field *fields, size_t n_fields, void *from)
{
	for (size_t i = 0; i < n_fields; i++) {
		void *at = (char *)from + fields[i].offset;
		if (fields[i].kind == JSON_FIELD_STRING) {
			free(*(char **)at);
			*(char **)at = NULL;
		} else if (fields[i].kind == JSON_FIELD_STRINGS) {
			json_strings_free(at);
		} else if (fields[i].kind == JSON_FIELD_OBJECT) {
			json_fields_free(fields[i].fields, fields[i].n_fields, at);
		}
	}
}

static int string_element(const json_t *value, const char *pointer, size_t index, struct diag *d,
                          char **ret)
{
	if (json_is_string(value)) {
		*ret = sv_dup(json_string_sv(value));
		return *ret ? 0 : -ENOMEM;
	}
	char at[POINTER_BYTES];
	(void)snprintf(at, sizeof(at), "%s/%zu", pointer, index);
	diag_add(d, at, "wrong_type", "a string is expected here");
	return -EINVAL;
}

int json_strings_read(const json_t *array, const char *pointer, struct diag *d,
                      struct json_strings *ret)
{
	if (!json_is_array(array)) {
		diag_add(d, pointer, "wrong_type", "an array of strings is expected here");
		return -EINVAL;
	}
	size_t n = json_array_size(array);
	struct json_strings list = {.at = calloc(n ? n : 1, sizeof(char *))};
	if (!list.at)
		return -ENOMEM;
	int result = 0;
	for (size_t i = 0; i < n; i++) {
		int r = string_element(json_array_get(array, i), pointer, i, d, &list.at[list.n]);
		if (r)
			result = r;
		else
			list.n++;
	}
	if (result) {
		json_strings_free(&list);
		return result;
	}
	*ret = list;
	return 0;
}

void json_strings_free(struct json_strings *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i]);
	free(list->at);
	*list = (struct json_strings){0};
}
