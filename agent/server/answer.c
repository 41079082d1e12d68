#include "server/answer.h"

#include "audit/journal.h"
#include "authn/ask.h"
#include "core/clock.h"
#include "core/secret.h"
#include "model/decision.h"
#include "policy/asks.h"
#include "policy/decide.h"
#include "policy/hits.h"
#include "policy/issue.h"
#include "policy/learner.h"
#include "server/learn.h"
#include "spop/ack.h"
#include "spop/notify.h"

/* One question on its way to its answer. */
struct answering {
	struct conn_home *home;
	uint64_t stream_id, frame_id;
	struct request request;
	struct decide_ctx ctx;
	struct authn_ask ask;
	struct outbuf *out;
	size_t max_ack_bytes;
};

static void count_decision(struct worker_counters *counters, const struct decision *d)
{
	size_t bucket = 0;
	while (bucket < WORKER_TOOK_BUCKETS - 1 && d->took_ns > worker_took_bounds_ns[bucket])
		bucket++;
	counter_add(&counters->n_verdicts[d->verdict.effect], 1);
	counter_add(&counters->n_reasons[d->verdict.reason], 1);
	counter_add(&counters->took[bucket], 1);
	counter_add(&counters->took_ns_sum, d->took_ns);
}

/* No audit, no access: what is not in the journal is not allowed, and says so. */
static void record_or_refuse(struct answering *a, struct decision *d)
{
	struct conn_home *home = a->home;
	bool has_id = event_id_next(&home->ids, d->at_us, &d->event);
	if (has_id)
		policy_issue_token(home->policy, &a->ctx, home->minter, &a->request, d);
	if (has_id && audit_submit(home->options->journal, &a->request, d) == 0)
		return;
	struct decision refused = {.verdict = verdict_deny(REASON_AUDIT_UNAVAILABLE),
	                           .policy_version = d->policy_version,
	                           .at_us = d->at_us,
	                           .took_ns = d->took_ns};
	refused.verdict.service = d->verdict.service;
	*d = refused;
	counter_add(&home->counters->n_audit_refused, 1);
}

/* A cookie is a key to a session; both of a verdict were written into our own arena. */
static void wipe_cookies(const struct decision *d)
{
	for (size_t i = 0; i < VERDICT_COOKIES_MAX; i++)
		secret_wipe((void *)(uintptr_t)d->verdict.cookies[i].at, d->verdict.cookies[i].n);
}

static void give(struct answering *a, struct decision *d)
{
	record_or_refuse(a, d);
	learner_seal(a->home->options->learner, d, &a->home->arena);
	count_decision(a->home->counters, d);
	policy_hits_count(a->home->hits, a->home->policy, &d->verdict, d->at_us);
	a->home->gives_tokens =
		a->home->gives_tokens || d->token.n > 0 || d->verdict.cookies[0].n > 0;
	spop_ack_encode(a->out, a->stream_id, a->frame_id, d, a->max_ack_bytes);
	wipe_cookies(d);
	arena_reset(&a->home->arena);
}

/* Decides for good: what would have to be asked is refused with the reason. */
static void give_unasked(struct answering *a, enum reason unasked)
{
	struct decision d;
	a->ctx.ask = NULL;
	a->ctx.unasked = unasked;
	arena_reset(&a->home->arena);
	(void)!policy_decide(a->home->policy, &a->ctx, &a->request, &d);
	give(a, &d);
}

/* returns whether the answer will come */
static bool ask(struct answering *a)
{
	struct conn_home *home = a->home;
	return home->options->asks &&
	       policy_asks_put(home->options->asks, home->policy, &a->ask, home->mailbox) == 0;
}

/* What was decoded for the ask stands in our own arena. */
static void wipe_ask(struct answering *a)
{
	struct sv own = a->ask.wipe;
	secret_wipe((void *)(uintptr_t)own.at, own.n);
	a->ask.wipe = (struct sv){0};
}

static void count_parked(const struct conn_home *home)
{
	atomic_store_explicit(&home->counters->n_parked, home->parking.n, memory_order_relaxed);
}

static void wait_for_it(struct answering *a, struct parked *p)
{
	parking_wait(p, a->ask.key);
	counter_add(&a->home->counters->n_asked, 1);
	count_parked(a->home);
	arena_reset(&a->home->arena);
}

