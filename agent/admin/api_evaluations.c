#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/offline.h"
#include "admin/reply.h"
#include "core/arena.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/question.h"
#include "policy/tables.h"
#include "state/versions.h"

#include <errno.h>

/* Credentials are not taken: nobody pastes a token into a trial, and none is logged. */
static bool read_question(struct call *call, struct arena *arena, struct question *ret)
{
	struct diag diag = diag_over(NULL, (struct sv){0});
	const json_t *request = json_object_get(call->input, "request");
	bool good = question_read(request, 0, "/request", arena, &diag, ret);
	if (!good)
		reply_bad_input(call, &diag);
	diag_fini(&diag);
	return good;
}

/* The text of the body, else the one in force. Owned by *ret when it comes from there. */
static bool find_text(struct call *call, struct state_version *in_force, struct sv *ret)
{
	if (!input_text(call, "text", false, ret))
		return false;
	if (json_object_get(call->input, "text"))
		return true;
	int r = state_version_get(call->admin->deps.state, 0, in_force);
	if (r == 0)
		*ret = sv_of(in_force->text);
	else if (r == -ENOENT)
		reply_problem(call, PROBLEM_CONFLICT,
		              "No policy set is published yet; send its text.");
	else
		reply_error(call, r, "the policy set could not be read");
	return r == 0;
}

static void judge(struct call *call, const struct policy *policy, const struct question *question,
                  struct arena *arena)
{
	struct decision decision;
	struct policy_tables_view view = {0};
	struct decide_ctx ctx = {.arena = arena, .now_us = call->now_us, .tables = &view};
	policy_tables_look(call->admin->deps.tables, &view); /* for relations */
	if (question_decide(policy, &ctx, question, &decision)) {
		json_t *explanation = policy_explain(&decision);
		policy_explain_words(json_object_get(explanation, "why"));
		reply_json(call, 200, explanation);
	} else {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "request: 'claims' are too many.");
	}
	policy_tables_leave(&view);
}

static void judge_with(struct call *call, struct sv text, const struct question *question,
                       struct arena *arena)
{
	struct policy *policy = offline_policy(call, text);
	if (policy)
		judge(call, policy, question, arena);
	policy_unref(policy);
}

void evaluations_create(struct call *call)
{
	CLEANUP(state_version_fini) struct state_version in_force = {0};
	CLEANUP(arena_fini) struct arena arena = {0};
	struct question question;
	struct sv text;
	if (!call_input(call))
		return;
	if (arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		reply_error(call, -ENOMEM, "the request could not be judged");
	else if (read_question(call, &arena, &question) && find_text(call, &in_force, &text))
		judge_with(call, text, &question, &arena);
}
