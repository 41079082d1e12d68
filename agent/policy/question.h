/* A request that people imagine, as JSON: what HAProxy would have told, by the names of schema/spoe.md, and
 * who is said to ask. `haward explain` and the dashboard's trial ask with it.
 */
#ifndef POLICY_QUESTION_H
#define POLICY_QUESTION_H

#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"
#include "model/request.h"

#include <jansson.h>
#include <stdbool.h>

struct arena;
struct decide_ctx;
struct decision;
struct policy;

struct question {
	struct request request;
	const json_t *claims; /* of a token, taken as verified; NULL: none are said */
	struct sv workload;   /* SPIFFE ID, taken as verified; empty: none is said */
};

enum {
	QUESTION_CREDENTIALS =
		1 << 0,         /* may carry credentials, which are checked as the agent would */
	QUESTION_OPEN = 1 << 1, /* members that nobody knows are passed over */
};

/* question_read - one JSON object into a question.
 *
 * Null is as good as left out. Without `kind` it is about a request if it tells anything that only HTTP
 * has, else about a connection.
 *
 * in      flags: QUESTION_...; pointer: where the object stands in its document, "" for the root
 * out     *ret on true; d: every error found, each with the pointer of the member
 * errors  false: a member is wrong, unknown or not taken here, or the arena is full
 * lifetime  *ret views object and arena
 */
MUST_CHECK bool question_read(const json_t *object, unsigned flags, const char *pointer,
                              struct arena *arena, struct diag *d, struct question *ret);

/* question_decide - what the agent would decide. What is said of the caller takes the place of the
 * credential that would prove it; the other credential is still checked.
 *
 * in      ctx: its tokens may be NULL where credentials were not taken
 * out     *ret on true
 * errors  false: the claims do not fit into the arena
 * lifetime  *ret views policy, question and arena
 */
MUST_CHECK bool question_decide(const struct policy *policy, struct decide_ctx *ctx,
                                const struct question *question, struct decision *ret);

#endif
