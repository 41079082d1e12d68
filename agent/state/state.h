#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "core/macros.h"

#include <stdint.h>

/* What is remembered beside the trail: accounts, sessions, the setup token, policy versions and the
 * draft. One LMDB environment, shared between the server and the command line. Every act is one
 * transaction: it holds whole or not at all, and is on disk when the call returns 0. */
struct state;

/* state_open - open the environment in dir, creating both when they are not there.
 *
 * in      dir: made with mode 0700 when missing; its parent must exist
 * out     *ret, owned by the caller, closed with state_close(); set only on 0
 * errors  0, or a negative errno: -EBADMSG not an LMDB environment of ours, -EACCES, -ENOSPC, ...
 * thread  once a process (LMDB forbids a second opening); afterwards any number of threads may use
 *         it
 */
MUST_CHECK int state_open(const char *dir, struct state **ret);

/* state_close - no call may be under way. NULL is allowed. */
void state_close(struct state *state);

/* state_mask_key - the key that pseudonyms are made with: 32 random bytes made at the first
 * opening, never changed.
 *
 * lifetime  as the state
 */
const uint8_t *state_mask_key(const struct state *state);

#define STATE_MASK_KEY_BYTES 32

/* state_last_change - another number after each change of anything in here, by this process or another. Who reads
 * after this sees the change. Cheap enough to be asked many times a second. 0 when it is not known. */
uint64_t state_last_change(const struct state *state);

/* state_revision - how often what goes by this name was changed, e.g. APIKEY_REVISION. errors: 0 or -errno */
MUST_CHECK int state_revision(const struct state *state, const char *name, uint64_t *ret);

#endif
