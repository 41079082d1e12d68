#include "authz/related.h"

#include "authz/compile.h"
#include "authz/expression.h"
#include "authz/relation_model.h"
#include "authz/rule.h"
#include "core/jsonfields.h"
#include "core/names.h"

#include <assert.h>

/* As text, and as the name that expressions have for it. */
static const char *const subject_texts[] = {
	[RELATED_USER] = "{user}",
	[RELATED_CLIENT] = "{client}",
	[RELATED_WORKLOAD] = "{workload}",
};
static const char *const subject_names[] = {
	[RELATED_USER] = "user",
	[RELATED_CLIENT] = "client",
	[RELATED_WORKLOAD] = "workload",
};
static_assert(ARRAY_LEN(subject_texts) == RELATED_SUBJECT_COUNT, "one text each");
static_assert(ARRAY_LEN(subject_names) == RELATED_SUBJECT_COUNT, "one name each");

bool related_subject_compile(struct compile *c, const json_t *value, const struct compile_place *at,
                             struct related_who *ret)
{
	struct compile_place place = compile_key(at, "subject");
	struct sv text = SVL("user:{user}");
	unsigned subject = RELATED_USER;
	if (value && !compile_text(c, value, &place, &text))
		return false;
	size_t colon = sv_find(text, ':');
	ret->type = sv_first(text, colon);
	if (!names_find(subject_texts, RELATED_SUBJECT_COUNT, sv_from(text, colon + 1), &subject)) {
		compile_report(c, &place, "bad_value",
		               "a type and who it is are expected: user:{user}, user:{client} or "
		               "user:{workload}");
		return false;
	}
	ret->subject = (enum related_subject)subject;
	return true;
}

const struct relation_def *related_def_find(struct compile *c, const struct compile_place *at,
                                            struct sv object, struct sv relation)
{
	struct compile_place place = compile_key(at, "object");
	struct sv name = sv_first(object, sv_find(object, ':'));
	const struct relation_type *type = relation_type_find(c->relations, name);
	const struct relation_def *def = relation_def_find(type, relation);
	if (!type) {
		compile_report(c, &place, "unknown_type", "`types` has no type '%.*s'",
		               SV_ARG(name));
		return NULL;
	}
	place = compile_key(at, "relation");
	if (!def)
		compile_report(c, &place, "unknown_relation",
		               "objects of the type '%.*s' have no relation '%.*s'", SV_ARG(name),
		               SV_ARG(relation));
	return def;
}

/* ---- related, notRelated ---- */

struct raw_related {
	const json_t *object, *relation, *subject;
};

static const struct json_field related_fields[] = {
	{.name = "object",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_related, object),
         .required = true},
	{.name = "relation",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_related, relation),
         .required = true},
	{.name = "subject",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_related, subject)},
};

/* What an id may be made of where it stands in a rule; nothing in it needs an escape in an expression. */
static bool is_plain(struct sv text)
{
	static const struct sv others = SV("_.-/@+=");
	for (size_t i = 0; i < text.n; i++) {
		char c = sv_lower_char(text.at[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    sv_find(others, c) == others.n)
			return false;
	}
	return true;
}

/* "order:{id}" as 'order:' + path.id; empty: reported */
static struct sv object_text(struct compile *c, struct sv object, const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "object");
	size_t colon = sv_find(object, ':');
	struct sv rest = sv_from(object, colon + 1), before, name;
	struct sv text = arena_printf(c->keep, "'%.*s:'", SV_ARG(sv_first(object, colon)));
	bool good = colon < object.n && rest.n > 0;
	while (good && sv_cut_braces(&rest, &before, &name)) {
		good = is_plain(before);
		if (before.n > 0)
			text = arena_printf(c->keep, "%.*s + '%.*s'", SV_ARG(text), SV_ARG(before));
		text = arena_printf(c->keep, "%.*s + path.%.*s", SV_ARG(text), SV_ARG(name));
	}
	if (good && is_plain(rest))
		return rest.n ? arena_printf(c->keep, "%.*s + '%.*s'", SV_ARG(text), SV_ARG(rest))
		              : text;
	compile_report(c, &place, "bad_value",
	               "\"type:{name}\" is expected, with a name that every path of the rule "
	               "captures");
	return (struct sv){0};
}

/* Every name in braces is bound, whatever path matched. */
static bool check_names(struct compile *c, struct sv object, const struct compile_place *at,
                        const struct authz_rule *rule)
{
	struct compile_place place = compile_key(at, "object");
	struct sv before, name;
	bool good = true;
	while (sv_cut_braces(&object, &before, &name)) {
		if (authz_rule_captures(rule, name))
			continue;
		compile_report(
			c, &place, "unbound_capture",
			"not every path of this rule captures {%.*s}; every operation has to",
			SV_ARG(name));
		good = false;
	}
	return good;
}

static bool check_subject(struct compile *c, const struct compile_place *at, struct sv type)
{
	struct compile_place place = compile_key(at, "subject");
	if (relation_type_find(c->relations, type))
		return true;
	compile_report(c, &place, "unknown_type", "`types` has no type '%.*s'", SV_ARG(type));
	return false;
}

static bool read_texts(struct compile *c, const json_t *value, const struct compile_place *at,
                       struct sv *ret_object, struct sv *ret_relation, struct related_who *ret_who)
{
	struct raw_related raw = {0};
	if (json_fields_read(value, related_fields, ARRAY_LEN(related_fields), at->pointer, c->diag,
	                     &raw) != 0) {
		c->failed = true;
		return false;
	}
	struct compile_place object = compile_key(at, "object");
	struct compile_place relation = compile_key(at, "relation");
	bool good = compile_text(c, raw.object, &object, ret_object);
	good = compile_text(c, raw.relation, &relation, ret_relation) && good;
	return related_subject_compile(c, raw.subject, at, ret_who) && good;
}

void related_compile(struct compile *c, const json_t *value, const struct compile_place *at,
                     struct sv label, bool negated, struct authz_rule *rule)
{
	struct sv object, relation;
	struct related_who who;
	if (!read_texts(c, value, at, &object, &relation, &who))
		return;
	struct sv text = object_text(c, object, at);
	bool good = text.n > 0 && related_def_find(c, at, object, relation) != NULL;
	good = check_names(c, object, at, rule) && good;
	if (!check_subject(c, at, who.type) || !good)
		return;
	text = arena_printf(c->keep, "%srelated(%.*s, '%.*s', '%.*s:' + %s)", negated ? "!" : "",
	                    SV_ARG(text), SV_ARG(relation), SV_ARG(who.type),
	                    subject_names[who.subject]);
	compile_expression(c, text, label, at, rule);
}
