#include "policy/explain.h"

#include "core/utf8.h"
#include "model/decision.h"

/* Text from outside as JSON: what is not UTF-8 becomes U+FFFD, byte by byte. */
static json_t *text_json(struct sv text)
{
	if (utf8_valid(text))
		return json_stringn(text.n ? text.at : "", text.n);
	json_t *all = json_string("");
	for (size_t i = 0; all && i < text.n;) {
		size_t n = utf8_length(sv_from(text, i));
		json_t *more = json_sprintf("%s%.*s", json_string_value(all), n ? (int)n : 3,
		                            n ? text.at + i : "\xef\xbf\xbd");
		json_decref(all);
		all = more;
		i += n ? n : 1;
	}
	return all;
}

static json_t *text_or_null(struct sv text)
{
	return text.n ? text_json(text) : json_null();
}

json_t *policy_explain_why(const struct verdict *verdict)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < verdict->n_why; i++) {
		const struct why *why = &verdict->why[i];
		json_t *row = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "policy",
		                        text_or_null(why->policy), "rule", text_or_null(why->rule),
		                        "condition", text_or_null(why->condition), "value",
		                        text_or_null(why->value), "expected",
		                        text_or_null(why->expected), "result", why->held);
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
	                 "policy", text_or_null(verdict->shadow_policy));
}

json_t *policy_explain(const struct decision *decision)
{
	const struct verdict *v = &decision->verdict;
	const struct identity *who = &decision->identity;
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	                 "verdict", verdict_effect_name(v->effect), "status", (int)v->status,
	                 "reason", reason_name(v->reason), "text", reason_text(v->reason), "policy",
	                 text_or_null(v->policy), "service", text_or_null(v->service), "route",
	                 text_or_null(v->route), "path", text_or_null(v->path), "user",
	                 text_or_null(who->user), "workload", text_or_null(who->workload),
	                 "challenge", text_or_null(v->challenge), "why", policy_explain_why(v),
	                 "shadow", shadow_json(v));
}
