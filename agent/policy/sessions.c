#include "policy/sessions.h"

#include "authn/login.h"
#include "authn/session.h"
#include "authn/user.h"
#include "core/arena.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/identity.h"
#include "policy/policy.h"
#include "state/logins.h"

#include <errno.h>

enum { LOOKED_AT_MAX = 5000 };

/* ---- one as people see it ---- */

static const struct issuer *issuer_of(const struct policy *policy, struct sv login)
{
	const struct login *found = policy ? logins_named(policy_login_set(policy), login) : NULL;
	return found ? found->issuer : NULL;
}

static int64_t time_of(const json_t *document, const char *name)
{
	return json_integer_value(json_object_get(document, name));
}

/* Views of document and arena. returns false when it is no session's document, or memory is out */
static bool read_session(const struct policy *policy, const json_t *document, struct arena *arena,
                         struct policy_session *ret)
{
	const json_t *claims = json_object_get(document, "claims");
	struct identity who = {0};
	ret->login = json_string_sv(json_object_get(document, "login"));
	if (!json_is_object(claims) ||
	    !user_of_claims(issuer_of(policy, ret->login), claims, arena, &who))
		return false;
	ret->issuer = who.issuer;
	ret->subject = who.subject;
	ret->user = who.user;
	ret->sid = who.session_id;
	ret->created_at = time_of(document, "created_at");
	ret->used_at = time_of(document, "used_at");
	ret->refreshes_at = time_of(document, "refresh_at");
	ret->ends_at = time_of(document, "last_at");
	return true;
}

/* ---- a walk ---- */

struct walking {
	const struct policy_sessions *sessions;
	int64_t now_s;
	policy_session_visit *visit;
	void *user;
	struct arena arena;
};

/* returns as state_login_walk.visit */
static int look(void *user, const uint8_t digest[SHA256_BYTES],
                const struct state_login_found *found)
{
	struct walking *w = user;
	struct policy_session session = {.idle_ends_at = found->ends_at};
	CLEANUP(json_decrefp) json_t *document = json_loadb(found->text, found->n, 0, NULL);
	(void)hex_encode((struct sv){(const char *)digest, SHA256_BYTES}, session.id);
	arena_reset(&w->arena);
	if (!read_session(w->sessions->policy, document, &w->arena, &session) ||
	    session.ends_at <= w->now_s)
		return 0;
	return w->visit(w->user, &session);
}

static bool read_id(struct sv id, uint8_t ret[SHA256_BYTES])
{
	return id.n == POLICY_SESSION_ID_CHARS && hex_decode(id, ret);
}

int policy_sessions_list(const struct policy_sessions *sessions, struct sv after, int64_t now_s,
                         policy_session_visit *visit, void *user,
                         char ret_next[static POLICY_SESSION_ID_CHARS + 1])
{
	struct walking w = {.sessions = sessions, .now_s = now_s, .visit = visit, .user = user};
	const struct state_login_walk walk = {.ring = &sessions->shared->ring,
	                                      .now_s = now_s,
	                                      .n_max = LOOKED_AT_MAX,
	                                      .visit = look,
	                                      .user = &w};
	uint8_t from[SHA256_BYTES] = {0};
	bool more = false;
	ret_next[0] = '\0';
	if (after.n > 0 && !read_id(after, from))
		return -EINVAL;
	int r = arena_init(&w.arena, REQUEST_ARENA_BYTES);
	if (r == 0)
		r = state_login_each(sessions->state, &walk, from, &more);
	if (r == 0 && more)
		(void)hex_encode((struct sv){(const char *)from, SHA256_BYTES}, ret_next);
	arena_fini(&w.arena);
	return r;
}

/* ---- the end ---- */

/* What is told of the one that ends: whoever ends it wants to know whose it was. */
static int tell(const struct policy_sessions *sessions, const uint8_t digest[SHA256_BYTES],
                int64_t now_s, policy_session_visit *visit, void *user)
{
	CLEANUP(state_login_found_fini) struct state_login_found found = {0};
	struct walking w = {.sessions = sessions, .now_s = now_s, .visit = visit, .user = user};
	int r = state_login_get(sessions->state, &sessions->shared->ring, digest, now_s, &found);
	if (r == 0)
		r = arena_init(&w.arena, REQUEST_ARENA_BYTES);
	if (r == 0)
		(void)look(&w, digest, &found);
	arena_fini(&w.arena);
	return r == -EBADMSG ? -ENOENT : r;
}

int policy_session_end(const struct policy_sessions *sessions, struct sv id, int64_t now_s,
                       policy_session_visit *visit, void *user)
{
	uint8_t digest[SHA256_BYTES];
	int r = read_id(id, digest) ? tell(sessions, digest, now_s, visit, user) : -ENOENT;
	if (r == 0)
		r = state_login_end(sessions->state, digest);
	if (r == 0)
		login_shared_end(sessions->shared, digest);
	return r;
}

int policy_sessions_end_of(const struct policy_sessions *sessions, struct sv issuer,
                           struct sv subject, size_t *ret_n)
{
	const struct state_login_names names = {.issuer = issuer, .subject = subject};
	struct state_login_ended ended = {0};
	int r;
	*ret_n = 0;
	do {
		r = state_login_end_named(sessions->state, &names, NULL, &ended);
		for (size_t i = 0; r == 0 && i < ended.n; i++)
			login_shared_end(sessions->shared, ended.digests[i]);
		*ret_n += r == 0 ? ended.n : 0;
	} while (r == 0 && ended.n == LOGINS_PER_SUBJECT);
	return r;
}
