/* The certificate of the workload on the other side -> its name. */
#ifndef AUTHN_CLIENTCERT_H
#define AUTHN_CLIENTCERT_H

#include "authn/turn.h"

enum clientcert_outcome {
	CLIENTCERT_REFUSED, /* a certificate was presented that must not be believed */
	CLIENTCERT_NONE,    /* none was presented, or it names no workload */
	CLIENTCERT_WORKLOAD,
};

/* A certificate as somebody handed it over. */
struct clientcert {
	struct sv leaf, chain; /* DER; chain: certificates one behind the other, maybe empty */
	int64_t verify;        /* X509_V_... of who had the handshake; 0 is good */
};

/* clientcert_identify - believes a certificate only if it was used in this session, its DER is here, it is within its
 * dates (HAProxy does not look at them again when a session is resumed), and somebody verified it: Haward itself
 * against the bundle of its trust domain, where the policy set has trust domains; else HAProxy (ssl_c_verify 0).
 * What a proxy that the settings trust says in a header of its own client takes the place of the proxy's certificate.
 * One that carries a spiffe: name must be an X.509-SVID to the letter.
 *
 * out     *ret: workload fields, lifetime as of certcache_find(); turn->why on CLIENTCERT_REFUSED
 * source  X509-SVID 2 to 5; spoe.md of HAProxy: ssl_c_verify is 0 also when there is no certificate
 */
MUST_CHECK enum clientcert_outcome clientcert_identify(const struct authn_turn *turn,
                                                       struct identity *ret);

/* clientcert_judge - one certificate by the same rules, whoever handed it over. */
MUST_CHECK enum clientcert_outcome clientcert_judge(const struct authn_turn *turn,
                                                    const struct clientcert *cert,
                                                    struct identity *ret);

#endif
