/* An issuer while it is read: what issuer.c and issuer_keys.c share. Private to them. */
#ifndef AUTHN_ISSUER_READING_H
#define AUTHN_ISSUER_READING_H

#include "authn/issuer.h"

struct issuer_reading {
	struct issuer *issuer;
	const char *pointer; /* where it stands in the policy set */
	const struct authn_env *env;
	struct diag *diag;
};

/* issuer_complain - in: member: "/name", or "" for the issuer as a whole. returns -EINVAL */
int issuer_complain(const struct issuer_reading *r, const char *member, const char *code,
                    const char *text);

/* issuer_introspection_read - its endpoint and client secret, where it has one. errors as issuer_keys_read() */
MUST_CHECK int issuer_introspection_read(const struct issuer_reading *r);

/* issuer_keys_read - the slot of the issuer's keys: of the policy set, of a file, or fetched.
 * errors  0, -EINVAL with items in the diag, -ENOMEM
 */
MUST_CHECK int issuer_keys_read(const struct issuer_reading *r);

#endif
