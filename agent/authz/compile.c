#include "authz/compile.h"

#include "authz/expression.h"
#include "authz/learn.h"
#include "authz/role.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"

/* ---- lists of conditions inside source and operation ---- */

struct list_field {
	const char *name;
	const char *negated;
	enum authz_attribute_kind kind;
	enum compile_syntax syntax;
};

/* In the order of judging: what the user's credential says comes last. */
static const struct list_field source_lists[] = {
	{"trustDomains", "notTrustDomains", AUTHZ_ATTRIBUTE_SOURCE_TRUST_DOMAIN, SYNTAX_TEXT},
	{"namespaces", "notNamespaces", AUTHZ_ATTRIBUTE_SOURCE_NAMESPACE, SYNTAX_TEXT},
	{"serviceAccounts", "notServiceAccounts", AUTHZ_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT,
         SYNTAX_ACCOUNT},
	{"principals", "notPrincipals", AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL, SYNTAX_PRINCIPAL},
	{"ipBlocks", "notIpBlocks", AUTHZ_ATTRIBUTE_SOURCE_IP, SYNTAX_BLOCK},
	{"remoteIpBlocks", "notRemoteIpBlocks", AUTHZ_ATTRIBUTE_REMOTE_IP, SYNTAX_BLOCK},
	{"requestPrincipals", "notRequestPrincipals", AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL,
         SYNTAX_TEXT},
	{"roles", "notRoles", AUTHZ_ATTRIBUTE_ROLES, SYNTAX_TEXT},
};

static const struct list_field operation_lists[] = {
	{"hosts", "notHosts", AUTHZ_ATTRIBUTE_HOST, SYNTAX_HOST},
	{"ports", "notPorts", AUTHZ_ATTRIBUTE_DESTINATION_PORT, SYNTAX_PORT},
	{"methods", "notMethods", AUTHZ_ATTRIBUTE_METHOD, SYNTAX_METHOD},
};

enum {
	N_SOURCE = ARRAY_LEN(source_lists),
	N_OPERATION = ARRAY_LEN(operation_lists),
	N_LISTS_MAX = N_SOURCE,
};

/* A source or an operation as it stands in JSON: one value for each name, NULL when left out. */
struct raw_lists {
	const json_t *lists[N_LISTS_MAX];
	const json_t *negated[N_LISTS_MAX];
	const json_t *paths;
	const json_t *not_paths;
};

#define ROW(text, member)                                         \
	{                                                         \
		.name = (text), .kind = JSON_FIELD_VALUE,         \
		.offset = JSON_FIELD_AT(struct raw_lists, member) \
	}

static const struct json_field source_fields[] = {
	ROW("trustDomains", lists[0]),
	ROW("notTrustDomains", negated[0]),
	ROW("namespaces", lists[1]),
	ROW("notNamespaces", negated[1]),
	ROW("serviceAccounts", lists[2]),
	ROW("notServiceAccounts", negated[2]),
	ROW("principals", lists[3]),
	ROW("notPrincipals", negated[3]),
	ROW("ipBlocks", lists[4]),
	ROW("notIpBlocks", negated[4]),
	ROW("remoteIpBlocks", lists[5]),
	ROW("notRemoteIpBlocks", negated[5]),
	ROW("requestPrincipals", lists[6]),
	ROW("notRequestPrincipals", negated[6]),
	ROW("roles", lists[7]),
	ROW("notRoles", negated[7]),
};

static const struct json_field operation_fields[] = {
	ROW("hosts", lists[0]),      ROW("notHosts", negated[0]), ROW("ports", lists[1]),
	ROW("notPorts", negated[1]), ROW("methods", lists[2]),    ROW("notMethods", negated[2]),
	ROW("paths", paths),         ROW("notPaths", not_paths),
};
#undef ROW

static struct sv label(struct compile *c, const char *prefix, const char *name)
{
	return arena_printf(c->keep, "%s%s", prefix, name);
}

static void add_list(struct compile *c, const json_t *list, const struct compile_place *at,
                     const struct list_field *field, struct authz_condition *into)
{
	into->attribute.kind = field->kind;
	if (field->kind == AUTHZ_ATTRIBUTE_ROLES)
		compile_role_names(c, list, at, into);
	else
		compile_values(c, list, at, field->syntax, into);
}

