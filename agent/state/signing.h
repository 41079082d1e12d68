#ifndef STATE_SIGNING_H
#define STATE_SIGNING_H

#include "core/macros.h"
#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

struct state;

/* The keys that internal tokens are signed with, by the second from which each signs. Private keys stand here as they
 * are, as all secrets of this environment: it is open to the agent's user alone. */

#define SIGNING_TEXT_MAX 1024
#define SIGNING_REVISION "revision-signing-keys" /* for state_revision() */

struct state_signing_key {
	int64_t from_s;
	struct sv kid;
	struct sv pem; /* the private key: a secret */
	struct sv jwk; /* the public key, JSON */
};

/* state_signing_add - errors: 0, -EINVAL a text is empty or too long, -EEXIST one signs from that second on, or a
 * negative errno */
MUST_CHECK int state_signing_add(struct state *state, const struct state_signing_key *key);

/* state_signing_list - visits all by from_s.
 *
 * in      visit: returns 0 to go on; anything else ends the walk and is returned. Views are valid until it returns.
 *         Must not call into state
 */
MUST_CHECK int state_signing_list(const struct state *state,
                                  int (*visit)(void *user, const struct state_signing_key *key),
                                  void *user);

/* state_signing_remove - errors: 0 also when there is none, or a negative errno */
MUST_CHECK int state_signing_remove(struct state *state, int64_t from_s);

#endif
