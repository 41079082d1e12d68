/* An API key -> the user it stands for.
 *
 * The identity is as a token of issuer "haward:apikey" with the key's id as subject would give it, so that the
 * policies written for tokens hold: principal "haward:apikey/<id>", claims iss, sub, owner, client_id, scope and
 * groups. The user is the owner.
 */
#ifndef AUTHN_APIKEY_H
#define AUTHN_APIKEY_H

#include "authn/turn.h"

#define APIKEY_ISSUER "haward:apikey"

/* apikey_identify - the key's owner, if the key is the one that was given out, still good, and used where it may be.
 *
 * Of what is wrong with a key only who knows its secret learns: an unknown id and a wrong secret are one answer, after
 * the same work.
 * out     *ret: the fields of the user, lifetime as of authn_identify(); on AUTHN_OK only
 */
MUST_CHECK enum authn_outcome apikey_identify(const struct authn_turn *turn,
                                              const struct credential *credential,
                                              struct identity *ret);

#endif
