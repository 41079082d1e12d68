/* Password hashes that others made, as crypt(3) writes them: bcrypt and SHA-512. They are only checked, never made. */
#ifndef STATE_CRYPTHASH_H
#define STATE_CRYPTHASH_H

#include "core/macros.h"
#include "core/sv.h"

enum crypthash_kind {
	CRYPTHASH_NONE,    /* not a hash that is taken */
	CRYPTHASH_BCRYPT,  /* "$2a$", "$2b$", "$2y$"; cost 4 to 14 */
	CRYPTHASH_SHA512,  /* "$6$"; at most 1,000,000 rounds */
	CRYPTHASH_COSTLY,  /* one of the two, that would take seconds to check */
	CRYPTHASH_FOREIGN, /* another of htpasswd's: MD5, SHA-1, DES, plain text */
};

/* crypthash_kind - what the text is, by its form. */
enum crypthash_kind crypthash_kind(struct sv text);

/* crypthash_verify - does password belong to hash?
 *
 * in      hash: terminated, of kind bcrypt or SHA-512; others belong to nobody
 * thread  any, takes up to a second: never on a thread that must not wait
 */
MUST_CHECK bool crypthash_verify(struct sv password, const char *hash);

#endif
