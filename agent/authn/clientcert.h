/* The certificate that HAProxy saw in the handshake -> the workload that holds it. */
#ifndef AUTHN_CLIENTCERT_H
#define AUTHN_CLIENTCERT_H

#include "core/arena.h"
#include "model/identity.h"
#include "model/reason.h"
#include "model/request.h"

enum clientcert_outcome {
	CLIENTCERT_REFUSED, /* a certificate was presented that must not be believed */
	CLIENTCERT_NONE,    /* none was presented, or it names no workload */
	CLIENTCERT_WORKLOAD,
};

/* clientcert_identify - believes a certificate only if it was used in this session, HAProxy verified it
 * (ssl_c_verify 0), its DER is here and it is within its dates: HAProxy does not look at them again when a
 * session is resumed. One that carries a spiffe: name must be an X.509-SVID to the letter.
 *
 * in      now_s: Unix seconds
 * out     *ret: workload fields, in the arena; *why on CLIENTCERT_REFUSED
 * source  X509-SVID 2 to 4; spoe.md of HAProxy: ssl_c_verify is 0 also when there is no certificate
 */
MUST_CHECK enum clientcert_outcome clientcert_identify(const struct request *req, int64_t now_s,
                                                       struct arena *arena, struct identity *ret,
                                                       enum reason *why);

/* clientcert_spiffe_id - the SPIFFE ID of one certificate by the same rules.
 * returns CLIENTCERT_NONE when it has no spiffe: name; *ret in the arena on CLIENTCERT_WORKLOAD
 */
MUST_CHECK enum clientcert_outcome clientcert_spiffe_id(struct sv der, int64_t now_s,
                                                        struct arena *arena, struct sv *ret,
                                                        enum reason *why);

#endif
