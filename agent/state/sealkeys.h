#ifndef STATE_SEALKEYS_H
#define STATE_SEALKEYS_H

#include "core/macros.h"
#include "core/seal.h"

#include <stdint.h>

/* The keys that browser sessions are sealed with, in a file of their own beside the database: whoever gets only
 * one of the two has nothing. Without the file a new one is made, and every session ends. */

enum { SEAL_ROTATE_S = 24 * 60 * 60 };

/* state_seal_keys_load - reads the file; makes it, or one more key in it, when the newest is a day old.
 *
 * in      path: mode 0600 when it is made here; now_s: Unix seconds
 * out     ring: zeroed before; filled only on 0
 * errors  0, -EBADMSG the file is none of ours, -EIO no random bytes, or a negative errno
 */
MUST_CHECK int state_seal_keys_load(const char *path, int64_t now_s, struct seal_ring *ring);

/* state_seal_keys_rotate - a new key when the newest is a day old: on disk first, then in the ring.
 *
 * errors  as above; the ring is as before
 * thread  one at a time
 */
MUST_CHECK int state_seal_keys_rotate(const char *path, int64_t now_s, struct seal_ring *ring);

#endif
