#include "core/seal.h"

#include "core/cursor.h"
#include "core/outbuf.h"
#include "core/secret.h"

#include <assert.h>
#include <limits.h>
#include <openssl/evp.h>

enum { FORM = 1, NONCE_BYTES = 12, TAG_BYTES = 16 };
static_assert(SEAL_KEPT < SEAL_SLOTS, "a slot is filled again long after its key is forgotten");

void seal_ring_add(struct seal_ring *ring, uint32_t number, const struct seal_key *key)
{
	ring->at[number % SEAL_SLOTS] = *key;
	atomic_store_explicit(&ring->newest, number, memory_order_release);
}

const struct seal_key *seal_ring_key(const struct seal_ring *ring, uint32_t number)
{
	uint32_t newest = (uint32_t)atomic_load_explicit(&ring->newest, memory_order_acquire);
	if (number == 0 || number > newest || newest - number >= SEAL_KEPT)
		return NULL;
	const struct seal_key *key = &ring->at[number % SEAL_SLOTS];
	return key->made_at_s ? key : NULL; /* a ring need not begin with key 1 */
}

void seal_ring_fini(struct seal_ring *ring)
{
	secret_wipe(ring->at, sizeof(ring->at));
	atomic_store(&ring->newest, 0);
}

static void free_ctx(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

/* The form and the number of the key are as good as the text: they go into what is bound. */
static bool begin(EVP_CIPHER_CTX *ctx, const struct seal_key *key, struct sv head, struct sv about,
                  bool closes)
{
	int n;
	const uint8_t *nonce = (const uint8_t *)head.at + head.n - NONCE_BYTES;
	struct sv front = sv_first(head, head.n - NONCE_BYTES);
	return ctx && about.n <= INT_MAX &&
	       EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce, closes) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)front.at, (int)front.n) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)about.at, (int)about.n) == 1;
}

bool seal_close(const struct seal_ring *ring, struct sv about, struct sv text, uint8_t *ret)
{
	uint32_t number = (uint32_t)atomic_load_explicit(&ring->newest, memory_order_acquire);
	const struct seal_key *key = seal_ring_key(ring, number);
	uint8_t nonce[NONCE_BYTES];
	int n = 0, last = 0;
	if (!key || text.n > INT_MAX - SEAL_OVERHEAD || !secret_random(nonce, sizeof(nonce)))
		return false;
	struct outbuf b = outbuf_over(ret, text.n + SEAL_OVERHEAD);
	outbuf_u8(&b, FORM);
	outbuf_u32be(&b, number);
	outbuf_bytes(&b, nonce, sizeof(nonce));
	CLEANUP(free_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (!begin(ctx, key, outbuf_sv(&b), about, true))
		return false;
	uint8_t *body = outbuf_reserve(&b, text.n), *tag = outbuf_reserve(&b, TAG_BYTES);
	if (!body || !tag)
		return false;
	return EVP_EncryptUpdate(ctx, body, &n, (const uint8_t *)text.at, (int)text.n) == 1 &&
	       EVP_EncryptFinal_ex(ctx, body + n, &last) == 1 && (size_t)(n + last) == text.n &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
}

static bool open_body(EVP_CIPHER_CTX *ctx, struct sv body, struct sv tag, uint8_t *ret)
{
	uint8_t wanted[TAG_BYTES];
	int n = 0, last = 0;
	memcpy(wanted, tag.at, sizeof(wanted));
	return EVP_DecryptUpdate(ctx, ret, &n, (const uint8_t *)body.at, (int)body.n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, wanted) == 1 &&
	       EVP_DecryptFinal_ex(ctx, ret + n, &last) == 1 && (size_t)(n + last) == body.n;
}

bool seal_open(const struct seal_ring *ring, struct sv about, struct sv box, uint8_t *ret)
{
	if (box.n < SEAL_OVERHEAD || box.n > INT_MAX)
		return false;
	struct cursor c = cursor_over(box);
	uint8_t form = cursor_u8(&c);
	const struct seal_key *key = seal_ring_key(ring, cursor_u32be(&c));
	(void)cursor_sv(&c, NONCE_BYTES);
	struct sv head = sv_first(box, box.n - cursor_left(&c));
	struct sv body = cursor_sv(&c, box.n - SEAL_OVERHEAD), tag = cursor_sv(&c, TAG_BYTES);
	if (form != FORM || !key || !cursor_done(&c))
		return false;
	CLEANUP(free_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (begin(ctx, key, head, about, false) && open_body(ctx, body, tag, ret))
		return true;
	secret_wipe(ret, body.n);
	return false;
}
