/* One request on its way to an identity: what the methods of this folder share. Private to authn/.
 *
 * A method takes one credential and answers for it alone; authn.c asks them in turn.
 */
#ifndef AUTHN_TURN_H
#define AUTHN_TURN_H

#include "authn/authn.h"
#include "authn/basic.h"
#include "authn/credential.h"

struct authn {
	uint64_t
		serial; /* another for each compiled set: cached answers of an older one do not count */
	size_t n;
	struct issuer *issuers; /* owned */
	struct basic_rules basic;
	struct credential_rules credentials;
	struct workloads *workloads; /* owned; NULL: nothing is said of them */
};

struct authn_turn {
	const struct authn *authn;
	const struct authn_ctx *ctx;
	const struct request *req; /* NULL: a credential alone is judged */
	enum reason *why;          /* where a refusal says which way */
};

/* turn_refused - whether a refusal of this credential is remembered, which is said then. in: key: its digest */
static inline bool turn_refused(const struct authn_turn *turn, const uint8_t key[SHA256_BYTES])
{
	struct tokencache_refusal refusal;
	if (!tokencache_find_refusal(turn->ctx->cache, key, turn->authn->serial, turn->ctx->now_s,
	                             &refusal))
		return false;
	*turn->why = refusal.why;
	if (turn->ctx->until_s)
		*turn->ctx->until_s = refusal.until_s;
	return true;
}

/* turn_later - what a method answers that has to ask first: the ask, or a refusal where nobody may be asked. */
static inline enum authn_outcome turn_later(const struct authn_turn *turn,
                                            const struct authn_ask *ask)
{
	const struct authn_ctx *ctx = turn->ctx;
	if (!ctx->ask) {
		*turn->why = ctx->unasked ? ctx->unasked : REASON_AUTHENTICATION_UNAVAILABLE;
		return AUTHN_REFUSED;
	}
	*ctx->ask = *ask;
	ctx->ask->serial = turn->authn->serial;
	return AUTHN_LATER;
}

/* turn_refuse - says why, for `return turn_refuse(turn, REASON_...)`. */
static inline enum authn_outcome turn_refuse(const struct authn_turn *turn, enum reason why)
{
	*turn->why = why;
	return AUTHN_REFUSED;
}

#endif
