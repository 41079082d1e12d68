/* The session cookie of a browser -> the user it belongs to.
 *
 * A session is found by the digest of its id; what is known of it is read off the worker (authn/ask.h) and kept in
 * the worker's token cache for a minute at most. The key it is kept under depends on an epoch, one of a table that
 * all threads share: whoever ends a session moves its epoch on, and no worker finds what it kept.
 */
#ifndef AUTHN_SESSION_H
#define AUTHN_SESSION_H

#include "authn/login.h"
#include "core/seal.h"

#include <stdatomic.h>

struct authn_turn;
struct credential;

enum { SESSION_EPOCHS = 4096, SESSION_KEPT_S = 60, SESSION_ID_CHARS = 43 };

/* What all threads share that deal with sign-ins. Zeroed, nobody can sign in. */
struct login_shared {
	struct seal_ring ring;
	atomic_uint epochs[SESSION_EPOCHS];
};

/* login_shared_end - workers forget this session, and some others, which they will ask for again. Only after the
 * store does not have it any more. thread: any */
void login_shared_end(struct login_shared *shared, const uint8_t digest[SHA256_BYTES]);

/* Where a session is found. */
struct session_place {
	uint8_t digest[SHA256_BYTES]; /* in the store */
	uint8_t key[SHA256_BYTES];    /* in a token cache, in this epoch */
};

/* session_place - of an id, as it stands in a cookie. returns false when it cannot be one, or OpenSSL fails */
MUST_CHECK bool session_place(struct tokencache *cache, const struct login_shared *shared,
                              struct sv id, struct session_place *ret);

/* session_identify - in: credential: the value of the cookie of turn->ctx->login
 * out     *ret: the fields of the user, on AUTHN_OK
 * returns AUTHN_ANONYMOUS with *why session_expired where there is no such session any more: a stale cookie must
 *         not close what is open to all
 */
MUST_CHECK enum authn_outcome session_identify(const struct authn_turn *turn,
                                               const struct credential *credential,
                                               struct identity *ret);

/* session_keep - puts a good answer to AUTHN_ASK_SESSION or AUTHN_ASK_CODE into the token cache. */
void session_keep(const struct authn *authn, const struct authn_ctx *ctx,
                  const struct authn_answer *answer);

/* session_keep_end - the same for AUTHN_ASK_LOGOUT, _BACKCHANNEL and _FRONTCHANNEL: the claims as they are, with the user
 * whose session it was, where they have `claims` of one. */
void session_keep_end(const struct authn *authn, const struct authn_ctx *ctx,
                      const struct authn_answer *answer);

#endif
