#include "admin/acts.h"
#include "admin/ask.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/mask.h"
#include "admin/offline.h"
#include "admin/replays.h"
#include "admin/reply.h"
#include "policy/policy.h"
#include "state/versions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has_book(struct call *call)
{
	if (!call->admin->replays)
		reply_problem(call, PROBLEM_UNAVAILABLE, "The book is not open.");
	return call->admin->replays;
}

/* ---- telling ---- */

/* Who asks without being an auditor sees no people, also of a replay that an auditor asked for. */
static json_t *without_people(const json_t *report)
{
	json_t *copy = json_deep_copy(report), *row;
	size_t i;
	json_object_set_new(copy, "users", json_null());
	json_array_foreach(json_object_get(copy, "changes"), i, row)
	{
		json_object_set_new(row, "user", json_null());
		json_object_set_new(row, "workload", json_null());
		json_object_set_new(json_object_get(row, "now"), "why", json_array());
	}
	return copy;
}

static json_t *report_json(const struct call *call, const struct replay_shown *shown)
{
	if (!shown->report)
		return json_null();
	return ask_sees_people(call) ? json_incref(shown->report) : without_people(shown->report);
}

static json_t *summary_json(const struct replay_shown *shown)
{
	const struct replay_options *o = &shown->options;
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		shown->id, "state", replay_state_names[shown->state], "author", shown->author,
		"version", shown->version ? json_u64(shown->version) : json_null(), "digest",
		shown->digest, "q", json_sv(o->filter), "from", json_time((int64_t)o->from_us),
		"to", json_time((int64_t)o->to_us), "limit",
		json_integer((json_int_t)(o->max_rows ? o->max_rows : REPLAY_ROWS_MAX)),
		"started_at", json_time(shown->asked_at_us), "ended_at",
		json_time(shown->ended_at_us), "considered",
		json_integer((json_int_t)shown->progress.n_rows), "reached",
		json_time((int64_t)shown->progress.at_us));
}

static void reply_replay(struct call *call, unsigned status, struct sv id)
{
	struct replay_shown shown = {0};
	int r = replays_show(call->admin->replays, id, &shown);
	if (r == -ENOENT) {
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such replay.");
	} else if (r != 0) {
		reply_error(call, r, "the replay could not be shown");
	} else {
		json_t *json = summary_json(&shown);
		if (json && json_object_set_new(json, "report", report_json(call, &shown)) == 0)
			reply_json(call, status, json);
		else
			reply_error(call, -ENOMEM, "the replay could not be shown");
		if (status == 202)
			reply_header(call, "Location", "/api/v1/replays/%s", shown.id);
	}
	replay_shown_fini(&shown);
}

void replay_show(struct call *call)
{
	if (has_book(call))
		reply_replay(call, 200, call->param);
}

void replays_list(struct call *call)
{
	char ids[REPLAYS_KEPT][EVENT_ID_TEXT_BYTES + 1];
	if (!has_book(call))
		return;
	size_t n = replays_ids(call->admin->replays, ids);
	json_t *items = json_array();
	for (size_t i = 0; i < n; i++) {
		struct replay_shown shown = {0};
		if (replays_show(call->admin->replays, sv_of(ids[i]), &shown) == 0)
			json_array_append_new(items, summary_json(&shown));
		replay_shown_fini(&shown);
	}
	reply_json(call, 200, json_pack("{s:o}", "items", items));
}

void replay_delete(struct call *call)
{
	if (!has_book(call))
		return;
	if (!acts_ready(call))
		return;
	bool found = replays_cancel(call->admin->replays, call->param) == 0;
	(void)acts_record(call, &(struct act){.action = "policy.replay_cancel",
	                                      .target = call->param,
	                                      .result = found ? "ok" : "failed",
	                                      .reason = found ? NULL : "not_found",
	                                      .status = found ? 204 : 404});
	if (found)
		reply_empty(call, 204);
	else
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such replay.");
}

/* ---- asking for one ---- */

static bool read_time(struct call *call, const char *name, uint64_t *ret)
{
	struct sv text;
	if (!input_text(call, name, false, &text))
		return false;
	if (text.n == 0 || audit_time_parse(text, call->now_us, ret) == 0)
		return true;
	reply_problem(call, PROBLEM_INVALID_REQUEST, "'%s' is no time: RFC 3339, now, or now-15m.",
	              name);
	return false;
}

