/* Where a provider is asked: as the policy set says, or else as the issuer's own document does. */
#ifndef AUTHN_ENDPOINTS_H
#define AUTHN_ENDPOINTS_H

#include "core/macros.h"
#include "core/slot.h"

struct discovery;
struct keyslot;
struct login;

/* What an issuer's document says of them; each an http or https URL, NULL: it says nothing, or what may not be
 * believed. Immutable, shared. */
struct endpoints {
	struct shared shared; /* first: core/slot.h */
	char *authorization, *token, *end_session;
};

/* endpoints_new - of a document that is the issuer's. An issuer that is asked by https sends nobody to a place without:
 * such an endpoint is left out.
 *
 * out     *ret: one reference, shared_unref(&(*ret)->shared)
 * errors  0, -ENOMEM
 */
MUST_CHECK int endpoints_new(const struct discovery *document, const char *issuer,
                             struct endpoints **ret);

/* The endpoints of one login, now. Explicit ones win. */
struct login_endpoints {
	const char *authorization, *token, *end_session; /* NULL: none, or not known yet */
	struct endpoints *discovered;                    /* a reference, that keeps them; or NULL */
};

/* login_endpoints_get - out: *ret: login_endpoints_fini(). thread: any; takes a mutex for a moment */
void login_endpoints_get(const struct login *login, struct login_endpoints *ret);
void login_endpoints_fini(struct login_endpoints *endpoints);

#endif
