#include "audit/checkpoint.h"

#include "core/clock.h"
#include "core/encode.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY_NAME_BYTES = 4,
	SIGNATURE_BYTES = 64,
	SIGNED_BYTES = KEY_NAME_BYTES + SIGNATURE_BYTES,
	SIGNATURE_TYPE = 1, /* Ed25519 */
};

#define KEY_NAME "haward"
#define MARK     "\xe2\x80\x94 " KEY_NAME " "

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

/* No prompt: a key with a password is refused, not asked for at a terminal that may not be there. */
static int no_password(char *room, int size, int writing, void *user)
{
	(void)room, (void)size, (void)writing, (void)user;
	return -1;
}

static EVP_PKEY *read_key(struct sv pem, bool is_private)
{
	BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.at, (int)pem.n) : NULL;
	EVP_PKEY *key = NULL;
	if (bio && is_private)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	else if (bio)
		key = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (key && EVP_PKEY_id(key) == EVP_PKEY_ED25519)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static bool public_half(const EVP_PKEY *key, uint8_t room[CHECKPOINT_KEY_BYTES])
{
	size_t n = CHECKPOINT_KEY_BYTES;
	return EVP_PKEY_get_raw_public_key(key, room, &n) == 1 && n == CHECKPOINT_KEY_BYTES;
}

int checkpoint_keys_add(struct checkpoint_keys *keys, struct sv pem)
{
	if (keys->n == CHECKPOINT_KEYS_MAX)
		return -E2BIG;
	CLEANUP(free_key) EVP_PKEY *key = read_key(pem, false);
	if (!key)
		key = read_key(pem, true);
	if (!key || !public_half(key, keys->keys[keys->n]))
		return -EINVAL;
	keys->n++;
	return 0;
}

static bool name_key(const uint8_t key[CHECKPOINT_KEY_BYTES], uint8_t ret[KEY_NAME_BYTES])
{
	uint8_t room[sizeof(KEY_NAME) + 1 + CHECKPOINT_KEY_BYTES], digest[SHA256_BYTES];
	memcpy(room, KEY_NAME "\n", sizeof(KEY_NAME));
	room[sizeof(KEY_NAME)] = SIGNATURE_TYPE;
	memcpy(room + sizeof(KEY_NAME) + 1, key, CHECKPOINT_KEY_BYTES);
	if (!sha256_of((struct sv){(const char *)room, sizeof(room)}, digest))
		return false;
	memcpy(ret, digest, KEY_NAME_BYTES);
	return true;
}

