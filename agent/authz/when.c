#include "authz/compile.h"
#include "authz/related.h"
#include "core/jsonfields.h"

struct raw_when {
	const json_t *key, *values, *not_values, *values_from;
	const json_t *related, *not_related; /* in the place of all of those */
};

static const struct json_field when_fields[] = {
	{.name = "key", .kind = JSON_FIELD_VALUE, .offset = JSON_FIELD_AT(struct raw_when, key)},
	{.name = "values",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_when, values)},
	{.name = "notValues",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_when, not_values)},
	{.name = "valuesFrom",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_when, values_from)},
	{.name = "related",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_when, related)},
	{.name = "notRelated",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_when, not_related)},
};

static enum compile_syntax syntax_of(enum authz_attribute_kind kind)
{
	static const enum compile_syntax of_kind[AUTHZ_ATTRIBUTE_KIND_COUNT] = {
		[AUTHZ_ATTRIBUTE_HOST] = SYNTAX_HOST,
		[AUTHZ_ATTRIBUTE_METHOD] = SYNTAX_METHOD,
		[AUTHZ_ATTRIBUTE_DESTINATION_PORT] = SYNTAX_PORT,
		[AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL] = SYNTAX_PRINCIPAL,
		[AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT] = SYNTAX_ACCOUNT,
	};
	return authz_attribute_is_address(kind) ? SYNTAX_BLOCK : of_kind[kind];
}

static bool compile_attribute(struct compile *c, const json_t *value,
                              const struct compile_place *at, struct authz_attribute *ret)
{
	struct sv text;
	const char *why = NULL;
	if (!compile_text(c, value, at, &text))
		return false;
	if (authz_attribute_parse(text, c->keep, ret, &why))
		return true;
	compile_report(c, at, "unknown_attribute", "%s", why);
	return false;
}

/* The keys of valuesFrom: one, or a list of them. */
static void compile_others(struct compile *c, const json_t *value, const struct compile_place *at,
                           struct authz_condition *into)
{
	bool is_list = !json_is_string(value);
	size_t n = is_list ? compile_list(c, value, at) : 1;
	struct authz_attribute *others = compile_array(c, at, n, sizeof(*others));
	if (!others)
		return;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = is_list ? compile_index(at, i) : *at;
		const json_t *key = is_list ? json_array_get(value, i) : value;
		if (!compile_attribute(c, key, &place, &others[into->n_others]))
			continue;
		struct sv name = others[into->n_others++].key;
		into->expected = into->expected.n
		                         ? arena_printf(c->keep, "%.*s, or what %.*s has",
		                                        SV_ARG(into->expected), SV_ARG(name))
		                         : arena_printf(c->keep, "what %.*s has", SV_ARG(name));
	}
	into->others = others;
}

static void add_when(struct compile *c, const struct raw_when *raw, const struct compile_place *at,
                     const struct authz_condition *model, struct authz_condition *ret)
{
	*ret = *model;
	const json_t *values = ret->negated ? raw->not_values : raw->values;
	if (values) {
		struct compile_place place = compile_key(at, ret->negated ? "notValues" : "values");
		compile_values(c, values, &place, syntax_of(ret->attribute.kind), ret);
	}
	if (raw->values_from && !ret->negated) {
		struct compile_place place = compile_key(at, "valuesFrom");
		compile_others(c, raw->values_from, &place, ret);
		/* addresses are compared as text beside other attributes */
		if (ret->blocks.n > 0)
			compile_report(
				c, at, "conflict",
				"values and valuesFrom may not stand together for an address");
	}
}

/* Behind what is cheaper and what does not take a user. Both lists have room for two conditions an
 * element; they are not shared yet. */
static void put_when(struct authz_rule *rule, const struct authz_condition *condition)
{
	struct authz_conditions *list =
		authz_condition_about_user(condition) ? &rule->when_user : &rule->when;
	struct authz_condition *conditions = (struct authz_condition *)(uintptr_t)list->at;
	conditions[list->n++] = *condition;
}

