/* Request -> decision: who is asking, and may they. The whole service in one call. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "core/arena.h"
#include "core/macros.h"
#include "model/reason.h"
#include "policy/tables.h"

#include <stdint.h>

struct authn_ask;
struct authn_ctx;
struct decision;
struct dpop;
struct forwarded;
struct identity;
struct limiter;
struct login_shared;
struct policy;
struct relation_tuples;
struct request;
struct tokencache;

/* What a worker lends to its decisions. */
struct decide_ctx {
	struct tokencache *tokens; /* required by policy_decide(), unused by policy_decide_as() */
	struct dpop *dpop;         /* shared; NULL: tokens bound to a key are refused */
	struct arena *arena;       /* holds what the decision views, until the caller resets it */
	int64_t now_us;            /* wall clock; 0: read the clock */
	uint64_t started_ns;       /* monotonic, what took_ns counts from; 0: now */

	const struct policy_tables_view
		*tables; /* NULL: no API key can be judged, nothing is revoked */

	const struct relation_tuples
		*tuples; /* the relations of a request that is imagined; NULL: those of tables */

	bool is_proved; /* it was decided before, up to its quotas: its proof is noted already */

	struct authn_ask *ask; /* filled on DECIDE_LATER; NULL: nothing may be asked */
	enum reason
		unasked; /* and a request that would have to is refused with this; see authn_ctx */

	struct limiter *
		limiter; /* shared; NULL: limits are not counted, as where a request is only imagined */

	const struct login_shared *shared; /* of sign-ins; NULL: nobody signs in here */

	const struct forwarded *forwarded; /* proxies whose headers are believed; NULL: none */
};

enum decide_outcome {
	DECIDE_NOW, /* *ret is the decision */
	DECIDE_LATER, /* ctx->ask has to be answered first; then decide again. *ret counts for nothing */
};

/* policy_decide - judge one request. Never blocks, takes no lock, makes no system call of its own.
 *
 * in      policy: NULL denies, reason internal; req: views stay valid as long as *ret is used
 * out     *ret: everything but event; its texts view policy, req and ctx->arena
 * returns DECIDE_NOW whenever ctx->ask is NULL
 * thread  any, with a ctx of its own
 */
MUST_CHECK enum decide_outcome policy_decide(const struct policy *policy, struct decide_ctx *ctx,
                                             const struct request *req, struct decision *ret);

/* policy_decide_as - the same for a caller that is known already: explanations and tests. Who is revoked by ctx->tables
 * is refused. */
void policy_decide_as(const struct policy *policy, struct decide_ctx *ctx,
                      const struct request *req, const struct identity *who, struct decision *ret);

/* policy_decide_asking - what decides who asks, lent from ctx: nothing may be asked of others. */
struct authn_ctx policy_decide_asking(const struct decide_ctx *ctx, int64_t now_s);

/* policy_decide_tuples - the relations that conditions see; NULL: they are not known. */
const struct relation_tuples *policy_decide_tuples(const struct decide_ctx *ctx);

#endif
