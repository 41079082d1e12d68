#include "audit/filter.h"

#include "audit/filter_parts.h"
#include "core/encode.h"
#include "core/limits.h"
#include "core/names.h"
#include "core/netaddr.h"
#include "core/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 32 };

#define AT(member) offsetof(struct audit_record, member)
static const struct field fields[] = {
	{"verdict", MATCH_VERDICT, AT(effect), 0, INDEX_VERDICT},
	{"service", MATCH_TEXT, AT(service), 0, INDEX_SERVICE},
	{"source", MATCH_TEXT, AT(source_service), AT(workload), INDEX_NONE},
	{"source_service", MATCH_TEXT, AT(source_service), 0, INDEX_SOURCE},
	{"policy", MATCH_TEXT, AT(policy), 0, INDEX_POLICY},
	{"user", MATCH_TEXT, AT(user), AT(subject), INDEX_USER},
	{"subject", MATCH_TEXT, AT(user), AT(subject), INDEX_USER},
	{"actor", MATCH_TEXT, AT(user), 0, INDEX_USER},
	{"issuer", MATCH_TEXT, AT(issuer), 0, INDEX_NONE},
	{"client", MATCH_TEXT, AT(client), 0, INDEX_NONE},
	{"group", MATCH_LIST, AT(groups), 0, INDEX_NONE},
	{"scope", MATCH_LIST, AT(scopes), 0, INDEX_NONE},
	{"workload", MATCH_TEXT, AT(workload), 0, INDEX_NONE},
	{"auth_method", MATCH_AUTH, AT(auth_method), 0, INDEX_NONE},
	{"ip", MATCH_ADDRESS, AT(src), 0, INDEX_NONE},
	{"src", MATCH_ADDRESS, AT(src), 0, INDEX_NONE},
	{"dst", MATCH_ADDRESS, AT(dst), 0, INDEX_NONE},
	{"method", MATCH_TEXT_CI, AT(method), 0, INDEX_NONE},
	{"host", MATCH_TEXT_CI, AT(host), 0, INDEX_NONE},
	{"path", MATCH_TEXT, AT(path), 0, INDEX_NONE},
	{"route", MATCH_TEXT, AT(route), 0, INDEX_NONE},
	{"query", MATCH_TEXT, AT(query), 0, INDEX_NONE},
	{"status", MATCH_NUMBER, AT(status), 0, INDEX_NONE},
	{"reason", MATCH_TEXT, AT(reason), 0, INDEX_NONE},
	{"policy_version", MATCH_NUMBER, AT(policy_version), 0, INDEX_NONE},
	{"took_us", MATCH_MICROS, AT(took_ns), 0, INDEX_NONE},
	{"kind", MATCH_KIND, AT(kind), 0, INDEX_NONE},
	{"id", MATCH_ID, AT(id), 0, INDEX_NONE},
	{"request_id", MATCH_TEXT, AT(request_id), 0, INDEX_NONE},
	{"trace_id", MATCH_TRACE, AT(trace_id), 0, INDEX_NONE},
	{"user_agent", MATCH_TEXT_CI, AT(user_agent), 0, INDEX_NONE},
	{"action", MATCH_TEXT, AT(action), 0, INDEX_NONE},
	{"target", MATCH_TEXT, AT(target), 0, INDEX_NONE},
	{"result", MATCH_TEXT, AT(result), 0, INDEX_NONE},
	{"shadow", MATCH_SHADOW, AT(shadow_effect), 0, INDEX_NONE},
	{"shadow_policy", MATCH_TEXT, AT(shadow_policy), 0, INDEX_NONE},
	{"outcome_status", MATCH_OUTCOME, AT(out_status), 0, INDEX_NONE},
	{"duration_ms", MATCH_OUTCOME, AT(duration_ms), 0, INDEX_NONE},
	{"bytes_out", MATCH_OUTCOME, AT(bytes_out), 0, INDEX_NONE},
	{"termination", MATCH_OUTCOME_TEXT, AT(termination), 0, INDEX_NONE},
	{"backend", MATCH_OUTCOME_TEXT, AT(backend), 0, INDEX_NONE},
	{"server", MATCH_OUTCOME_TEXT, AT(server), 0, INDEX_NONE},
	{"has", MATCH_HAS, AT(cut), 0, INDEX_NONE},
};
static const struct field word_field = {"", MATCH_WORD, 0, 0, INDEX_NONE};

/* ---- parsing ---- */

struct parser {
	struct sv text;
	size_t at;
	struct audit_filter *filter;
	struct audit_query_error *error;
};

