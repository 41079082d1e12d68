#include "authn/apikeytext.h"

#include "core/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const struct sv prefix = SV("hw_");

enum {
	BASE = sizeof(digits) - 1,
	ID_AT = 3,
	SECRET_AT = ID_AT + APIKEY_TEXT_ID_CHARS + 1,
	SECRET_CHARS = 43,
	CHECKSUM_AT = SECRET_AT + SECRET_CHARS,
	CHECKSUM_CHARS = 6,
};
_Static_assert(CHECKSUM_AT + CHECKSUM_CHARS == APIKEY_TEXT_CHARS, "the parts are the whole");

/* n characters, each as likely as any other: bytes past the last whole multiple of the base are thrown away. */
static bool draw(char *at, size_t n)
{
	uint8_t bytes[64];
	for (size_t done = 0; done < n;) {
		if (!secret_random(bytes, sizeof(bytes)))
			return false;
		for (size_t i = 0; i < sizeof(bytes) && done < n; i++)
			if (bytes[i] < 256 / BASE * BASE)
				at[done++] = digits[bytes[i] % BASE];
	}
	secret_wipe(bytes, sizeof(bytes));
	return true;
}

/* source: ISO 3309, as in zlib and in other vendors' tokens */
static uint32_t crc32_of(struct sv text)
{
	uint32_t crc = ~UINT32_C(0);
	for (size_t i = 0; i < text.n; i++) {
		crc ^= (uint8_t)text.at[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void write_checksum(struct sv before, char ret[static CHECKSUM_CHARS])
{
	uint32_t crc = crc32_of(before);
	for (size_t i = CHECKSUM_CHARS; i-- > 0; crc /= BASE)
		ret[i] = digits[crc % BASE];
}

bool apikey_text_make(char ret[static APIKEY_TEXT_BYTES])
{
	memcpy(ret, prefix.at, prefix.n);
	ret[SECRET_AT - 1] = '_';
	if (!draw(ret + ID_AT, APIKEY_TEXT_ID_CHARS) || !draw(ret + SECRET_AT, SECRET_CHARS))
		return false;
	write_checksum((struct sv){ret, CHECKSUM_AT}, ret + CHECKSUM_AT);
	ret[APIKEY_TEXT_CHARS] = '\0';
	return true;
}

bool apikey_text_begins(struct sv text)
{
	return sv_starts(text, prefix);
}

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool apikey_text_id(struct sv text, struct sv *ret)
{
	if (text.n != APIKEY_TEXT_CHARS || !apikey_text_begins(text) ||
	    text.at[SECRET_AT - 1] != '_')
		return false;
	for (size_t i = ID_AT; i < text.n; i++)
		if (i != SECRET_AT - 1 && !is_digit(text.at[i]))
			return false;
	*ret = (struct sv){text.at + ID_AT, APIKEY_TEXT_ID_CHARS};
	return true;
}

bool apikey_text_check(struct sv text)
{
	char right[CHECKSUM_CHARS];
	write_checksum(sv_first(text, CHECKSUM_AT), right);
	return secret_equal((struct sv){right, sizeof(right)}, sv_from(text, CHECKSUM_AT));
}

bool apikey_text_mac(const uint8_t pepper[static APIKEY_PEPPER_BYTES], struct sv text,
                     uint8_t ret[static SHA256_BYTES])
{
	unsigned n = 0;
	return HMAC(EVP_sha256(), pepper, APIKEY_PEPPER_BYTES, (const unsigned char *)text.at,
	            text.n, ret, &n) &&
	       n == SHA256_BYTES;
}
