#include "authn/proofkeys.h"

#include "authn/jwks.h"

#include <stdlib.h>

struct row {
	uint8_t digest[SHA256_BYTES];
	struct proofkey key; /* key.key NULL: empty */
};

struct proofkeys {
	struct jws_verifier *verifier;
	struct row rows[PROOFKEYS_ROWS];
};

struct proofkeys *proofkeys_new(void)
{
	struct proofkeys *keys = calloc(1, sizeof(*keys));
	if (!keys)
		return NULL;
	keys->verifier = jws_verifier_new();
	if (keys->verifier)
		return keys;
	free(keys);
	return NULL;
}

void proofkeys_free(struct proofkeys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < PROOFKEYS_ROWS; i++)
		jwks_unref(keys->rows[i].key.key);
	jws_verifier_free(keys->verifier);
	free(keys);
}

static size_t row_of(const uint8_t digest[SHA256_BYTES])
{
	return (size_t)(digest[0] | digest[1] << 8) % PROOFKEYS_ROWS;
}

const struct proofkey *proofkeys_find(const struct proofkeys *keys,
                                      const uint8_t digest[SHA256_BYTES])
{
	const struct row *row = &keys->rows[row_of(digest)];
	bool is_it = row->key.key && memcmp(row->digest, digest, SHA256_BYTES) == 0;
	return is_it ? &row->key : NULL;
}

const struct proofkey *proofkeys_keep(struct proofkeys *keys, const uint8_t digest[SHA256_BYTES],
                                      const struct proofkey *key)
{
	struct row *row = &keys->rows[row_of(digest)];
	jwks_unref(row->key.key);
	memcpy(row->digest, digest, SHA256_BYTES);
	row->key = *key;
	return &row->key;
}

struct jws_verifier *proofkeys_verifier(struct proofkeys *keys)
{
	return keys->verifier;
}
