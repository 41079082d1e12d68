/* A decision as JSON, as `haward explain` and the API show it. */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "core/macros.h"

#include <jansson.h>

struct decision;
struct verdict;

/* policy_explain - verdict, status, reason, policy, service, route, path, user, workload, why, shadow.
 *
 * returns an owned object, NULL when memory is out. Bytes that are not UTF-8 become U+FFFD
 */
MUST_CHECK json_t *policy_explain(const struct decision *decision);

/* policy_explain_why - the why-list alone: [{policy, rule, condition, value, expected, result}]. */
MUST_CHECK json_t *policy_explain_why(const struct verdict *verdict);

/* policy_explain_words - result of each step in words, as the book and the screen say it: "matched", "failed". */
void policy_explain_words(json_t *why);

#endif