static bool sign(EVP_PKEY *key, struct sv text, uint8_t ret[SIGNED_BYTES])
{
	CLEANUP(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t public[CHECKPOINT_KEY_BYTES];
	size_t n = SIGNATURE_BYTES;
	return context && public_half(key, public) && name_key(public, ret) &&
	       EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(context, ret + KEY_NAME_BYTES, &n, (const uint8_t *)text.at,
	                      text.n) == 1 &&
	       n == SIGNATURE_BYTES;
}

int checkpoint_sign(const struct checkpoint *checkpoint, struct sv pem,
                    char text[CHECKPOINT_TEXT_MAX])
{
	char book[2 * CHECKPOINT_BOOK_BYTES + 1], root[BASE64_ENCODED_MAX(SHA256_BYTES)];
	char when[CLOCK_TEXT_BYTES], signature[BASE64_ENCODED_MAX(SIGNED_BYTES)];
	uint8_t signed_bytes[SIGNED_BYTES];
	CLEANUP(free_key) EVP_PKEY *key = read_key(pem, true);
	if (!key)
		return -EINVAL;
	(void)hex_encode((struct sv){(const char *)checkpoint->book, CHECKPOINT_BOOK_BYTES}, book);
	(void)base64_encode((struct sv){(const char *)checkpoint->root.bytes, SHA256_BYTES}, root);
	int n = snprintf(text, CHECKPOINT_TEXT_MAX, "haward/%s\n%" PRIu64 "\n%s\ntime %.*s\n", book,
	                 checkpoint->size, root, SV_ARG(clock_format(checkpoint->at_us, when)));
	if (n < 0 || !sign(key, (struct sv){text, (size_t)n}, signed_bytes))
		return -EIO;
	(void)base64_encode((struct sv){(const char *)signed_bytes, SIGNED_BYTES}, signature);
	(void)snprintf(text + n, CHECKPOINT_TEXT_MAX - (size_t)n, "\n" MARK "%s\n", signature);
	return 0;
}

/* ---- reading ---- */

/* Cuts one line off the front; an unfinished one is none. */
static bool take_line(struct sv *rest, struct sv *ret)
{
	size_t n = sv_find(*rest, '\n');
	if (n == rest->n)
		return false;
	*ret = sv_first(*rest, n);
	*rest = sv_from(*rest, n + 1);
	return true;
}

static bool take_prefix(struct sv *line, const char *prefix)
{
	if (!sv_starts(*line, sv_of(prefix)))
		return false;
	*line = sv_from(*line, strlen(prefix));
	return true;
}

static bool read_exactly(struct sv text, uint8_t *ret, size_t n)
{
	uint8_t room[BASE64_DECODED_MAX(CHECKPOINT_TEXT_MAX)];
	size_t found;
	if (text.n >= CHECKPOINT_TEXT_MAX || !base64_decode(text, room, &found) || found != n)
		return false;
	memcpy(ret, room, n);
	return true;
}

static bool read_size(struct sv text, uint64_t *ret)
{
	unsigned long long n;
	bool is_short = text.n == 1 || (text.n > 1 && text.at[0] != '0');
	if (!is_short || !sv_to_u64(text, &n))
		return false;
	*ret = n;
	return true;
}

/* *ret_signed: what the signature is over. */
static bool read_text(struct sv text, struct checkpoint *ret, struct sv *ret_signed,
                      uint8_t ret_signature[SIGNED_BYTES])
{
	struct sv rest = text, book, size, root, when, blank, signature;
	if (!take_line(&rest, &book) || !take_prefix(&book, "haward/") ||
	    book.n != 2 * CHECKPOINT_BOOK_BYTES || !hex_decode(book, ret->book) ||
	    !take_line(&rest, &size) || !read_size(size, &ret->size) || !take_line(&rest, &root) ||
	    !read_exactly(root, ret->root.bytes, SHA256_BYTES) || !take_line(&rest, &when) ||
	    !take_prefix(&when, "time ") || !clock_parse(when, &ret->at_us))
		return false;
	*ret_signed = sv_first(text, text.n - rest.n);
	return take_line(&rest, &blank) && blank.n == 0 && take_line(&rest, &signature) &&
	       take_prefix(&signature, MARK) && rest.n == 0 &&
	       read_exactly(signature, ret_signature, SIGNED_BYTES);
}

static bool is_good(const uint8_t key[CHECKPOINT_KEY_BYTES], struct sv text,
                    const uint8_t signature[SIGNATURE_BYTES])
{
	CLEANUP(free_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	CLEANUP(free_key)
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, CHECKPOINT_KEY_BYTES);
	return context && pkey && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(context, signature, SIGNATURE_BYTES, (const uint8_t *)text.at,
	                        text.n) == 1;
}

int checkpoint_open(struct sv text, const struct checkpoint_keys *keys, struct checkpoint *ret)
{
	uint8_t signature[SIGNED_BYTES], name[KEY_NAME_BYTES];
	struct checkpoint checkpoint;
	struct sv signed_text;
	if (!read_text(text, &checkpoint, &signed_text, signature))
		return -EBADMSG;
	for (size_t i = 0; i < keys->n; i++) {
		if (!name_key(keys->keys[i], name) || memcmp(name, signature, sizeof(name)) != 0)
			continue;
		if (!is_good(keys->keys[i], signed_text, signature + KEY_NAME_BYTES))
			return -EKEYREJECTED;
		*ret = checkpoint;
		return 0;
	}
	return -ENOKEY;
}
