#include "audit/journal_file.h"
#include "audit/record.h"
#include "audit/redact.h"
#include "core/clock.h"
#include "core/encode.h"
#include "model/decision.h"
#include "model/outcome.h"
#include "model/request.h"

#include <errno.h>
#include <time.h>

enum {
	WHY_VALUE_MAX = 128, /* bytes kept of what a request had, and of what a rule wanted */
	TRACE_HEX_BYTES = 32,
	TRACE_BYTES = 16,
	LIST_MAX = 1536,
	QUERY_MAX = 1024,
};

static uint64_t boot_us(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return 0;
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Packs texts into what is left of room; ends with the last that fits. */
static struct audit_list pack(struct outbuf *room, const struct sv *items, size_t n, bool *cut)
{
	struct outbuf list =
		outbuf_over(room->at + room->n, MIN_OF(outbuf_left(room), (size_t)LIST_MAX));
	for (size_t i = 0; i < n && !list.failed; i++)
		audit_list_add(&list, items[i]);
	room->n += list.n;
	*cut = *cut || list.failed;
	return (struct audit_list){outbuf_sv(&list)};
}

static struct audit_list pack_why(struct outbuf *room, const struct verdict *verdict)
{
	struct sv parts[VERDICT_WHY_MAX * AUDIT_WHY_PARTS] = {0};
	size_t n_why = MIN_OF(verdict->n_why, (size_t)VERDICT_WHY_MAX);
	for (size_t i = 0; i < n_why; i++) {
		const struct why *why = &verdict->why[i];
		struct sv *to = parts + i * AUDIT_WHY_PARTS;
		if (!sv_eq(why->policy, verdict->policy)) /* else the record names it already */
			to[AUDIT_WHY_POLICY] = audit_text_cut(why->policy, WHY_VALUE_MAX);
		to[AUDIT_WHY_RULE] = audit_text_cut(why->rule, WHY_VALUE_MAX);
		to[AUDIT_WHY_CONDITION] = audit_text_cut(why->condition, WHY_VALUE_MAX);
		to[AUDIT_WHY_VALUE] = audit_text_cut(why->value, WHY_VALUE_MAX);
		to[AUDIT_WHY_EXPECTED] = audit_text_cut(why->expected, WHY_VALUE_MAX);
		to[AUDIT_WHY_HELD] = why->held ? SVL("1") : SVL("");
	}
	struct audit_list list = {0};
	for (; n_why > 0; n_why--) { /* whole steps only */
		struct outbuf trial = outbuf_over(room->at + room->n,
		                                  MIN_OF(outbuf_left(room), (size_t)LIST_MAX));
		for (size_t i = 0; i < n_why * AUDIT_WHY_PARTS; i++)
			audit_list_add(&trial, parts[i]);
		if (trial.failed)
			continue;
		room->n += trial.n;
		list.packed = outbuf_sv(&trial);
		break;
	}
	return list;
}

/* source: W3C Trace Context 3.2: version "-" 32 hex "-" ... */
static struct sv trace_of(struct sv traceparent, struct outbuf *room)
{
	uint8_t bytes[TRACE_BYTES];
	struct sv hex = sv_first(sv_from(traceparent, 3), TRACE_HEX_BYTES);
	if (traceparent.n < 3 + TRACE_HEX_BYTES || traceparent.at[2] != '-' ||
	    !hex_decode(hex, bytes))
		return (struct sv){0};
	struct sv ret = {(const char *)room->at + room->n, TRACE_BYTES};
	outbuf_bytes(room, bytes, TRACE_BYTES);
	return room->failed ? (struct sv){0} : ret;
}

static struct sv redacted(struct sv query, struct outbuf *room, bool *cut)
{
	struct outbuf text =
		outbuf_over(room->at + room->n, MIN_OF(outbuf_left(room), (size_t)QUERY_MAX));
	if (!audit_redact_query(query, &text))
		*cut = true;
	room->n += text.n;
	return outbuf_sv(&text);
}

/* The calling service: its account, else the path of its SPIFFE ID. */
static struct sv source_of(const struct identity *who)
{
	static const struct sv scheme = SV("spiffe://");
	if (who->service_account.n > 0 || who->workload.n == 0)
		return who->service_account;
	struct sv rest = sv_from(who->workload, scheme.n);
	return sv_from(rest, sv_find(rest, '/') + 1);
}

static void describe_request(struct audit_record *record, const struct request *req,
                             struct outbuf *room)
{
	record->kind = req->kind == REQUEST_CONNECT ? AUDIT_CONNECTION : AUDIT_REQUEST;
	record->src = req->src;
	record->dst = req->dst;
	record->src_port = req->src_port;
	record->dst_port = req->dst_port;
	record->method = req->method;
	record->host = req->host;
	record->path = req->path;
	record->query = redacted(req->query, room, &record->cut);
	record->request_id = req->id;
	record->user_agent = req->user_agent;
	record->sni = sv_eq(req->sni, req->host) ? (struct sv){0} : req->sni;
	record->trace_id = trace_of(req->traceparent, room);
	record->service = req->service;
}

static void describe_identity(struct audit_record *record, const struct identity *who,
                              struct outbuf *room)
{
	record->auth_method = who->method == AUTH_NONE ? who->workload_method : who->method;
	record->user = who->user.n ? who->user : who->subject;
	record->subject = sv_eq(record->user, who->subject) ? (struct sv){0} : who->subject;
	record->issuer = who->issuer;
	record->client = who->client;
	record->workload = who->workload;
	record->source_service = source_of(who);
	record->groups = pack(room, who->groups, who->n_groups, &record->cut);
	record->scopes = pack(room, who->scopes, who->n_scopes, &record->cut);
}

static void describe_verdict(struct audit_record *record, const struct verdict *verdict,
                             struct outbuf *room)
{
	record->has_verdict = true;
	record->effect = verdict->effect;
	record->status = verdict->status;
	record->reason = sv_of(reason_name(verdict->reason));
	record->policy = verdict->policy;
	record->route = verdict->route;
	record->has_shadow = verdict->has_shadow;
	record->shadow_effect = verdict->shadow_effect;
	record->shadow_policy = verdict->has_shadow ? verdict->shadow_policy : (struct sv){0};
	record->why = pack_why(room, verdict);
	if (verdict->service.n)
		record->service = verdict->service;
	if (verdict->path.n)
		record->path = verdict->path;
}

int audit_submit(struct audit_journal *j, const struct request *req,
                 const struct decision *decision)
{
	struct outbuf room = outbuf_over(j->lists, sizeof(j->lists));
	struct audit_record record = {
		.id = decision->event,
		.at_us = (uint64_t)decision->at_us,
		.boot_us = boot_us(),
		.policy_version = decision->policy_version,
		.took_ns = decision->took_ns,
	};
	describe_request(&record, req, &room);
	describe_identity(&record, &decision->identity, &room);
	describe_verdict(&record, &decision->verdict, &room);
	return audit_journal_put(j, &record);
}

/* ---- outcomes ---- */

static uint64_t plus_one(int64_t number)
{
	return number < 0 || number == INT64_MAX ? 0 : (uint64_t)number + 1;
}

int audit_submit_outcome(struct audit_journal *j, const struct outcome *outcome)
{
	int64_t now_us = clock_real_us();
	struct audit_record record = {
		.kind = AUDIT_OUTCOME,
		.id = outcome->event,
		.at_us = (uint64_t)now_us,
		.out_status = plus_one(outcome->status),
		.bytes_out = plus_one(outcome->bytes_out),
		.bytes_in = plus_one(outcome->bytes_in),
		.duration_ms = plus_one(outcome->duration_ms),
		.queue_ms = plus_one(outcome->queue_ms),
		.connect_ms = plus_one(outcome->connect_ms),
		.response_ms = plus_one(outcome->response_ms),
		.termination = outcome->termination,
		.backend = outcome->backend,
		.server = outcome->server,
	};
	if (event_id_is_set(&outcome->event))
		return audit_journal_put(j, &record);
	record.kind = AUDIT_UNACCOUNTED;
	record.boot_us = boot_us();
	record.src = outcome->src;
	record.src_port = outcome->src_port;
	record.method = outcome->method;
	record.host = outcome->host;
	record.path = outcome->path;
	record.request_id = outcome->id;
	if (!event_id_next(&j->ids, now_us, &record.id))
		return -EIO;
	return audit_journal_put(j, &record);
}

/* ---- people and the agent itself ---- */

int audit_submit_admin(struct audit_journal *j, const struct audit_act *act)
{
	int64_t now_us = clock_real_us();
	struct audit_record record = {
		.kind = AUDIT_ADMIN,
		.at_us = (uint64_t)now_us,
		.boot_us = boot_us(),
		.has_verdict = true,
		.effect = sv_eq(act->result, SVL("ok")) ? VERDICT_ALLOW : VERDICT_DENY,
		.status = act->status,
		.src = act->src,
		.user = act->actor,
		.roles = act->roles,
		.channel = act->channel,
		.action = act->action,
		.target = act->target,
		.result = act->result,
		.reason = act->reason,
		.before = act->before,
		.after = act->after,
		.detail = act->detail,
		.request_id = act->request_id,
	};
	if (!event_id_next(&j->ids, now_us, &record.id))
		return -EIO;
	return audit_journal_put(j, &record);
}

int audit_submit_system(struct audit_journal *j, struct sv action, struct sv detail)
{
	int64_t now_us = clock_real_us();
	struct audit_record record = {
		.kind = AUDIT_SYSTEM,
		.at_us = (uint64_t)now_us,
		.boot_us = boot_us(),
		.action = action,
		.detail = detail,
		.result = SVL("ok"),
	};
	if (!event_id_next(&j->ids, now_us, &record.id))
		return -EIO;
	return audit_journal_put(j, &record);
}
