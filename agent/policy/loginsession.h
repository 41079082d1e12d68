/* What is kept of one sign-in, as it stands sealed in state/logins.h. Internal to this folder. */
#ifndef POLICY_LOGINSESSION_H
#define POLICY_LOGINSESSION_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"
#include "policy/loginjobs.h"

#include <jansson.h>

struct grant;

struct login_kept {
	uint8_t digest[SHA256_BYTES];
	json_t *document; /* owned; the texts below are of it */
	const json_t *claims;
	struct sv id_token, refresh_token;
	int64_t ends_at;    /* by idleness, unless it is used before */
	int64_t last_at;    /* whatever happens */
	int64_t refresh_at; /* 0: never */
};

void login_kept_fini(struct login_kept *kept);

/* login_kept_add - the session of a code that was just changed, and the state it used up.
 *
 * in      claims: of the ID token; taken over
 * out     *ret; login_kept_fini()
 * errors  as state_login_add()
 */
MUST_CHECK int login_kept_add(struct policy_logins *logins, const struct policy_ask *ask,
                              const struct grant *grant, json_t *claims, int64_t now_s,
                              struct login_kept *ret);

/* login_state_used - of a state that came back. errors: 0 for the first time, -EEXIST, or a negative errno */
MUST_CHECK int login_state_used(struct policy_logins *logins, struct sv seed);
/* login_state_use_up - whatever came of it: one state asks a provider once. */
void login_state_use_up(struct policy_logins *logins, struct sv seed, int64_t now_s);

/* login_kept_get - errors: -ENOENT there is none, or it is of another login */
MUST_CHECK int login_kept_get(struct policy_logins *logins, const struct login *login,
                              struct sv digest, int64_t now_s, struct login_kept *ret);

/* login_kept_touch - notes that it is used, when that was long ago. errors: -ENOENT it was ended meanwhile */
MUST_CHECK int login_kept_touch(struct policy_logins *logins, const struct login *login,
                                struct login_kept *kept, int64_t now_s);

/* login_kept_renew - puts what a refresh gave in place of what was there.
 * in      claims: of a new ID token, or NULL; taken over; refresh_at: when next */
MUST_CHECK int login_kept_renew(struct policy_logins *logins, struct login_kept *kept,
                                const struct grant *grant, json_t *claims, int64_t refresh_at);

/* login_refresh_at - when tokens that live so long have to be changed for new ones; 0: never. */
int64_t login_refresh_at(const struct grant *grant, int64_t now_s);

#endif
