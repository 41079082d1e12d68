#include "authz/set.h"

#include "authz/authz.h"
#include "authz/compile.h"
#include "authz/expression.h"
#include "core/hash.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/names.h"

#include <errno.h>
#include <stdlib.h>

/* Memory of the compiled form a byte of text: a path pattern of three bytes is the worst. */
enum { KEEP_FACTOR = 64, KEEP_BASE_BYTES = 1024 * 1024 };
/* And a byte of a condition: a node, its types and its candidates for two letters; and what each may name. */
enum { KEEP_CONDITION_FACTOR = 640, KEEP_CONDITION_BYTES = 8192 };

/* One policy on its way into the set. */
struct draft {
	struct authz_policy policy;
	struct authz_rule *rules;
	size_t n_rules;
	struct authz_service **targets; /* owned; NULL: every service */
	size_t n_targets;
};

/* The whole set on its way. */
struct drafting {
	struct compile c;
	struct authz *set;
	struct draft *drafts;
	size_t n;
	struct draft **by_name; /* open addressing */
	size_t mask;
};

static void drafting_fini(struct drafting *d)
{
	for (size_t i = 0; d->drafts && i < d->n; i++)
		free(d->drafts[i].targets);
	free(d->drafts);
	free(d->by_name);
}

/* ---- one policy ---- */

struct raw_policy {
	const json_t *name, *services, *namespace, *selector, *rules;
	unsigned action, mode;
};

#define FIELD(text, what, member, ...)                                          \
	{                                                                       \
		.name = (text), .kind = (what),                                 \
		.offset = JSON_FIELD_AT(struct raw_policy, member), __VA_ARGS__ \
	}

static const struct json_field policy_fields[] = {
	FIELD("name", JSON_FIELD_VALUE, name, .required = true),
	FIELD("action", JSON_FIELD_ENUM, action, .names = authz_action_names,
              .n_names = AUTHZ_ACTION_COUNT, .required = true),
	FIELD("mode", JSON_FIELD_ENUM, mode, .names = authz_mode_names,
              .n_names = AUTHZ_MODE_COUNT),
	FIELD("services", JSON_FIELD_VALUE, services, .required = false),
	FIELD("namespace", JSON_FIELD_VALUE, namespace, .required = false),
	FIELD("selector", JSON_FIELD_VALUE, selector, .required = false),
	FIELD("rules", JSON_FIELD_VALUE, rules, .required = false),
};
#undef FIELD

static bool add_target(struct drafting *d, struct draft *draft, struct authz_service *service,
                       const struct compile_place *at)
{
	if (!draft->targets)
		draft->targets = calloc(authz_services_count(d->set->services) + 1,
		                        sizeof(struct authz_service *));
	if (!draft->targets) {
		compile_report(&d->c, at, "too_large", "memory is out");
		return false;
	}
	for (size_t i = 0; i < draft->n_targets; i++)
		if (draft->targets[i] == service)
			return false;
	draft->targets[draft->n_targets++] = service;
	return true;
}

static void target_name(struct drafting *d, struct draft *draft, struct sv name,
                        const struct compile_place *at)
{
	struct authz_service *service = authz_services_named(d->set->services, name);
	if (!service) {
		const char *near = authz_services_nearest(d->set->services, name);
		compile_report(&d->c, at, "unknown_service",
		               "the policy set has no service '%.*s'%s%s%s", SV_ARG(name),
		               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return;
	}
	if (!add_target(d, draft, service, at))
		compile_report(&d->c, at, "doubled_name", "this service is named twice");
}

static void target_names(struct drafting *d, struct draft *draft, const json_t *list,
                         const struct compile_place *at)
{
	size_t n = compile_list(&d->c, list, at);
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct sv name;
		if (compile_text(&d->c, json_array_get(list, i), &place, &name))
			target_name(d, draft, name, &place);
	}
}

static bool has_labels(const struct authz_service *service, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
	{
		if (!service->labels || !json_equal(json_object_get(service->labels, name), value))
			return false;
	}
	return true;
}

/* {"matchLabels": {...}}; NULL: there is none that could be read. */
static const json_t *labels_of(struct drafting *d, const json_t *selector,
                               const struct compile_place *at)
{
	const json_t *labels = NULL;
	const struct json_field field = {
		.name = "matchLabels", .kind = JSON_FIELD_VALUE, .required = true};
	if (json_fields_read(selector, &field, 1, at->pointer, d->c.diag, &labels) != 0) {
		d->c.failed = true;
		return NULL;
	}
	struct compile_place place = compile_key(at, "matchLabels");
	if (json_is_object(labels) && json_object_size(labels) > 0)
		return labels;
	compile_report(&d->c, &place, "wrong_type", "an object of labels is expected here");
	return NULL;
}

