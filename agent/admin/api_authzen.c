/* AuthZEN: the decision point for who asks over HTTP, by an API key with the scope "authzen". */
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "audit/journal.h"
#include "authn/apikey.h"
#include "authn/apikeys.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/limits.h"
#include "model/reason.h"
#include "policy/authzen.h"
#include "policy/policy.h"
#include "policy/slot.h"
#include "policy/tables.h"

#include <string.h>

enum { EVALUATIONS_MAX = 1000 };

/* One exchange: what is in force while it is answered. */
struct asking {
	struct call *call;
	struct policy *policy;
	struct policy_tables_view tables;
	struct event_ids ids; /* they rise, from one evaluation to the next */
	struct arena arena;
};

/* ---- who asks ---- */

static void challenge(struct call *call, const char *why)
{
	reply_problem(call, PROBLEM_UNAUTHENTICATED, "%s", why);
	reply_header(call, "WWW-Authenticate", "Bearer");
}

static bool may_ask(struct asking *a)
{
	struct sv given = a->call->header[HEADER_AUTHORIZATION];
	struct apikey key;
	if (!sv_starts_ci(given, SVL("bearer "))) {
		challenge(a->call, "An API key with the scope 'authzen' is needed, as a bearer.");
		return false;
	}
	enum reason reason = apikey_check(
		a->tables.at[POLICY_TABLE_APIKEYS], sv_trim(sv_from(given, strlen("bearer "))),
		&a->call->caller.src, (struct sv){0}, a->call->now_us / 1000000, &key);
	if (reason != REASON_POLICY_ALLOWED) {
		challenge(a->call, "The API key is not accepted.");
		return false;
	}
	if (apikey_has_scope(&key, SVL("authzen")))
		return true;
	reply_problem(a->call, PROBLEM_FORBIDDEN, "The API key has no scope 'authzen'.");
	return false;
}

/* ---- one evaluation ---- */

/* No audit, no access: what cannot be recorded is not allowed. */
static void record(struct asking *a, struct authzen_case *one)
{
	struct admin *admin = a->call->admin;
	bool has_id = event_id_next(&a->ids, a->call->now_us, &one->decision.event);
	(void)pthread_mutex_lock(&admin->journal_lock);
	int r = has_id ? audit_submit(admin->deps.journal, &one->asked, &one->decision) : -1;
	(void)pthread_mutex_unlock(&admin->journal_lock);
	if (r == 0)
		return;
	one->decision.verdict = verdict_deny(REASON_AUDIT_UNAVAILABLE);
	memset(&one->decision.event, 0, sizeof(one->decision.event));
}

static json_t *evaluate(struct asking *a, const json_t *evaluation, bool *ret_allowed)
{
	struct authzen_case one;
	arena_reset(&a->arena);
	authzen_decide(a->policy, evaluation, &a->tables, a->call->now_us, &a->arena, &one);
	record(a, &one);
	*ret_allowed = one.decision.verdict.effect == VERDICT_ALLOW;
	json_t *answer = authzen_answer(&one.decision);
	authzen_case_fini(&one);
	return answer;
}

static void bad_input(struct asking *a, const char *before, size_t i, const char *pointer)
{
	if (before)
		reply_problem(a->call, PROBLEM_INVALID_REQUEST,
		              "%s/%zu%s: what AuthZEN asks for is missing, or of another type.",
		              before, i, pointer);
	else
		reply_problem(a->call, PROBLEM_INVALID_REQUEST,
		              "%s: what AuthZEN asks for is missing, or of another type.", pointer);
}

static void answer_one(struct asking *a, const json_t *evaluation)
{
	const char *pointer;
	bool allowed;
	if (authzen_well_formed(evaluation, &pointer))
		reply_json(a->call, 200, evaluate(a, evaluation, &allowed));
	else
		bad_input(a, NULL, 0, pointer);
}

/* ---- many of them ---- */

enum semantic { EXECUTE_ALL, DENY_ON_FIRST_DENY, PERMIT_ON_FIRST_PERMIT };

static bool read_semantic(struct call *call, enum semantic *ret)
{
	static const char *const names[] = {"execute_all", "deny_on_first_deny",
	                                    "permit_on_first_permit"};
	const json_t *options = json_object_get(call->input, "options");
	const json_t *said = json_object_get(options, "evaluations_semantic");
	*ret = EXECUTE_ALL;
	for (size_t i = 0; json_is_string(said) && i < ARRAY_LEN(names); i++)
		if (strcmp(json_string_value(said), names[i]) == 0) {
			*ret = (enum semantic)i;
			return true;
		}
	if (!said && (!options || json_is_object(options)))
		return true;
	reply_problem(call, PROBLEM_INVALID_REQUEST,
	              "/options/evaluations_semantic: execute_all, deny_on_first_deny or "
	              "permit_on_first_permit is expected.");
	return false;
}

