#ifndef STATE_SESSIONS_H
#define STATE_SESSIONS_H

#include "core/macros.h"
#include "state/admins.h"

#include <stdint.h>

struct state;

#define SESSION_ID_BYTES 32
#define SESSION_IDLE_US  (INT64_C(30) * 60 * 1000000) /* ends after 30 minutes without use */
#define SESSION_ABSOLUTE_US \
	(INT64_C(12) * 60 * 60 * 1000000)            /* ends after 12 hours whatever happens */
#define SESSIONS_PER_ADMIN   16                      /* the oldest makes room */
#define SESSION_SEEN_STEP_US (INT64_C(60) * 1000000) /* use is noted at most once a minute */

/* One signed-in browser. The id itself is never stored, only its SHA-256. */
struct state_session {
	char name[ADMIN_NAME_BYTES];
	uint32_t roles; /* effective, as of sign-in; a change of the account ends the session */
	int64_t created_us;
	int64_t seen_us;
};

/* How somebody proved to own an account. */
struct state_proof {
	const char *phc;     /* the hash that the password fitted */
	const char *new_phc; /* a fresh one of it to store; NULL: the old one will do */
};

/* state_session_open - start a session for an enabled account; notes the sign-in in the account.
 *
 * in      proof: what was verified; when the account has another hash by now, the password was changed
 *         meanwhile and the sign-in is void
 * out     ret_id: random, for the cookie; ret: what was stored
 * errors  0, -ENOENT no such account, -EACCES disabled or void, or a negative errno
 */
MUST_CHECK int state_session_open(struct state *state, struct sv name,
                                  const struct state_proof *proof, int64_t now_us,
                                  uint8_t ret_id[static SESSION_ID_BYTES],
                                  struct state_session *ret);

/* state_session_find - the session of that id; notes the use.
 *
 * errors  0, -ENOENT unknown or ended, or a negative errno
 */
MUST_CHECK int state_session_find(struct state *state, const uint8_t id[static SESSION_ID_BYTES],
                                  int64_t now_us, struct state_session *ret);

/* state_session_close - errors: 0 also when there is none, or a negative errno */
MUST_CHECK int state_session_close(struct state *state, const uint8_t id[static SESSION_ID_BYTES]);

#endif