PRINTF_LIKE(3, 4) static int refuse(struct parser *p, size_t at, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(p->error->message, sizeof(p->error->message), format, arguments);
	va_end(arguments);
	p->error->column = (unsigned)at + 1;
	p->error->code = "invalid_query";
	return -EINVAL;
}

static char peek(const struct parser *p)
{
	return p->at < p->text.n ? p->text.at[p->at] : '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_value(const struct parser *p)
{
	return p->at >= p->text.n || is_blank(peek(p)) || peek(p) == ',';
}

static void keep(struct parser *p, char c)
{
	p->filter->room[p->filter->n_room++] = c;
}

static int read_quoted(struct parser *p)
{
	size_t start = p->at++;
	while (p->at < p->text.n && peek(p) != '"') {
		if (peek(p) == '\\' && p->at + 1 < p->text.n)
			p->at++;
		keep(p, peek(p));
		p->at++;
	}
	if (p->at >= p->text.n)
		return refuse(p, start, "the quote is not closed");
	p->at++;
	return ends_value(p) ? 0 : refuse(p, p->at, "a blank or a comma goes after a quote");
}

static int read_text(struct parser *p, struct value *value)
{
	size_t start = p->filter->n_room, at = p->at;
	int r = 0;
	value->quoted = peek(p) == '"';
	if (value->quoted)
		r = read_quoted(p);
	for (; !value->quoted && !ends_value(p); p->at++)
		keep(p, peek(p));
	value->text = (struct sv){p->filter->room + start, p->filter->n_room - start};
	value->pattern = !value->quoted && sv_find(value->text, '*') < value->text.n;
	if (r == 0 && value->text.n == 0 && !value->quoted)
		return refuse(p, at, "a value is missing here");
	return r;
}

static bool number_of(struct sv text, uint64_t *ret)
{
	unsigned long long number;
	if (!sv_to_u64(text, &number) || number > INT64_MAX)
		return false;
	*ret = number;
	return true;
}

/* 403, 4xx, >500, >=500, <500, <=500, 200..299 */
static bool read_range(struct value *value)
{
	struct sv text = value->text;
	size_t dots = 0;
	value->least = 0;
	value->most = INT64_MAX;
	if (text.n == 3 && sv_eq_ci(sv_from(text, 1), SVL("xx")) && text.at[0] >= '1' &&
	    text.at[0] <= '9') {
		value->least = (uint64_t)(text.at[0] - '0') * 100;
		value->most = value->least + 99;
		return true;
	}
	if (sv_starts(text, SVL(">=")))
		return number_of(sv_from(text, 2), &value->least);
	if (sv_starts(text, SVL("<=")))
		return number_of(sv_from(text, 2), &value->most);
	if (sv_starts(text, SVL(">")))
		return number_of(sv_from(text, 1), &value->least) && value->least++ < INT64_MAX;
	if (sv_starts(text, SVL("<")))
		return number_of(sv_from(text, 1), &value->most) && value->most-- > 0;
	while (dots + 1 < text.n && !(text.at[dots] == '.' && text.at[dots + 1] == '.'))
		dots++;
	if (dots + 1 < text.n)
		return number_of(sv_first(text, dots), &value->least) &&
		       number_of(sv_from(text, dots + 2), &value->most);
	bool ok = number_of(text, &value->least);
	value->most = value->least;
	return ok;
}

static bool read_enum(struct value *value, enum match match)
{
	enum verdict_effect effect = VERDICT_DENY;
	enum audit_kind kind = AUDIT_NONE;
	unsigned method = 0;
	bool ok;
	if (match == MATCH_KIND) {
		ok = audit_kind_find(value->text, &kind);
		value->least = kind;
	} else if (match == MATCH_AUTH) {
		ok = names_find(auth_method_names, AUTH_METHOD_COUNT, value->text, &method);
		value->least = method;
	} else {
		ok = verdict_effect_find(value->text, &effect);
		value->least = effect;
	}
	return ok;
}

static const char *const has_names[] = {"outcome", "shadow", "user", "workload", "cut"};
static_assert(ARRAY_LEN(has_names) == HAS_COUNT, "one name each");

static const char *wanted_of(enum match match)
{
	static const char *const wanted[] = {
		[MATCH_NUMBER] = "a number, 4xx, >500, <=9 or 200..299",
		[MATCH_MICROS] = "a number, >500, <=9 or 200..299",
		[MATCH_OUTCOME] = "a number, 4xx, >500, <=9 or 200..299",
		[MATCH_ADDRESS] = "an address or a network such as 10.0.0.0/8",
		[MATCH_VERDICT] = "allow, deny, authenticate, redirect, limit or unavailable",
		[MATCH_SHADOW] = "allow, deny, authenticate, redirect, limit or unavailable",
		[MATCH_KIND] = "request, connection, admin, system, outcome, unaccounted or gap",
		[MATCH_AUTH] = "an authentication method such as jwt or none",
		[MATCH_ID] = "an event id of 26 characters",
		[MATCH_TRACE] = "a trace id of 32 hexadecimal digits",
		[MATCH_HAS] = "outcome, shadow, user, workload or cut",
		[MATCH_WORD] = NULL,
	};
	return wanted[match] ? wanted[match] : "another value";
}

static bool understand(struct value *value, enum match match)
{
	unsigned has = 0;
	uint8_t trace[16];
	switch (match) {
	case MATCH_NUMBER:
	case MATCH_MICROS:
	case MATCH_OUTCOME:
		return read_range(value);
	case MATCH_ADDRESS:
		return netblock_parse(value->text, &value->block);
	case MATCH_VERDICT:
	case MATCH_SHADOW:
	case MATCH_KIND:
	case MATCH_AUTH:
		return read_enum(value, match);
	case MATCH_ID:
		return event_id_parse(value->text, &value->id);
	case MATCH_TRACE:
		return value->text.n == 32 && hex_decode(value->text, trace);
	case MATCH_HAS:
		value->least =
			names_find(has_names, HAS_COUNT, value->text, &has) ? has : HAS_COUNT;
		return value->least < HAS_COUNT;
	case MATCH_TEXT:
	case MATCH_TEXT_CI:
	case MATCH_LIST:
	case MATCH_OUTCOME_TEXT:
	case MATCH_WORD:
		return true;
	}
	return false;
}

static int read_values(struct parser *p, struct term *term)
{
	struct audit_filter *filter = p->filter;
	term->first = filter->n_values;
	for (;;) {
		size_t at = p->at;
		if (filter->n_values == FILTER_VALUES_MAX)
			return refuse(p, at, "more than %d values", FILTER_VALUES_MAX);
		struct value *value = &filter->values[filter->n_values];
		int r = read_text(p, value);
		if (r != 0)
			return r;
		if (!understand(value, term->field->match))
			return refuse(p, at, "%s wants %s", term->field->name,
			              wanted_of(term->field->match));
		filter->n_values++;
		term->n++;
		if (peek(p) != ',')
			return 0;
		p->at++;
	}
}

static const struct field *find_field(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (sv_eq(name, sv_of(fields[i].name)))
			return &fields[i];
	return NULL;
}

static int unknown_field(struct parser *p, size_t at, struct sv name)
{
	const char *names[ARRAY_LEN(fields)];
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		names[i] = fields[i].name;
	const char *near = names_nearest(names, ARRAY_LEN(names), name);
	return refuse(p, at, "there is no field %.*s%s%s%s; put text with a colon in quotes",
	              (int)MIN_OF(name.n, (size_t)NAME_MAX_BYTES), name.at,
	              near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

/* The name before a colon, if the text here has that form; stays before it otherwise. */
static struct sv read_name(struct parser *p)
{
	size_t end = p->at;
	while (end < p->text.n &&
	       ((p->text.at[end] >= 'a' && p->text.at[end] <= 'z') || p->text.at[end] == '_'))
		end++;
	if (end == p->at || end >= p->text.n || p->text.at[end] != ':')
		return (struct sv){0};
	struct sv name = {p->text.at + p->at, end - p->at};
	p->at = end + 1;
	return name;
}

static int read_term(struct parser *p)
{
	struct audit_filter *filter = p->filter;
	size_t at = p->at;
	if (filter->n_terms == AUDIT_FILTER_MAX_TERMS)
		return refuse(p, at, "more than %d terms", AUDIT_FILTER_MAX_TERMS);
	struct term *term = &filter->terms[filter->n_terms];
	*term = (struct term){.field = &word_field, .column = at};
	if (peek(p) == '-') {
		term->exclude = true;
		p->at++;
	}
	struct sv name = read_name(p);
	if (name.n > 0) {
		term->field = find_field(name);
		if (!term->field)
			return unknown_field(p, at, name);
	}
	int r = read_values(p, term);
	if (r == 0 && !ends_value(p))
		r = refuse(p, p->at, "a blank goes here");
	filter->n_terms++;
	return r;
}

/* ---- the normal form ---- */

static bool is_plain(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if (is_blank(text.at[i]) || strchr(",\"\\:", text.at[i]) || text.at[i] == '\0')
			return false;
	return text.n > 0 && text.at[0] != '-';
}

static void write_value(struct strbuf *out, const struct value *value)
{
	if (is_plain(value->text) &&
	    !(value->quoted && sv_find(value->text, '*') < value->text.n)) {
		strbuf_add(out, value->text);
		return;
	}
	bool open = value->pattern; /* quotes would take the star's meaning */
	if (!open)
		strbuf_char(out, '"');
	for (size_t i = 0; i < value->text.n; i++) {
		if (!open && (value->text.at[i] == '"' || value->text.at[i] == '\\'))
			strbuf_char(out, '\\');
		strbuf_char(out, value->text.at[i]);
	}
	if (!open)
		strbuf_char(out, '"');
}

static int write_normal(struct audit_filter *filter)
{
	struct strbuf out = strbuf_with((size_t)AUDIT_FILTER_MAX_BYTES * 4);
	strbuf_add(&out, SVL(""));
	for (size_t i = 0; i < filter->n_terms; i++) {
		const struct term *term = &filter->terms[i];
		if (i > 0)
			strbuf_char(&out, ' ');
		if (term->exclude)
			strbuf_char(&out, '-');
		strbuf_add(&out, sv_of(term->field->name));
		if (term->field != &word_field)
			strbuf_char(&out, ':');
		for (size_t k = 0; k < term->n; k++) {
			if (k > 0)
				strbuf_char(&out, ',');
			write_value(&out, &filter->values[term->first + k]);
		}
	}
	if (filter->n_terms == 0)
		strbuf_char(&out, ' ');
	filter->normal = strbuf_take(&out);
	if (filter->normal && filter->n_terms == 0)
		filter->normal[0] = '\0';
	return filter->normal ? 0 : -ENOMEM;
}

static void choose_indexes(struct audit_filter *filter)
{
	for (size_t i = 0; i < filter->n_terms; i++) {
		const struct term *term = &filter->terms[i];
		bool usable = !term->exclude && term->field->index != INDEX_NONE;
		for (size_t k = 0; usable && k < term->n; k++) {
			const struct value *value = &filter->values[term->first + k];
			usable = !value->pattern && value->text.n > 0;
		}
		if (usable)
			filter->indexed[filter->n_indexed++] = i;
	}
}

static void free_filter(struct audit_filter **filter)
{
	audit_filter_free(*filter);
}

/* Blanks of every kind part terms; what else a terminal acts on has no place in a question. */
static int refuse_control(struct parser *p)
{
	for (size_t i = 0; i < p->text.n; i++) {
		uint8_t byte = (uint8_t)p->text.at[i];
		if ((byte < 0x20 && !is_blank((char)byte)) || byte == 0x7f)
			return refuse(p, i,
			              "a control byte (0x%02x) has no place here; * stands for "
			              "any text",
			              byte);
	}
	return 0;
}

int audit_filter_parse(struct sv text, struct audit_query_error *error, struct audit_filter **ret)
{
	struct parser p = {.text = text, .error = error};
	CLEANUP(free_filter) struct audit_filter *filter = calloc(1, sizeof(*filter));
	if (!filter || !(filter->room = malloc(text.n + 1)))
		return -ENOMEM;
	p.filter = filter;
	if (text.n > AUDIT_FILTER_MAX_BYTES)
		return refuse(&p, AUDIT_FILTER_MAX_BYTES, "longer than %d bytes",
		              AUDIT_FILTER_MAX_BYTES);
	int r = refuse_control(&p);
	if (r != 0)
		return r;
	for (;;) {
		while (p.at < text.n && is_blank(peek(&p)))
			p.at++;
		if (p.at >= text.n)
			break;
		r = read_term(&p);
		if (r != 0)
			return r;
	}
	r = write_normal(filter);
	if (r != 0)
		return r;
	choose_indexes(filter);
	*ret = TAKE(filter);
	return 0;
}

void audit_filter_free(struct audit_filter *filter)
{
	if (!filter)
		return;
	free(filter->room);
	free(filter->normal);
	free(filter);
}

struct sv audit_filter_text(const struct audit_filter *filter)
{
	return sv_of(filter->normal);
}

size_t audit_filter_indexed(const struct audit_filter *filter)
{
	return filter->n_indexed;
}

struct audit_filter_term audit_filter_indexed_at(const struct audit_filter *filter, size_t i)
{
	const struct term *term = &filter->terms[filter->indexed[i]];
	return (struct audit_filter_term){term->field->index, term->n};
}

struct sv audit_filter_indexed_value(const struct audit_filter *filter, size_t i, size_t value)
{
	return filter->values[filter->terms[filter->indexed[i]].first + value].text;
}

bool audit_filter_id(const struct audit_filter *filter, struct event_id *ret)
{
	for (size_t i = 0; i < filter->n_terms; i++) {
		const struct term *term = &filter->terms[i];
		if (term->field->match != MATCH_ID || term->exclude || term->n != 1)
			continue;
		*ret = filter->values[term->first].id;
		return true;
	}
	return false;
}
