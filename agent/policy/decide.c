#include "policy/decide.h"

#include "authn/authn.h"
#include "authn/challenge.h"
#include "authn/dpop.h"
#include "authn/login.h"
#include "authn/revocations.h"
#include "authz/authz.h"
#include "core/clock.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/limiter.h"
#include "policy/policy.h"
#include "policy/relations.h"
#include "policy/signin.h"
#include "policy/users.h"

/* What has to be known of every decision, whatever comes of it. authz_locate() begins the verdict. */
static uint64_t begin(const struct policy *policy, const struct decide_ctx *ctx,
                      struct decision *ret)
{
	ret->identity = (struct identity){0};
	ret->event = (struct event_id){0};
	ret->token = (struct sv){0};
	ret->policy_version = policy ? policy_version(policy) : 0;
	ret->at_us = ctx->now_us ? ctx->now_us : clock_real_us();
	ret->took_ns = 0;
	if (!policy)
		ret->verdict = verdict_deny(REASON_INTERNAL);
	return ctx->started_ns ? ctx->started_ns : clock_mono_ns();
}

static void end(uint64_t started_ns, struct decision *ret)
{
	uint64_t took = clock_mono_ns() - started_ns;
	ret->took_ns = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

/* A refused credential keeps what was found of the target. */
static void refuse_credential(enum reason reason, struct verdict *verdict)
{
	struct sv service = verdict->service;
	struct sv path = verdict->path;
	*verdict = verdict_deny(reason);
	verdict->service = service;
	verdict->path = path;
	verdict->why[0] = (struct why){.condition = sv_of("credential"),
	                               .expected = sv_of(reason_text(reason))};
	verdict->n_why = 1;
}

/* When the next try may be made: at least a second from now, as the refusal stands. */
static void say_when(int64_t until_s, int64_t now_s, struct verdict *verdict)
{
	if (verdict->effect == VERDICT_LIMIT)
		verdict->retry_after_s = until_s > now_s ? (uint32_t)(until_s - now_s) : 1;
}

static void challenge(const struct policy *policy, const struct request *req, struct arena *arena,
                      struct verdict *verdict)
{
	if (verdict->effect == VERDICT_AUTHENTICATE ||
	    verdict->reason == REASON_MULTIPLE_CREDENTIALS ||
	    verdict->reason == REASON_INSUFFICIENT_SCOPE)
		verdict->challenge = authn_challenge(policy_authn(policy), req, verdict, arena);
}

const struct relation_tuples *policy_decide_tuples(const struct decide_ctx *ctx)
{
	return ctx->tuples ? ctx->tuples : policy_relations_of(ctx->tables);
}

static void judge(const struct policy *policy, const struct decide_ctx *ctx,
                  const struct request *req, struct authz_target *target, struct decision *ret)
{
	target->now_s = ret->at_us / 1000000;
	target->tuples = policy_decide_tuples(ctx);
	authz_evaluate(policy_authz(policy), target, req, &ret->identity, ctx->arena,
	               &ret->verdict);
}

/* Only what is allowed counts. */
static enum decide_outcome count(const struct policy *policy, const struct decide_ctx *ctx,
                                 const struct request *req, const struct authz_target *target,
                                 uint64_t now_ns, struct decision *ret)
{
	struct authz_limited limits[AUTHZ_LIMITS_MAX];
	const struct limiter_call call = {.now_ns = now_ns,
	                                  .now_s = ret->at_us / 1000000,
	                                  .arena = ctx->arena,
	                                  .serial = authn_serial(policy_authn(policy)),
	                                  .ask = ctx->ask,
	                                  .unasked = ctx->unasked};
	if (!ctx->limiter || ret->verdict.effect != VERDICT_ALLOW)
		return DECIDE_NOW;
	size_t n = authz_limits_of(policy_authz(policy), target, req, &ret->identity, ctx->arena,
	                           limits);
	bool later = n > 0 && limiter_judge(ctx->limiter, limits, n, &call, &ret->verdict);
	return later ? DECIDE_LATER : DECIDE_NOW;
}

static const struct shared *table_of(const struct decide_ctx *ctx, enum policy_table table)
{
	return ctx->tables ? ctx->tables->at[table] : NULL;
}

/* Whoever could sign in with a browser, or better than they did, is told so, or sent there. */
static void offer_login(const struct signin *signin, const struct login *login, bool over,
                        struct decision *ret)
{
	if (login)
		signin_send(signin, login, over, ret);
}

static const struct login *login_of(const struct policy *policy, const struct authz_target *target)
{
	return logins_named(policy_login_set(policy), authz_login(target));
}

struct authn_ctx policy_decide_asking(const struct decide_ctx *ctx, int64_t now_s)
{
	return (struct authn_ctx){
		.cache = ctx->tokens,
		.arena = ctx->arena,
		.now_s = now_s,
		.dpop = ctx->dpop,
		.is_proved = ctx->is_proved,
		.users = policy_users_revision(ctx->tables),
		.apikeys = table_of(ctx, POLICY_TABLE_APIKEYS),
		.revoked = table_of(ctx, POLICY_TABLE_REVOCATIONS),
		.lost_revocations = ctx->tables && !table_of(ctx, POLICY_TABLE_REVOCATIONS),
		.unasked = ctx->unasked,
		.shared = ctx->shared,
		.forwarded = ctx->forwarded,
	};
}

/* The target first: a path that nobody may send is refused whoever sends it. The caller is identified
 * in any case, so that the record can name them; but nobody is asked about them for a refusal that is certain. */
enum decide_outcome policy_decide(const struct policy *policy, struct decide_ctx *ctx,
                                  const struct request *req, struct decision *ret)
{
	struct authz_target target;
	enum reason reason = REASON_INTERNAL;
	int64_t until_s = 0;
	uint64_t started_ns = begin(policy, ctx, ret);
	if (!policy)
		return DECIDE_NOW;

	const struct signin signin = {policy, ctx, req, ret->at_us / 1000000};
	enum signin_outcome own = signin_answer(&signin, ret);
	if (own != SIGNIN_NOT_MINE) {
		end(started_ns, ret);
		return own == SIGNIN_LATER ? DECIDE_LATER : DECIDE_NOW;
	}
	bool located = authz_locate(policy_authz(policy), req, ctx->arena, &target, &ret->verdict);
	const struct login *login = login_of(policy, &target);
	struct authn_ctx asking = policy_decide_asking(ctx, ret->at_us / 1000000);
	asking.service = ret->verdict.service;
	asking.ask = located ? ctx->ask : NULL;
	asking.until_s = &until_s;
	asking.login = login;
	enum authn_outcome known =
		authn_identify(policy_authn(policy), &asking, req, &ret->identity, &reason);
	if (known == AUTHN_LATER)
		return DECIDE_LATER;
	if (located && known == AUTHN_REFUSED) {
		refuse_credential(reason, &ret->verdict);
		say_when(until_s, asking.now_s, &ret->verdict);
	} else if (located) {
		judge(policy, ctx, req, &target, ret);
		if (count(policy, ctx, req, &target, started_ns, ret) == DECIDE_LATER)
			return DECIDE_LATER;
	}
	if (req->n_dpop > 0)
		ret->verdict.dpop_nonce =
			dpop_nonce(policy_authn(policy), &asking, &ret->identity, reason);
	offer_login(&signin, login, reason == REASON_SESSION_EXPIRED, ret);
	challenge(policy, req, ctx->arena, &ret->verdict);
	end(started_ns, ret);
	return DECIDE_NOW;
}

/* Who has no issuer, as a workload that only shows its certificate, cannot be revoked. returns false, and why, when they are not to be believed */
static bool is_believed(const struct decide_ctx *ctx, const struct identity *who, int64_t now_s,
                        enum reason *why)
{
	const struct authn_ctx asking = policy_decide_asking(ctx, now_s);
	if (who->issuer.n == 0)
		return true;
	*why = asking.lost_revocations ? REASON_REVOCATIONS_UNAVAILABLE : REASON_TOKEN_REVOKED;
	return !asking.lost_revocations &&
	       !revocations_hold(revocations_of(asking.revoked), who, now_s);
}

void policy_decide_as(const struct policy *policy, struct decide_ctx *ctx,
                      const struct request *req, const struct identity *who, struct decision *ret)
{
	struct authz_target target;
	uint64_t started_ns = begin(policy, ctx, ret);
	ret->identity = *who;
	if (!policy)
		return;
	const struct signin signin = {policy, ctx, req, ret->at_us / 1000000};
	enum reason reason = REASON_INTERNAL;
	bool located = authz_locate(policy_authz(policy), req, ctx->arena, &target, &ret->verdict);
	if (located && is_believed(ctx, who, signin.now_s, &reason))
		judge(policy, ctx, req, &target, ret);
	else if (located)
		refuse_credential(reason, &ret->verdict);
	offer_login(&signin, login_of(policy, &target), false, ret);
	challenge(policy, req, ctx->arena, &ret->verdict);
	end(started_ns, ret);
}
