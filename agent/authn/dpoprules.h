/* How proofs for the tokens of one issuer are judged. source: RFC 9449 4.3, 8 */
#ifndef AUTHN_DPOPRULES_H
#define AUTHN_DPOPRULES_H

#include "core/jsonfields.h"

/* Member `dpop` of an issuer. */
struct dpop_rules {
	int64_t max_age_s;             /* seconds a proof is good for */
	bool nonce;                    /* it has to hold one that we gave */
	struct json_strings base_urls; /* how clients name what is here; empty: by Host and TLS */
};
extern const struct dpop_rules dpop_rules_default;

enum { N_DPOP_RULE_FIELDS = 3, DPOP_BASE_URLS_MAX = 16 };
extern const struct json_field dpop_rule_fields[N_DPOP_RULE_FIELDS];

/* dpop_rules_check - base_urls are URLs of a scheme, a host and perhaps a path, and nothing else.
 *
 * in      pointer: of the issuer
 * errors  0, -EINVAL with items in d
 */
MUST_CHECK int dpop_rules_check(const struct dpop_rules *rules, const char *pointer,
                                struct diag *d);

#endif
