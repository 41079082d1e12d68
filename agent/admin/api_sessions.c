/* Who is signed in to services with a browser, and the end of it. */
#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/page.h"
#include "admin/reply.h"
#include "policy/policy.h"
#include "policy/sessions.h"
#include "policy/slot.h"

#include <errno.h>
#include <stdio.h>

enum { SECOND_US = 1000000, TEXT_BYTES = 256, NAME_MAX_BYTES = 2048 };

/* The sessions of this agent, with the policy set in force. */
struct desk {
	struct policy_sessions sessions;
	struct policy *policy; /* a reference; NULL: none is in force */
};

static void desk_fini(struct desk *desk)
{
	policy_unref(desk->policy);
}

/* returns false: nobody signs in here, and the reply is set */
static bool desk_init(struct call *call, struct desk *ret)
{
	const struct admin_deps *deps = &call->admin->deps;
	*ret = (struct desk){0};
	if (!deps->logins) {
		reply_problem(call, PROBLEM_UNAVAILABLE, "Browsers do not sign in at this agent.");
		return false;
	}
	ret->policy = deps->slot ? policy_slot_get(deps->slot) : NULL;
	ret->sessions = (struct policy_sessions){deps->state, deps->logins, ret->policy};
	return true;
}

/* ---- listing ---- */

static json_t *session_json(const struct policy_session *s)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", s->id,
	                 "login", json_sv(s->login), "user", json_sv(s->user), "issuer",
	                 json_sv(s->issuer), "subject", json_sv(s->subject), "sid", json_sv(s->sid),
	                 "created_at", json_time(s->created_at * SECOND_US), "used_at",
	                 json_time(s->used_at * SECOND_US), "refreshes_at",
	                 json_time(s->refreshes_at * SECOND_US), "idle_ends_at",
	                 json_time(s->idle_ends_at * SECOND_US), "ends_at",
	                 json_time(s->ends_at * SECOND_US));
}

static int add_session(void *user, const struct policy_session *s)
{
	struct page *page = user;
	if (!page_seeks(page, s->user) && !page_seeks(page, s->subject) &&
	    !page_seeks(page, s->login))
		return 0;
	int r = page_add(page, session_json(s));
	return r != 0 ? r : json_array_size(page->items) == page->limit;
}

void sessions_list(struct call *call)
{
	CLEANUP(desk_fini) struct desk desk;
	struct page page;
	char next[POLICY_SESSION_ID_CHARS + 1];
	if (!desk_init(call, &desk) || !page_begin(call, &page))
		return;
	int r = policy_sessions_list(&desk.sessions, page.cursor, call->now_us / SECOND_US,
	                             add_session, &page, next);
	if (r == 0) {
		page.more = next[0] != '\0';
		page_reply(call, &page, sv_of(next));
		return;
	}
	page_drop(&page);
	if (r == -EINVAL)
		reply_problem(call, PROBLEM_INVALID_CURSOR, "There is no such place in the list.");
	else
		reply_error(call, r, "the sessions could not be read");
}

/* ---- ending ---- */

/* Whose it was, for the book. */
struct ended {
	char user[129], text[TEXT_BYTES];
};

static int note_ended(void *user, const struct policy_session *s)
{
	struct ended *ended = user;
	(void)snprintf(ended->user, sizeof(ended->user), "%.*s", SV_ARG(sv_first(s->user, 128)));
	(void)snprintf(ended->text, sizeof(ended->text), "%.16s: %.*s of %.*s", s->id,
	               SV_ARG(sv_first(s->login, 64)), SV_ARG(sv_first(s->issuer, 120)));
	return 0;
}

static void record(struct call *call, struct sv target, struct sv text, unsigned status)
{
	acts_record(call, &(struct act){.action = "session.end",
	                                .target = target,
	                                .result = "ok",
	                                .after = text,
	                                .status = status});
}

void sessions_delete(struct call *call)
{
	CLEANUP(desk_fini) struct desk desk;
	struct ended ended = {0};
	if (!desk_init(call, &desk) || !acts_ready(call))
		return;
	int r = policy_session_end(&desk.sessions, call->param, call->now_us / SECOND_US,
	                           note_ended, &ended);
	if (r == -ENOENT) {
		reply_problem(call, PROBLEM_NOT_FOUND,
		              "There is no such session, or it has ended.");
	} else if (r != 0) {
		reply_error(call, r, "the session could not be ended");
	} else {
		record(call, sv_of(ended.user), sv_of(ended.text), 204);
		reply_empty(call, 204);
	}
}

static bool read_name(struct call *call, const char *name, struct sv *ret)
{
	if (!input_text(call, name, true, ret))
		return false;
	if (ret->n > 0 && ret->n <= NAME_MAX_BYTES)
		return true;
	reply_problem(call, PROBLEM_VALIDATION, "%s: 1 to %d bytes are expected.", name,
	              NAME_MAX_BYTES);
	return false;
}

void sessions_end(struct call *call)
{
	CLEANUP(desk_fini) struct desk desk = {0};
	struct sv issuer, subject;
	char text[TEXT_BYTES];
	size_t n = 0;
	if (!call_input(call) || !read_name(call, "issuer", &issuer) ||
	    !read_name(call, "subject", &subject) || !desk_init(call, &desk) || !acts_ready(call))
		return;
	int r = policy_sessions_end_of(&desk.sessions, issuer, subject, &n);
	if (r != 0 && n == 0) {
		reply_error(call, r, "the sessions could not be ended");
		return;
	}
	(void)snprintf(text, sizeof(text), "%zu of %.*s", n, SV_ARG(sv_first(issuer, 120)));
	record(call, sv_first(subject, 128), sv_of(text), r == 0 ? 200 : 503);
	if (r != 0)
		reply_error(call, r, "not all of the sessions could be ended");
	else
		reply_json(call, 200, json_pack("{s:I}", "ended", (json_int_t)n));
}
