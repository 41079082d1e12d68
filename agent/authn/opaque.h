/* Tokens that only their issuer understands: asked about, and remembered by its word. */
#ifndef AUTHN_OPAQUE_H
#define AUTHN_OPAQUE_H

#include "authn/turn.h"

/* opaque_identify - the refusal that is remembered of a token, or an ask; whoever is remembered was found before.
 * in: issuer: one with introspection; key: the token's digest */
MUST_CHECK enum authn_outcome opaque_identify(const struct authn_turn *turn,
                                              const struct issuer *issuer, const uint8_t *key,
                                              struct sv token);

/* opaque_keep - an issuer's good answer; see authn_keep(). */
void opaque_keep(const struct authn *authn, const struct authn_ctx *ctx,
                 const struct authn_answer *answer);

#endif
