/* The revocations that are kept (state/) as the table that every request is looked up in (authn/). */
#ifndef POLICY_REVOCATIONS_H
#define POLICY_REVOCATIONS_H

#include "policy/tables.h"

/* policy_revocations_build - as tables.h wants it. errors: 0 or -errno */
MUST_CHECK int policy_revocations_build(const struct policy_tables_env *env,
                                        const struct shared *before, struct shared **ret);

#endif
