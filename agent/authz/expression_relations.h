/* related() in a condition: what it names has to be in `types`, as far as it stands there as text. Internal to authz/. */
#ifndef AUTHZ_EXPRESSION_RELATIONS_H
#define AUTHZ_EXPRESSION_RELATIONS_H

#include "authz/cel/ast.h"
#include "authz/relation_model.h"

/* expression_relations_check - of an expression that compiled.
 *
 * out     *problem on false: the first mistake
 */
MUST_CHECK bool expression_relations_check(const struct cel_node *root,
                                           const struct relation_model *model,
                                           struct cel_problem *problem);

#endif