/* Every service that is in the namespace and has all of the labels; both are chosen by, at least one is given. */
static void target_chosen(struct drafting *d, struct draft *draft, struct sv namespace,
                          const json_t *labels, const struct compile_place *at)
{
	for (size_t i = 0; i < authz_services_count(d->set->services); i++) {
		struct authz_service *service = authz_services_at(d->set->services, i);
		bool is_here = namespace.n == 0 || sv_eq(service->namespace, namespace);
		if (is_here && (!labels || has_labels(service, labels)))
			(void)add_target(d, draft, service, at);
	}
	if (draft->n_targets == 0)
		compile_report(&d->c, at, "no_service", "no service %s%s%s",
		               namespace.n ? "is in this namespace" : "",
		               namespace.n && labels ? " and " : "",
		               labels ? "has these labels" : "");
}

static void compile_targets(struct drafting *d, struct draft *draft, const struct raw_policy *raw,
                            const struct compile_place *at)
{
	struct sv namespace = {0};
	struct compile_place place = compile_key(at, "services");
	if (raw->services)
		target_names(d, draft, raw->services, &place);
	place = compile_key(at, "namespace");
	if (raw->namespace)
	namespace = compile_name(&d->c, raw->namespace, &place);
	if (raw->namespace && raw->services)
		compile_report(&d->c, &place, "exclusive",
		               "services are chosen by name or by namespace, not by both");
	struct compile_place by_label = compile_key(at, "selector");
	const json_t *labels = raw->selector ? labels_of(d, raw->selector, &by_label) : NULL;
	by_label = compile_key(&by_label, "matchLabels");
	if (namespace.n > 0 || labels)
		target_chosen(d, draft, namespace, labels, labels ? &by_label : &place);
}

static void enter_name(struct drafting *d, struct draft *draft, const struct compile_place *at)
{
	struct compile_place place = compile_key(at, "name");
	size_t i = hash_fnv1a(draft->policy.name) & d->mask;
	while (d->by_name[i] && !sv_eq(d->by_name[i]->policy.name, draft->policy.name))
		i = (i + 1) & d->mask;
	if (d->by_name[i])
		compile_report(&d->c, &place, "doubled_name", "another policy has the name '%.*s'",
		               SV_ARG(draft->policy.name));
	else
		d->by_name[i] = draft;
}

static void compile_policy(struct drafting *d, struct draft *draft, const json_t *value,
                           const struct compile_place *at)
{
	struct raw_policy raw = {0};
	if (json_fields_read(value, policy_fields, ARRAY_LEN(policy_fields), at->pointer, d->c.diag,
	                     &raw) != 0)
		d->c.failed = true;
	struct compile_place place = compile_key(at, "name");
	if (raw.name)
		draft->policy.name = compile_name(&d->c, raw.name, &place);
	if (draft->policy.name.n > 0)
		enter_name(d, draft, at);
	draft->policy.action = (enum authz_action)raw.action;
	draft->policy.mode = (enum authz_mode)raw.mode;
	compile_targets(d, draft, &raw, at);
	place = compile_key(at, "rules");
	compile_policy_rules(&d->c, raw.rules, &place, &draft->policy, &draft->rules,
	                     &draft->n_rules);
	if (raw.name && draft->policy.action == AUTHZ_ACTION_DENY && draft->n_rules == 0)
		compile_report(&d->c, at, "missing_rules",
		               "a DENY policy without rules never matches; [{}] matches all");
}

static int compile_policies(struct drafting *d, const json_t *list)
{
	struct compile_place at = {"/policies"};
	size_t n = json_array_size(list);
	size_t n_slots = 8;
	if (list && !json_is_array(list))
		compile_report(&d->c, &at, "wrong_type", "an array is expected here");
	if (n > POLICY_SET_MAX_POLICIES) {
		compile_report(&d->c, &at, "too_many", "at most %d policies are allowed",
		               POLICY_SET_MAX_POLICIES);
		n = 0;
	}
	while (n_slots < n * 2)
		n_slots *= 2;
	d->mask = n_slots - 1;
	d->by_name = calloc(n_slots, sizeof(struct draft *));
	d->drafts = calloc(n + 1, sizeof(*d->drafts));
	if (!d->by_name || !d->drafts)
		return -ENOMEM;
	d->n = n;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(&at, i);
		compile_policy(d, &d->drafts[i], json_array_get(list, i), &place);
	}
	return 0;
}

