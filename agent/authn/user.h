/* Verified claims -> the user they name. */
#ifndef AUTHN_USER_H
#define AUTHN_USER_H

#include "core/arena.h"
#include "core/macros.h"
#include "model/identity.h"

#include <jansson.h>

struct issuer;

/* user_of_claims - also for claims that `explain` is given.
 *
 * in      issuer: whose claim names hold; NULL takes the defaults. claims: an object, borrowed by *ret
 * out     *ret: the fields of the user; those of a workload stay as they are
 * returns false when the arena is full
 */
MUST_CHECK bool user_of_claims(const struct issuer *issuer, const json_t *claims,
                               struct arena *arena, struct identity *ret);

#endif
