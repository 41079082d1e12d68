/* UTF-8, RFC 3629: shortest form, no surrogates, up to U+10FFFF. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include "core/sv.h"

/* utf8_length - bytes of the well-formed character at the front of text, 1 to 4; 0 when it is none.
 */
size_t utf8_length(struct sv text);
/* utf8_valid - whether the whole text is well formed. */
bool utf8_valid(struct sv text);

#endif
