#include "policy/lint.h"

#include "authn/apikey.h"
#include "authn/basic.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "policy/lint_part.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct sv lint_text(const json_t *object, const char *member)
{
	return json_string_sv(json_object_get(object, member));
}

bool lint_is_in_force(const json_t *policy)
{
	struct sv mode = lint_text(policy, "mode");
	return (mode.n == 0 || sv_eq(mode, SVL("enforce"))) && !json_object_get(policy, "percent");
}

bool lint_has_action(const json_t *policy, const char *action)
{
	return sv_eq(lint_text(policy, "action"), sv_of(action));
}

/* ---- which services ---- */

bool lint_is_listed(const json_t *list, struct sv text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) if (sv_eq(json_string_sv(item), text)) return true;
	return false;
}

static bool has_labels(const json_t *service, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach(
		(json_t *)(uintptr_t)wanted, name,
		value) if (!json_equal(json_object_get(json_object_get(service, "labels"), name),
	                               value)) return false;
	return true;
}

/* As draft_targets() chooses: a policy, a permission or a limit that names nothing is for all. */
bool lint_is_for(const json_t *chooser, const json_t *service)
{
	const json_t *names = json_object_get(chooser, "services");
	const json_t *namespace = json_object_get(chooser, "namespace");
	const json_t *labels = json_object_get(json_object_get(chooser, "selector"), "matchLabels");
	if (!names && !namespace && !labels)
		return true;
	if (names && lint_is_listed(names, lint_text(service, "name")))
		return true;
	if (!namespace && !labels)
		return false;
	return (!namespace || json_equal(namespace, json_object_get(service, "namespace"))) &&
	       (!labels || has_labels(service, labels));
}

/* ---- single policies ---- */

static bool denies_all(const json_t *policy)
{
	size_t i;
	json_t *rule;
	if (!lint_has_action(policy, "DENY") || !lint_is_in_force(policy))
		return false;
	json_array_foreach(json_object_get(policy, "rules"), i,
	                   rule) if (json_object_size(rule) == 0) return true;
	return false;
}

/* Each service of the one, and at least one, is one of the other. Without services both have to be for all. */
bool lint_covers(const struct linting *l, const json_t *other, const json_t *policy)
{
	size_t i, n = 0;
	json_t *service;
	if (json_array_size(l->services) == 0)
		return true;
	json_array_foreach(l->services, i, service)
	{
		if (!lint_is_for(policy, service))
			continue;
		n++;
		if (!lint_is_for(other, service))
			return false;
	}
	return n > 0;
}

static void lint_denied(struct linting *l, const json_t *policy, const json_t *deniers,
                        const char *at)
{
	size_t i;
	json_t *other;
	json_array_foreach(deniers, i, other)
	{
		if (!lint_covers(l, other, policy))
			continue;
		diag_add(l->d, at, "never_grants",
		         "the policy '%s' denies everything on its services, so that this one "
		         "grants nothing",
		         json_string_value(json_object_get(other, "name")));
		return;
	}
}

static void lint_allow(struct linting *l, const json_t *policy, const json_t *deniers,
                       const char *at)
{
	char pointer[LINT_POINTER_BYTES];
	const json_t *rules = json_object_get(policy, "rules");
	size_t i;
	json_t *rule;
	if (json_array_size(rules) == 0)
		diag_add(l->d, at, "never_matches",
		         "without rules it allows nothing; it only ends the default action");
	json_array_foreach(rules, i, rule)
	{
		(void)snprintf(pointer, sizeof(pointer), "%.100s/rules/%zu", at, i);
		if (json_object_size(rule) == 0)
			diag_add(l->d, pointer, "wide_open",
			         "this allows everything to everybody, also to who is not signed "
			         "in; say from whom or to what");
	}
	lint_denied(l, policy, deniers, at);
}

