/* X.509 certificates as SPIFFE wants them: who a leaf says it is, and what it takes to sign one.
 * source  X509-SVID 2 to 5; RFC 5280
 */
#ifndef AUTHN_SVID_H
#define AUTHN_SVID_H

#include "core/arena.h"
#include "model/reason.h"

#include <openssl/x509.h>

enum { SVID_CHAIN_MAX = 8 }; /* certificates beside the leaf that are looked at; more are refused */

enum svid_outcome {
	SVID_REFUSED, /* it must not be believed */
	SVID_NONE,    /* it has no spiffe: name, and is good otherwise */
	SVID_LEAF,    /* an X.509-SVID of a workload, as far as it can say itself */
};

/* svid_parse - the whole of der and nothing after it, its extensions read. owned; NULL when it is none. */
MUST_CHECK X509 *svid_parse(struct sv der);
/* svid_parse_many - certificates one behind the other, as HAProxy gives a chain.
 *
 * out     *ret: owned (svid_chain_free), maybe empty
 * errors  false: not all of it is certificates, more than SVID_CHAIN_MAX, or memory is out
 */
MUST_CHECK bool svid_parse_many(struct sv der, STACK_OF(X509) * *ret);
void svid_chain_free(STACK_OF(X509) * chain);

/* svid_leaf_check - the rules for a leaf, and its dates; who signed it is not looked at.
 *
 * in      now_s: Unix seconds
 * out     *ret: the SPIFFE ID, in the arena, on SVID_LEAF; *why on SVID_REFUSED
 */
MUST_CHECK enum svid_outcome svid_leaf_check(X509 *cert, int64_t now_s, struct arena *arena,
                                             struct sv *ret, enum reason *why);

/* svid_may_sign - whether it is a certificate of an authority between leaf and anchor: CA, with the key usage
 * keyCertSign, and a SPIFFE ID without a path, if any. */
MUST_CHECK bool svid_may_sign(X509 *cert);

/* svid_not_after - Unix seconds; 0 for a time that cannot be read. */
int64_t svid_not_after(const X509 *cert);

void svid_freep(X509 **cert);
void svid_chain_freep(STACK_OF(X509) * *chain);

#endif
