#include "policy/issue.h"

#include "authn/mint.h"
#include "authz/authz.h"
#include "core/clock.h"
#include "model/decision.h"
#include "policy/policy.h"

enum { TRACE_ID_CHARS = 32 };

/* A transaction goes on behind us under the trace id that came with it, or begins here with the event.
 * source: W3C Trace Context 3.2.2, version 00: "00-<32 hex>-<16 hex>-<2 hex>" */
static struct sv transaction_of(const struct request *req, const struct decision *decision,
                                char room[static EVENT_ID_TEXT_BYTES + 1])
{
	struct sv id = sv_first(sv_from(req->traceparent, 3), TRACE_ID_CHARS);
	bool is_traced = req->traceparent.n == 55 && sv_starts(req->traceparent, SVL("00-"));
	bool is_zero = true;
	for (size_t i = 0; is_traced && i < id.n; i++) {
		is_zero = is_zero && id.at[i] == '0';
		is_traced = (id.at[i] >= '0' && id.at[i] <= '9') ||
		            (id.at[i] >= 'a' && id.at[i] <= 'f');
	}
	return is_traced && !is_zero ? id : event_id_text(&decision->event, room);
}

static void refuse(struct decision *decision)
{
	struct sv service = decision->verdict.service, path = decision->verdict.path;
	decision->verdict = verdict_deny(REASON_TOKEN_UNAVAILABLE);
	decision->verdict.service = service;
	decision->verdict.path = path;
}

void policy_issue_token(const struct policy *policy, const struct decide_ctx *ctx,
                        struct minter *minter, const struct request *req, struct decision *decision)
{
	char room[EVENT_ID_TEXT_BYTES + 1];
	if (!policy || decision->verdict.effect != VERDICT_ALLOW)
		return;
	const struct token_wish *wish =
		authz_token_wish(policy_authz(policy), decision->verdict.service);
	if (!wish)
		return;
	uint64_t started_ns = clock_mono_ns();
	const struct shared *keys = ctx->tables ? ctx->tables->at[POLICY_TABLE_SIGNING] : NULL;
	const struct mint_order order = {.wish = wish,
	                                 .who = &decision->identity,
	                                 .req = req,
	                                 .path = decision->verdict.path,
	                                 .txn = transaction_of(req, decision, room),
	                                 .now_s = decision->at_us / 1000000};
	if (!minter || !mint_token(minter, (const struct mintkeys *)keys, &order, &decision->token))
		refuse(decision);
	uint64_t took_ns = decision->took_ns + (clock_mono_ns() - started_ns);
	decision->took_ns = took_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ns;
}