/* What it says, without its name, as text that is the same for the same. Owned; NULL: memory is out */
static char *sense_of(const json_t *policy)
{
	static const char *const members[] = {"action",    "mode",     "percent", "services",
	                                      "namespace", "selector", "rules"};
	CLEANUP(json_decrefp) json_t *sense = json_object();
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value = json_object_get(policy, members[i]);
		if (value)
			json_object_set(sense, members[i], value);
	}
	return json_dumps(sense, JSON_COMPACT | JSON_SORT_KEYS);
}

/* in: seen: what earlier ones say -> their names */
static void lint_doubled(struct linting *l, json_t *policy, json_t *seen, const char *at)
{
	CLEANUP(freep) char *sense = sense_of(policy);
	const char *other = sense ? json_string_value(json_object_get(seen, sense)) : NULL;
	if (other)
		diag_add(l->d, at, "doubled_policy", "it says what the policy '%s' says", other);
	else if (sense)
		json_object_set(seen, sense, json_object_get(policy, "name"));
}

/* ---- who is meant ---- */

/* Could a principal that begins so be of this issuer? */
bool lint_could_be(struct sv start, struct sv issuer)
{
	struct sv head = sv_first(start, issuer.n);
	if (start.n <= issuer.n)
		return sv_starts(issuer, start);
	return sv_eq(head, issuer) && start.at[issuer.n] == '/';
}

static void lint_request_principal(struct linting *l, struct sv pattern, const char *at)
{
	struct sv start = sv_first(pattern, sv_find(pattern, '*'));
	bool found = start.n == 0 || lint_could_be(start, SVL(BASIC_ISSUER)) ||
	             lint_could_be(start, SVL(APIKEY_ISSUER));
	size_t i;
	json_t *issuer;
	json_array_foreach(json_object_get(l->root, "issuers"), i, issuer) found =
		found || lint_could_be(start, lint_text(issuer, "issuer"));
	if (!found)
		diag_add(l->d, at, "unknown_issuer",
		         "no issuer of the set has this principal: it is written ISSUER/SUBJECT");
}

static void lint_principal(struct linting *l, struct sv pattern, const char *at)
{
	const json_t *domains = json_object_get(l->root, "trustDomains");
	struct sv text = sv_starts(pattern, SVL("spiffe://")) ? sv_from(pattern, 9) : pattern;
	struct sv domain = sv_first(text, sv_find(text, '/'));
	size_t i;
	json_t *one;
	if (json_array_size(domains) == 0 || domain.n == text.n || sv_find(domain, '*') < domain.n)
		return;
	json_array_foreach(domains, i, one) if (sv_eq(lint_text(one, "name"), domain)) return;
	diag_add(l->d, at, "unknown_trust_domain", "the set has no trust domain '%.*s'",
	         SV_ARG(domain));
}

static void lint_source(struct linting *l, const json_t *source, const char *at)
{
	static const struct {
		const char *member;
		void (*lint)(struct linting *l, struct sv pattern, const char *at);
	} lists[] = {{"requestPrincipals", lint_request_principal}, {"principals", lint_principal}};
	char pointer[LINT_POINTER_BYTES];
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		size_t i;
		json_t *pattern;
		json_array_foreach(json_object_get(source, lists[k].member), i, pattern)
		{
			(void)snprintf(pointer, sizeof(pointer), "%.100s/%s/%zu", at,
			               lists[k].member, i);
			lists[k].lint(l, json_string_sv(pattern), pointer);
		}
	}
}

static void lint_sources(struct linting *l, const json_t *policy, const char *at)
{
	char pointer[LINT_POINTER_BYTES];
	size_t i, k;
	json_t *rule, *from;
	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		json_array_foreach(json_object_get(rule, "from"), k, from)
		{
			(void)snprintf(pointer, sizeof(pointer), "%.80s/rules/%zu/from/%zu/source",
			               at, i, k);
			lint_source(l, json_object_get(from, "source"), pointer);
		}
	}
}

