#include "core/form.h"

static bool is_plain(char c)
{
	char lower = sv_lower_char(c);
	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void form_encode(struct outbuf *b, struct sv text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (is_plain(text.at[i])) {
			outbuf_u8(b, c);
			continue;
		}
		outbuf_u8(b, '%');
		outbuf_u8(b, (uint8_t)digits[c >> 4]);
		outbuf_u8(b, (uint8_t)digits[c & 15]);
	}
}

void form_add(struct outbuf *b, struct sv name, struct sv value)
{
	if (b->n)
		outbuf_u8(b, '&');
	form_encode(b, name);
	outbuf_u8(b, '=');
	form_encode(b, value);
}
