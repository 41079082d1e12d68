/* RE2 for C: the only place that knows of C++. Internal to cel/. */
#ifndef AUTHZ_CEL_RE2_H
#define AUTHZ_CEL_RE2_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cel_re2;

/* cel_re2_new - NULL when the pattern is none or too large; *why: a static text. Freed with cel_re2_free(). */
struct cel_re2 *cel_re2_new(const char *pattern, size_t n, const char **why);
void cel_re2_free(struct cel_re2 *re);

/* cel_re2_finds - anywhere in the text. thread: any. Time is linear in the text; RE2 may keep states in memory of
 * its own, bounded when the pattern was compiled. */
bool cel_re2_finds(const struct cel_re2 *re, const char *text, size_t n);

#ifdef __cplusplus
}
#endif

#endif
