/* Claims -> a signed token in compact form. Private to authn/. source: RFC 7515 7.1, RFC 7518 3.4 */
#ifndef AUTHN_MINTJWT_H
#define AUTHN_MINTJWT_H

#include "authn/mintkeys.h"

#include <jansson.h>

/* What one worker signs Txn-Tokens with. */
struct mint_signer;
/* mint_signer_new - NULL when memory is out. thread: one at a time */
MUST_CHECK struct mint_signer *mint_signer_new(void);
void mint_signer_free(struct mint_signer *signer);

/* mint_sign_txn - typ txntoken+jwt, by OpenSSL. mint_sign_jwt - typ JWT, by libjwt.
 * Both give an owned text; NULL when it cannot be made. */
MUST_CHECK char *mint_sign_txn(struct mint_signer *signer, const struct mintkey *key,
                               const json_t *claims);
MUST_CHECK char *mint_sign_jwt(const struct mintkey *key, const json_t *claims);

#endif
