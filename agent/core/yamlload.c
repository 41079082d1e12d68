#include "core/yamlload.h"

#include "core/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct loading {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand */
	bool has_event;
	size_t n_nodes;
	struct yaml_problem *problem;
	int error; /* 0, or what yaml_load() ends with */
};

static json_t *fail(struct loading *l, const char *message, const yaml_mark_t *at)
{
	if (l->error)
		return NULL;
	l->error = -EINVAL;
	*l->problem = (struct yaml_problem){at->line + 1, at->column + 1, message};
	return NULL;
}

static json_t *full(struct loading *l)
{
	if (!l->error)
		l->error = -ENOMEM;
	return NULL;
}

static bool next(struct loading *l)
{
	if (l->has_event)
		yaml_event_delete(&l->event);
	l->has_event = yaml_parser_parse(&l->parser, &l->event) != 0;
	if (!l->has_event && l->parser.error == YAML_MEMORY_ERROR)
		(void)full(l);
	else if (!l->has_event)
		(void)fail(l, "this is no YAML", &l->parser.problem_mark);
	return l->has_event;
}

/* ---- scalars ---- */

/* -?[0-9]+, or with a fraction or an exponent. false: neither */
static bool is_number(struct sv text, bool *is_real)
{
	size_t i = text.n > 0 && (text.at[0] == '-' || text.at[0] == '+'), digits = 0;
	*is_real = false;
	for (; i < text.n && text.at[i] >= '0' && text.at[i] <= '9'; i++)
		digits++;
	if (i < text.n && text.at[i] == '.') {
		*is_real = true;
		for (i++; i < text.n && text.at[i] >= '0' && text.at[i] <= '9'; i++)
			digits++;
	}
	if (digits > 0 && i < text.n && (text.at[i] == 'e' || text.at[i] == 'E')) {
		size_t from = ++i;
		*is_real = true;
		i += i < text.n && (text.at[i] == '-' || text.at[i] == '+');
		for (from = i; i < text.n && text.at[i] >= '0' && text.at[i] <= '9'; i++)
			;
		if (i == from)
			return false;
	}
	return digits > 0 && i == text.n;
}

static bool is_one_of(struct sv text, const char *const *words)
{
	for (; *words; words++)
		if (sv_eq(text, sv_of(*words)))
			return true;
	return false;
}

/* In front of a plain scalar. Numbers too large for JSON's integers stay texts, so that no digit is lost. */
static json_t *plain(struct sv text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"true", "True", "TRUE", NULL};
	static const char *const no[] = {"false", "False", "FALSE", NULL};
	char copy[32];
	bool is_real;
	if (is_one_of(text, nulls))
		return json_null();
	if (is_one_of(text, yes) || is_one_of(text, no))
		return json_boolean(is_one_of(text, yes));
	if (text.n >= sizeof(copy) || !is_number(text, &is_real))
		return json_stringn(text.at, text.n);
	memcpy(copy, text.at, text.n);
	copy[text.n] = '\0';
	errno = 0;
	json_t *number =
		is_real ? json_real(strtod(copy, NULL)) : json_integer(strtoll(copy, NULL, 10));
	if (errno == 0)
		return number;
	json_decref(number);
	return json_stringn(text.at, text.n);
}

static json_t *scalar(struct loading *l)
{
	const yaml_mark_t *at = &l->event.start_mark;
	struct sv text = {(const char *)l->event.data.scalar.value, l->event.data.scalar.length};
	bool is_plain = l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (l->event.data.scalar.tag)
		return fail(l, "tags are not taken; quote a text that looks like something else",
		            at);
	if (!utf8_valid(text) || memchr(text.at ? text.at : "", 0, text.n))
		return fail(l, "a text with a NUL, or that is not UTF-8, is not taken", at);
	json_t *value = is_plain ? plain(text) : json_stringn(text.at, text.n);
	return value ? value : full(l);
}

/* ---- collections ---- */

static json_t *node(struct loading *l, unsigned depth);

