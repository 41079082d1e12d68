#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/reply.h"
#include "core/jsonload.h"
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

static json_t *summary(const json_t *policy, size_t i)
{
	json_t *services = json_object_get(policy, "services");
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "name", text_or(policy, "name", ""),
	                 "action", text_or(policy, "action", "ALLOW"), "mode",
	                 text_or(policy, "mode", "enforce"), "services",
	                 json_is_array(services) ? json_incref(services) : json_array(), "n_rules",
	                 (json_int_t)json_array_size(json_object_get(policy, "rules")), "pointer",
	                 pointer_to("policies", i));
}

static json_t *service(const json_t *service, size_t i)
{
	return json_pack("{s:o, s:o}", "name", text_or(service, "name", ""), "pointer",
	                 pointer_to("services", i));
}

static json_t *or_null(const json_t *object, const char *name)
{
	json_t *member = json_object_get(object, name);
	return json_is_string(member) ? json_incref(member) : json_null();
}

static json_t *issuer(const json_t *issuer, size_t i)
{
	return json_pack("{s:o, s:o, s:o}", "name", or_null(issuer, "name"), "issuer",
	                 or_null(issuer, "issuer"), "pointer", pointer_to("issuers", i));
}

static json_t *each(const json_t *set, const char *list,
                    json_t *(*make)(const json_t *item, size_t i))
{
	json_t *items = json_array();
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(set, list), i, item)
		json_array_append_new(items, make(item, i));
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
	           json_pack("{s:o, s:o, s:o, s:o}", "version", json_u64(version.number), "items",
	                     each(set, "policies", summary), "services",
	                     each(set, "services", service), "issuers",
	                     each(set, "issuers", issuer)));
}
