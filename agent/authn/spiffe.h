/* SPIFFE IDs and X.509-SVIDs. source: SPIFFE-ID 2, X509-SVID 2 to 4 */
#ifndef AUTHN_SPIFFE_H
#define AUTHN_SPIFFE_H

#include "core/macros.h"
#include "core/sv.h"

enum { SPIFFE_ID_MAX_BYTES = 2048, SPIFFE_DOMAIN_MAX_BYTES = 255 };

/* spiffe_id_check - whether text is a SPIFFE ID of a workload: lower-case scheme and trust domain, a path,
 * no port, user, query, fragment or percent, no empty, "." or ".." segment, no slash at the end. */
MUST_CHECK bool spiffe_id_check(struct sv text);

/* spiffe_id_is_valid - the same, but the path may be left out: a trust domain's own ID is one as well. */
MUST_CHECK bool spiffe_id_is_valid(struct sv text);

/* spiffe_domain_check - whether text names a trust domain. */
MUST_CHECK bool spiffe_domain_check(struct sv text);

/* spiffe_domain_of - the trust domain of an ID that was checked. lifetime: a view into id */
struct sv spiffe_domain_of(struct sv id);

/* spiffe_claims_to_be - whether it starts as one, in any case: then it has to be one. */
bool spiffe_claims_to_be(struct sv text);

#endif
