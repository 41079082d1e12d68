/* What is said at a provider's token endpoint: a code or a refresh token for tokens.
 * source  RFC 6749 4.1.3, 5, 6; RFC 7636 4.5; OpenID Connect Core 1.0 3.1.3, 12
 */
#ifndef AUTHN_GRANT_H
#define AUTHN_GRANT_H

#include "authn/login.h"
#include "core/outbuf.h"

/* One question. */
struct grant_question {
	const struct login *login;
	struct sv code, redirect_uri, verifier; /* of a code */
	struct sv refresh_token;                /* or this; not both */
};

/* Most bytes that grant_write() writes to each. */
size_t grant_max_bytes(const struct grant_question *q);

/* grant_write - the form, and the Authorization value where the client proves itself by one. Both hold secrets.
 * out     form, authorization: each of grant_max_bytes(); authorization stays empty when none is sent
 */
void grant_write(const struct grant_question *q, struct outbuf *form, struct outbuf *authorization);

enum grant_outcome {
	GRANT_FAILED,  /* no usable answer: it may be asked again */
	GRANT_REFUSED, /* the provider will not give tokens for this, now or later */
	GRANT_GIVEN,
};

/* The answer; views of document. */
struct grant {
	json_t *document; /* owned */
	struct sv id_token, access_token, refresh_token, scope;
	int64_t expires_in_s; /* of the access token; 0: not said */
};

/* grant_read - judges an answer.
 *
 * in      status: HTTP; body: any bytes
 * out     *ret on GRANT_GIVEN: json_decref(ret->document)
 */
MUST_CHECK enum grant_outcome grant_read(long status, struct sv body, struct grant *ret);

#endif
