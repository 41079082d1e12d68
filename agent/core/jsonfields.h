/* A JSON object into a struct, by a table with one row a member. Every error is reported with its
 * pointer, an unknown member with the nearest known name. A module keeps its options struct and its
 * table together.
 */
#ifndef CORE_JSONFIELDS_H
#define CORE_JSONFIELDS_H

#include "core/diag.h"
#include "core/macros.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_FIELD_STRING,  /* char *: owned, replaces what was there */
	JSON_FIELD_STRINGS, /* struct json_strings: owned */
	JSON_FIELD_BOOL,    /* bool */
	JSON_FIELD_INT,     /* int64_t, within min and max */
	JSON_FIELD_ENUM,    /* unsigned: index into names */
	JSON_FIELD_OBJECT,  /* nested struct, by its own table */
	JSON_FIELD_VALUE,   /* const json_t *: borrowed from the document, judged by the caller */
};

struct json_strings {
	char **at; /* owned, as each of them */
	size_t n;
};

struct json_field {
	const char *name;
	enum json_kind kind;
	size_t offset;
	int64_t min, max; /* INT; for STRING and STRINGS the length of each in bytes when max > 0 */
	const char *const *names; /* ENUM */
	size_t n_names;
	const struct json_field *fields; /* OBJECT */
	size_t n_fields;
	bool required;
	bool nullable; /* null leaves the field as it is */
};

#define JSON_FIELD_AT(type, member) offsetof(type, member)

/* json_fields_read - reads object into *into, which holds the defaults.
 *
 * in      pointer: where the object stands in the document, "" for the root
 * out     d: every error found; into: the members that were good
 * errors  0, -EINVAL when anything was reported, -ENOMEM
 */
MUST_CHECK int json_fields_read(const json_t *object, const struct json_field *fields,
                                size_t n_fields, const char *pointer, struct diag *d, void *into);

/* json_fields_free - releases what STRING and STRINGS rows own, also in nested structs. */
void json_fields_free(const struct json_field *fields, size_t n_fields, void *from);

/* json_strings_read - an array of strings into an owned list; errors as json_fields_read(). */
MUST_CHECK int json_strings_read(const json_t *array, const char *pointer, struct diag *d,
                                 struct json_strings *ret);
void json_strings_free(struct json_strings *list);

#endif
