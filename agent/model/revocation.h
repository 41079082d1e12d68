/* What is no longer believed, though its signature is good: one token, one session, what a key signed, or all
 * that somebody was given until some moment.
 */
#ifndef MODEL_REVOCATION_H
#define MODEL_REVOCATION_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

enum revocation_kind {
	REVOCATION_TOKEN,   /* jti */
	REVOCATION_SUBJECT, /* sub */
	REVOCATION_CLIENT,  /* azp, client_id, or what the issuer's settings take for it */
	REVOCATION_KEY,     /* kid of the key that made the signature */
	REVOCATION_SESSION, /* sid */
	REVOCATION_KIND_COUNT,
};
extern const char *const revocation_kind_names[REVOCATION_KIND_COUNT];

/* revocation_has_moment - whether the kind is about what was issued until a moment, and not about everything. */
static inline bool revocation_has_moment(enum revocation_kind kind)
{
	return kind == REVOCATION_SUBJECT || kind == REVOCATION_CLIENT;
}

struct revocation {
	enum revocation_kind kind;
	struct sv issuer; /* iss */
	struct sv name;   /* within the issuer */
	/* Unix seconds: what was issued in this second or earlier, or does not say when; of subjects and clients */
	int64_t until_s;
	int64_t expires_s; /* Unix seconds; from then on it does not count */
};

#endif