/* ---- putting the rules in order ---- */

static bool is_in_group(const struct draft *draft, enum authz_group group)
{
	static const struct {
		enum authz_action action;
		enum authz_mode mode;
	} groups[] = {
		[AUTHZ_GROUP_DENY] = {AUTHZ_ACTION_DENY, AUTHZ_MODE_ENFORCE},
		[AUTHZ_GROUP_DENY_SHADOW] = {AUTHZ_ACTION_DENY, AUTHZ_MODE_SHADOW},
		[AUTHZ_GROUP_ALLOW] = {AUTHZ_ACTION_ALLOW, AUTHZ_MODE_ENFORCE},
		[AUTHZ_GROUP_ALLOW_SHADOW] = {AUTHZ_ACTION_ALLOW, AUTHZ_MODE_SHADOW},
	};
	return draft->policy.action == groups[group].action &&
	       draft->policy.mode == groups[group].mode;
}

static int index_rule(struct authz *set, const struct draft *draft, const struct authz_rule *rule,
                      uint32_t id)
{
	int r = 0;
	if (!draft->targets)
		return authz_index_add(set->index, AUTHZ_SPACE_COMMON, rule, id);
	for (size_t i = 0; i < draft->n_targets && r == 0; i++)
		r = authz_index_add(set->index, draft->targets[i]->space, rule, id);
	return r;
}

/* Policies without rules count too: an ALLOW that never matches still ends the default. */
static void mark_allow(struct authz *set, const struct draft *draft)
{
	bool enforced = draft->policy.mode == AUTHZ_MODE_ENFORCE;
	if (draft->policy.action != AUTHZ_ACTION_ALLOW || draft->policy.mode == AUTHZ_MODE_DISABLED)
		return;
	if (!draft->targets) {
		set->has_allow = set->has_allow || enforced;
		set->has_allow_shadowed = true;
	}
	for (size_t i = 0; i < draft->n_targets; i++) {
		draft->targets[i]->has_allow = draft->targets[i]->has_allow || enforced;
		draft->targets[i]->has_allow_shadowed = true;
	}
}

static int rank_group(struct drafting *d, enum authz_group group)
{
	struct authz *set = d->set;
	int r = 0;
	for (size_t i = 0; i < d->n && r == 0; i++) {
		if (!is_in_group(&d->drafts[i], group))
			continue;
		mark_allow(set, &d->drafts[i]);
		for (size_t k = 0; k < d->drafts[i].n_rules && r == 0; k++) {
			const struct authz_rule *rule = &d->drafts[i].rules[k];
			uint32_t id = (uint32_t)set->n_rules++;
			set->rules[id] = (struct authz_ranked){rule, group};
			r = index_rule(set, &d->drafts[i], rule, id);
		}
	}
	return r;
}

/* The policies move into the set's own memory; their rules point there. */
static int keep_policies(struct drafting *d)
{
	struct authz_policy *kept = arena_array(&d->set->keep, d->n + 1, sizeof(*kept));
	size_t n_rules = 0;
	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		kept[i] = d->drafts[i].policy;
		n_rules += d->drafts[i].n_rules;
		for (size_t k = 0; k < d->drafts[i].n_rules; k++)
			d->drafts[i].rules[k].policy = &kept[i];
	}
	d->set->n_policies = d->n;
	d->set->rules = arena_array(&d->set->keep, n_rules + 1, sizeof(*d->set->rules));
	return d->set->rules ? 0 : -ENOMEM;
}

static int rank_rules(struct drafting *d)
{
	int r = keep_policies(d);
	d->set->index = authz_index_new();
	if (r == 0 && !d->set->index)
		r = -ENOMEM;
	for (unsigned group = 0; group < AUTHZ_GROUP_COUNT && r == 0; group++)
		r = rank_group(d, (enum authz_group)group);
	if (r == 0)
		r = authz_index_seal(d->set->index);
	if (r == -E2BIG) {
		struct compile_place at = {"/policies"};
		compile_report(&d->c, &at, "too_large",
		               "services times paths give more than %d index entries",
		               INDEX_MAX_ENTRIES);
		r = 0;
	}
	return r;
}

