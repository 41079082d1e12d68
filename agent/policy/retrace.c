#include "policy/retrace.h"

#include "audit/record.h"
#include "authz/authz.h"
#include "authz/relation_model.h"
#include "authz/trace.h"
#include "core/arena.h"
#include "policy/policy.h"
#include "policy/recorded.h"
#include "policy/replay.h"

static void add(json_t *list, bool is_missing, const char *what)
{
	if (is_missing)
		json_array_append_new(list, json_string(what));
}

static json_t *not_recorded(const struct policy *policy, const struct audit_record *record)
{
	bool is_http = record->kind == AUDIT_REQUEST;
	bool has_user = record->user.n > 0;
	json_t *list = json_array();
	if (!list)
		return NULL;
	add(list, is_http, "header fields");
	add(list, is_http, "the query as it was sent");
	add(list, has_user, "claims other than iss and sub");
	add(list, has_user, "the token's audiences");
	add(list, has_user, "how and when the user signed in");
	add(list, authz_relations(policy_authz(policy))->n > 0, "relations as they were then");
	add(list, record->cut, "the rest of a text that was too long");
	return list;
}

static json_t *trace_of(const struct policy *policy, const struct recorded *recorded,
                        const struct audit_record *record, struct arena *arena)
{
	struct authz_target target;
	struct verdict verdict;
	if (!authz_locate(policy_authz(policy), &recorded->request, arena, &target, &verdict))
		return json_null();
	target.now_s = (int64_t)(record->at_us / 1000000);
	json_t *trace = authz_trace(policy_authz(policy), &target, &recorded->request,
	                            &recorded->who, arena, &verdict);
	json_object_set_new(trace, "judged", json_true());
	json_object_set_new(trace, "text", json_string(reason_text(verdict.reason)));
	json_object_set_new(trace, "policy_version",
	                    json_integer((json_int_t)record->policy_version));
	return trace;
}

json_t *policy_retrace(const struct policy *policy, const struct audit_record *record,
                       struct arena *arena)
{
	struct replay_result result;
	struct recorded recorded;
	json_t *trace = json_null();
	replay_judge(policy, record, arena, &result);
	const char *class = replay_class_names[result.class];
	const char *why = result.why;
	arena_reset(arena);
	if (result.class != REPLAY_NOT_JUDGED && recorded_read(record, arena, &recorded)) {
		trace = trace_of(policy, &recorded, record, arena);
		recorded_fini(&recorded);
	}
	return json_pack("{s:s, s:s?, s:o, s:o}", "class", class, "text", why, "not_recorded",
	                 not_recorded(policy, record), "trace", trace);
}
