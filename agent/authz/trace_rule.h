/* One rule with every part and its value. Internal to this folder. */
#ifndef AUTHZ_TRACE_RULE_H
#define AUTHZ_TRACE_RULE_H

#include "authz/rule.h"
#include "core/macros.h"

#include <jansson.h>

/* authz_trace_rule - in: view: its scratch may be reset after
 *
 * returns owned: {rule, result, route, failed, to, when, from, authentication, condition}; NULL: no memory
 */
MUST_CHECK json_t *authz_trace_rule(const struct authz_rule *rule, const struct authz_view *view);

#endif