/* ---- the set ---- */

static void compile_default(struct drafting *d, const json_t *value)
{
	struct compile_place at = {"/defaultAction"};
	unsigned action = AUTHZ_DEFAULT_DENY;
	if (value &&
	    !names_find(authz_default_names, AUTHZ_DEFAULT_COUNT, json_string_sv(value), &action))
		compile_report(&d->c, &at, "unknown_value", "DENY or ALLOW is expected here");
	d->set->default_action = (enum authz_default)action;
}

static void compile_path_mode(struct drafting *d, const json_t *value)
{
	struct compile_place at = {"/pathNormalization"};
	unsigned mode = AUTHZ_PATH_STRICT;
	if (value &&
	    !names_find(authz_path_mode_names, AUTHZ_PATH_MODE_COUNT, json_string_sv(value), &mode))
		compile_report(&d->c, &at, "unknown_value",
		               "STRICT, NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES is "
		               "expected here");
	d->set->path_mode = (enum authz_path_mode)mode;
}

static int compile_set(struct drafting *d, const struct authz_document *document)
{
	struct compile_place at = {"/types"};
	compile_default(d, document->default_action);
	compile_path_mode(d, document->path_normalization);
	relation_model_compile(&d->c, document->types, &at, &d->set->relations);
	at = (struct compile_place){"/services"};
	d->set->services = authz_services_compile(
		&d->c, document->services, &at,
		(struct authz_service_defaults){d->set->default_action, d->set->path_mode});
	if (!d->set->services)
		return d->c.failed ? -EINVAL : -ENOMEM;
	if (authz_services_count(d->set->services) == 0)
		d->c.keeps_slashes = !authz_path_merges(d->set->path_mode);
	int r = compile_policies(d, document->policies);
	if (r == 0 && !d->c.failed)
		r = rank_rules(d);
	if (r == 0 && d->c.failed)
		r = -EINVAL;
	return r;
}

/* What the conditions of all rules may take. */
static size_t conditions_room(const json_t *policies)
{
	size_t room = 0, i, k;
	json_t *policy, *rule;
	json_array_foreach(policies, i, policy)
	{
		json_array_foreach(json_object_get(policy, "rules"), k, rule)
		{
			const json_t *condition = json_object_get(rule, "condition");
			if (json_is_string(condition))
				room += KEEP_CONDITION_BYTES +
				        KEEP_CONDITION_FACTOR * json_string_length(condition);
		}
	}
	return room;
}

static struct authz *authz_new(const struct authz_document *document)
{
	struct authz *set = calloc(1, sizeof(*set));
	if (!set)
		return NULL;
	size_t room = document->n_bytes * KEEP_FACTOR + KEEP_BASE_BYTES +
	              conditions_room(document->policies);
	if (arena_init(&set->keep, room) != 0) {
		free(set);
		return NULL;
	}
	set->services_json = json_incref(document->services);
	set->policies_json = json_incref(document->policies);
	set->issuers_json = json_incref(document->issuers);
	set->types_json = json_incref(document->types);
	return set;
}

static void freep_authz(struct authz **set)
{
	authz_free(*set);
}

int authz_compile(const struct authz_document *document, struct diag *d, struct authz **ret)
{
	CLEANUP(freep_authz) struct authz *set = authz_new(document);
	if (!set)
		return -ENOMEM;
	CLEANUP(drafting_fini)
	struct drafting drafting = {.c = {.keep = &set->keep,
	                                  .diag = d,
	                                  .logins = document->logins,
	                                  .expressions = &set->expressions},
	                            .set = set};
	int r = compile_set(&drafting, document);
	if (r != 0)
		return r;
	*ret = TAKE(set);
	return 0;
}

void authz_free(struct authz *authz)
{
	if (!authz)
		return;
	authz_services_free(authz->services);
	authz_index_free(authz->index);
	authz_expressions_fini(authz->expressions);
	json_decref(authz->services_json);
	json_decref(authz->policies_json);
	json_decref(authz->issuers_json);
	json_decref(authz->types_json);
	arena_fini(&authz->keep);
	free(authz);
}

struct authz_counts authz_count(const struct authz *authz)
{
	return (struct authz_counts){.services = authz_services_count(authz->services),
	                             .policies = authz->n_policies,
	                             .rules = authz->n_rules};
}