/* An attribute with its lists into at most two conditions. */
static void compile_lists(struct compile *c, const struct raw_when *raw,
                          const struct compile_place *at, size_t index, struct authz_rule *rule)
{
	struct authz_condition model = {0}, condition;
	struct compile_place key = compile_key(at, "key");
	if (!compile_attribute(c, raw->key, &key, &model.attribute))
		return;
	if (!raw->values && !raw->not_values && !raw->values_from)
		compile_report(c, at, "missing_key",
		               "one of 'values', 'notValues' and 'valuesFrom' is required here");
	model.label = arena_printf(c->keep, "when[%zu] %.*s", index, SV_ARG(model.attribute.key));
	if (raw->values || raw->values_from) {
		add_when(c, raw, at, &model, &condition);
		put_when(rule, &condition);
	}
	model.negated = true;
	if (raw->not_values) {
		add_when(c, raw, at, &model, &condition);
		put_when(rule, &condition);
	}
}

static void compile_relation(struct compile *c, const json_t *value, bool negated,
                             const struct compile_place *at, size_t index, struct authz_rule *rule)
{
	const char *name = negated ? "notRelated" : "related";
	struct compile_place place = compile_key(at, name);
	struct sv label = arena_printf(c->keep, "when[%zu].%s", index, name);
	if (value)
		related_compile(c, value, &place, label, negated, rule);
}

/* One element of `when`: an attribute, or relations. */
static void compile_when(struct compile *c, const json_t *value, const struct compile_place *at,
                         size_t index, struct authz_rule *rule)
{
	struct raw_when raw = {0};
	if (json_fields_read(value, when_fields, ARRAY_LEN(when_fields), at->pointer, c->diag,
	                     &raw) != 0) {
		c->failed = true;
		return;
	}
	bool relations = raw.related || raw.not_related;
	if (relations && (raw.key || raw.values || raw.not_values || raw.values_from))
		compile_report(
			c, at, "conflict",
			"a relation and an attribute are two elements of `when`: each has to "
			"hold");
	else if (!relations && !raw.key)
		compile_report(c, at, "missing_key",
		               "'key' is required here, or 'related' or 'notRelated'");
	else if (!relations)
		compile_lists(c, &raw, at, index, rule);
	compile_relation(c, raw.related, false, at, index, rule);
	compile_relation(c, raw.not_related, true, at, index, rule);
}

/* ---- captures: a name that is asked for has to be bound whatever pattern matched ---- */

static void check_capture(struct compile *c, const struct authz_rule *rule,
                          const struct authz_attribute *a, const struct compile_place *at)
{
	if (a->kind != AUTHZ_ATTRIBUTE_CAPTURE)
		return;
	if (!authz_rule_captures(rule, a->argument[0]))
		compile_report(
			c, at, "unbound_capture",
			"not every path of this rule captures {%.*s}; every operation has to",
			SV_ARG(a->argument[0]));
}

static void check_captures(struct compile *c, struct authz_rule *rule,
                           const struct authz_conditions *list, const struct compile_place *at)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct authz_condition *condition = &list->at[i];
		check_capture(c, rule, &condition->attribute, at);
		rule->uses_captures |= condition->attribute.kind == AUTHZ_ATTRIBUTE_CAPTURE;
		for (size_t k = 0; k < condition->n_others; k++) {
			check_capture(c, rule, &condition->others[k], at);
			rule->uses_captures |= condition->others[k].kind == AUTHZ_ATTRIBUTE_CAPTURE;
		}
	}
}

/* ---- all of them ---- */

void compile_whens(struct compile *c, const json_t *list, const struct compile_place *at,
                   struct authz_rule *rule)
{
	size_t n = compile_list(c, list, at);
	rule->when.at = compile_array(c, at, n * 2, sizeof(struct authz_condition));
	rule->when_user.at = compile_array(c, at, n * 2, sizeof(struct authz_condition));
	for (size_t i = 0; rule->when.at && rule->when_user.at && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		compile_when(c, json_array_get(list, i), &place, i, rule);
	}
	check_captures(c, rule, &rule->when, at);
	check_captures(c, rule, &rule->when_user, at);
}
