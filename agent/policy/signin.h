/* Signing in and out with a browser, on the side of verdicts: paths that the agent answers itself, and browsers that
 * are sent to sign in. What takes time is asked of policy/logins.h.
 */
#ifndef POLICY_SIGNIN_H
#define POLICY_SIGNIN_H

#include "core/macros.h"
#include "model/reason.h"

#include <stdbool.h>
#include <stdint.h>

struct decide_ctx;
struct decision;
struct login;
struct policy;
struct request;

/* One request on its way to a decision. */
struct signin {
	const struct policy *policy;
	const struct decide_ctx *ctx;
	const struct request *req;
	int64_t now_s;
};

enum signin_outcome {
	SIGNIN_NOT_MINE, /* the path is for a service */
	SIGNIN_NOW,      /* *ret has identity and verdict */
	SIGNIN_LATER,    /* ctx->ask says what has to be asked first */
};

/* signin_answer - answers the callback, the logout and the two channels of logout of the policy set's logins.
 *
 * out     *ret: identity and verdict, on SIGNIN_NOW; views of policy, req and ctx->arena
 */
MUST_CHECK enum signin_outcome signin_answer(const struct signin *s, struct decision *ret);

/* signin_send - a refusal for want of a user, or of a better sign-in of a session's, becomes a way to the provider, for a
 * browser that shows a page; for anything else it stays a 401.
 *
 * in      login: of the service; over: the request carried a session that is over; ret: identity and verdict
 */
void signin_send(const struct signin *s, const struct login *login, bool over,
                 struct decision *ret);

#endif
