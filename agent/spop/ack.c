#include "spop/ack.h"

#include "spop/frame.h"
#include "spop/value.h"

/* Writes the typed value; returns false when the decision has none and the variable stays unset. */
typedef bool write_fn(struct outbuf *b, const struct decision *d);

struct variable {
	struct sv name;
	const char *type;
	write_fn *write;
};

static bool text(struct outbuf *b, struct sv value)
{
	if (value.n)
		spop_value_string(b, value);
	return value.n > 0;
}

/* Whether a reader who splits at the separator gets this part back, also from a header. A token may carry any
 * text: "a,admin" must not become two groups. */
static bool is_joinable(struct sv part, char separator)
{
	for (size_t i = 0; i < part.n; i++)
		if ((unsigned char)part.at[i] < 0x20 || part.at[i] == 0x7f ||
		    part.at[i] == separator)
			return false;
	return part.n > 0;
}

/* The parts with a separator between them, as one string; those that cannot be told apart in it are left out. */
static bool joined(struct outbuf *b, const struct sv *parts, size_t n, char separator)
{
	uint64_t length = 0;
	for (size_t i = 0; i < n; i++)
		if (is_joinable(parts[i], separator))
			length += parts[i].n + 1;
	if (length == 0)
		return false;
	outbuf_u8(b, SPOP_DATA_STRING);
	spop_varint_write(b, length - 1);
	for (size_t i = 0, left = (size_t)length; i < n; i++) {
		if (!is_joinable(parts[i], separator))
			continue;
		outbuf_put(b, parts[i]);
		left -= parts[i].n + 1;
		if (left)
			outbuf_u8(b, (uint8_t)separator);
	}
	return true;
}

static bool write_allow(struct outbuf *b, const struct decision *d)
{
	spop_value_bool(b, d->verdict.effect == VERDICT_ALLOW);
	return true;
}

static bool write_verdict(struct outbuf *b, const struct decision *d)
{
	return text(b, sv_of(verdict_effect_name(d->verdict.effect)));
}

static bool write_status(struct outbuf *b, const struct decision *d)
{
	spop_value_int32(b, d->verdict.status ? d->verdict.status : 503);
	return true;
}

static bool write_reason(struct outbuf *b, const struct decision *d)
{
	return text(b, sv_of(reason_name(d->verdict.reason)));
}

static bool write_event(struct outbuf *b, const struct decision *d)
{
	char room[EVENT_ID_TEXT_BYTES + 1];
	return event_id_is_set(&d->event) && text(b, event_id_text(&d->event, room));
}

static bool write_token(struct outbuf *b, const struct decision *d)
{
	return text(b, d->token);
}

static bool write_user(struct outbuf *b, const struct decision *d)
{
	return text(b, d->identity.user);
}

static bool write_issuer(struct outbuf *b, const struct decision *d)
{
	return text(b, d->identity.issuer);
}

static bool write_client(struct outbuf *b, const struct decision *d)
{
	return text(b, d->identity.client);
}

static bool write_workload(struct outbuf *b, const struct decision *d)
{
	return text(b, d->identity.workload);
}

static bool write_service(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.service);
}

static bool write_policy(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.policy);
}

static bool write_challenge(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.challenge);
}

static bool write_dpop_nonce(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.dpop_nonce);
}

static bool write_location(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.location);
}

static bool write_cookie(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.cookies[0]);
}

static bool write_second_cookie(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.cookies[1]);
}

static bool write_frame_ancestors(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.frame_ancestors);
}

static bool write_retry_after(struct outbuf *b, const struct decision *d)
{
	spop_value_int32(b, (int32_t)d->verdict.retry_after_s);
	return d->verdict.retry_after_s > 0;
}

static bool write_ratelimit(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.ratelimit);
}

static bool write_ratelimit_policy(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.ratelimit_policy);
}

static bool write_learn(struct outbuf *b, const struct decision *d)
{
	return text(b, d->verdict.learn);
}

static bool write_scopes(struct outbuf *b, const struct decision *d)
{
	return joined(b, d->identity.scopes, d->identity.n_scopes, ' ');
}

static bool write_groups(struct outbuf *b, const struct decision *d)
{
	return joined(b, d->identity.groups, d->identity.n_groups, ',');
}

static bool write_forward_token(struct outbuf *b, const struct decision *d)
{
	if (d->identity.forward_token)
		spop_value_bool(b, true);
	return d->identity.forward_token;
}

/* All fields for the service in the form of req.hdrs_bin, for HAProxy's set-headers-bin. */
static bool write_headers(struct outbuf *b, const struct decision *d)
{
	size_t n = 2; /* the two empty texts at the end */
	for (size_t i = 0; i < 2 * d->identity.n_headers; i++)
		n += spop_varint_bytes(d->identity.headers[i].n) + d->identity.headers[i].n;
	if (d->identity.n_headers == 0 || d->verdict.effect != VERDICT_ALLOW)
		return false;
	outbuf_u8(b, SPOP_DATA_BINARY);
	spop_varint_write(b, n);
	for (size_t i = 0; i < 2 * d->identity.n_headers; i++)
		spop_text_write(b, d->identity.headers[i]);
	outbuf_u8(b, 0);
	outbuf_u8(b, 0);
	return true;
}

