/* Enum <-> text by one table, so that file, wire, record and screen spell a thing alike. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "core/macros.h"
#include "core/sv.h"

/* names_of - the spelling of value; "?" outside the table or for a gap in it. */
const char *names_of(const char *const *table, size_t n, unsigned value);
/* names_find - the value spelt text, exactly. returns false when there is none. */
MUST_CHECK bool names_find(const char *const *table, size_t n, struct sv text, unsigned *ret);
/* names_listed - is it one of a list? in: names: ends with NULL */
bool names_listed(const char *const *names, const char *name);
/* names_nearest - the entry nearest to text by edit distance, for "did you mean"; NULL when none is
 * near. */
const char *names_nearest(const char *const *table, size_t n, struct sv text);

#endif