/* Both lists of every row that is there, in the rows' order. */
static struct authz_conditions build_lists(struct compile *c, const struct raw_lists *raw,
                                           const struct compile_place *at,
                                           const struct list_field *rows, size_t n_rows)
{
	const char *prefix = rows == source_lists ? "from.source." : "to.operation.";
	struct authz_condition *conditions =
		compile_array(c, at, n_rows * 2 + 1, sizeof(*conditions));
	struct authz_conditions ret = {.at = conditions};
	for (size_t i = 0; conditions && i < n_rows * 2; i++) {
		bool negated = i % 2;
		const json_t *list = negated ? raw->negated[i / 2] : raw->lists[i / 2];
		const char *name = negated ? rows[i / 2].negated : rows[i / 2].name;
		if (!list)
			continue;
		struct compile_place place = compile_key(at, name);
		struct authz_condition *into = &conditions[ret.n++];
		into->negated = negated;
		into->label = label(c, prefix, name);
		add_list(c, list, &place, &rows[i / 2], into);
	}
	return ret;
}

static bool read_lists(struct compile *c, const json_t *object, const struct compile_place *at,
                       const struct json_field *fields, size_t n_fields, struct raw_lists *ret)
{
	*ret = (struct raw_lists){0};
	if (json_fields_read(object, fields, n_fields, at->pointer, c->diag, ret) != 0) {
		c->failed = true;
		return false;
	}
	if (json_object_size(object) == 0) {
		compile_report(c, at, "empty_object",
		               "this matches everything; leave it out if that is meant");
		return false;
	}
	return true;
}

/* {"source": {...}} and {"operation": {...}}: one member, of a fixed name. */
static const json_t *unwrap(struct compile *c, const json_t *value, const struct compile_place *at,
                            const char *name)
{
	const json_t *inner = NULL;
	const struct json_field field = {.name = name, .kind = JSON_FIELD_VALUE, .required = true};
	if (json_fields_read(value, &field, 1, at->pointer, c->diag, &inner) != 0) {
		c->failed = true;
		return NULL;
	}
	return inner;
}

/* source: Istio, serviceAccounts */
static void check_accounts(struct compile *c, const struct raw_lists *raw,
                           const struct compile_place *at)
{
	bool accounts = raw->lists[2] || raw->negated[2];
	bool others = raw->lists[1] || raw->negated[1] || raw->lists[3] || raw->negated[3];
	if (accounts && others)
		compile_report(c, at, "conflict",
		               "serviceAccounts may not stand beside principals or namespaces");
	if (json_array_size(raw->lists[2]) > 16 || json_array_size(raw->negated[2]) > 16)
		compile_report(c, at, "too_many", "at most 16 service accounts are allowed here");
}

static void compile_source(struct compile *c, const json_t *value, const struct compile_place *at,
                           struct authz_conditions *ret)
{
	struct compile_place place = compile_key(at, "source");
	const json_t *source = unwrap(c, value, at, "source");
	struct raw_lists raw;
	if (!source ||
	    !read_lists(c, source, &place, source_fields, ARRAY_LEN(source_fields), &raw))
		return;
	check_accounts(c, &raw, &place);
	*ret = build_lists(c, &raw, &place, source_lists, N_SOURCE);
}

static void add_not_paths(struct compile *c, const json_t *list, const struct compile_place *at,
                          struct authz_conditions *conditions)
{
	struct compile_place place = compile_key(at, "notPaths");
	/* build_lists() left room for one more; the list is not shared yet */
	struct authz_condition *into =
		(struct authz_condition *)(uintptr_t)&conditions->at[conditions->n];
	into->attribute.kind = AUTHZ_ATTRIBUTE_PATH;
	into->negated = true;
	into->label = (struct sv)SV("to.operation.notPaths");
	compile_paths(c, list, &place, &into->paths, &into->n_paths, &into->expected);
	into->expected = arena_printf(c->keep, "none of %.*s", SV_ARG(into->expected));
	conditions->n++;
}

void compile_operation(struct compile *c, const json_t *operation, const struct compile_place *at,
                       struct authz_operation *ret)
{
	struct raw_lists raw;
	if (!read_lists(c, operation, at, operation_fields, ARRAY_LEN(operation_fields), &raw))
		return;
	ret->conditions = build_lists(c, &raw, at, operation_lists, N_OPERATION);
	if (raw.not_paths && ret->conditions.at)
		add_not_paths(c, raw.not_paths, at, &ret->conditions);
	if (raw.paths) {
		struct compile_place paths = compile_key(at, "paths");
		compile_paths(c, raw.paths, &paths, &ret->paths, &ret->n_paths,
		              &ret->paths_expected);
	}
}

/* ---- one rule ---- */

struct raw_rule {
	const json_t *from, *to, *when, *authentication, *condition, *learn;
};

