#include "authn/certdigests.h"

#include <stdlib.h>

struct row {
	size_t n; /* 0: empty */
	uint8_t digest[SHA256_BYTES];
	char der[CERTDIGESTS_DER_MAX_BYTES];
};

struct certdigests {
	struct row rows[CERTDIGESTS_ROWS];
};

struct certdigests *certdigests_new(void)
{
	return calloc(1, sizeof(struct certdigests));
}

void certdigests_free(struct certdigests *digests)
{
	free(digests);
}

/* A certificate ends with its signature, whose bytes are as good as a hash; whoever makes them alike only has their own
 * hashed again. */
static struct row *row_of(struct certdigests *digests, struct sv der)
{
	uint64_t tail = 0;
	memcpy(&tail, der.at + der.n - sizeof(tail), sizeof(tail));
	return &digests->rows[(tail >> 16) % CERTDIGESTS_ROWS];
}

bool certdigests_of(struct certdigests *digests, struct sha256 *sha256, struct sv der,
                    uint8_t digest[SHA256_BYTES])
{
	if (der.n < sizeof(uint64_t) || der.n > CERTDIGESTS_DER_MAX_BYTES)
		return sha256_parts(sha256, &der, 1, digest);
	struct row *row = row_of(digests, der);
	if (!sv_eq((struct sv){row->der, row->n}, der)) {
		row->n = 0;
		if (!sha256_parts(sha256, &der, 1, row->digest))
			return false;
		memcpy(row->der, der.at, der.n);
		row->n = der.n;
	}
	memcpy(digest, row->digest, SHA256_BYTES);
	return true;
}
