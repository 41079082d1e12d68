/* A NOTIFY of any bytes is answered: as a denial, or by what it asks, which a message of others beside it does not
 * change; and the answer is an ACK that HAProxy can read. */
#include "spop/ack.h"
#include "spop/frame.h"
#include "spop/notify.h"
#include "spop/value.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct sv part, struct sv whole)
{
	return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

enum { N_REQUEST_TEXTS = 15, N_OUTCOME_TEXTS = 7 };

static void request_texts(const struct request *r, struct sv texts[static N_REQUEST_TEXTS])
{
	const struct sv all[N_REQUEST_TEXTS] = {
		r->id,   r->service, r->method, r->path,        r->query,
		r->host, r->api_key, r->cookie, r->headers,     r->authorization,
		r->cert, r->sni,     r->body,   r->traceparent, r->user_agent,
	};
	memcpy(texts, all, sizeof(all));
}

static void outcome_texts(const struct outcome *o, struct sv texts[static N_OUTCOME_TEXTS])
{
	const struct sv all[N_OUTCOME_TEXTS] = {o->id,     o->termination, o->backend, o->server,
	                                        o->method, o->path,        o->host};
	memcpy(texts, all, sizeof(all));
}

static void check_inside(const struct spop_notify *n, struct sv payload)
{
	struct sv texts[N_REQUEST_TEXTS + N_OUTCOME_TEXTS];
	request_texts(&n->request, texts);
	outcome_texts(&n->outcome, texts + N_REQUEST_TEXTS);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		HOLDS(is_inside(texts[i], payload));
}

static void check_same_request(const struct request *a, const struct request *b)
{
	struct sv one[N_REQUEST_TEXTS], other[N_REQUEST_TEXTS];
	request_texts(a, one);
	request_texts(b, other);
	for (size_t i = 0; i < N_REQUEST_TEXTS; i++)
		HOLDS(sv_eq(one[i], other[i]));
	HOLDS(a->kind == b->kind && a->bad == b->bad && a->tls == b->tls);
	HOLDS(netaddr_eq(&a->src, &b->src) && netaddr_eq(&a->dst, &b->dst));
	HOLDS(a->src_port == b->src_port && a->dst_port == b->dst_port);
	HOLDS(a->n_authorization == b->n_authorization);
	HOLDS(a->n_cookie == b->n_cookie);
	HOLDS(a->cert_used == b->cert_used && a->cert_verify == b->cert_verify);
}

static void check_same_outcome(const struct outcome *a, const struct outcome *b)
{
	struct sv one[N_OUTCOME_TEXTS], other[N_OUTCOME_TEXTS];
	outcome_texts(a, one);
	outcome_texts(b, other);
	for (size_t i = 0; i < N_OUTCOME_TEXTS; i++)
		HOLDS(sv_eq(one[i], other[i]));
	HOLDS(memcmp(&a->event, &b->event, sizeof(a->event)) == 0);
	HOLDS(a->status == b->status && a->bytes_out == b->bytes_out);
	HOLDS(netaddr_eq(&a->src, &b->src) && a->src_port == b->src_port);
}

static void check_beside(const struct spop_notify *n, struct sv payload)
{
	static const struct sv other = SV("\x05other\x01\x04what\x04\x07");
	char *room = malloc(payload.n + other.n);
	struct spop_notify again;
	HOLDS(room);
	for (unsigned before = 0; before < 2; before++) {
		struct outbuf b = outbuf_over(room, payload.n + other.n);
		outbuf_put(&b, before ? other : payload);
		outbuf_put(&b, before ? payload : other);
		spop_notify_decode(outbuf_sv(&b), &again);
		HOLDS(again.n_messages == n->n_messages + 1);
		HOLDS(again.has_request == n->has_request && again.has_outcome == n->has_outcome);
		if (n->has_request)
			check_same_request(&n->request, &again.request);
		if (n->has_outcome)
			check_same_outcome(&n->outcome, &again.outcome);
	}
	free(room);
}

/* Reads an ACK as HAProxy does. returns the truth of its first variable */
static bool check_ack(struct sv bytes, size_t max_frame_size)
{
	struct spop_frame frame;
	bool first = false, is_first = true;
	HOLDS(spop_frame_cut(&bytes, max_frame_size, &frame) == SPOP_CUT_FRAME && bytes.n == 0);
	HOLDS(frame.type == SPOP_ACK && frame.flags == SPOP_FLAG_FIN);
	struct cursor c = cursor_over(frame.payload);
	HOLDS(cursor_left(&c));
	for (; cursor_left(&c); is_first = false) {
		HOLDS(cursor_u8(&c) == SPOP_ACTION_SET_VAR && cursor_u8(&c) == 3);
		HOLDS(cursor_u8(&c) == SPOP_SCOPE_TRANSACTION);
		HOLDS(spop_text_read(&c).n > 0);
		struct spop_value value = spop_value_read(&c);
		HOLDS(value.type != SPOP_DATA_NULL);
		if (is_first)
			first = value.truth;
	}
	HOLDS(cursor_done(&c));
	return first;
}

/* A decision in the words of the request: none of them can make the answer unreadable or grant. */
static void check_answer(const struct request *r, size_t max_frame_size)
{
	static uint8_t room[32768];
	const struct sv parts[] = {r->query, r->cookie, r->user_agent};
	struct decision d = {
		.identity = {.method = AUTH_JWT,
	                     .user = r->authorization,
	                     .issuer = r->host,
	                     .client = r->api_key,
	                     .workload = r->sni,
	                     .groups = parts,
	                     .n_groups = ARRAY_LEN(parts),
	                     .scopes = parts,
	                     .n_scopes = ARRAY_LEN(parts)},
		.verdict = verdict_deny(REASON_POLICY_DENIED),
	};
	d.verdict.policy = r->path;
	d.verdict.service = r->service;
	d.verdict.challenge = r->traceparent;
	for (unsigned allow = 0; allow < 2; allow++) {
		struct outbuf b = outbuf_over(room, sizeof(room));
		if (allow)
			d.verdict.effect = VERDICT_ALLOW;
		spop_ack_encode(&b, r->src_port, r->dst_port, &d, max_frame_size);
		HOLDS(!b.failed && check_ack(outbuf_sv(&b), max_frame_size) == allow);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv payload = {(const char *)data, size};
	struct spop_notify n;
	spop_notify_decode(payload, &n);
	HOLDS(n.n_messages <= SPOP_MESSAGES_MAX);
	check_inside(&n, payload);
	HOLDS(!n.request.bad || n.has_request);
	HOLDS(!n.has_outcome || n.n_outcomes == 1);
	/* Where nothing was refused all was read, unless it ended early: that is bad, too. */
	if (!n.request.bad && n.n_messages < SPOP_MESSAGES_MAX)
		check_beside(&n, payload);
	check_answer(&n.request, SPOP_FRAME_SIZE_MIN + size % 1024);
	return 0;
}
