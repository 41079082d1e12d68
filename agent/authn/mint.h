/* Internal tokens: what a service is told of the caller of a request that was allowed, signed with ES256.
 *
 * A plain JWT names the caller alone; it is made by libjwt, which parses the key anew each time and so costs half a
 * millisecond, and kept for a part of its life: its cost is not on every request. A Txn-Token names one transaction, so
 * each request has its own; libjwt 1.10 cannot make it, since it writes "JWT" over whatever `typ` it is given. It is
 * signed by OpenSSL with the parsed key.
 */
#ifndef AUTHN_MINT_H
#define AUTHN_MINT_H

#include "authn/mintkeys.h"
#include "model/identity.h"
#include "model/request.h"
#include "model/tokenwish.h"

/* One worker's: the tokens it made a moment ago. */
struct minter;

enum { MINT_TOKEN_MAX_BYTES = 4096 }; /* it has to fit into an ACK and into a header */

/* minter_new - NULL when memory is out. thread: one at a time */
MUST_CHECK struct minter *minter_new(void);
void minter_free(struct minter *m);

struct mint_order {
	const struct token_wish *wish;
	const struct identity *who; /* anonymous: the token has no sub */
	const struct request *req;
	struct sv path; /* normalised */
	struct sv txn;  /* of this transaction */
	int64_t now_s;  /* Unix seconds */
};

/* mint_token - made now or a moment ago.
 *
 * in      keys: NULL: there are none
 * out     *ret: a secret; valid until the minter's next use
 * returns false: no key, no memory, or too long; then the request must not be allowed
 */
MUST_CHECK bool mint_token(struct minter *m, const struct mintkeys *keys,
                           const struct mint_order *order, struct sv *ret);

struct minter_counts {
	uint64_t n_minted, n_reused, n_failed;
};
struct minter_counts minter_counts(const struct minter *m);

#endif
