#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "core/diag.h"
#include "core/jsonload.h"
#include "policy/diff.h"
#include "state/draft.h"
#include "state/versions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One of the two texts: "draft", "current" or a version's number. */
struct side {
	struct sv name;
	json_t *about; /* what the reply says of it */
	json_t *set;
};

static void side_fini(struct side *side)
{
	json_decref(side->about);
	json_decref(side->set);
}

static void reply_missing(struct call *call, int r, const struct side *side)
{
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no %.*s.", SV_ARG(side->name));
	else
		reply_error(call, r, "a policy set could not be read");
}

/* Versions were loaded once; a draft may be unfinished. */
static bool read_text(struct call *call, struct sv text, struct side *side)
{
	struct diag diag = diag_over(NULL, text);
	side->set = json_load_strict(text, 0, &diag);
	if (!side->set)
		reply_invalid(call, &diag, "The text is no JSON.");
	else if (!json_is_object(side->set))
		reply_problem(call, PROBLEM_VALIDATION, "The text is no JSON object.");
	diag_fini(&diag);
	return json_is_object(side->set);
}

static bool read_draft(struct call *call, struct side *side)
{
	CLEANUP(state_draft_fini) struct state_draft draft = {0};
	int r = state_draft_get(call->admin->deps.state, &draft);
	if (r != 0) {
		reply_missing(call, r, side);
		return false;
	}
	side->about = json_pack("{s:n, s:s, s:o, s:s}", "version", "author", draft.author, "time",
	                        json_time(draft.at_us), "digest", draft.digest);
	return read_text(call, sv_of(draft.text), side);
}

static bool read_version(struct call *call, unsigned long long number, struct side *side)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	int r = state_version_get(call->admin->deps.state, number, &version);
	if (r != 0) {
		reply_missing(call, r, side);
		return false;
	}
	side->about = json_pack("{s:o, s:s, s:o, s:s}", "version", json_u64(version.number),
	                        "author", version.author, "time", json_time(version.at_us),
	                        "digest", version.digest);
	return read_text(call, sv_of(version.text), side);
}

static bool read_named(struct call *call, struct sv name, struct side *side)
{
	unsigned long long number = 0;
	side->name = name;
	if (sv_eq(name, SVL("draft")))
		return read_draft(call, side);
	if (sv_eq(name, SVL("current")))
		return read_version(call, 0, side);
	if (sv_to_u64(name, &number) && number > 0)
		return read_version(call, number, side);
	reply_problem(call, PROBLEM_INVALID_QUERY,
	              "A number of a version, 'current' or 'draft' is expected.");
	return false;
}

static void reply_diff(struct call *call, const struct side *from, const struct side *to)
{
	reply_json(call, 200,
	           json_pack("{s:O, s:O, s:o}", "from", from->about, "to", to->about, "changes",
	                     policy_diff(from->set, to->set)));
}

void diff_show(struct call *call)
{
	CLEANUP(side_fini) struct side from = {0};
	CLEANUP(side_fini) struct side to = {0};
	const struct sv *first = target_param(&call->target, "from");
	const struct sv *second = target_param(&call->target, "to");
	if (read_named(call, first ? *first : SVL("current"), &from) &&
	    read_named(call, second ? *second : SVL("draft"), &to))
		reply_diff(call, &from, &to);
}

/* A text that is kept nowhere yet. */
void diff_create(struct call *call)
{
	CLEANUP(side_fini) struct side from = {0};
	CLEANUP(side_fini) struct side to = {.about = json_null()};
	struct sv text, name;
	if (!call_input(call) || !input_text(call, "text", true, &text) ||
	    !input_text(call, "from", false, &name))
		return;
	if (read_named(call, name.n ? name : SVL("current"), &from) && read_text(call, text, &to))
		reply_diff(call, &from, &to);
}
