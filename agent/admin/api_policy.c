#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/offline.h"
#include "admin/precondition.h"
#include "admin/reply.h"
#include "core/diag.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/log.h"
#include "policy/cases.h"
#include "policy/lint.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VERSIONS_PAGE_MAX 1000

static json_t *version_json(const struct state_version *version)
{
	char etag[ETAG_BYTES];
	etag_of_version(version, etag);
	return json_pack("{s:o, s:s, s:s, s:s, s:o, s:s}", "version", json_u64(version->number),
	                 "digest", version->digest, "etag", etag, "author", version->author, "time",
	                 json_time(version->at_us), "message", version->message);
}

static json_t *version_summary(const struct state_version *version, uint64_t current)
{
	json_t *json = version_json(version);
	json_object_set_new(json, "current", json_boolean(version->number == current));
	json_object_set_new(json, "n_bytes", json_integer((json_int_t)version->n_bytes));
	return json;
}

static void reply_version(struct call *call, const struct state_version *version)
{
	char etag[ETAG_BYTES];
	etag_of_version(version, etag);
	json_t *json = version_json(version);
	json_object_set_new(json, "text", json_string(version->text));
	reply_json(call, 200, json);
	reply_etag(call, etag);
}

static void show(struct call *call, uint64_t number)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	int r = state_version_get(call->admin->deps.state, number, &version);
	if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such version.");
	else if (r != 0)
		reply_error(call, r, "the version could not be read");
	else
		reply_version(call, &version);
}

void policy_set_show(struct call *call)
{
	show(call, 0);
}

void versions_show(struct call *call)
{
	unsigned long long number;
	if (sv_to_u64(call->param, &number) && number > 0)
		show(call, number);
	else
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such version.");
}

/* One page of the history: one more than asked for is read, to know whether there is more. */
struct history {
	json_t *items;
	uint64_t current;
	uint64_t last; /* number of the last item */
	size_t limit;
	bool more;
};

static int add_version(void *user, const struct state_version *version)
{
	struct history *history = user;
	if (json_array_size(history->items) == history->limit) {
		history->more = true;
		return 0;
	}
	history->last = version->number;
	return json_array_append_new(history->items, version_summary(version, history->current)) ==
	                       0
	               ? 0
	               : -ENOMEM;
}

void versions_list(struct call *call)
{
	const struct state *state = call->admin->deps.state;
	unsigned long long limit = 100;
	unsigned long long before = 0;
	struct state_version current = {0};
	if (!query_number(call, "limit", VERSIONS_PAGE_MAX, &limit) ||
	    !query_number(call, "cursor", UINT64_MAX, &before))
		return;
	struct history history = {.items = json_array(), .limit = limit};
	int r = state_version_current(state, &current);
	history.current = current.number;
	if (r == 0)
		r = state_version_list(state, before, limit + 1, add_version, &history);
	if (r != 0 && r != -ENOENT) {
		json_decref(history.items);
		reply_error(call, r, "the history could not be read");
		return;
	}
	reply_json(call, 200,
	           json_pack("{s:o, s:o, s:b}", "items", history.items, "next_cursor",
	                     history.more ? json_u64(history.last) : json_null(), "exhausted",
	                     !history.more));
}

static void run_tests(struct call *call, const struct policy *policy)
{
	size_t n_failed = 0;
	json_t *items = policy_cases_run(policy, call->now_us, &n_failed);
	size_t n = json_array_size(items);
	if (items)
		reply_json(call, 200,
		           json_pack("{s:o, s:I, s:I}", "items", items, "passed",
		                     (json_int_t)(n - n_failed), "failed", (json_int_t)n_failed));
	else
		reply_error(call, -ENOMEM, "the tests could not be run");
}

void policy_tests(struct call *call)
{
	struct sv text;
	if (!call_input(call) || !input_text(call, "text", true, &text))
		return;
	struct policy *policy = offline_policy(call, text);
	if (policy)
		run_tests(call, policy);
	policy_unref(policy);
}

