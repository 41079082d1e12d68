#include "core/encode.h"

static const char url_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter, or 64 and more. c62 and c63 tell the two alphabets apart. */
static unsigned letter_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == c62)
		return 62;
	return c == c63 ? 63 : 64;
}

static bool decode(struct sv text, const char *letters, uint8_t *room, size_t *ret_n)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;
	if (text.n % 4 == 1)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned value = letter_value(text.at[i], letters[62], letters[63]);
		if (value > 63)
			return false;
		bits = bits << 6 | value;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		room[n++] = (uint8_t)(bits >> n_bits);
		bits &= (1U << n_bits) - 1;
	}
	if (bits != 0) /* spare bits that are set: another spelling of the same bytes */
		return false;
	*ret_n = n;
	return true;
}

bool base64url_decode(struct sv text, uint8_t *room, size_t *ret_n)
{
	return decode(text, url_letters, room, ret_n);
}

bool base64_decode(struct sv text, uint8_t *room, size_t *ret_n)
{
	if (text.n % 4)
		return false;
	for (int i = 0; i < 2 && text.n && text.at[text.n - 1] == '='; i++)
		text.n--;
	return decode(text, std_letters, room, ret_n);
}

static struct sv encode(struct sv bytes, const char *letters, char *room)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;
	for (size_t i = 0; i < bytes.n; i++) {
		bits = bits << 8 | (uint8_t)bytes.at[i];
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			room[n++] = letters[bits >> (n_bits - 6) & 63];
		bits &= (1U << n_bits) - 1;
	}
	if (n_bits)
		room[n++] = letters[bits << (6 - n_bits) & 63];
	room[n] = '\0';
	return (struct sv){room, n};
}

struct sv base64url_encode(struct sv bytes, char *room)
{
	return encode(bytes, url_letters, room);
}

struct sv base64_encode(struct sv bytes, char *room)
{
	struct sv text = encode(bytes, std_letters, room);
	while (text.n % 4)
		room[text.n++] = '=';
	room[text.n] = '\0';
	return text;
}

struct sv hex_encode(struct sv bytes, char *room)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < bytes.n; i++) {
		room[2 * i] = digits[(uint8_t)bytes.at[i] >> 4];
		room[2 * i + 1] = digits[(uint8_t)bytes.at[i] & 15];
	}
	room[2 * bytes.n] = '\0';
	return (struct sv){room, 2 * bytes.n};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = sv_lower_char(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct sv text, uint8_t *room)
{
	if (text.n % 2)
		return false;
	for (size_t i = 0; i < text.n; i += 2) {
		int high = hex_value(text.at[i]), low = hex_value(text.at[i + 1]);
		if (high < 0 || low < 0)
			return false;
		room[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}
