/* Sessions of browser logins, for people: who is signed in, and the end of it. What a browser's cookie holds is known here
 * to nobody: a session goes by the digest of it.
 */
#ifndef POLICY_SESSIONS_H
#define POLICY_SESSIONS_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct login_shared;
struct policy;
struct state;

enum { POLICY_SESSION_ID_CHARS = 2 * SHA256_BYTES };

/* What sessions are kept with; borrowed. */
struct policy_sessions {
	struct state *state;
	struct login_shared *shared;
	const struct policy *
		policy; /* says how a login's issuer names users; NULL, or without that login: by sub */
};

struct policy_session {
	char id[POLICY_SESSION_ID_CHARS + 1];
	struct sv login, issuer, subject, user;
	struct sv sid; /* the provider's name for it; empty: none */
	int64_t created_at,
		used_at; /* Unix seconds, used_at within an eighth of the idle time; 0: not known */
	int64_t refreshes_at;          /* its tokens; 0: never */
	int64_t idle_ends_at, ends_at; /* when it is not used; whatever happens */
};

/* A session met on a walk: views are valid until it returns. returns 0 to go on, 1 to stop behind this one, or a negative
 * errno that ends the walk. Must not call into state. */
typedef int policy_session_visit(void *user, const struct policy_session *session);

/* policy_sessions_list - in no order that means anything; a bounded number of records is looked at, so that a walk may end
 * before the last of them.
 *
 * in      after: behind this id; empty: from the first; now_s: Unix seconds
 * out     ret_next: the id to go on behind; empty: these were the last
 * errors  0, -EINVAL after is no id, visit's, or a negative errno
 */
MUST_CHECK int policy_sessions_list(const struct policy_sessions *sessions, struct sv after,
                                    int64_t now_s, policy_session_visit *visit, void *user,
                                    char ret_next[static POLICY_SESSION_ID_CHARS + 1]);

/* policy_session_end - over for all workers when it returns.
 *
 * in      visit: of the session that ends, before it does; its result counts for nothing
 * errors  0, -ENOENT there is none, or a negative errno
 */
MUST_CHECK int policy_session_end(const struct policy_sessions *sessions, struct sv id,
                                  int64_t now_s, policy_session_visit *visit, void *user);

/* policy_sessions_end_of - all of one subject of an issuer. out: *ret_n: how many they were. errors: 0 or -errno */
MUST_CHECK int policy_sessions_end_of(const struct policy_sessions *sessions, struct sv issuer,
                                      struct sv subject, size_t *ret_n);

#endif
