/* Demonstrating proof of possession: a token that is bound to a key is good only with a proof, made by that key for
 * this very request and shown once. source: RFC 9449
 */
#ifndef AUTHN_DPOP_H
#define AUTHN_DPOP_H

#include "core/macros.h"
#include "core/sv.h"
#include "model/reason.h"

#include <stdbool.h>
#include <stdint.h>

struct authn;
struct authn_ctx;
struct authn_turn;
struct identity;

/* What all workers have in common: which proofs were shown, and the key of the nonces that we give. Nonces are not
 * stored: each holds its time, and a MAC of it by a key made at the start. So a proof with a nonce is good at one agent
 * and not after its end, while without one each agent that starts takes it once more. */
struct dpop;

enum {
	DPOP_PROOFS = 2 * 1024 * 1024, /* 16 MiB: 20,000 proofs a second at the default age */
	DPOP_NONCE_PERIOD_S = 60,      /* another nonce each minute */
	DPOP_NONCE_PERIODS = 5,        /* and each is taken for five */
};

/* dpop_new - out: *ret, owned. errors: 0, -ENOMEM, -EIO without random numbers */
MUST_CHECK int dpop_new(size_t n_proofs, int64_t now_s, struct dpop **ret);
/* dpop_free - after the last worker. */
void dpop_free(struct dpop *dpop);

/* dpop_check - whether the request holds a proof for its token. Each good proof is used up.
 *
 * in      who: the token's, with BINDING_KEY; token: its text
 * returns false, with turn->why, when it does not
 */
MUST_CHECK bool dpop_check(const struct authn_turn *turn, struct sv token,
                           const struct identity *who);

/* dpop_nonce - the nonce that the answer has to carry: when one was missing, and as long as its user's issuer wants
 * them. In the arena; empty when there is none to give.
 *
 * in      who: of a request with a proof; zero when it was refused, and why says how
 */
struct sv dpop_nonce(const struct authn *authn, const struct authn_ctx *ctx,
                     const struct identity *who, enum reason why);

#endif
