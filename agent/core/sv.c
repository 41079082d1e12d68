#include "core/sv.h"

#include <stdint.h>
#include <stdlib.h>

static bool bytes_eq_ci(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sv_lower_char(a[i]) != sv_lower_char(b[i]))
			return false;
	return true;
}

bool sv_eq_ci(struct sv a, struct sv b)
{
	return a.n == b.n && bytes_eq_ci(a.at, b.at, a.n);
}

bool sv_starts_ci(struct sv text, struct sv prefix)
{
	return text.n >= prefix.n && bytes_eq_ci(text.at, prefix.at, prefix.n);
}

bool sv_ends_ci(struct sv text, struct sv suffix)
{
	if (text.n < suffix.n)
		return false;
	return suffix.n == 0 || bytes_eq_ci(text.at + (text.n - suffix.n), suffix.at, suffix.n);
}

bool sv_cut(struct sv *rest, char c, struct sv *part)
{
	if (!rest->at)
		return false;
	size_t at = sv_find(*rest, c);
	*part = sv_first(*rest, at);
	*rest = at < rest->n ? (struct sv){rest->at + at + 1, rest->n - at - 1} : (struct sv){0};
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct sv sv_trim(struct sv text)
{
	while (text.n && is_blank(text.at[0]))
		text = (struct sv){text.at + 1, text.n - 1};
	while (text.n && is_blank(text.at[text.n - 1]))
		text.n--;
	return text;
}

bool sv_cut_braces(struct sv *rest, struct sv *before, struct sv *name)
{
	size_t open = sv_find(*rest, '{'), close = sv_find(*rest, '}');
	if (open >= close || close == rest->n)
		return false;
	*before = sv_first(*rest, open);
	*name = sv_first(sv_from(*rest, open + 1), close - open - 1);
	*rest = sv_from(*rest, close + 1);
	return true;
}

bool sv_has_control(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return true;
	return false;
}

int sv_cmp(struct sv a, struct sv b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n ? memcmp(a.at, b.at, n) : 0;
	if (r)
		return r;
	return a.n < b.n ? -1 : a.n > b.n;
}

char *sv_dup(struct sv text)
{
	char *copy = malloc(text.n + 1);
	if (!copy)
		return NULL;
	if (text.n)
		memcpy(copy, text.at, text.n);
	copy[text.n] = '\0';
	return copy;
}

bool sv_to_u64(struct sv text, unsigned long long *ret)
{
	unsigned long long value = 0;
	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = (unsigned)(unsigned char)text.at[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (text.n == 0)
		return false;
	*ret = value;
	return true;
}
