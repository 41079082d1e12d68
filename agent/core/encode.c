#include "core/encode.h"

static const char url_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_letters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NO_LETTER = 64 };

/* By ASCII code: the values of the letters that both alphabets share, else NO_LETTER. */
/* clang-format off */
static const uint8_t shared_values[128] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64,
	64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64,
	64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
};
/* clang-format on */

static unsigned letter_value(char letter, const char *letters)
{
	unsigned char c = (unsigned char)letter;
	unsigned value = c < sizeof(shared_values) ? shared_values[c] : NO_LETTER;
	if (value != NO_LETTER)
		return value;
	if (letter == letters[62])
		return 62;
	return letter == letters[63] ? 63 : NO_LETTER;
}

/* The last two or three letters, and their spare bits: set ones would be another spelling of the same bytes. */
static bool decode_rest(struct sv text, const char *letters, uint8_t *room)
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned value = letter_value(text.at[i], letters);
		if (value == NO_LETTER)
			return false;
		bits = bits << 6 | value;
		n_bits += 6;
	}
	for (; n_bits >= 8; n_bits -= 8)
		*room++ = (uint8_t)(bits >> (n_bits - 8));
	return (bits & ((1U << n_bits) - 1)) == 0;
}

static bool decode(struct sv text, const char *letters, uint8_t *room, size_t *ret_n)
{
	size_t n_rest = text.n % 4, n_whole = text.n - n_rest;
	if (n_rest == 1)
		return false;
	for (size_t i = 0; i < n_whole; i += 4) {
		unsigned a = letter_value(text.at[i], letters);
		unsigned b = letter_value(text.at[i + 1], letters);
		unsigned c = letter_value(text.at[i + 2], letters);
		unsigned d = letter_value(text.at[i + 3], letters);
		if ((a | b | c | d) & NO_LETTER)
			return false;
		*room++ = (uint8_t)(a << 2 | b >> 4);
		*room++ = (uint8_t)(b << 4 | c >> 2);
		*room++ = (uint8_t)(c << 6 | d);
	}
	*ret_n = n_whole / 4 * 3 + n_rest * 6 / 8;
	return decode_rest(sv_from(text, n_whole), letters, room);
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
