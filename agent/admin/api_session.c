#include "admin/account.h"
#include "admin/acts.h"
#include "admin/call.h"
#include "admin/caller.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "core/secret.h"
#include "core/throttle.h"
#include "state/roles.h"
#include "state/setup.h"

#include <errno.h>
#include <string.h>

static json_t *session_json(const uint8_t *id, const struct state_session *session)
{
	char csrf[CSRF_BYTES];
	if (caller_csrf(id, csrf) != 0)
		return NULL;
	int64_t absolute_us = session->created_us + SESSION_ABSOLUTE_US;
	int64_t idle_us = session->seen_us + SESSION_IDLE_US;
	json_t *json = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "username", session->name,
	                         "roles", account_roles(session->roles), "csrf", csrf, "created_at",
	                         json_time(session->created_us), "idle_expires_at",
	                         json_time(idle_us < absolute_us ? idle_us : absolute_us),
	                         "expires_at", json_time(absolute_us));
	secret_wipe(csrf, sizeof(csrf));
	return json;
}

/* The id that the browser came with ends: nobody keeps a session that was fixed before sign-in. */
static void end_earlier(struct call *call)
{
	if (call->caller.name[0] == '\0')
		return;
	int r = state_session_close(call->admin->deps.state, call->caller.session);
	if (r != 0)
		reply_error(call, r, "the earlier session could not be ended");
}

static void open_session(struct call *call, struct sv name, const struct state_proof *proof,
                         const char *action)
{
	uint8_t id[SESSION_ID_BYTES];
	struct state_session session;
	end_earlier(call);
	int r = state_session_open(call->admin->deps.state, name, proof, call->now_us, id,
	                           &session);
	if (r == -ENOENT || r == -EACCES) {
		reply_problem(call, PROBLEM_UNAUTHENTICATED, "Name or password is wrong.");
		return;
	}
	if (r != 0) {
		reply_error(call, r, "the session could not be made");
		return;
	}
	memcpy(call->caller.name, session.name, sizeof(call->caller.name));
	call->caller.roles = session.roles;
	if (acts_record(call,
	                &(struct act){
				.action = action, .target = name, .result = "ok", .status = 201}) !=
	    0) {
		r = state_session_close(call->admin->deps.state, id); /* no audit, no access */
		reply_problem(call, PROBLEM_UNAVAILABLE,
		              "audit_unavailable: the sign-in could not be recorded.");
	} else {
		reply_json(call, 201, session_json(id, &session));
		caller_set_cookie(call, id);
		admin_count_up(call->admin, COUNT_LOGINS);
	}
	secret_wipe(id, sizeof(id));
}

static bool throttled(struct call *call, struct sv name)
{
	unsigned wait_s =
		throttle_wait(call->admin->throttle, name, &call->caller.src, call->now_us);
	if (wait_s == 0)
		return false;
	admin_count_up(call->admin, COUNT_THROTTLED);
	reply_problem_with(call, PROBLEM_THROTTLED, "retry_after_s", json_integer(wait_s),
	                   "Too many failed tries; wait before the next.");
	reply_retry(call, wait_s);
	return true;
}

static void refuse_login(struct call *call, struct sv name, const char *reason)
{
	throttle_failed(call->admin->throttle, name, &call->caller.src, call->now_us);
	admin_count_up(call->admin, COUNT_LOGINS_FAILED);
	reply_problem(call, PROBLEM_UNAUTHENTICATED, "Name or password is wrong.");
	/* What is no account's name may be a password typed into the wrong field. */
	bool is_name = admin_name_ok(name);
	acts_record(call, &(struct act){.action = "session.create",
	                                .target = is_name ? name : SVL("?"),
	                                .actor = {0},
	                                .result = "denied",
	                                .reason = reason,
	                                .status = 401});
}

