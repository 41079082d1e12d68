/* The policy set's `trustDomains`: whose SPIFFE IDs are believed, each domain by its own authorities alone.
 * source  schema/policy.schema.json, trustDomains[]
 */
#ifndef AUTHN_TRUSTDOMAINS_H
#define AUTHN_TRUSTDOMAINS_H

#include "authn/issuer.h"
#include "authn/trustslot.h"

struct trustdomain {
	char *name;
	char *bundle_url;       /* NULL: the bundle is local */
	char *bundle_file;      /* while it is read, and for people */
	const json_t *bundle;   /* only while it is read */
	struct trustslot *slot; /* owned reference; never NULL */
};

struct trustdomains {
	size_t n;
	struct trustdomain *at; /* owned */
};

/* trustdomains_read - in: list: an array, or NULL for none; pointer: where it stands.
 *
 * out     *ret: to be released with trustdomains_fini() also after an error; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int trustdomains_read(const json_t *list, const char *pointer,
                                 const struct authn_env *env, struct diag *d,
                                 struct trustdomains *ret);
void trustdomains_fini(struct trustdomains *domains);

/* trustdomains_find - the one of this name, or NULL. */
const struct trustdomain *trustdomains_find(const struct trustdomains *domains, struct sv name);

#endif
