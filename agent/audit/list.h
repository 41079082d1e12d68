#ifndef AUDIT_LIST_H
#define AUDIT_LIST_H

#include "core/macros.h"
#include "core/outbuf.h"
#include "core/sv.h"

#include <stdbool.h>

/* A list of texts in its packed form: (varint length, bytes)*; read with audit_list_next(). */
struct audit_list {
	struct sv packed;
};

/* audit_list_next - cut the next item off the list; false at its end.
 * A list inside a decoded record has been checked and never fails half-way. */
bool audit_list_next(struct audit_list *rest, struct sv *ret);

/* audit_list_add - append an item to a packed list; refused whole when it does not fit. */
void audit_list_add(struct outbuf *packed, struct sv item);

/* audit_text_cut - at most max bytes of the text, never half a character. */
struct sv audit_text_cut(struct sv text, size_t max);

/* audit_list_is_sound - whether the bytes are a list to their end. */
MUST_CHECK bool audit_list_is_sound(struct sv packed);
/* audit_list_cut - as many whole items as fit; nothing of what is no list. */
struct sv audit_list_cut(struct sv packed, size_t max);

#endif
