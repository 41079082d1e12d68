#include "core/utf8.h"

#include <stdint.h>

struct form {
	uint8_t first_min, first_max;
	uint8_t second_min, second_max;
	uint8_t n;
};

/* source: RFC 3629 4, the ABNF as a table */
static const struct form forms[] = {
	{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool matches(const struct form *form, struct sv text)
{
	const uint8_t *at = (const uint8_t *)text.at;
	if (text.n < form->n)
		return false;
	if (form->n > 1 && (at[1] < form->second_min || at[1] > form->second_max))
		return false;
	for (size_t i = 2; i < form->n; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return false;
	return true;
}

size_t utf8_length(struct sv text)
{
	if (text.n == 0)
		return 0;
	uint8_t first = (uint8_t)text.at[0];
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (first >= forms[i].first_min && first <= forms[i].first_max)
			return matches(&forms[i], text) ? forms[i].n : 0;
	return 0;
}

bool utf8_valid(struct sv text)
{
	while (text.n) {
		size_t n = utf8_length(text);
		if (n == 0)
			return false;
		text = (struct sv){text.at + n, text.n - n};
	}
	return true;
}
