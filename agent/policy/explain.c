#include "policy/explain.h"

#include "core/jsontext.h"
#include "model/decision.h"

json_t *policy_explain_why(const struct verdict *verdict)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < verdict->n_why; i++) {
		const struct why *why = &verdict->why[i];
		json_t *row = json_pack(
			"{s:o, s:o, s:o, s:o, s:o, s:b}", "policy", json_text_or_null(why->policy),
			"rule", json_text_or_null(why->rule), "condition",
			json_text_or_null(why->condition), "value", json_text_or_null(why->value),
			"expected", json_text_or_null(why->expected), "result", why->held);
		if (!row || json_array_append_new(list, row) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

void policy_explain_words(json_t *why)
{
	json_t *step;
	size_t i;
	json_array_foreach(why, i, step)
	{
		bool held = json_is_true(json_object_get(step, "result"));
		json_object_set_new(step, "result", json_string(held ? "matched" : "failed"));
	}
}

static json_t *shadow_json(const struct verdict *verdict)
{
	if (!verdict->has_shadow)
		return json_null();
	return json_pack("{s:s, s:o}", "verdict", verdict_effect_name(verdict->shadow_effect),
	                 "policy", json_text_or_null(verdict->shadow_policy));
}

json_t *policy_explain(const struct decision *decision)
{
	const struct verdict *v = &decision->verdict;
	const struct identity *who = &decision->identity;
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "verdict", verdict_effect_name(v->effect), "status", (int)v->status,
	                 "reason", reason_name(v->reason), "text", reason_text(v->reason), "policy",
	                 json_text_or_null(v->policy), "service", json_text_or_null(v->service),
	                 "route", json_text_or_null(v->route), "path", json_text_or_null(v->path),
	                 "user", json_text_or_null(who->user), "workload",
	                 json_text_or_null(who->workload), "challenge",
	                 json_text_or_null(v->challenge), "why", policy_explain_why(v), "shadow",
	                 shadow_json(v));
}
