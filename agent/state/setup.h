#ifndef STATE_SETUP_H
#define STATE_SETUP_H

#include "core/macros.h"
#include "state/admins.h"

#include <stdbool.h>
#include <stdint.h>

struct state;

#define SETUP_TOKEN_BYTES 44 /* 32 random bytes as base64url, and a NUL */
/* A link that nobody used is dead after a day, microseconds. */
#define SETUP_TTL_US (INT64_C(24) * 60 * 60 * 1000000)

/* state_setup_needed - true until the first account exists. */
MUST_CHECK int state_setup_needed(const struct state *state, bool *ret);

/* state_setup_create - make the one-time token with which the first admin is made; an earlier one
 * stops working.
 *
 * errors  0, -EEXIST an account exists already, or a negative errno
 */
MUST_CHECK int state_setup_create(struct state *state, int64_t now_us,
                                  char ret_token[static SETUP_TOKEN_BYTES]);

/* state_setup_check - is token the one, and still good? A claim may still lose against a faster
 * one. */
MUST_CHECK int state_setup_check(const struct state *state, struct sv token, int64_t now_us);

/* state_setup_claim - use the token up and add the first account.
 *
 * errors  0, -EKEYREJECTED wrong, used or expired token, -EEXIST an account exists already,
 *         -EINVAL, or a negative errno
 */
MUST_CHECK int state_setup_claim(struct state *state, struct sv token,
                                 const struct state_admin *first, int64_t now_us);

#endif
