/* The method of the scheme Basic. Private to authn/. */
#ifndef AUTHN_BASICAUTH_H
#define AUTHN_BASICAUTH_H

#include "authn/turn.h"

/* basicauth_split - the two parts of the credential.
 *
 * in      text: without its scheme; arena: where it is decoded
 * out     *name, *password: in the arena; *decoded: all of it, to be wiped; set also on false, maybe empty
 * returns whether it is canonical base64 of a name that is text and of a password that is text, a colon between
 */
MUST_CHECK bool basicauth_split(struct sv text, struct arena *arena, struct sv *name,
                                struct sv *password, struct sv *decoded);

/* basic_identify - who is known for a moment, a refusal that is remembered, or an ask. */
MUST_CHECK enum authn_outcome basic_identify(const struct authn_turn *turn,
                                             const struct credential *credential,
                                             struct identity *ret);

#endif