static void lint_policies(struct linting *l)
{
	CLEANUP(json_decrefp) json_t *seen = json_object();
	CLEANUP(json_decrefp) json_t *deniers = json_array();
	char at[LINT_POINTER_BYTES];
	size_t i;
	json_t *policy;
	json_array_foreach(l->policies, i, policy) if (denies_all(policy))
		json_array_append(deniers, policy);
	json_array_foreach(l->policies, i, policy)
	{
		(void)snprintf(at, sizeof(at), "/policies/%zu", i);
		if (lint_has_action(policy, "ALLOW") && lint_is_in_force(policy))
			lint_allow(l, policy, deniers, at);
		lint_doubled(l, policy, seen, at);
		lint_sources(l, policy, at);
	}
}

/* ---- roles and services ---- */

static bool is_inherited(const json_t *roles, struct sv name)
{
	size_t i;
	json_t *role;
	json_array_foreach(roles, i, role) if (lint_is_listed(json_object_get(role, "inherits"),
	                                                      name)) return true;
	return false;
}

static void lint_roles(struct linting *l)
{
	const json_t *roles = json_object_get(l->root, "roles");
	char at[LINT_POINTER_BYTES];
	size_t i;
	json_t *role;
	json_array_foreach(roles, i, role)
	{
		(void)snprintf(at, sizeof(at), "/roles/%zu", i);
		if (json_array_size(json_object_get(role, "bindings")) == 0 &&
		    !is_inherited(roles, lint_text(role, "name")))
			diag_add(l->d, at, "unbound_role",
			         "nobody holds this role, and no other inherits it");
	}
}

/* What grants something: the services that are named, and what has to be asked for each of them. */
struct granting {
	json_t *named, *broad; /* owned */
};

static void note_granting(struct granting *g, json_t *chooser)
{
	const json_t *names = json_object_get(chooser, "services");
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)
		json_object_set_new(g->named, json_string_value(name), json_true());
	if (!names || json_object_get(chooser, "namespace") || json_object_get(chooser, "selector"))
		json_array_append(g->broad, chooser);
}

static void find_granting(const struct linting *l, struct granting *ret)
{
	size_t i, k;
	json_t *one, *permission;
	*ret = (struct granting){json_object(), json_array()};
	json_array_foreach(l->policies, i, one) if (lint_has_action(one, "ALLOW") &&
	                                            !sv_eq(lint_text(one, "mode"), SVL("disabled")))
		note_granting(ret, one);
	json_array_foreach(json_object_get(l->root, "roles"), i, one)
	{
		json_array_foreach(json_object_get(one, "permissions"), k, permission)
			note_granting(ret, permission);
	}
}

static bool is_granted(const struct granting *g, const json_t *service)
{
	size_t i;
	json_t *one;
	if (json_object_get(g->named, json_string_value(json_object_get(service, "name"))))
		return true;
	json_array_foreach(g->broad, i, one) if (lint_is_for(one, service)) return true;
	return false;
}

static void lint_services(struct linting *l)
{
	bool allows = sv_eq(lint_text(l->root, "defaultAction"), SVL("ALLOW"));
	struct granting granting;
	char at[LINT_POINTER_BYTES];
	size_t i;
	json_t *service;
	find_granting(l, &granting);
	json_array_foreach(l->services, i, service)
	{
		struct sv own = lint_text(service, "defaultAction");
		(void)snprintf(at, sizeof(at), "/services/%zu", i);
		if (own.n ? sv_eq(own, SVL("ALLOW")) : allows)
			continue;
		if (!is_granted(&granting, service))
			diag_add(l->d, at, "closed_service",
			         "no ALLOW policy and no role is for this service, so that all of "
			         "it is denied");
	}
	json_decref(granting.named);
	json_decref(granting.broad);
}

int policy_lint(struct sv text, struct diag *d)
{
	CLEANUP(json_decrefp) json_t *root = json_load_strict(text, 0, d);
	if (!root)
		return -EINVAL;
	struct linting l = {.root = root,
	                    .services = json_object_get(root, "services"),
	                    .policies = json_object_get(root, "policies"),
	                    .d = d};
	lint_policies(&l);
	lint_operations(&l);
	lint_roles(&l);
	lint_services(&l);
	lint_claims(&l);
	lint_issuers(&l);
	return 0;
}
