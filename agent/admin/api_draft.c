#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/precondition.h"
#include "admin/reply.h"

#include <errno.h>
#include <string.h>

static void reply_draft(struct call *call, unsigned status, const struct state_draft *draft)
{
	char etag[ETAG_BYTES];
	etag_of_draft(draft, etag);
	reply_json(call, status,
	           json_pack("{s:s, s:o, s:s, s:o, s:s, s:s}", "text", draft->text, "base_version",
	                     json_u64(draft->base_version), "author", draft->author, "time",
	                     json_time(draft->at_us), "digest", draft->digest, "etag", etag));
	reply_etag(call, etag);
}

/* What is there, also when nothing is; false: the reply is set. */
static bool read_draft(struct call *call, struct state_draft *ret, struct there *ret_there)
{
	int r = state_draft_get(call->admin->deps.state, ret);
	if (r != 0 && r != -ENOENT) {
		reply_error(call, r, "the draft could not be read");
		return false;
	}
	*ret_there = (struct there){.is_there = r == 0, .author = ret->author, .at_us = ret->at_us};
	if (r == 0)
		etag_of_draft(ret, ret_there->etag);
	return true;
}

void draft_show(struct call *call)
{
	CLEANUP(state_draft_fini) struct state_draft draft = {0};
	struct there there;
	if (!read_draft(call, &draft, &there))
		return;
	if (there.is_there)
		reply_draft(call, 200, &draft);
	else
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no draft.");
}

static bool read_base(struct call *call, uint64_t *ret)
{
	struct sv text;
	unsigned long long number = 0;
	if (!input_text(call, "base_version", false, &text))
		return false;
	if (text.n > 0 && !sv_to_u64(text, &number)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'base_version' is no number.");
		return false;
	}
	*ret = number;
	return true;
}

static void save(struct call *call, const struct state_draft *before, const struct there *there,
                 struct sv text, uint64_t base)
{
	struct state *state = call->admin->deps.state;
	CLEANUP(state_draft_fini) struct state_draft after = {0};
	struct state_draft next = {.base_version = base, .at_us = call->now_us};
	memcpy(next.author, call->caller.name, sizeof(call->caller.name));
	int r = state_draft_put(state, before->revision, &next, text, NULL);
	if (r == 0)
		r = state_draft_get(state, &after);
	if (r == -ESTALE || r == -ENOENT) {
		precondition_lost(call, there);
	} else if (r == -EINVAL) {
		reply_problem(call, PROBLEM_VALIDATION,
		              "The draft has at most %u bytes of UTF-8 without NUL.",
		              POLICY_TEXT_MAX);
	} else if (r != 0) {
		reply_error(call, r, "the draft could not be saved");
	} else {
		acts_record(call, &(struct act){.action = "draft.save",
		                                .result = "ok",
		                                .before = sv_of(before->digest),
		                                .after = sv_of(after.digest),
		                                .status = there->is_there ? 200 : 201});
		reply_draft(call, there->is_there ? 200 : 201, &after);
	}
}

void draft_put(struct call *call)
{
	CLEANUP(state_draft_fini) struct state_draft before = {0};
	struct there there;
	struct sv text;
	uint64_t base;
	if (!call_input(call) || !input_text(call, "text", true, &text) ||
	    !read_base(call, &base) || !acts_ready(call) || !read_draft(call, &before, &there) ||
	    !precondition_holds(call, &there))
		return;
	save(call, &before, &there, text, base);
}

void draft_delete(struct call *call)
{
	CLEANUP(state_draft_fini) struct state_draft before = {0};
	struct there there;
	if (!acts_ready(call) || !read_draft(call, &before, &there))
		return;
	if (!there.is_there) {
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no draft.");
		return;
	}
	if (!precondition_holds(call, &there))
		return;
	int r = state_draft_remove(call->admin->deps.state, before.revision);
	if (r == -ESTALE || r == -ENOENT) {
		precondition_lost(call, &there);
		return;
	}
	if (r != 0) {
		reply_error(call, r, "the draft could not be removed");
		return;
	}
	acts_record(call, &(struct act){.action = "draft.delete",
	                                .result = "ok",
	                                .before = sv_of(before.digest),
	                                .status = 204});
	reply_empty(call, 204);
}
