#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "core/jsonload.h"
#include "policy/hits.h"
#include "state/versions.h"

#include <errno.h>
#include <stdio.h>

static json_t *pointer_to(const char *list, size_t i)
{
	return json_sprintf("/%s/%zu", list, i);
}

/* The member itself when it is a string, else what it means when it is absent. */
static json_t *text_or(const json_t *object, const char *name, const char *otherwise)
{
	json_t *member = json_object_get(object, name);
	return json_is_string(member) ? json_incref(member) : json_string(otherwise);
}

static json_t *list_or_empty(const json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);
	return json_is_array(member) ? json_incref(member) : json_array();
}

static json_int_t count_of(const json_t *object, const char *name)
{
	return (json_int_t)json_array_size(json_object_get(object, name));
}

/* null where nothing is counted. */
static json_t *hits_of(const struct call *call, struct sv name)
{
	struct policy_hits *hits = call->admin->deps.hits;
	struct policy_hit_counts counts;
	if (!hits || !policy_hits_get(hits, name, &counts))
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o, s:o}", "matched", (json_int_t)counts.n_matched,
	                 "decided", (json_int_t)counts.n_decided, "would_change",
	                 (json_int_t)counts.n_would_change, "last_at", json_time(counts.last_at_us),
	                 "since", json_time(counts.since_us));
}

static json_t *summary(const struct call *call, const json_t *policy, size_t i)
{
	json_t *percent = json_object_get(policy, "percent");
	struct sv name = json_string_sv(json_object_get(policy, "name"));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "name",
	                 text_or(policy, "name", ""), "action", text_or(policy, "action", "ALLOW"),
	                 "mode", text_or(policy, "mode", "enforce"), "percent",
	                 json_is_integer(percent) ? json_incref(percent) : json_integer(100),
	                 "services", list_or_empty(policy, "services"), "n_rules",
	                 count_of(policy, "rules"), "hits", hits_of(call, name), "pointer",
	                 pointer_to("policies", i));
}

static json_t *role(const struct call *call, const json_t *role, size_t i)
{
	char policy[256];
	struct sv name = json_string_sv(json_object_get(role, "name"));
	int n = snprintf(policy, sizeof(policy), "role:%.*s", SV_ARG(name));
	struct sv counted = {policy, n > 0 && (size_t)n < sizeof(policy) ? (size_t)n : 0};
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "name", text_or(role, "name", ""),
	                 "description", text_or(role, "description", ""), "inherits",
	                 list_or_empty(role, "inherits"), "n_permissions",
	                 count_of(role, "permissions"), "n_bindings", count_of(role, "bindings"),
	                 "hits", hits_of(call, counted), "pointer", pointer_to("roles", i));
}

/* "100 in 60 s", "10000 a day" */
static json_t *amount(const json_t *limit)
{
	const char *period = json_string_value(json_object_get(limit, "period"));
	long long n = (long long)json_integer_value(json_object_get(limit, "requests"));
	long long period_s = (long long)json_integer_value(json_object_get(limit, "periodSeconds"));
	return period ? json_sprintf("%lld a %s", n, period)
	              : json_sprintf("%lld in %lld s", n, period_s);
}

static json_t *limit(const struct call *call, const json_t *limit, size_t i)
{
	char policy[256];
	struct sv name = json_string_sv(json_object_get(limit, "name"));
	int n = snprintf(policy, sizeof(policy), "limit:%.*s", SV_ARG(name));
	struct sv counted = {policy, n > 0 && (size_t)n < sizeof(policy) ? (size_t)n : 0};
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", text_or(limit, "name", ""),
	                 "mode", text_or(limit, "mode", "enforce"), "amount", amount(limit), "per",
	                 list_or_empty(limit, "per"), "services", list_or_empty(limit, "services"),
	                 "hits", hits_of(call, counted), "pointer", pointer_to("limits", i));
}

static json_t *service(const struct call *call, const json_t *service, size_t i)
{
	(void)call;
	return json_pack("{s:o, s:o}", "name", text_or(service, "name", ""), "pointer",
	                 pointer_to("services", i));
}

static json_t *or_null(const json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);
	return json_is_string(member) ? json_incref(member) : json_null();
}

static json_t *issuer(const struct call *call, const json_t *issuer, size_t i)
{
	(void)call;
	return json_pack("{s:o, s:o, s:o}", "name", or_null(issuer, "name"), "issuer",
	                 or_null(issuer, "issuer"), "pointer", pointer_to("issuers", i));
}

static json_t *each(const struct call *call, const json_t *set, const char *list,
                    json_t *(*make)(const struct call *call, const json_t *item, size_t i))
{
	json_t *items = json_array();
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(set, list), i, item)
		json_array_append_new(items, make(call, item, i));
	return items;
}

void policies_list(struct call *call)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	int r = state_version_get(call->admin->deps.state, 0, &version);
	if (r == -ENOENT) {
		reply_problem(call, PROBLEM_NOT_FOUND, "No policy set is published yet.");
		return;
	}
	if (r != 0) {
		reply_error(call, r, "the policy set could not be read");
		return;
	}
	CLEANUP(json_decrefp) json_t *set = json_load_strict(sv_of(version.text), 0, NULL);
	reply_json(call, 200,
	           json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "version", json_u64(version.number),
	                     "items", each(call, set, "policies", summary), "roles",
	                     each(call, set, "roles", role), "limits",
	                     each(call, set, "limits", limit), "services",
	                     each(call, set, "services", service), "issuers",
	                     each(call, set, "issuers", issuer)));
}
