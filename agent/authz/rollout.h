/* A policy in force for some of the callers: its `percent`. For the others it is judged as a shadow.
 *
 * Who is among them is a matter of the policy's name and of the caller: the user's principal, else the workload, else
 * the address. So it is the same at every worker and after every restart, another selection for each policy, and
 * whoever is among 10 percent is among 20. Internal to this folder. */
#ifndef AUTHZ_ROLLOUT_H
#define AUTHZ_ROLLOUT_H

#include "authz/rule.h"

#include <stdbool.h>

enum { AUTHZ_PERCENT_ALL = 100 };

/* authz_rollout_has - is the policy in force for the view's caller? One of whom nothing is known is among those that a
 * DENY policy denies, and not among those that an ALLOW policy allows. */
bool authz_rollout_has(const struct authz_policy *policy, const struct authz_view *view);

#endif
