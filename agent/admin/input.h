/* What a caller sends: the members of a body, and of the query string. */
#ifndef ADMIN_INPUT_H
#define ADMIN_INPUT_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>

struct call;

/* call_input - the body as a JSON object with no other members than the route's.
 *
 * returns borrowed, or NULL: the reply is set
 */
const json_t *call_input(struct call *call);

/* input_text - a string member of the body; *ret is empty when it is missing and not required.
 *
 * returns false: the reply is set
 */
MUST_CHECK bool input_text(struct call *call, const char *name, bool required, struct sv *ret);

/* query_number - a number of the query string, from 1 to max; *ret stays as it is when it is missing.
 *
 * returns false: the reply is set, invalid-cursor for "cursor", else invalid-query
 */
MUST_CHECK bool query_number(struct call *call, const char *name, unsigned long long max,
                             unsigned long long *ret);

/* word_listed - is word one of the words of list, which have a blank between them? list may be NULL. */
bool word_listed(const char *list, struct sv word);

#endif