void policy_validate(struct call *call)
{
	struct sv text;
	struct policy *policy = NULL;
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	if (!call_input(call) || !input_text(call, "text", true, &text))
		return;
	/* Offline: a text that somebody only tries must not make the agent fetch what it names. */
	const struct policy_env offline = {.base_dir = call->admin->deps.policy_env->base_dir};
	struct diag diag = diag_over(NULL, text);
	struct diag warnings = diag_over(NULL, text);
	int r = policy_load(text, &offline, 0, &diag, &policy);
	if (r == 0)
		(void)!policy_lint(text, &warnings);
	policy_unref(policy);
	if ((r != 0 && r != -EINVAL) || !sha256_of(text, digest)) {
		reply_error(call, r, "the policy set could not be checked");
	} else {
		hex_encode((struct sv){(const char *)digest, sizeof(digest)}, hex);
		reply_json(call, 200,
		           json_pack("{s:b, s:o, s:o, s:s}", "valid", r == 0, "errors",
		                     diag_json(&diag), "warnings", diag_json(&warnings), "digest",
		                     hex));
	}
	diag_fini(&warnings);
	diag_fini(&diag);
}

/* A publication under way. */
struct publication {
	struct state_version before; /* number 0: there is none */
	struct there there;
	struct sv text;
	struct sv message;
	const char *action;
	char detail[64];
	bool overrides_tests; /* its tests may fail */
};

static bool read_before(struct call *call, struct publication *p)
{
	int r = state_version_current(call->admin->deps.state, &p->before);
	if (r != 0 && r != -ENOENT) {
		reply_error(call, r, "the version in force could not be read");
		return false;
	}
	p->there = (struct there){.is_there = r == 0,
	                          .version = p->before.number,
	                          .author = p->before.author,
	                          .at_us = p->before.at_us};
	if (r == 0)
		etag_of_version(&p->before, p->there.etag);
	return precondition_holds(call, &p->there);
}

static bool message_ok(struct call *call, struct sv message)
{
	if (sv_trim(message).n > 0 && message.n < VERSION_MESSAGE_BYTES)
		return true;
	reply_problem(call, PROBLEM_VALIDATION, "The message says why; it has 1 to %d bytes.",
	              VERSION_MESSAGE_BYTES - 1);
	return false;
}

static struct policy *load_text(struct call *call, const struct publication *p)
{
	struct policy *policy = NULL;
	struct diag diag = diag_over(NULL, p->text);
	int r = policy_load(p->text, call->admin->deps.policy_env, p->before.number + 1, &diag,
	                    &policy);
	if (r == -EINVAL)
		reply_invalid(call, &diag, "The policy set has errors; the one in force stays.");
	else if (r != 0)
		reply_error(call, r, "the policy set could not be loaded");
	diag_fini(&diag);
	return r == 0 ? policy : NULL;
}

/* False: some test fails, which nobody wanted to override; the reply is set. */
static bool tests_pass(struct call *call, struct publication *p, const struct policy *policy)
{
	struct diag diag = diag_over(NULL, p->text);
	int r = policy_cases_report(policy, call->now_us, &diag);
	size_t n_failed = diag.n + diag.n_dropped;
	if (r == -EINVAL && p->overrides_tests && !p->detail[0])
		snprintf(p->detail, sizeof(p->detail), "overrides %zu of %zu tests, which fail",
		         n_failed, policy_cases_count(policy));
	else if (r == -EINVAL && !p->overrides_tests)
		reply_invalid(call, &diag, "Tests of the policy set fail; the one in force stays.");
	else if (r != 0 && r != -EINVAL)
		reply_error(call, r, "the tests of the policy set could not be run");
	diag_fini(&diag);
	return r == 0 || (r == -EINVAL && p->overrides_tests);
}

/* The draft that was published has done its duty. */
static void drop_same_draft(struct call *call, const char *digest)
{
	CLEANUP(state_draft_fini) struct state_draft draft = {0};
	struct state *state = call->admin->deps.state;
	if (state_draft_get(state, &draft) != 0 || strcmp(draft.digest, digest) != 0)
		return;
	int r = state_draft_remove(state, draft.revision);
	if (r != 0 && r != -ESTALE && r != -ENOENT)
		log_event(LOG_WARNING, "admin_draft_stays", "errno=%d", -r);
}

