/* What a policy set says of workloads: whose names are believed, and who has one without SPIFFE. Private to authn/
 * but for making it.
 */
#ifndef AUTHN_WORKLOADS_H
#define AUTHN_WORKLOADS_H

#include "authn/certmap.h"
#include "authn/trustdomains.h"

struct workloads {
	struct trustdomains domains;
	struct certmap map;
};

/* workloads_compile - the sections `trustDomains` and `certificateIdentities` of a policy set; NULL for none.
 *
 * out     *ret: owned, released with workloads_free(); set only on 0; d: every error found
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int workloads_compile(const json_t *trust_domains, const json_t *identities,
                                 const struct authn_env *env, struct diag *d,
                                 struct workloads **ret);
void workloads_free(struct workloads *workloads);

#endif
