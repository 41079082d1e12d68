/* Headers of tokens that were good, by their exact text: an issuer's tokens share theirs to the byte, and to read
 * one costs a tenth of the signature. One per worker; a stranger's header never gets in.
 */
#ifndef AUTHN_HEADERMEMO_H
#define AUTHN_HEADERMEMO_H

#include "authn/jwt.h"

enum { HEADERMEMO_ROWS = 8, HEADERMEMO_TEXT_MAX_BYTES = 240 };

/* Zeroed, it is empty. thread: one at a time */
struct headermemo {
	struct headermemo_row {
		char text[HEADERMEMO_TEXT_MAX_BYTES]; /* encoded */
		size_t n;                             /* 0: empty */
		struct jwt_header header;
	} rows[HEADERMEMO_ROWS];
	unsigned next;
};

/* headermemo_fini - also of a zeroed one. */
void headermemo_fini(struct headermemo *memo);

/* headermemo_find - what jwt_header_read() made of this very text.
 *
 * out     *ret: on success only; json_decref(ret->document)
 * returns whether it is known
 */
MUST_CHECK bool headermemo_find(const struct headermemo *memo, struct sv encoded,
                                struct jwt_header *ret);

/* headermemo_keep - remembers the header of a token whose signature was good, in place of the oldest; one that is
 * known or long is not kept. A reference to its document is taken. */
void headermemo_keep(struct headermemo *memo, struct sv encoded, const struct jwt_header *header);

#endif
