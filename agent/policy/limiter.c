#include "policy/limiter.h"

#include "authz/authz.h"
#include "core/arena.h"
#include "core/gcra.h"
#include "core/hash.h"
#include "model/verdict.h"
#include "policy/quotas.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

_Static_assert((int)VERDICT_HITS_MAX >= 4 + (int)AUTHZ_LIMITS_MAX,
               "each limit is counted beside what policies said");

struct limiter {
	struct gcra *gcra;
	struct quotas *quotas; /* borrowed */
	struct hash_key secret;
};

int limiter_new(size_t n_keys, struct quotas *quotas, struct limiter **ret)
{
	struct limiter *limiter = calloc(1, sizeof(*limiter));
	int r = limiter ? gcra_new(n_keys, &limiter->gcra) : -ENOMEM;
	if (r == 0 && getrandom(&limiter->secret, sizeof(limiter->secret), 0) !=
	                      (ssize_t)sizeof(limiter->secret))
		r = -EIO;
	if (r != 0) {
		limiter_free(limiter);
		return r;
	}
	limiter->quotas = quotas;
	*ret = limiter;
	return 0;
}

void limiter_free(struct limiter *limiter)
{
	if (!limiter)
		return;
	gcra_free(limiter->gcra);
	free(limiter);
}

/* One limit after it was asked. */
struct asked {
	uint64_t key;              /* of a rate */
	struct quota_count count;  /* of a quota */
	struct gcra_answer answer; /* of either */
	bool is_unreserved;        /* it cannot be known: more of the quota has to be reserved */
};

static uint64_t whole_seconds(uint64_t ns)
{
	return (ns + 999999999) / 1000000000;
}

static void ask_quota(struct limiter *l, const struct authz_limited *limit, int64_t now_s,
                      struct asked *ret)
{
	if (limit->failed || !l->quotas)
		return;
	ret->count = quotas_count_of(l->quotas, limit->key, limit->period,
	                             (uint64_t)limit->requests, now_s);
	enum quota_outcome outcome = quotas_take(l->quotas, &ret->count);
	uint64_t rest_ns = (uint64_t)(ret->count.ends_s - now_s) * 1000000000;
	ret->is_unreserved = outcome == QUOTA_UNRESERVED;
	ret->answer = (struct gcra_answer){.granted = outcome == QUOTA_TAKEN,
	                                   .n_left = ret->count.n_left,
	                                   .retry_ns = outcome == QUOTA_TAKEN ? 0 : rest_ns,
	                                   .reset_ns = rest_ns};
}

static struct asked ask(struct limiter *l, const struct authz_limited *limit,
                        const struct limiter_call *call)
{
	struct asked asked = {0};
	if (limit->period != QUOTA_NONE) {
		ask_quota(l, limit, call->now_s, &asked);
		return asked;
	}
	asked.key = hash_sip13(l->secret, limit->key);
	if (!limit->failed)
		gcra_take(l->gcra, asked.key, limit->rate, call->now_ns, &asked.answer);
	return asked;
}

/* source: draft-ietf-httpapi-ratelimit-headers-09, sections 3 and 4 */
static void add_fields(struct arena *arena, const struct authz_limited *limit,
                       const struct gcra_answer *answer, struct verdict *verdict)
{
	struct sv before = verdict->ratelimit;
	verdict->ratelimit = arena_printf(
		arena, "%.*s%s\"%.*s\";r=%llu;t=%llu", SV_ARG(before), before.n ? ", " : "",
		SV_ARG(limit->name), (unsigned long long)answer->n_left,
		(unsigned long long)whole_seconds(answer->granted ? answer->reset_ns
	                                                          : answer->retry_ns));
	before = verdict->ratelimit_policy;
	verdict->ratelimit_policy = arena_printf(
		arena, "%.*s%s\"%.*s\";q=%lld;w=%lld", SV_ARG(before), before.n ? ", " : "",
		SV_ARG(limit->name), (long long)limit->requests, (long long)limit->period_s);
}

