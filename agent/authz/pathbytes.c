#include "authz/pathbytes.h"

#include "core/limits.h"

#define R BYTE_RESERVED
#define U BYTE_UNRESERVED
const uint8_t path_byte_classes[256] = {
	[0 ... ' '] = BYTE_REFUSED,
	[0x7f] = BYTE_REFUSED,
	['#'] = BYTE_REFUSED,
	['\\'] = BYTE_REFUSED,
	['!'] = R,
	['$'] = R,
	['&'] = R,
	['\''] = R,
	['('] = R,
	[')'] = R,
	['*'] = R,
	['+'] = R,
	[','] = R,
	['/'] = R,
	[':'] = R,
	[';'] = R,
	['='] = R,
	['@'] = R,
	['-'] = U,
	['.'] = U,
	['_'] = U,
	['~'] = U,
	['0' ... '9'] = U,
	['A' ... 'Z'] = U,
	['a' ... 'z'] = U,
};
#undef R
#undef U

int path_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t path_put_escape(char *at, uint8_t byte)
{
	static const char digits[] = "0123456789ABCDEF";

	at[0] = '%';
	at[1] = digits[byte >> 4];
	at[2] = digits[byte & 15];
	return 3;
}

int path_escape_at(struct sv path, size_t i)
{
	int high = path.n - i > 2 ? path_hex_digit(path.at[i + 1]) : -1;
	int low = high >= 0 ? path_hex_digit(path.at[i + 2]) : -1;
	return low >= 0 ? high * 16 + low : -1;
}

const char *path_refused(struct sv path)
{
	if (path.n == 0 || path.at[0] != '/')
		return "the path does not start with '/'";
	return path.n > PATH_MAX_BYTES ? "the path is too long" : NULL;
}
