#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/http.h"
#include "admin/reply.h"
#include "authn/authn.h"
#include "authn/spiffe.h"
#include "core/arena.h"
#include "core/diag.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "state/versions.h"

#include <errno.h>
#include <string.h>

/* One imagined request and who is said to send it. */
struct imagined {
	struct request request;
	const json_t *claims; /* NULL: no user */
	struct sv workload;
};

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{"service", offsetof(struct imagined, request.service)},
	{"method", offsetof(struct imagined, request.method)},
	{"path", offsetof(struct imagined, request.path)},
	{"query", offsetof(struct imagined, request.query)},
	{"host", offsetof(struct imagined, request.host)},
	{"sni", offsetof(struct imagined, request.sni)},
	{"user_agent", offsetof(struct imagined, request.user_agent)},
	{"workload", offsetof(struct imagined, workload)},
};

/* The error in one member; NULL when it is good. */
static const char *read_member(struct imagined *im, const char *name, const json_t *value)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].name, name) != 0)
			continue;
		if (!json_is_string(value))
			return "must be a string";
		struct sv text = json_string_sv(value);
		memcpy((char *)im + texts[i].offset, &text, sizeof(text));
		return NULL;
	}
	if (strcmp(name, "src") == 0)
		return netaddr_parse(json_string_sv(value), &im->request.src)
		               ? NULL
		               : "must be an IP address";
	if (strcmp(name, "tls") == 0) {
		im->request.tls = json_is_true(value);
		return json_is_boolean(value) ? NULL : "must be true or false";
	}
	if (strcmp(name, "claims") == 0) {
		im->claims = value;
		return json_is_object(value) ? NULL : "must be an object";
	}
	return "is not known";
}

static bool read_imagined(struct call *call, struct imagined *im)
{
	json_t *request = json_object_get(call->input, "request");
	const char *name;
	json_t *value;
	im->request.cert_verify = -1;
	if (!json_is_object(request)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'request' must be an object.");
		return false;
	}
	json_object_foreach(request, name, value)
	{
		const char *error = read_member(im, name, value);
		if (!error)
			continue;
		reply_problem(call, PROBLEM_INVALID_REQUEST, "request: '%.64s' %s.", name, error);
		return false;
	}
	if (im->workload.n == 0 || spiffe_id_check(im->workload))
		return true;
	reply_problem(call, PROBLEM_INVALID_REQUEST, "request: 'workload' must be a SPIFFE ID.");
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

static const struct issuer *issuer_of(const struct policy *policy, const json_t *claims)
{
	const struct authn *authn = policy_authn(policy);
	struct sv iss = json_string_sv(json_object_get(claims, "iss"));
	for (size_t i = 0; i < authn_n_issuers(authn); i++)
		if (sv_eq(sv_of(authn_issuer(authn, i)->issuer), iss))
			return authn_issuer(authn, i);
	return NULL;
}

/* The book and the screen say it in words; policy_explain() says true and false. */
static void word_results(json_t *explanation)
{
	json_t *why;
	size_t i;
	json_array_foreach(json_object_get(explanation, "why"), i, why)
	{
		bool held = json_is_true(json_object_get(why, "result"));
		json_object_set_new(why, "result", json_string(held ? "matched" : "failed"));
	}
}

static void judge(struct call *call, const struct policy *policy, const struct imagined *im,
                  struct arena *arena)
{
	struct identity who = {0};
	struct decision decision = {0};
	struct decide_ctx ctx = {.arena = arena, .now_us = call->now_us};
	if (im->claims &&
	    !authn_identity_of_claims(issuer_of(policy, im->claims), im->claims, arena, &who)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "request: 'claims' are too many.");
		return;
	}
	if (im->workload.n > 0)
		identity_set_workload(&who, im->workload);
	policy_decide_as(policy, &ctx, &im->request, &who, &decision);
	json_t *explanation = policy_explain(&decision);
	word_results(explanation);
	reply_json(call, 200, explanation);
}

static void judge_with(struct call *call, struct sv text, const struct imagined *im)
{
	struct policy *policy = NULL;
	struct arena arena;
	/* no keys: who only asks must not make the agent fetch */
	const struct policy_env offline = {.base_dir = call->admin->deps.policy_env->base_dir};
	struct diag diag = diag_over(NULL, text);
	int r = policy_load(text, &offline, 0, &diag, &policy);
	if (r == -EINVAL)
		reply_invalid(call, &diag, "The policy set has errors.");
	else if (r != 0 || arena_init(&arena, REQUEST_ARENA_BYTES) != 0)
		reply_error(call, r ? r : -ENOMEM, "the policy set could not be loaded");
	else {
		judge(call, policy, im, &arena);
		arena_fini(&arena);
	}
	policy_unref(policy);
	diag_fini(&diag);
}

void evaluations_create(struct call *call)
{
	CLEANUP(state_version_fini) struct state_version in_force = {0};
	struct imagined im = {0};
	struct sv text;
	if (!call_input(call) || !read_imagined(call, &im) || !find_text(call, &in_force, &text))
		return;
	judge_with(call, text, &im);
}