static json_t *sequence(struct loading *l, unsigned depth)
{
	json_t *list = json_array();
	while (next(l) && l->event.type != YAML_SEQUENCE_END_EVENT) {
		json_t *value = node(l, depth + 1);
		if (!value || json_array_append_new(list, value) != 0)
			break;
	}
	if (list && !l->error && l->event.type == YAML_SEQUENCE_END_EVENT)
		return list;
	json_decref(list);
	return full(l);
}

/* The value behind the key at hand, into the object. */
static bool member(struct loading *l, json_t *object, unsigned depth)
{
	yaml_mark_t at = l->event.start_mark;
	if (l->event.type != YAML_SCALAR_EVENT || l->event.data.scalar.tag)
		return fail(l, "a key has to be a text", &at) != NULL;
	struct sv name = {(const char *)l->event.data.scalar.value, l->event.data.scalar.length};
	if (!utf8_valid(name) || memchr(name.at ? name.at : "", 0, name.n))
		return fail(l, "a key with a NUL, or that is not UTF-8, is not taken", &at) != NULL;
	if (sv_eq(name, SVL("<<")) && l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return fail(l, "merge keys are not taken", &at) != NULL;
	if (json_object_getn(object, name.at, name.n))
		return fail(l, "this key stands twice in its mapping", &at) != NULL;
	char *kept = strndup(name.at, name.n);
	json_t *value = kept && next(l) ? node(l, depth + 1) : NULL;
	bool good = value && json_object_set_new(object, kept, value) == 0;
	free(kept);
	return good;
}

static json_t *mapping(struct loading *l, unsigned depth)
{
	json_t *object = json_object();
	bool good = object != NULL;
	while (good && next(l) && l->event.type != YAML_MAPPING_END_EVENT)
		good = member(l, object, depth);
	if (good && !l->error && l->event.type == YAML_MAPPING_END_EVENT)
		return object;
	json_decref(object);
	return full(l);
}

/* Of the event at hand. */
static json_t *node(struct loading *l, unsigned depth)
{
	const yaml_mark_t *at = &l->event.start_mark;
	if (depth > YAML_MAX_DEPTH)
		return fail(l, "this is nested too deeply", at);
	if (++l->n_nodes > YAML_MAX_NODES)
		return fail(l, "there are too many values", at);
	switch (l->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar(l);
	case YAML_SEQUENCE_START_EVENT:
		if (l->event.data.sequence_start.tag)
			return fail(l, "tags are not taken", at);
		return sequence(l, depth);
	case YAML_MAPPING_START_EVENT:
		if (l->event.data.mapping_start.tag)
			return fail(l, "tags are not taken", at);
		return mapping(l, depth);
	case YAML_ALIAS_EVENT:
		return fail(l, "aliases (*name) are not taken; write it out", at);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return fail(l, "a value is missing", at);
}

/* One document; its end is the event at hand. */
static bool document(struct loading *l, json_t *documents, json_t *lines)
{
	if (!next(l))
		return false;
	size_t line = l->event.start_mark.line + 1;
	json_t *value = node(l, 0);
	if (!value || json_array_append_new(documents, value) != 0 ||
	    json_array_append_new(lines, json_integer((json_int_t)line)) != 0)
		return full(l) != NULL;
	return next(l);
}

static void load_all(struct loading *l, json_t *documents, json_t *lines)
{
	while (next(l) && l->event.type != YAML_STREAM_END_EVENT)
		if (l->event.type == YAML_DOCUMENT_START_EVENT && !document(l, documents, lines))
			return;
}

int yaml_load(struct sv text, json_t **ret, json_t **ret_lines, struct yaml_problem *problem)
{
	struct loading l = {.problem = problem};
	json_t *documents = json_array(), *lines = json_array();
	*problem = (struct yaml_problem){1, 1, "this is no YAML"};
	if (!documents || !lines || !yaml_parser_initialize(&l.parser)) {
		json_decref(documents);
		json_decref(lines);
		return -ENOMEM;
	}
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)(text.at ? text.at : ""),
	                             text.n);
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	load_all(&l, documents, lines);
	if (l.has_event)
		yaml_event_delete(&l.event);
	yaml_parser_delete(&l.parser);
	if (l.error == 0) {
		*ret = documents;
		*ret_lines = lines;
		return 0;
	}
	json_decref(documents);
	json_decref(lines);
	return l.error;
}
