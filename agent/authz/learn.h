/* Learned ownership: what an allowed request's answer teaches about who is what to an object (`learn` of a rule).
 *
 *   { "header": "location", "path": "/orders/{id}", "object": "order:{id}", "relation": "owner", "subject": "user:{user}" }
 *
 * When the service answers 2xx, the header field names the object. Between the verdict and that answer HAProxy keeps
 * what is to be learned: a text, the offer, which says all of it, so that nothing is remembered here meanwhile and a
 * policy set that is published in between changes nothing.
 */
#ifndef AUTHZ_LEARN_H
#define AUTHZ_LEARN_H

#include "authz/relation.h"
#include "core/arena.h"
#include "model/identity.h"

#include <jansson.h>

struct compile;
struct compile_place;

enum { AUTHZ_OFFER_MAX = 2048 };

struct authz_learn;

/* authz_learn_compile - the `learn` of a rule. out: NULL when it is not good, which is reported */
const struct authz_learn *authz_learn_compile(struct compile *c, const json_t *value,
                                              const struct compile_place *at);

/* authz_learn_offer - what is to be learned from this caller's request.
 *
 * in      policy: the name of the one that allowed
 * returns text of at most AUTHZ_OFFER_MAX octets in scratch; empty: nothing, since the caller is not who the subject
 *         asks for, has a name that no subject can have, or memory is out
 */
struct sv authz_learn_offer(const struct authz_learn *learn, struct sv policy,
                            const struct identity *who, struct arena *scratch);

/* What was learned. Views of the offer, and arena memory. */
struct authz_lesson {
	struct sv policy;
	struct relation_tuple tuple;
};

/* authz_learn_from - reads an answer.
 *
 * in      offer: of authz_learn_offer(), by nobody else; headers: res.hdrs_bin of the answer
 * out     *ret on true; *ret_why, a static text, on false
 * errors  false: the header field is missing, stands twice or is not as expected
 */
MUST_CHECK bool authz_learn_from(struct sv offer, struct sv headers, struct arena *scratch,
                                 struct authz_lesson *ret, const char **ret_why);

#endif