/* In the order they are sent: what HAProxy must have first, what may be long last. */
static const struct variable variables[] = {
	{SV("allow"), "bool", write_allow},
	{SV("verdict"), "string", write_verdict},
	{SV("status"), "integer", write_status},
	{SV("reason"), "string", write_reason},
	{SV("event"), "string", write_event},
	{SV("token"), "string", write_token},
	{SV("user"), "string", write_user},
	{SV("issuer"), "string", write_issuer},
	{SV("client"), "string", write_client},
	{SV("workload"), "string", write_workload},
	{SV("service"), "string", write_service},
	{SV("policy"), "string", write_policy},
	{SV("challenge"), "string", write_challenge},
	{SV("dpop_nonce"), "string", write_dpop_nonce},
	{SV("location"), "string", write_location},
	{SV("set_cookie"), "string", write_cookie},
	{SV("set_cookie_2"), "string", write_second_cookie},
	{SV("frame_ancestors"), "string", write_frame_ancestors},
	{SV("retry_after"), "integer", write_retry_after},
	{SV("ratelimit"), "string", write_ratelimit},
	{SV("ratelimit_policy"), "string", write_ratelimit_policy},
	{SV("learn"), "string", write_learn},
	{SV("scopes"), "string", write_scopes},
	{SV("groups"), "string", write_groups},
	{SV("forward_token"), "bool", write_forward_token},
	{SV("headers"), "bytes", write_headers},
};
enum { N_ESSENTIAL = 6 }; /* a service that asks for a token is not reached without one */

/* All of an action before its variable's name. */
static void set_var(struct outbuf *b)
{
	outbuf_u8(b, SPOP_ACTION_SET_VAR);
	outbuf_u8(b, 3);
	outbuf_u8(b, SPOP_SCOPE_TRANSACTION);
}

static void action_head(struct outbuf *b, struct sv name)
{
	set_var(b);
	spop_text_write(b, name);
}

/* Writes one action, or leaves the buffer as it was. returns false when it did not fit. */
static bool write_variable(struct outbuf *b, const struct variable *v, const struct decision *d)
{
	size_t before = b->n;
	action_head(b, v->name);
	bool has_value = v->write(b, d);
	bool fits = !b->failed;
	if (!has_value || !fits) {
		b->n = before;
		b->failed = false;
	}
	return fits;
}

/* header_x_user for the field x-user: HAProxy before 3.4 takes no list of fields. */
static void write_header_variable(struct outbuf *b, struct sv name, struct sv value)
{
	static const struct sv prefix = SV("header_");
	size_t before = b->n;
	set_var(b);
	spop_varint_write(b, prefix.n + name.n);
	outbuf_put(b, prefix);
	for (size_t i = 0; i < name.n; i++)
		outbuf_u8(b, (uint8_t)(name.at[i] == '-' ? '_' : name.at[i]));
	spop_value_string(b, value);
	if (b->failed) {
		b->n = before;
		b->failed = false;
	}
}

void spop_ack_encode(struct outbuf *b, uint64_t stream_id, uint64_t frame_id,
                     const struct decision *decision, size_t max_frame_size)
{
	if (b->failed)
		return;
	size_t room = MIN_OF(outbuf_left(b), max_frame_size + SPOP_LENGTH_BYTES);
	struct outbuf frame = outbuf_over(b->at + b->n, room);
	size_t opened_at = spop_frame_open(&frame, SPOP_ACK, stream_id, frame_id);
	bool fits = !frame.failed;
	for (size_t i = 0; fits && i < ARRAY_LEN(variables); i++)
		fits = write_variable(&frame, &variables[i], decision) || i >= N_ESSENTIAL;
	if (!fits) {
		b->failed = true;
		return;
	}
	for (size_t i = 0;
	     decision->verdict.effect == VERDICT_ALLOW && i < decision->identity.n_headers; i++)
		write_header_variable(&frame, decision->identity.headers[2 * i],
		                      decision->identity.headers[2 * i + 1]);
	spop_frame_close(&frame, opened_at);
	b->n += frame.n;
}

void spop_ack_recorded(struct outbuf *b, uint64_t stream_id, uint64_t frame_id, bool recorded)
{
	size_t opened_at = spop_frame_open(b, SPOP_ACK, stream_id, frame_id);
	action_head(b, SVL("recorded"));
	spop_value_bool(b, recorded);
	spop_frame_close(b, opened_at);
}

const struct spop_variable_name *spop_ack_variables(size_t *n)
{
	static _Thread_local struct spop_variable_name names[ARRAY_LEN(variables) + 1];
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		names[i] =
			(struct spop_variable_name){variables[i].name.at, "txn", variables[i].type};
	names[ARRAY_LEN(variables)] = (struct spop_variable_name){"recorded", "txn", "bool"};
	*n = ARRAY_LEN(variables) + 1;
	return names;
}