/* What an evaluation does not say itself is said for all. Owned. */
static json_t *with_defaults(const json_t *all, const json_t *own)
{
	static const char *const members[] = {"subject", "action", "resource", "context"};
	json_t *ret = json_object();
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value = json_object_get(own, members[i]);
		if (!value)
			value = json_object_get(all, members[i]);
		if (value)
			(void)json_object_set(ret, members[i], value);
	}
	return ret;
}

static bool are_well_formed(struct asking *a, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *pointer = "";
		json_t *one = with_defaults(a->call->input, json_array_get(list, i));
		bool good = json_is_object(json_array_get(list, i)) &&
		            authzen_well_formed(one, &pointer);
		json_decref(one);
		if (!good) {
			bad_input(a, "/evaluations", i, pointer);
			return false;
		}
	}
	return true;
}

static void answer_many(struct asking *a, const json_t *list)
{
	enum semantic semantic;
	bool is_over = false;
	if (!json_is_array(list) || json_array_size(list) > EVALUATIONS_MAX) {
		reply_problem(a->call, PROBLEM_INVALID_REQUEST,
		              "/evaluations: an array of at most %d is expected.", EVALUATIONS_MAX);
		return;
	}
	if (!read_semantic(a->call, &semantic) || !are_well_formed(a, list))
		return;
	json_t *answers = json_array();
	for (size_t i = 0; i < json_array_size(list) && !is_over; i++) {
		bool allowed;
		json_t *one = with_defaults(a->call->input, json_array_get(list, i));
		(void)json_array_append_new(answers, evaluate(a, one, &allowed));
		json_decref(one);
		is_over = (semantic == DENY_ON_FIRST_DENY && !allowed) ||
		          (semantic == PERMIT_ON_FIRST_PERMIT && allowed);
	}
	reply_json(a->call, 200, json_pack("{s:o}", "evaluations", answers));
}

/* ---- the operations ---- */

static void echo_request_id(struct call *call)
{
	struct sv id = call->header[HEADER_REQUEST_ID];
	bool good = id.n > 0 && id.n <= 128;
	for (size_t i = 0; i < id.n && good; i++)
		good = id.at[i] > ' ' && id.at[i] < 0x7f;
	if (good)
		reply_header(call, "X-Request-Id", "%.*s", SV_ARG(id));
}

static void answer(struct asking *a, bool takes_many)
{
	if (!may_ask(a) || !call_input(a->call))
		return;
	const json_t *list = json_object_get(a->call->input, "evaluations");
	if (takes_many && list && (!json_is_array(list) || json_array_size(list) > 0))
		answer_many(a, list);
	else
		answer_one(a, a->call->input);
}

static void serve(struct call *call, bool takes_many)
{
	struct asking a = {.call = call};
	if (call->admin->deps.slot)
		a.policy = policy_slot_get(call->admin->deps.slot);
	policy_tables_look(call->admin->deps.tables, &a.tables);
	if (arena_init(&a.arena, REQUEST_ARENA_BYTES) == 0)
		answer(&a, takes_many);
	else
		reply_problem(call, PROBLEM_UNAVAILABLE, "Memory is out.");
	echo_request_id(call);
	arena_fini(&a.arena);
	policy_tables_leave(&a.tables);
	policy_unref(a.policy);
}

void authzen_evaluation(struct call *call)
{
	serve(call, false);
}

void authzen_evaluations(struct call *call)
{
	serve(call, true);
}

/* source: AuthZEN Authorization API 1.0, 9: metadata */
void authzen_configuration(struct call *call)
{
	const char *base = call->admin->deps.options->public_url;
	struct sv host = call->header[HEADER_HOST];
	size_t n = base ? strlen(base) : 0;
	while (n > 0 && base[n - 1] == '/')
		n--;
	json_t *at = n ? json_stringn(base, n) : json_sprintf("http://%.*s", SV_ARG(host));
	const char *text = json_string_value(at);
	reply_json(call, 200,
	           text ? json_pack("{s:s, s:o, s:o}", "policy_decision_point", text,
	                            "access_evaluation_endpoint",
	                            json_sprintf("%s/access/v1/evaluation", text),
	                            "access_evaluations_endpoint",
	                            json_sprintf("%s/access/v1/evaluations", text))
	                : NULL);
	json_decref(at);
}