static void answering_of(struct conn_home *home, struct answering *ret)
{
	ret->home = home;
	ret->ctx = (struct decide_ctx){.tokens = home->tokens,
	                               .dpop = home->options->dpop,
	                               .limiter = home->options->limiter,
	                               .arena = &home->arena,
	                               .tables = home->options->tables ? &home->tables : NULL,
	                               .shared = home->options->logins};
	ret->ctx.ask = &ret->ask;
	ret->ctx.forwarded = home->options->forwarded;
}

static void park(struct answering *a, struct conn *conn, const struct spop_frame *frame)
{
	struct parked *p = parking_add(&a->home->parking, conn, frame);
	/* the provider has its own pace; HAProxy asks for these with a longer timeout */
	if (p && a->ask.kind == AUTHN_ASK_CODE)
		parking_set_deadline(p, a->home->options->login_deadline_ms / 1e3);
	bool asked = p && ask(a);
	wipe_ask(a);
	if (asked) {
		p->is_proved = a->ask.kind == AUTHN_ASK_QUOTA;
		p->at_us = a->ctx.now_us;
		p->started_ns = a->ctx.started_ns;
		wait_for_it(a, p);
		return;
	}
	parked_free(p);
	give_unasked(a, REASON_OVERLOADED);
}

void answer_frame(struct conn_home *home, struct conn *conn, const struct spop_frame *frame,
                  struct outbuf *out, size_t max_ack_bytes)
{
	struct answering a;
	struct spop_notify asked;
	struct decision d;
	counter_add(&home->counters->n_frames, 1);
	spop_notify_decode(frame->payload, &asked);
	bool recorded = asked.has_outcome &&
	                audit_submit_outcome(home->options->journal, &asked.outcome) == 0;
	if (!asked.has_request && asked.has_lesson) {
		learn_frame(home, conn, frame, &asked.lesson, out);
		return;
	}
	if (!asked.has_request) {
		spop_ack_recorded(out, frame->stream_id, frame->frame_id, recorded);
		return;
	}
	answering_of(home, &a);
	a.stream_id = frame->stream_id;
	a.frame_id = frame->frame_id;
	a.request = asked.request;
	a.out = out;
	a.max_ack_bytes = max_ack_bytes;
	a.ctx.now_us = clock_real_us();
	a.ctx.started_ns = clock_mono_ns();
	if (policy_decide(home->policy, &a.ctx, &a.request, &d) == DECIDE_LATER)
		park(&a, conn, frame);
	else
		give(&a, &d);
}

/* What the answer is worth is judged by the policy in force now, from the start. */
static void decide_again(struct answering *a, struct parked *p)
{
	struct decision d;
	if (policy_decide(a->home->policy, &a->ctx, &a->request, &d) == DECIDE_NOW) {
		give(a, &d);
		parked_free(p);
		return;
	}
	bool asked = p->n_asked < PARKED_ASKS_MAX && ask(a);
	wipe_ask(a);
	p->is_proved = p->is_proved || a->ask.kind == AUTHN_ASK_QUOTA;
	if (asked)
		wait_for_it(a, TAKE(p));
	else
		give_unasked(a, REASON_OVERLOADED);
	parked_free(p);
}

void answer_parked(struct conn_home *home, struct parked *p, struct outbuf *out,
                   size_t max_ack_bytes)
{
	struct answering a;
	struct spop_notify asked;
	if (p->is_lesson) {
		learn_parked(p, out);
		count_parked(home);
		return;
	}
	spop_notify_decode((struct sv){p->payload, p->n}, &asked);
	answering_of(home, &a);
	a.stream_id = p->stream_id;
	a.frame_id = p->frame_id;
	a.request = asked.request;
	a.out = out;
	a.max_ack_bytes = max_ack_bytes;
	a.ctx.is_proved = p->is_proved;
	a.ctx.now_us = p->at_us;
	a.ctx.started_ns = p->started_ns;
	if (!p->late) {
		counter_add(&home->counters->n_answered, 1);
		decide_again(&a, p);
	} else {
		counter_add(&home->counters->n_timed_out, 1);
		give_unasked(&a, REASON_AUTHENTICATION_TIMEOUT);
		parked_free(p);
	}
	count_parked(home);
}
