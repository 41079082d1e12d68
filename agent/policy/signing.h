/* The keys of internal tokens between what is kept (state/) and what signs (authn/): made, made known before they sign,
 * and forgotten when nothing that they signed can still be good.
 */
#ifndef POLICY_SIGNING_H
#define POLICY_SIGNING_H

#include "authn/mintkeys.h"
#include "policy/tables.h"

#include <stdint.h>

/* Verifiers learn of a key so long before it signs, or a quarter of the rotation where that is less. */
#define SIGNING_LEAD_S 3600
/* A key is shown so long after it signed last: the longest life of a token, and an hour for clocks and caches. */
#define SIGNING_REST_S (600 + 3600)

/* policy_signing_rotate - makes the key that is due, and removes those that are over; the first one signs at once.
 *
 * in      rotate_s: how long a key signs; now_s: Unix seconds
 * errors  0, -EIO OpenSSL fails, or a negative errno
 */
MUST_CHECK int policy_signing_rotate(struct state *state, int64_t rotate_s, int64_t now_s);

/* policy_signing_add - a key ahead of its time: it signs from from_s on, the one before until then.
 *
 * out     *ret_kid: terminated, on 0
 * errors  0, -EEXIST one signs from that very second on, -ENOSPC there are too many, -EIO OpenSSL fails, or a negative
 *         errno
 */
MUST_CHECK int policy_signing_add(struct state *state, int64_t from_s,
                                  char ret_kid[static MINTKEY_KID_BYTES]);

/* policy_signing_drop - nothing that the key signed is good any more where verifiers ask for keys again. Where none would
 * be left that signs now, one is made that does.
 *
 * errors  0, -ENOENT there is no such key, or as policy_signing_add()
 */
MUST_CHECK int policy_signing_drop(struct state *state, struct sv kid, int64_t now_s);

/* policy_signing_build - as tables.h wants it. errors: 0 or -errno */
MUST_CHECK int policy_signing_build(const struct policy_tables_env *env,
                                    const struct shared *before, struct shared **ret);

#endif
