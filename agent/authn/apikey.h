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

/* apikey_check - the same without a cache, for those who are asked seldom.
 *
 * in      table: of apikeys.h, NULL refuses; service: that it is used for; empty: none
 * out     *ret: the key, lifetime: the table's; set on REASON_POLICY_ALLOWED only
 */
struct apikey;
enum reason apikey_check(const struct shared *table, struct sv text, const struct netaddr *src,
                         struct sv service, int64_t now_s, struct apikey *ret);

/* apikey_has_scope - is it one of the key's? */
bool apikey_has_scope(const struct apikey *key, struct sv scope);

#endif