static void log_in(struct call *call, struct sv name, struct sv password)
{
	struct state_admin account = {0};
	char fresh[PASSWORD_PHC_BYTES];
	bool weak = false;
	int r = state_admin_get(call->admin->deps.state, name, &account);
	if (r != 0 && r != -ENOENT) {
		reply_error(call, r, "the account could not be read");
		return;
	}
	bool known = r == 0;
	if (!password_verify(password, known ? account.phc : NULL, &weak) || !known ||
	    account.disabled) {
		refuse_login(call, name,
		             !known             ? "unknown_account"
		             : account.disabled ? "disabled"
		                                : "wrong_password");
		return;
	}
	throttle_good(call->admin->throttle, name);
	bool rehash = weak && password_hash(password, fresh) == 0;
	const struct state_proof proof = {.phc = account.phc, .new_phc = rehash ? fresh : NULL};
	open_session(call, name, &proof, "session.create");
}

void session_create(struct call *call)
{
	struct sv name;
	struct sv password;
	if (!call_input(call) || !input_text(call, "username", true, &name) ||
	    !input_text(call, "password", true, &password))
		return;
	if (!acts_ready(call) || throttled(call, name))
		return;
	log_in(call, name, password);
}

void session_show(struct call *call)
{
	reply_json(call, 200, session_json(call->caller.session, &call->caller.times));
}

void session_delete(struct call *call)
{
	int r = state_session_close(call->admin->deps.state, call->caller.session);
	if (r != 0) {
		reply_error(call, r, "the session could not be ended");
		return;
	}
	acts_record(call, &(struct act){.action = "session.delete",
	                                .target = sv_of(call->caller.name),
	                                .result = "ok",
	                                .status = 204});
	reply_empty(call, 204);
	caller_clear_cookie(call);
}

void setup_show(struct call *call)
{
	bool needed;
	int r = state_setup_needed(call->admin->deps.state, &needed);
	if (r != 0)
		reply_error(call, r, "the accounts could not be read");
	else
		reply_json(call, 200, json_pack("{s:b}", "required", needed));
}

static void refuse_setup(struct call *call, int r)
{
	if (r == -EEXIST) {
		reply_problem(call, PROBLEM_CONFLICT, "The first admin exists already; sign in.");
	} else if (r == -EKEYREJECTED) {
		throttle_failed(call->admin->throttle, SVL("setup"), &call->caller.src,
		                call->now_us);
		reply_problem(call, PROBLEM_UNAUTHENTICATED,
		              "The setup link is wrong, used or too old; `haward admin setup-link` "
		              "makes another.");
	} else {
		reply_error(call, r, "the first admin could not be made");
		return;
	}
	acts_record(call, &(struct act){.action = "setup.claim",
	                                .result = "denied",
	                                .reason = r == -EEXIST ? "done_already" : "bad_token",
	                                .status = call->reply.status});
}

static void claim(struct call *call, struct sv token, struct sv name, struct sv password)
{
	struct state *state = call->admin->deps.state;
	struct state_admin first = {
		.roles = ROLE_ADMIN, .created_us = call->now_us, .changed_us = call->now_us};
	/* Before the hash, so that a wrong token costs nothing; the claim itself looks again. */
	int r = state_setup_check(state, token, call->now_us);
	if (r == 0 && !account_ok(call, name, password))
		return;
	if (r == 0) {
		memcpy(first.name, name.at, name.n);
		r = password_hash(password, first.phc);
	}
	if (r == 0)
		r = state_setup_claim(state, token, &first, call->now_us);
	if (r == 0)
		open_session(call, name, &(struct state_proof){.phc = first.phc}, "setup.claim");
	else
		refuse_setup(call, r);
}

void setup_create(struct call *call)
{
	struct sv token;
	struct sv name;
	struct sv password;
	if (!call_input(call) || !input_text(call, "token", true, &token) ||
	    !input_text(call, "username", true, &name) ||
	    !input_text(call, "password", true, &password))
		return;
	if (!acts_ready(call) || throttled(call, SVL("setup")))
		return;
	claim(call, token, name, password);
}