static const struct json_field rule_fields[] = {
	{.name = "from", .kind = JSON_FIELD_VALUE, .offset = JSON_FIELD_AT(struct raw_rule, from)},
	{.name = "to", .kind = JSON_FIELD_VALUE, .offset = JSON_FIELD_AT(struct raw_rule, to)},
	{.name = "when", .kind = JSON_FIELD_VALUE, .offset = JSON_FIELD_AT(struct raw_rule, when)},
	{.name = "authentication",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_rule, authentication)},
	{.name = "condition",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_rule, condition)},
	{.name = "learn",
         .kind = JSON_FIELD_VALUE,
         .offset = JSON_FIELD_AT(struct raw_rule, learn)},
};

static void compile_from(struct compile *c, const json_t *list, const struct compile_place *at,
                         struct authz_rule *rule)
{
	size_t n = compile_list(c, list, at);
	struct authz_conditions *from = compile_array(c, at, n, sizeof(*from));
	for (size_t i = 0; from && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		compile_source(c, json_array_get(list, i), &place, &from[i]);
	}
	rule->from = from;
	rule->n_from = n;
}

static void compile_to(struct compile *c, const json_t *list, const struct compile_place *at,
                       struct authz_rule *rule)
{
	size_t n = compile_list(c, list, at);
	struct authz_operation *to = compile_array(c, at, n, sizeof(*to));
	for (size_t i = 0; to && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		const json_t *operation = unwrap(c, json_array_get(list, i), &place, "operation");
		place = compile_key(&place, "operation");
		if (operation)
			compile_operation(c, operation, &place, &to[i]);
	}
	rule->to = to;
	rule->n_to = n;
}

static void compile_condition(struct compile *c, const json_t *value,
                              const struct compile_place *at, struct authz_rule *rule)
{
	if (json_is_string(value))
		compile_expression(c, json_string_sv(value), SVL("condition"), at, rule);
	else
		compile_report(c, at, "wrong_type",
		               "a string is expected here: a condition in CEL");
}

static void compile_rule(struct compile *c, const json_t *value, const struct compile_place *at,
                         struct authz_rule *rule)
{
	struct raw_rule raw = {0};
	if (json_fields_read(value, rule_fields, ARRAY_LEN(rule_fields), at->pointer, c->diag,
	                     &raw) != 0)
		c->failed = true;
	rule->pointer = arena_printf(c->keep, "%s", at->pointer);
	struct compile_place place = compile_key(at, "to");
	if (raw.to)
		compile_to(c, raw.to, &place, rule);
	place = compile_key(at, "from");
	if (raw.from)
		compile_from(c, raw.from, &place, rule);
	place = compile_key(at, "when");
	if (raw.when)
		compile_whens(c, raw.when, &place, rule);
	place = compile_key(at, "authentication");
	if (raw.authentication && rule->policy->action == AUTHZ_ACTION_DENY)
		compile_report(
			c, &place, "not_in_deny",
			"a DENY rule binds whoever it matches, however they signed in: write "
			"an ALLOW rule that asks for it");
	else if (raw.authentication)
		rule->stepup = compile_stepup(c, raw.authentication, &place);
	place = compile_key(at, "condition");
	if (raw.condition)
		compile_condition(c, raw.condition, &place, rule);
	place = compile_key(at, "learn");
	if (raw.learn && rule->policy->action == AUTHZ_ACTION_DENY)
		compile_report(c, &place, "not_in_deny",
		               "only what is allowed has an answer to learn from");
	else if (raw.learn)
		rule->learn = authz_learn_compile(c, raw.learn, &place);
}

void compile_policy_rules(struct compile *c, const json_t *rules, const struct compile_place *at,
                          const struct authz_policy *policy, struct authz_rule **ret, size_t *ret_n)
{
	size_t n = json_array_size(rules);
	*ret = NULL;
	*ret_n = 0;
	if (rules && !json_is_array(rules))
		compile_report(c, at, "wrong_type", "an array is expected here");
	if (n > POLICY_LIST_MAX_ITEMS)
		compile_report(c, at, "too_many", "at most %d elements are allowed here",
		               POLICY_LIST_MAX_ITEMS);
	if (n == 0 || n > POLICY_LIST_MAX_ITEMS)
		return;
	struct authz_rule *list = compile_array(c, at, n, sizeof(*list));
	if (!list)
		return;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		list[i].policy = policy;
		compile_rule(c, json_array_get(rules, i), &place, &list[i]);
	}
	*ret = list;
	*ret_n = n;
}
