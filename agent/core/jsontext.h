/* Text from outside as JSON values: what is not UTF-8 becomes U+FFFD, byte by byte. */
#ifndef CORE_JSONTEXT_H
#define CORE_JSONTEXT_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>

/* json_text - an owned string; NULL: no memory. */
MUST_CHECK json_t *json_text(struct sv text);

/* json_text_or_null - the same; an empty text is null. */
MUST_CHECK json_t *json_text_or_null(struct sv text);

#endif
