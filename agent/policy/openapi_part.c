#include "policy/openapi_part.h"

#include "core/jsonpos.h"
#include "core/names.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCES_MAX = 16 };

/* ---- places ---- */

/* For what does not fit there is always room. */
static const char more[] = "/...";

struct openapi_place openapi_key(const struct openapi_place *at, const char *key)
{
	struct openapi_place ret = *at;
	struct sv before = sv_of(at->pointer);
	if (!json_pointer_add(ret.pointer, sizeof(ret.pointer) - strlen(more), sv_of(key)) &&
	    !sv_ends(before, sv_of(more)))
		memcpy(ret.pointer + before.n, more, sizeof(more));
	return ret;
}

struct openapi_place openapi_index(const struct openapi_place *at, size_t index)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%zu", index);
	return openapi_key(at, text);
}

/* ---- notes ---- */

static void note(struct openapi *o, const struct openapi_place *at, bool is_error,
                 const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void note(struct openapi *o, const struct openapi_place *at, bool is_error,
                 const char *format, va_list args)
{
	struct openapi_import *import = o->import;
	import->n_errors += is_error;
	if (import->n_notes == OPENAPI_NOTES_MAX)
		return;
	struct openapi_note *ret = &import->notes[import->n_notes];
	ret->is_error = is_error;
	int n = snprintf(ret->text, sizeof(ret->text), "%s: ", at->pointer[0] ? at->pointer : "/");
	if (n > 0 && (size_t)n < sizeof(ret->text))
		(void)vsnprintf(ret->text + n, sizeof(ret->text) - (size_t)n, format, args);
	/* what many operations share is said once */
	for (size_t i = 0; i < import->n_notes; i++)
		if (strcmp(import->notes[i].text, ret->text) == 0)
			return;
	import->n_notes++;
}

void openapi_refuse(struct openapi *o, const struct openapi_place *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note(o, at, true, format, args);
	va_end(args);
}

void openapi_tell(struct openapi *o, const struct openapi_place *at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note(o, at, false, format, args);
	va_end(args);
}

/* ---- the document ---- */

/* "~1" and "~0" of a pointer's part, in place. */
static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (text[0] == '~' && (text[1] == '0' || text[1] == '1'))
			*to++ = *++text == '0' ? '~' : '/';
		else
			*to++ = *text;
	}
	*to = '\0';
}

static const json_t *child(const json_t *value, const char *name)
{
	char *end = NULL;
	if (json_is_object(value))
		return json_object_get(value, name);
	if (!json_is_array(value) || name[0] == '\0')
		return NULL;
	unsigned long i = strtoul(name, &end, 10);
	return *end ? NULL : json_array_get(value, i);
}

/* What "#/a/b" leads to. */
static const json_t *follow(struct openapi *o, const char *reference, struct openapi_place *ret)
{
	const json_t *value = o->document;
	struct sv rest = sv_of(reference), part;
	*ret = (struct openapi_place){""};
	(void)sv_cut(&rest, '/', &part); /* "#" */
	while (value && sv_cut(&rest, '/', &part)) {
		char name[OPENAPI_POINTER_BYTES];
		if (part.n >= sizeof(name))
			return NULL;
		(void)snprintf(name, sizeof(name), "%.*s", SV_ARG(part));
		unescape(name);
		value = child(value, name);
		*ret = openapi_key(ret, name);
	}
	return value;
}

const json_t *openapi_resolve(struct openapi *o, const json_t *value, struct openapi_place *at)
{
	struct openapi_place from = *at;
	for (unsigned n = 0; n < REFERENCES_MAX; n++) {
		const json_t *reference = json_object_get(value, "$ref");
		const char *text = json_string_value(reference);
		if (!reference)
			return value;
		if (!text || strncmp(text, "#/", 2) != 0) {
			openapi_refuse(o, &from,
			               "$ref: only what stands in this document is followed; put "
			               "'%.80s' into it",
			               text ? text : "(no text)");
			return NULL;
		}
		value = follow(o, text, at);
		if (!value) {
			openapi_refuse(o, &from, "$ref: '%.80s' is not in this document", text);
			return NULL;
		}
	}
	openapi_refuse(o, &from, "$ref: it leads in a circle");
	return NULL;
}

void openapi_only(struct openapi *o, const json_t *object, const struct openapi_place *at,
                  const char *const *names)
{
	const char *name;
	json_t *value;
	if (!json_is_object(object)) {
		openapi_refuse(o, at, "an object is expected here");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		struct openapi_place place = openapi_key(at, name);
		if (strncmp(name, "x-", 2) != 0 && !names_listed(names, name))
			openapi_refuse(o, &place,
			               "this is not understood, so nothing is made of it");
	}
}

void openapi_put(struct openapi *o, json_t *into, const char *name, json_t *value)
{
	int r = name ? json_object_set_new(into, name, value) : json_array_append_new(into, value);
	o->out_of_memory = o->out_of_memory || r != 0;
}
