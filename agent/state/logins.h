#ifndef STATE_LOGINS_H
#define STATE_LOGINS_H

#include "core/hash.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct seal_ring;
struct state;

/* People who signed in with a browser. What is known of them is sealed (core/seal.h), bound to the digest of the
 * id in their cookie; the id itself is not here. What stands beside it in the clear says when it ends and, as
 * digests, under which names it can be ended. Those that have ended are removed as new ones come. */

enum {
	LOGIN_TEXT_MAX_BYTES = 64 * 1024,
	LOGINS_PER_SUBJECT = 64, /* with one more, that which ends first makes room */
};

struct state_login {
	uint8_t digest[SHA256_BYTES]; /* of the id */
	int64_t ends_at;              /* Unix seconds; gone from here on */
	struct sv issuer, subject;    /* whose it is */
	struct sv sid;                /* the provider's name for it; empty: none */
	struct sv text;               /* what is sealed */
};

/* What may be used a single time, and until when that has to be remembered. */
struct state_login_once {
	uint8_t digest[SHA256_BYTES];
	int64_t until_s;
};

/* state_login_add - remembers one, and that `once` is used up, in one act.
 *
 * in      now_s: Unix seconds
 * errors  0, -EEXIST once was used before, -E2BIG the text is too long, -EIO it cannot be sealed, or a negative
 *         errno
 */
MUST_CHECK int state_login_add(struct state *state, const struct seal_ring *ring,
                               const struct state_login *login, const struct state_login_once *once,
                               int64_t now_s);

/* state_login_used - errors: 0 it was not used yet, -EEXIST it was, or a negative errno */
MUST_CHECK int state_login_used(const struct state *state, const uint8_t digest[SHA256_BYTES]);

/* state_login_use_up - remembers that it is, whatever else becomes of it. errors: 0 also when it was used before, or a
 * negative errno */
MUST_CHECK int state_login_use_up(struct state *state, const struct state_login_once *once,
                                  int64_t now_s);

struct state_login_found {
	char *text; /* owned, terminated */
	size_t n;
	int64_t ends_at;
};
/* state_login_found_fini - wipes the text. */
void state_login_found_fini(struct state_login_found *found);

/* state_login_get - one that has not ended.
 *
 * errors  0, -ENOENT, -EBADMSG it does not open, or a negative errno
 */
MUST_CHECK int state_login_get(const struct state *state, const struct seal_ring *ring,
                               const uint8_t digest[SHA256_BYTES], int64_t now_s,
                               struct state_login_found *ret);

/* state_login_update - another text and end for one that is still there; its names stay.
 *
 * in      login: digest, ends_at and text count
 * errors  0, -ENOENT it was ended meanwhile, and as state_login_add()
 */
MUST_CHECK int state_login_update(struct state *state, const struct seal_ring *ring,
                                  const struct state_login *login);

/* state_login_end - errors: 0 also when there is none */
MUST_CHECK int state_login_end(struct state *state, const uint8_t digest[SHA256_BYTES]);

/* Which to end: of the issuer, those of a sid, or else those of a subject; where both are said, both have to fit. */
struct state_login_names {
	struct sv issuer, subject, sid;
};

struct state_login_ended {
	uint8_t digests[LOGINS_PER_SUBJECT][SHA256_BYTES];
	size_t n; /* LOGINS_PER_SUBJECT: there may be more, ask again without once */
};

/* state_login_named - which they are; nothing is written. errors: 0, -EINVAL no name, or a negative errno */
MUST_CHECK int state_login_named(const struct state *state, const struct state_login_names *names,
                                 struct state_login_ended *ret);

/* state_login_end_named - ends those that bear these names.
 *
 * in      once: may be NULL
 * errors  0, -EEXIST once was used before: then nothing was ended; or a negative errno
 */
MUST_CHECK int state_login_end_named(struct state *state, const struct state_login_names *names,
                                     const struct state_login_once *once,
                                     struct state_login_ended *ret);

/* A walk over those that have not ended, by digest. */
struct state_login_walk {
	const struct seal_ring *ring;
	int64_t now_s; /* Unix seconds */
	size_t n_max;  /* how many records are looked at, at most: they are opened one by one */
	/* 0 to go on; 1 to stop behind this one; a negative errno ends the walk and is returned. Views are valid until it
	 * returns. Must not call into state */
	int (*visit)(void *user, const uint8_t digest[SHA256_BYTES],
	             const struct state_login_found *found);
	void *user;
};

/* state_login_each - those that do not open are passed over.
 *
 * in, out from: begins behind this digest, all zero: with the first; then the last that was looked at
 * out     *ret_more: there may be others behind it
 * errors  0, visit's, or a negative errno
 */
MUST_CHECK int state_login_each(const struct state *state, const struct state_login_walk *walk,
                                uint8_t from[SHA256_BYTES], bool *ret_more);

#endif
