/* Whether the users with passwords (state/users.h) changed: then a password that was right is checked again. */
#ifndef POLICY_USERS_H
#define POLICY_USERS_H

#include "policy/tables.h"

/* policy_users_build - a policy_table_source; see tables.h. */
MUST_CHECK int policy_users_build(const struct policy_tables_env *env, const struct shared *before,
                                  struct shared **ret);

/* policy_users_revision - of what that built; larger than any when it could not be built. in: view: NULL is 0 */
uint64_t policy_users_revision(const struct policy_tables_view *view);

#endif
