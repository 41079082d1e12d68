/* Client certificates as proxies write them into headers: text -> DER. Strict: what is not exactly of the form is
 * refused, since who forwards a certificate in another form means something else by it.
 * source  RFC 9440 2 (Client-Cert, Client-Cert-Chain), RFC 8941 3.3.5; Envoy's x-forwarded-client-cert
 */
#ifndef AUTHN_CERTHEADER_H
#define AUTHN_CERTHEADER_H

#include "core/arena.h"

/* What a header says of the client. */
struct certheader {
	struct sv leaf,
		chain; /* DER, in the arena; chain: one behind the other. Empty where not told */
	struct sv uri; /* a name without a certificate around it; XFCC only */
	size_t n_uris;
};

/* certheader_client_cert - the value of Client-Cert: one byte sequence. out: ret->leaf */
MUST_CHECK bool certheader_client_cert(struct sv value, struct arena *arena,
                                       struct certheader *ret);

/* certheader_client_cert_chain - the value of Client-Cert-Chain, all its fields joined by commas: a list of byte
 * sequences. out: ret->chain */
MUST_CHECK bool certheader_client_cert_chain(struct sv value, struct arena *arena,
                                             struct certheader *ret);

/* certheader_xfcc - the value of x-forwarded-client-cert. Its last element counts: that is what the proxy that asks
 * us says of its own client; those before are what others said.
 * out: leaf and chain from Cert and Chain (the leaf may stand in the chain as well), else uri from URI */
MUST_CHECK bool certheader_xfcc(struct sv value, struct arena *arena, struct certheader *ret);

#endif
