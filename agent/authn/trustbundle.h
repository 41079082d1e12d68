/* The authorities of one trust domain: the certificates that its SVIDs must chain to. Immutable once made,
 * shared between threads.
 * source  SPIFFE Trust Domain and Bundle 4; X509-SVID 5.1, 6.2
 */
#ifndef AUTHN_TRUSTBUNDLE_H
#define AUTHN_TRUSTBUNDLE_H

#include "authn/svid.h"
#include "core/diag.h"
#include "core/refcount.h"

struct trustbundle {
	struct refcount refs;
	STACK_OF(X509) * anchors; /* owned; empty: the domain vouches for nobody */
	bool has_sequence;
	int64_t sequence; /* spiffe_sequence */
};

enum { TRUSTBUNDLE_MAX_BYTES = 256 * 1024, TRUSTBUNDLE_MAX_ANCHORS = 64 };

/* trustbundle_parse - PEM certificates, or a SPIFFE bundle: a JWK set whose entries of use x509-svid have x5c.
 *
 * out     *ret: owned (trustbundle_unref). An entry that cannot be used is left out and named in d; entries of
 *         another use are passed over, so that a bundle may have no anchor at all
 * errors  0; -EINVAL the text is no bundle; -ENOKEY certificates are in it and none can be used; -ENOMEM
 */
MUST_CHECK int trustbundle_parse(struct sv text, struct diag *d, struct trustbundle **ret);

/* trustbundle_of - a bundle of one certificate. NULL when it cannot be an anchor, or memory is out. */
MUST_CHECK struct trustbundle *trustbundle_of(X509 *anchor);

struct trustbundle *trustbundle_ref(struct trustbundle *bundle);
void trustbundle_unref(struct trustbundle *bundle);
static inline void trustbundle_unrefp(struct trustbundle **bundle)
{
	trustbundle_unref(*bundle);
}

/* trustbundle_verify - whether leaf chains to one of the anchors, for a TLS client, at now_s. Any anchor ends a
 * chain, self-signed or not; what stands between must be allowed to sign SVIDs.
 *
 * in      chain: certificates that came along, in any order; may be NULL
 * out     *ret_until_s: Unix seconds, when the first certificate of the chain ends; on true
 * returns false on every doubt, also when memory is out
 */
MUST_CHECK bool trustbundle_verify(const struct trustbundle *bundle, X509 *leaf,
                                   STACK_OF(X509) * chain, int64_t now_s, int64_t *ret_until_s);

#endif
