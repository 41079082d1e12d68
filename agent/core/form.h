/* application/x-www-form-urlencoded, written. source: RFC 6749 appendix B; WHATWG URL 5.2 */
#ifndef CORE_FORM_H
#define CORE_FORM_H

#include "core/outbuf.h"
#include "core/sv.h"

/* Most bytes that form_add() writes for a name and a value. */
#define FORM_PAIR_MAX_BYTES(n_name, n_value) (2 + 3 * ((n_name) + (n_value)))

/* form_encode - text alone: letters, digits and "-._~" stay, everything else is percent-encoded. */
void form_encode(struct outbuf *b, struct sv text);
/* form_add - "name=value", behind a "&" when something stands in b already. */
void form_add(struct outbuf *b, struct sv name, struct sv value);

#endif
