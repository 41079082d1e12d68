/* What a request shows of its user: one credential, or none; of several the one that the policy set prefers. */
#ifndef AUTHN_CREDENTIAL_H
#define AUTHN_CREDENTIAL_H

#include "authn/place.h"
#include "core/arena.h"
#include "core/macros.h"
#include "model/reason.h"
#include "model/request.h"

enum credential_kind {
	CREDENTIAL_NONE,
	CREDENTIAL_UNKNOWN, /* of a scheme that is none of ours */
	CREDENTIAL_BEARER, /* RFC 6750: a token, in the Authorization header or where its issuer says */
	CREDENTIAL_DPOP,    /* RFC 9449 7.1: a token in that header that goes with a proof */
	CREDENTIAL_API_KEY, /* apikeytext.h: argument api_key, scheme ApiKey, or as a bearer token */
	CREDENTIAL_SESSION, /* the cookie of a browser that signed in */
	CREDENTIAL_BASIC,   /* RFC 7617: name and password */
	CREDENTIAL_KIND_COUNT,
};
/* Names for credentialPrecedence; a gap where a kind cannot be named. */
extern const char *const credential_kind_names[CREDENTIAL_KIND_COUNT];

struct credential {
	enum credential_kind kind;
	uint32_t places; /* PLACE_BIT()s where it stood; bearers only */
	struct sv text;  /* without its scheme; a secret; a view into the request or its arena */
};

/* What a policy set says of looking for credentials. */
struct credential_rules {
	struct places places;                                   /* the first is PLACE_BEARER */
	enum credential_kind precedence[CREDENTIAL_KIND_COUNT]; /* the first that is there counts */
	size_t n_precedence;                                    /* 0: two credentials are refused */
};

/* credential_precedence_read - the policy set's member credentialPrecedence.
 *
 * in      value: an array of names, each once, or NULL
 * errors  0, -EINVAL with items in d
 */
MUST_CHECK int credential_precedence_read(const json_t *value, struct diag *d,
                                          struct credential_rules *rules);

/* credential_find - the one credential of a request.
 *
 * The same token in two places is one credential. What the precedence passes over is not looked at: it may
 * be of an unknown scheme, or no credential at all.
 *
 * in      arena: for what has to be decoded
 * out     *ret: kind CREDENTIAL_NONE when there is none; *why when it is refused
 * returns false when there are several and none is preferred, or the one is of a kind that is not known
 */
MUST_CHECK bool credential_find(const struct credential_rules *rules, const struct request *req,
                                struct arena *arena, struct credential *ret, enum reason *why);

/* credential_prefer - which of two kinds counts that are both there. returns false when neither is preferred */
MUST_CHECK bool credential_prefer(const struct credential_rules *rules, enum credential_kind a,
                                  enum credential_kind b, enum credential_kind *ret);

#endif
