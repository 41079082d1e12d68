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
#include "policy/trace.h"
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

static bool read_verbose(struct call *call, bool *ret)
{
	const json_t *verbose = json_object_get(call->input, "verbose");
	*ret = json_is_true(verbose);
	if (!verbose || json_is_boolean(verbose))
		return true;
	reply_problem(call, PROBLEM_INVALID_REQUEST, "verbose: true or false is expected.");
	return false;
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
                  bool verbose, struct arena *arena)
{
	struct decision decision;
	struct policy_tables_view view = {0};
	struct policy_tables *tables = call->admin->deps.tables;
	struct decide_ctx ctx = {
		.arena = arena, .now_us = call->now_us, .tables = tables ? &view : NULL};
	policy_tables_look(tables, &view); /* for relations, and what is revoked */
	if (question_decide(policy, &ctx, question, &decision)) {
		json_t *explanation = policy_explain(&decision);
		policy_explain_words(json_object_get(explanation, "why"));
		if (verbose)
			json_object_set_new(
				explanation, "trace",
				policy_trace(policy, &ctx, &question->request, &decision));
		reply_json(call, 200, explanation);
	} else {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "request: 'claims' are too many.");
	}
	policy_tables_leave(&view);
}

static void judge_with(struct call *call, struct sv text, const struct question *question,
                       bool verbose, struct arena *arena)
{
	struct policy *policy = offline_policy(call, text);
	if (policy)
		judge(call, policy, question, verbose, arena);
	policy_unref(policy);
}

void evaluations_create(struct call *call)
{
	CLEANUP(state_version_fini) struct state_version in_force = {0};
	CLEANUP(arena_fini) struct arena arena = {0};
	struct question question;
	struct sv text;
	bool verbose;
	if (!call_input(call) || !read_verbose(call, &verbose))
		return;
	if (arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		reply_error(call, -ENOMEM, "the request could not be judged");
	else if (read_question(call, &arena, &question) && find_text(call, &in_force, &text))
		judge_with(call, text, &question, verbose, &arena);
}