static bool read_number(struct call *call, const char *name, uint64_t max, uint64_t *ret)
{
	struct sv text;
	unsigned long long number = 0;
	if (!input_text(call, name, false, &text))
		return false;
	if (text.n > 0 && (!sv_to_u64(text, &number) || number == 0 || number > max)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST, "'%s' is a number from 1 to %llu.",
		              name, (unsigned long long)max);
		return false;
	}
	*ret = number;
	return true;
}

static bool read_options(struct call *call, struct replay_options *ret)
{
	ret->hides_people = !ask_sees_people(call);
	return input_text(call, "q", false, &ret->filter) &&
	       read_time(call, "from", &ret->from_us) && read_time(call, "to", &ret->to_us) &&
	       read_number(call, "limit", REPLAY_ROWS_MAX, &ret->max_rows);
}

/* A text of the body, or a version of the history. */
static bool find_text(struct call *call, struct state_version *version, uint64_t *ret_number,
                      struct sv *ret)
{
	bool has_text = json_object_get(call->input, "text") != NULL;
	if (!input_text(call, "text", false, ret) ||
	    !read_number(call, "version", INT64_MAX, ret_number))
		return false;
	if (has_text == (*ret_number > 0)) {
		reply_problem(call, PROBLEM_INVALID_REQUEST,
		              "Send either 'text' or 'version': the policy set that is to judge.");
		return false;
	}
	if (has_text)
		return true;
	int r = state_version_get(call->admin->deps.state, *ret_number, version);
	if (r == 0)
		*ret = sv_of(version->text);
	else if (r == -ENOENT)
		reply_problem(call, PROBLEM_NOT_FOUND, "There is no such version.");
	else
		reply_error(call, r, "the policy set could not be read");
	return r == 0;
}

/* Looking for one person is an act, and only an auditor's. in: filter in its normal form */
static bool record_ask(struct call *call, struct sv filter)
{
	if (!ask_sees_people(call) && !mask_filter_ok(filter)) {
		reply_problem(call, PROBLEM_FORBIDDEN,
		              "Filters on people and addresses need the role auditor.");
		return false;
	}
	if (!acts_ready(call))
		return false;
	int r = acts_record(call, &(struct act){.action = "policy.replay",
	                                        .target = filter,
	                                        .result = "ok",
	                                        .status = 202});
	if (r != 0)
		reply_problem(call, PROBLEM_UNAVAILABLE,
		              "audit_unavailable: the act could not be recorded.");
	return r == 0;
}

/* The filter is parsed once before anything is done by it: what it says is in its normal form. */
static bool permit(struct call *call, const struct replay_options *options)
{
	CLEANUP(ask_close)
	struct ask ask = {.options = {.filter = options->filter,
	                              .from_us = options->from_us,
	                              .to_us = options->to_us}};
	return ask_open(call, &ask) && record_ask(call, audit_query_text(ask.query));
}

/* policy is taken over. */
static void add(struct call *call, struct replay_wish *wish)
{
	struct audit_query_error error = {0};
	char id[EVENT_ID_TEXT_BYTES + 1];
	int r = replays_add(call->admin->replays, wish, &error, id);
	if (r == 0) {
		reply_replay(call, 202, sv_of(id));
		return;
	}
	policy_unref(wish->policy);
	if (r == -EBUSY)
		reply_problem(call, PROBLEM_BUSY, "As many replays wait as may; cancel one.");
	else
		ask_refused(call, r, &error);
}

void replays_create(struct call *call)
{
	CLEANUP(state_version_fini) struct state_version version = {0};
	struct replay_wish wish = {0};
	struct sv text;
	if (!has_book(call) || !call_input(call) || !read_options(call, &wish.options) ||
	    !find_text(call, &version, &wish.version, &text))
		return;
	(void)snprintf(wish.author, sizeof(wish.author), "%s", call->caller.name);
	wish.policy = offline_policy(call, text);
	if (wish.policy && permit(call, &wish.options))
		add(call, &wish);
	else
		policy_unref(wish.policy);
}
