#include "admin/input.h"

#include "admin/call.h"
#include "admin/reply.h"
#include "admin/router.h"
#include "core/diag.h"
#include "core/jsonload.h"

bool word_listed(const char *list, struct sv word)
{
	struct sv rest = sv_of(list);
	while (rest.n > 0) {
		size_t n = sv_find(rest, ' ');
		if (sv_eq(sv_first(rest, n), word))
			return true;
		rest = sv_from(rest, n + 1);
	}
	return false;
}

const json_t *call_input(struct call *call)
{
	struct sv text = {call->body, call->n_body};
	struct diag diag = diag_over(NULL, text);
	const char *name;
	json_t *value;

	call->input = json_load_strict(text, 0, &diag);
	if (!json_is_object(call->input)) {
		const char *why = diag.n > 0 && diag.items[0].message ? diag.items[0].message
		                                                      : "not an object";
		reply_problem(call, PROBLEM_INVALID_REQUEST, "The body is not a JSON object: %s",
		              why);
		diag_fini(&diag);
		return NULL;
	}
	diag_fini(&diag);
	json_object_foreach(call->input, name, value)
	{
		if (word_listed(call->route->members, sv_of(name)))
			continue;
		reply_problem(call, PROBLEM_INVALID_REQUEST, "Unknown member '%.64s' in the body.",
		              name);
		return NULL;
	}
	return call->input;
}

bool input_text(struct call *call, const char *name, bool required, struct sv *ret)
{
	const json_t *member = json_object_get(call->input, name);
	if (member && !json_is_string(member)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'%s' must be a string.", name);
		return false;
	}
	if (!member && required) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'%s' is missing.", name);
		return false;
	}
	*ret = json_string_sv(member);
	return true;
}

bool query_number(struct call *call, const char *name, unsigned long long max,
                  unsigned long long *ret)
{
	const struct sv *text = target_param(&call->target, name);
	if (!text || (sv_to_u64(*text, ret) && *ret >= 1 && *ret <= max))
		return true;
	reply_problem(call,
	              strcmp(name, "cursor") == 0 ? PROBLEM_INVALID_CURSOR : PROBLEM_INVALID_QUERY,
	              "'%s' is out of range.", name);
	return false;
}