static void refuse(const struct authz_limited *limit, const struct gcra_answer *answer,
                   struct verdict *verdict)
{
	const struct verdict denied = verdict_deny(
		limit->period == QUOTA_NONE ? REASON_RATE_LIMITED : REASON_QUOTA_EXCEEDED);
	uint64_t wait_s = whole_seconds(answer->retry_ns);
	verdict->effect = denied.effect;
	verdict->reason = denied.reason;
	verdict->status = denied.status;
	verdict->policy = limit->policy;
	verdict->retry_after_s = wait_s < 1 ? 1 : (uint32_t)wait_s;
	verdict->why[0] = (struct why){.policy = limit->policy,
	                               .rule = limit->pointer,
	                               .condition = limit->condition,
	                               .value = limit->value,
	                               .expected = limit->expected,
	                               .held = true};
	verdict->n_why = 1;
}

static void record_shadow(const struct authz_limited *limit, struct verdict *verdict)
{
	if (verdict->has_shadow)
		return;
	verdict->has_shadow = true;
	verdict->shadow_effect = VERDICT_LIMIT;
	verdict->shadow_policy = limit->policy;
}

static void give_back(struct limiter *l, const struct authz_limited *limits,
                      const struct asked *asked, size_t n, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		if (!asked[i].answer.granted)
			continue;
		if (limits[i].period != QUOTA_NONE)
			quotas_give_back(l->quotas, &asked[i].count);
		else
			gcra_give_back(l->gcra, asked[i].key, limits[i].rate, now_ns);
	}
}

/* What had a part in it, for counting. in: decided: the limit refuses; would: in force it would */
static void note_hit(const struct authz_limited *limit, bool decided, bool would,
                     struct verdict *verdict)
{
	if (verdict->n_hits < VERDICT_HITS_MAX)
		verdict->hits[verdict->n_hits++] = (struct verdict_hit){
			.policy = limit->number, .decided = decided, .would_change = would};
}

static void refuse_unasked(const struct limiter_call *call, struct verdict *verdict)
{
	const struct verdict denied =
		verdict_deny(call->unasked ? call->unasked : REASON_OVERLOADED);
	verdict->effect = denied.effect;
	verdict->reason = denied.reason;
	verdict->status = denied.status;
	verdict->ratelimit = verdict->ratelimit_policy = (struct sv){0};
}

/* More of a quota has to be reserved. returns as limiter_judge() */
static bool wait_for_more(const struct limiter_call *call, const struct quota_count *count,
                          struct verdict *verdict)
{
	if (call->ask && quotas_ask(count, call->serial, call->arena, call->ask))
		return true;
	refuse_unasked(call, verdict);
	return false;
}

/* What the others had left was told before it was given back. */
static void tell_reached(const struct limiter_call *call, const struct authz_limited *limit,
                         const struct gcra_answer *answer, struct verdict *verdict)
{
	verdict->ratelimit = verdict->ratelimit_policy = (struct sv){0};
	add_fields(call->arena, limit, answer, verdict);
	refuse(limit, answer, verdict);
}

bool limiter_judge(struct limiter *limiter, const struct authz_limited *limits, size_t n,
                   const struct limiter_call *call, struct verdict *verdict)
{
	struct asked asked[AUTHZ_LIMITS_MAX];
	const struct authz_limited *reached = NULL;
	size_t i = 0, n_hits = verdict->n_hits;
	for (; i < n && !reached; i++) {
		asked[i] = ask(limiter, &limits[i], call);
		/* a shadow whose count cannot be had is not worth a refusal */
		bool is_unknown = asked[i].is_unreserved && (call->ask || !limits[i].is_shadow);
		if (is_unknown) {
			give_back(limiter, limits, asked, i, call->now_ns);
			verdict->n_hits = n_hits;
			return wait_for_more(call, &asked[i].count, verdict);
		}
		if (!limits[i].is_shadow)
			add_fields(call->arena, &limits[i], &asked[i].answer, verdict);
		bool is_over = !asked[i].answer.granted && !asked[i].is_unreserved;
		note_hit(&limits[i], is_over && !limits[i].is_shadow,
		         is_over && limits[i].is_shadow, verdict);
		if (!is_over)
			continue;
		if (limits[i].is_shadow)
			record_shadow(&limits[i], verdict);
		else
			reached = &limits[i];
	}
	if (!reached)
		return false;
	give_back(limiter, limits, asked, i, call->now_ns);
	tell_reached(call, reached, &asked[i - 1].answer, verdict);
	return false;
}

void limiter_stats(const struct limiter *limiter, struct limiter_stats *ret)
{
	*ret = (struct limiter_stats){.n_slots = gcra_slots(limiter->gcra),
	                              .n_evicted = gcra_evicted(limiter->gcra)};
}
