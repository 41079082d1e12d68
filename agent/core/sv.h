/* Borrowed bytes: a pointer and a length, never owning, never terminated. */
#ifndef CORE_SV_H
#define CORE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct sv {
	const char *at; /* may be NULL when n is 0 */
	size_t n;
};

/* SV("text") - a view of a string literal, usable in static tables. */
#define SV(literal)                                       \
	{                                                 \
		.at = (literal), .n = sizeof(literal) - 1 \
	}
/* SVL("text") - the same as an expression. */
#define SVL(literal) ((struct sv)SV(literal))
/* SV_ARG(v) - the two arguments of "%.*s". */
#define SV_ARG(v) (int)(v).n, ((v).at ? (v).at : "")

static inline struct sv sv_of(const char *text)
{
	return (struct sv){text, text ? strlen(text) : 0};
}

static inline bool sv_eq(struct sv a, struct sv b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

static inline bool sv_starts(struct sv text, struct sv prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.at, prefix.at, prefix.n) == 0);
}

static inline bool sv_ends(struct sv text, struct sv suffix)
{
	return text.n >= suffix.n &&
	       (suffix.n == 0 || memcmp(text.at + (text.n - suffix.n), suffix.at, suffix.n) == 0);
}

/* sv_from - the bytes at offset and after; empty when offset is past the end. */
static inline struct sv sv_from(struct sv text, size_t offset)
{
	return offset >= text.n ? (struct sv){0} : (struct sv){text.at + offset, text.n - offset};
}

/* sv_first - the first n bytes, or all when there are fewer. */
static inline struct sv sv_first(struct sv text, size_t n)
{
	return (struct sv){text.at, n < text.n ? n : text.n};
}

/* sv_find - offset of the first byte c, or text.n when there is none. */
static inline size_t sv_find(struct sv text, char c)
{
	const char *at = text.n ? memchr(text.at, c, text.n) : NULL;
	return at ? (size_t)(at - text.at) : text.n;
}

/* ASCII letters only, whatever the locale. */
static inline char sv_lower_char(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* sv_eq_ci - equal but for the case of ASCII letters. */
bool sv_eq_ci(struct sv a, struct sv b);
/* sv_starts_ci, sv_ends_ci - as sv_starts, sv_ends, but for the case of ASCII letters. */
bool sv_starts_ci(struct sv text, struct sv prefix);
bool sv_ends_ci(struct sv text, struct sv suffix);

/* sv_cut - takes the part before the next c off the front of *rest.
 *
 * out     *part: the bytes before c, or all of *rest when c is not in it
 * returns false when *rest was NULL-ended, i.e. there is no further part; "a,,b" gives three parts
 */
bool sv_cut(struct sv *rest, char c, struct sv *part);

/* sv_cut_braces - takes "before{name}" off the front of *rest. returns false when there is none in it; nothing is taken */
bool sv_cut_braces(struct sv *rest, struct sv *before, struct sv *name);

/* sv_trim - without the spaces and tabs at both ends. */
struct sv sv_trim(struct sv text);

/* sv_has_control - is there a control character in it? What has one goes into no header, log or list. */
bool sv_has_control(struct sv text);

/* sv_cmp - bytewise order, shorter first; for qsort and search. */
int sv_cmp(struct sv a, struct sv b);

/* sv_dup - a terminated heap copy, freed by the caller; NULL when memory is out. */
char *sv_dup(struct sv text) __attribute__((warn_unused_result));

/* sv_to_u64 - a decimal number that fills the whole text; false when it does not or does not fit.
 */
bool sv_to_u64(struct sv text, unsigned long long *ret) __attribute__((warn_unused_result));

#endif
