/* The relations that are kept (state/) as the table that conditions look them up in (authz/relation_tuples.h). */
#ifndef POLICY_RELATIONS_H
#define POLICY_RELATIONS_H

#include "policy/tables.h"

struct relation_tuples;

/* policy_relations_build - as tables.h wants it. errors: 0 or -errno */
MUST_CHECK int policy_relations_build(const struct policy_tables_env *env,
                                      const struct shared *before, struct shared **ret);

/* policy_relations_of - NULL: they are not known here, so that no condition may count on them. in: view may be NULL */
const struct relation_tuples *policy_relations_of(const struct policy_tables_view *view);

#endif
