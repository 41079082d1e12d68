/* The internal token of an allowed request, where its service asks for one. */
#ifndef POLICY_ISSUE_H
#define POLICY_ISSUE_H

#include "policy/decide.h"

struct minter;

/* policy_issue_token - after policy_decide() and once the decision has its event id.
 *
 * in      minter: the worker's own; ctx: as lent to policy_decide()
 * out     decision->token: valid until the minter's next use. When none can be made the request is not allowed any
 *         more: unavailable, reason token_unavailable
 */
void policy_issue_token(const struct policy *policy, const struct decide_ctx *ctx,
                        struct minter *minter, const struct request *req,
                        struct decision *decision);

#endif