static void record_publication(struct call *call, const struct publication *p,
                               const struct state_version *after, const char *result,
                               unsigned status)
{
	char target[24] = "";
	if (after)
		snprintf(target, sizeof(target), "%llu", (unsigned long long)after->number);
	acts_record(call, &(struct act){.action = p->action,
	                                .target = sv_of(target),
	                                .result = result,
	                                .reason = after ? NULL : call->reply.problem,
	                                .before = sv_of(p->before.digest),
	                                .after = after ? sv_of(after->digest) : (struct sv){0},
	                                .detail = p->detail[0] ? sv_of(p->detail)
	                                                       : sv_first(p->message, 200),
	                                .status = status});
}

/* The policy is loaded before and stored before it is in force: what is in force is always in the history. */
static bool store_version(struct call *call, const struct publication *p, struct state_version *ret)
{
	struct state_version version = {.at_us = call->now_us};
	memcpy(version.author, call->caller.name, sizeof(call->caller.name));
	memcpy(version.message, p->message.at, p->message.n);
	int r = state_version_add(call->admin->deps.state, p->before.number, &version, p->text,
	                          ret);
	if (r == -ESTALE)
		precondition_lost(call, &p->there);
	else if (r == -EINVAL)
		reply_problem(call, PROBLEM_VALIDATION,
		              "The text or message is too long or not UTF-8.");
	else if (r != 0)
		reply_error(call, r, "the version could not be stored");
	return r == 0;
}

static void put_in_force(struct call *call, const struct publication *p, struct policy *policy)
{
	char etag[ETAG_BYTES];
	struct state_version after;
	const struct admin_hooks *hooks = &call->admin->deps.hooks;

	if (!store_version(call, p, &after)) {
		policy_unref(policy);
		record_publication(call, p, NULL, "failed", call->reply.status);
		return;
	}
	if (hooks->publish)
		hooks->publish(hooks->user, policy);
	else
		policy_unref(policy);
	record_publication(call, p, &after, "ok", 201);
	drop_same_draft(call, after.digest);
	etag_of_version(&after, etag);
	reply_json(call, 201, version_summary(&after, after.number));
	reply_etag(call, etag);
	reply_header(call, MHD_HTTP_HEADER_LOCATION, "/api/v1/policy-set/versions/%llu",
	             (unsigned long long)after.number);
}

static void publish(struct call *call, struct publication *p)
{
	pthread_mutex_lock(&call->admin->publish_lock);
	if (read_before(call, p)) {
		struct policy *policy = load_text(call, p);
		if (policy && tests_pass(call, p, policy)) {
			put_in_force(call, p, policy);
		} else {
			policy_unref(policy);
			record_publication(call, p, NULL, "failed", call->reply.status);
		}
	}
	pthread_mutex_unlock(&call->admin->publish_lock);
}

static bool input_override(struct call *call, bool *ret)
{
	const json_t *member = json_object_get(call->input, "override_tests");
	*ret = json_is_true(member);
	if (!member || json_is_boolean(member))
		return true;
	reply_problem(call, PROBLEM_INVALID_REQUEST, "'override_tests' must be true or false.");
	return false;
}

void versions_publish(struct call *call)
{
	struct publication p = {.action = "policy.publish"};
	if (!call_input(call) || !input_text(call, "text", true, &p.text) ||
	    !input_text(call, "message", true, &p.message) || !message_ok(call, p.message) ||
	    !input_override(call, &p.overrides_tests) || !acts_ready(call))
		return;
	publish(call, &p);
}

void rollbacks_create(struct call *call)
{
	struct publication p = {.action = "policy.rollback"};
	CLEANUP(state_version_fini) struct state_version old = {0};
	struct sv version;
	unsigned long long number = 0;
	if (!call_input(call) || !input_text(call, "version", true, &version) ||
	    !input_text(call, "message", true, &p.message) || !message_ok(call, p.message) ||
	    !acts_ready(call))
		return;
	int r = sv_to_u64(version, &number) && number > 0
	                ? state_version_get(call->admin->deps.state, number, &old)
	                : -ENOENT;
	if (r != 0) {
		if (r == -ENOENT)
			reply_problem(call, PROBLEM_NOT_FOUND, "There is no such version.");
		else
			reply_error(call, r, "the version could not be read");
		return;
	}
	p.text = sv_of(old.text);
	p.overrides_tests =
		true; /* it was in force, and the way back must not be barred by the clock */
	snprintf(p.detail, sizeof(p.detail), "back to version %llu", number);
	publish(call, &p);
}
