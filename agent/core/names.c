#include "core/names.h"

const char *names_of(const char *const *table, size_t n, unsigned value)
{
	return value < n && table[value] ? table[value] : "?";
}

bool names_find(const char *const *table, size_t n, struct sv text, unsigned *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!table[i] || !sv_eq(sv_of(table[i]), text))
			continue;
		*ret = (unsigned)i;
		return true;
	}
	return false;
}

enum { NAME_MAX_BYTES = 63 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Levenshtein distance in one row; both texts at most NAME_MAX_BYTES long. */
static size_t distance(struct sv a, struct sv b)
{
	size_t row[NAME_MAX_BYTES + 1];
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = sv_lower_char(a.at[i - 1]) == sv_lower_char(b.at[j - 1]);
			size_t here = min3(row[j] + 1, row[j - 1] + 1, diagonal + !same);
			diagonal = row[j];
			row[j] = here;
		}
	}
	return row[b.n];
}

bool names_listed(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

const char *names_nearest(const char *const *table, size_t n, struct sv text)
{
	const char *best = NULL;
	size_t best_distance = text.n / 2 + 2; /* farther than this is no typing error */
	if (text.n > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct sv name = sv_of(table[i]);
		if (name.n == 0 || name.n > NAME_MAX_BYTES)
			continue;
		size_t d = distance(text, name);
		if (d < best_distance) {
			best = table[i];
			best_distance = d;
		}
	}
	return best;
}
