/* A policy set in force: what the operator decided, compiled, immutable, shared by reference count.
 * From it follow who is who (authn) and who may do what (authz); a request sees one from start to end.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "authz/authz.h"
#include "core/hash.h"
#include "core/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct authn;
struct logins;
struct policy;

/* policy_ref, policy_unref - share and give back; both accept NULL. thread: any */
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy);

/* policy_version - the number it was published under. */
uint64_t policy_version(const struct policy *policy);

/* policy_generation - unlike the version never the same for two loads: tokens verified under one are
 * verified again under the next. */
uint64_t policy_generation(const struct policy *policy);

/* policy_digest - SHA-256 of the text it was loaded from. */
const uint8_t *policy_digest(const struct policy *policy);

const struct authn *policy_authn(const struct policy *policy);
const struct authz *policy_authz(const struct policy *policy);
/* policy_login_set - its ways to sign in with a browser; never NULL. */
const struct logins *policy_login_set(const struct policy *policy);

/* policy_count - how many policies, services and rules. */
struct authz_counts policy_count(const struct policy *policy);

#endif
