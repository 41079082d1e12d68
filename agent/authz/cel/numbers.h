/* Numbers to text and back, the same in string(), format() and the command line. Internal to cel/. */
#ifndef AUTHZ_CEL_NUMBERS_H
#define AUTHZ_CEL_NUMBERS_H

#include "authz/cel/value.h"

enum { CEL_DOUBLE_TEXT_BYTES = 40 };

/* cel_double_text - the shortest digits that read back as the same number: "0.1", "1e+100", "-0", "NaN",
 * "Infinity". Terminated; returns the view. */
struct sv cel_double_text(double d, char text[CEL_DOUBLE_TEXT_BYTES]);

/* cel_double_read - decimal, or Infinity, inf, NaN with a sign; the whole text. */
MUST_CHECK bool cel_double_read(struct sv text, double *ret);
/* cel_int_read, cel_uint_read - decimal, the whole text, in range. */
MUST_CHECK bool cel_int_read(struct sv text, int64_t *ret);
MUST_CHECK bool cel_uint_read(struct sv text, uint64_t *ret);

#endif
