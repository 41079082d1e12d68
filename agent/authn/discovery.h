/* What an issuer says of itself, where its keys are above all.
 * source: OpenID Connect Discovery 1.0 3 and 4; RFC 8414 2 and 3
 */
#ifndef AUTHN_DISCOVERY_H
#define AUTHN_DISCOVERY_H

#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"

enum { DISCOVERY_URL_MAX_BYTES = 2048 };

/* Two standards, two places for the same document. */
enum discovery_form {
	DISCOVERY_OPENID, /* ISSUER/.well-known/openid-configuration */
	DISCOVERY_OAUTH,  /* ORIGIN/.well-known/oauth-authorization-server/PATH */
	DISCOVERY_FORM_COUNT,
};

/* discovery_url - where the document of an issuer is.
 *
 * in      issuer: an http or https URL without query and fragment
 * out     room: terminated
 * returns false when it is no such URL, or too long
 */
MUST_CHECK bool discovery_url(const char *issuer, enum discovery_form form,
                              char room[DISCOVERY_URL_MAX_BYTES]);

/* All owned; each an http or https URL, NULL when the document has none. */
struct discovery {
	char *jwks_uri; /* never NULL */
	char *authorization_endpoint;
	char *token_endpoint;
	char *introspection_endpoint;
	char *end_session_endpoint;
};

/* discovery_read - a document that has to be of this issuer: its member `issuer` is the same to the byte, or a
 * stranger's document would lend us the stranger's keys.
 *
 * out     *ret: to be released with discovery_fini(), on 0; d: what is wrong
 * errors  0, -EINVAL with items in d, -ENOMEM
 */
MUST_CHECK int discovery_read(struct sv text, const char *issuer, struct diag *d,
                              struct discovery *ret);
void discovery_fini(struct discovery *document);

#endif
