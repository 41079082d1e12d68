#include "policy/question.h"

#include "authn/authn.h"
#include "authn/spiffe.h"
#include "authn/user.h"
#include "core/arena.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/jsonpos.h"
#include "core/names.h"
#include "core/outbuf.h"
#include "model/identity.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "spop/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	POINTER_MAX_BYTES = 256,
	VARINT_MAX_BYTES = 10,
};

/* One member being read, in its document. */
struct reading {
	struct question *question;
	struct arena *arena;
	struct diag *d;
	const char *pointer; /* of the object */
	const char *name;    /* of the member */
	bool failed;
	bool kind_told;
};

PRINTF_LIKE(3, 4)
static void wrong(struct reading *r, const char *code, const char *format, ...)
{
	char message[160];
	char pointer[POINTER_MAX_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	(void)snprintf(pointer, sizeof(pointer), "%.120s", r->pointer);
	if (r->name)
		(void)json_pointer_add(pointer, sizeof(pointer), sv_of(r->name));
	diag_add(r->d, pointer, code, "%s", message);
	r->failed = true;
}

/* ---- kinds of members: each puts value into *into, or says what is wrong ---- */

static void take_text(struct reading *r, const json_t *value, void *into)
{
	struct sv text = json_string_sv(value);
	if (json_is_string(value))
		memcpy(into, &text, sizeof(text));
	else
		wrong(r, "wrong_type", "a string is expected here");
}

static void take_address(struct reading *r, const json_t *value, void *into)
{
	struct netaddr address;
	if (netaddr_parse(json_string_sv(value), &address))
		memcpy(into, &address, sizeof(address));
	else
		wrong(r, "bad_value", "an IP address is expected here, as a string");
}

static void take_port(struct reading *r, const json_t *value, void *into)
{
	json_int_t number = json_integer_value(value);
	uint16_t port = (uint16_t)number;
	if (json_is_integer(value) && number >= 0 && number <= UINT16_MAX)
		memcpy(into, &port, sizeof(port));
	else
		wrong(r, "bad_value", "a number from 0 to 65535 is expected here");
}

static void take_bool(struct reading *r, const json_t *value, void *into)
{
	bool truth = json_is_true(value);
	if (json_is_boolean(value))
		memcpy(into, &truth, sizeof(truth));
	else
		wrong(r, "wrong_type", "true or false is expected here");
}

static void take_integer(struct reading *r, const json_t *value, void *into)
{
	int64_t number = json_integer_value(value);
	if (json_is_integer(value))
		memcpy(into, &number, sizeof(number));
	else
		wrong(r, "wrong_type", "a number is expected here");
}

static void take_claims(struct reading *r, const json_t *value, void *into)
{
	if (json_is_object(value))
		memcpy(into, &value, sizeof(value));
	else
		wrong(r, "wrong_type", "an object is expected here");
}

static void take_workload(struct reading *r, const json_t *value, void *into)
{
	take_text(r, value, into);
	if (json_is_string(value) && !spiffe_id_check(json_string_sv(value)))
		wrong(r, "bad_value", "a SPIFFE ID is expected here");
}

/* A header field or a list of them: every occurrence counts. */
static void take_header(struct reading *r, const json_t *value, struct sv *first, unsigned *ret_n)
{
	size_t n = json_is_array(value) ? json_array_size(value) : 1;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		if (!json_is_string(one))
			wrong(r, "wrong_type", "a string or a list of strings is expected here");
		else if ((*ret_n)++ == 0)
			*first = json_string_sv(one);
	}
}

static void take_authorization(struct reading *r, const json_t *value, void *into)
{
	struct request *request = into;
	take_header(r, value, &request->authorization, &request->n_authorization);
}

static void take_dpop(struct reading *r, const json_t *value, void *into)
{
	struct request *request = into;
	take_header(r, value, &request->dpop, &request->n_dpop);
}

static void take_api_key(struct reading *r, const json_t *value, void *into)
{
	struct request *request = into;
	take_header(r, value, &request->api_key, &request->n_api_key);
}

static void take_cookie(struct reading *r, const json_t *value, void *into)
{
	struct request *request = into;
	take_header(r, value, &request->cookie, &request->n_cookie);
}

static void take_der(struct reading *r, const json_t *value, void *into)
{
	struct sv text = json_string_sv(value);
	uint8_t *der = arena_alloc(r->arena, BASE64_DECODED_MAX(text.n) + 1);
	size_t n = 0;
	if (!json_is_string(value) || !der || !base64_decode(text, der, &n) || n == 0) {
		wrong(r, "bad_value", "certificates are expected here: DER in base64");
		return;
	}
	*(struct sv *)into = (struct sv){(const char *)der, n};
}

/* A certificate that is told was used and verified, unless the rows behind say otherwise. */
static void take_certificate(struct reading *r, const json_t *value, void *into)
{
	struct request *request = into;
	take_der(r, value, &request->cert);
	request->cert_used = true;
	request->cert_verify = 0;
}

static void take_kind(struct reading *r, const json_t *value, void *into)
{
	static const struct {
		const char *name;
		enum request_kind kind;
	} kinds[] = {
		{"request", REQUEST_HTTP},
		{"haward-authorize", REQUEST_HTTP},
		{"http", REQUEST_HTTP},
		{"connection", REQUEST_CONNECT},
		{"haward-connect", REQUEST_CONNECT},
		{"connect", REQUEST_CONNECT},
		{"tcp", REQUEST_CONNECT},
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!sv_eq(json_string_sv(value), sv_of(kinds[i].name)))
			continue;
		memcpy(into, &kinds[i].kind, sizeof(kinds[i].kind));
		r->kind_told = true;
		return;
	}
	wrong(r, "bad_value", "'request' or 'connection' is expected here");
}

/* ---- the header map, as req.hdrs_bin ---- */

static size_t n_values(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : 1;
}

static const json_t *value_at(const json_t *value, size_t i)
{
	return json_is_array(value) ? json_array_get(value, i) : value;
}

/* jansson's iterator takes a json_t that it does not change. */
static json_t *iterable(const json_t *object)
{
	return (json_t *)(uintptr_t)object;
}

static size_t headers_room(const json_t *headers)
{
	size_t n = 2;
	const char *name;
	json_t *value;
	json_object_foreach(iterable(headers), name, value)
	{
		for (size_t i = 0; i < n_values(value); i++)
			n += strlen(name) + json_string_length(value_at(value, i)) +
			     2 * (size_t)VARINT_MAX_BYTES;
	}
	return n;
}

static void put_text(struct outbuf *out, struct sv text)
{
	spop_varint_write(out, text.n);
	outbuf_put(out, text);
}

static void put_header(struct reading *r, struct outbuf *out, const char *name, const json_t *value)
{
	if (!json_is_string(value) || *name == 0) {
		wrong(r, "wrong_type", "names with strings or lists of strings are expected here");
		return;
	}
	put_text(out, sv_of(name));
	put_text(out, json_string_sv(value));
}

static void take_headers(struct reading *r, const json_t *value, void *into)
{
	const char *name;
	json_t *values;
	if (!json_is_object(value)) {
		wrong(r, "wrong_type", "an object is expected here");
		return;
	}
	size_t room = headers_room(value);
	struct outbuf out = outbuf_over(arena_alloc(r->arena, room), room);
	if (!out.at) {
		wrong(r, "too_large", "these are too many");
		return;
	}
	json_object_foreach(iterable(value), name, values)
	{
		for (size_t i = 0; i < n_values(values); i++)
			put_header(r, &out, name, value_at(values, i));
	}
	put_text(&out, SVL(""));
	put_text(&out, SVL(""));
	struct sv headers = outbuf_sv(&out);
	memcpy(into, &headers, sizeof(headers));
}

/* ---- the members ---- */

typedef void take_fn(struct reading *r, const json_t *value, void *into);

struct member {
	const char *name;
	take_fn *take;
	size_t offset;
	bool is_http;       /* a connection does not have it */
	bool is_credential; /* proves who asks */
};

#define AT(member) offsetof(struct question, member)
static const struct member members[] = {
	{"id", take_text, AT(request.id), false, false},
	{"service", take_text, AT(request.service), false, false},
	{"method", take_text, AT(request.method), true, false},
	{"path", take_text, AT(request.path), true, false},
	{"query", take_text, AT(request.query), true, false},
	{"host", take_text, AT(request.host), true, false},
	{"src", take_address, AT(request.src), false, false},
	{"src_port", take_port, AT(request.src_port), false, false},
	{"dst", take_address, AT(request.dst), false, false},
	{"dst_port", take_port, AT(request.dst_port), false, false},
	{"authorization", take_authorization, AT(request), true, true},
	{"dpop", take_dpop, AT(request), true, true},
	{"api_key", take_api_key, AT(request), true, true},
	{"cookie", take_cookie, AT(request), true, true},
	{"headers", take_headers, AT(request.headers), true, false},
	{"cert", take_certificate, AT(request), false, true},
	{"cert_chain", take_der, AT(request.cert_chain), false, true},
	{"cert_used", take_bool, AT(request.cert_used), false, true},
	{"cert_verify", take_integer, AT(request.cert_verify), false, true},
	{"sni", take_text, AT(request.sni), false, false},
	{"tls", take_bool, AT(request.tls), false, false},
	{"traceparent", take_text, AT(request.traceparent), true, false},
	{"user_agent", take_text, AT(request.user_agent), true, false},
	{"body", take_text, AT(request.body), true, false},
	{"claims", take_claims, AT(claims), true, false},
	{"workload", take_workload, AT(workload), false, false},
	{"kind", take_kind, AT(request.kind), false, false},
	{"message", take_kind, AT(request.kind), false, false},
};
#undef AT

/* Empty text and empty maps tell nothing. */
static bool tells(const json_t *value)
{
	return json_is_string(value)   ? json_string_length(value) > 0
	       : json_is_object(value) ? json_object_size(value) > 0
	                               : true;
}

static void read_members(struct reading *r, const json_t *object, unsigned flags)
{
	bool is_http = false;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct member *m = &members[i];
		const json_t *value = json_object_get(object, m->name);
		if (!value || json_is_null(value))
			continue;
		r->name = m->name;
		if (m->is_credential && !(flags & QUESTION_CREDENTIALS))
			wrong(r, "not_here",
			      "credentials are not taken here: say 'claims' or 'workload'");
		else
			m->take(r, value, (char *)r->question + m->offset);
		is_http = is_http || (m->is_http && tells(value));
	}
	if (!r->kind_told)
		r->question->request.kind = is_http ? REQUEST_HTTP : REQUEST_CONNECT;
}

static void refuse_unknown(struct reading *r, const json_t *object)
{
	const char *names[ARRAY_LEN(members)];
	const char *name;
	json_t *value;
	unsigned known;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		names[i] = members[i].name;
	json_object_foreach(iterable(object), name, value)
	{
		(void)value;
		if (names_find(names, ARRAY_LEN(names), sv_of(name), &known))
			continue;
		const char *near = names_nearest(names, ARRAY_LEN(names), sv_of(name));
		r->name = name;
		wrong(r, "unknown_key", "this is not known%s%s%s", near ? "; did you mean '" : "",
		      near ? near : "", near ? "'?" : "");
	}
}

bool question_read(const json_t *object, unsigned flags, const char *pointer, struct arena *arena,
                   struct diag *d, struct question *ret)
{
	struct reading r = {.question = ret, .arena = arena, .d = d, .pointer = pointer};
	*ret = (struct question){.request.cert_verify = -1};
	if (!json_is_object(object)) {
		wrong(&r, "wrong_type", "an object is expected here");
		return false;
	}
	read_members(&r, object, flags);
	if (!(flags & QUESTION_OPEN))
		refuse_unknown(&r, object);
	return !r.failed;
}

/* ---- deciding ---- */

static const struct issuer *issuer_of(const struct policy *policy, const json_t *claims)
{
	return authn_find_issuer(policy_authn(policy),
	                         json_string_sv(json_object_get(claims, "iss")));
}

/* The request without the credentials whose place is taken. */
static struct request without_proofs(const struct question *q)
{
	struct request request = q->request;
	if (q->claims) {
		request.authorization = (struct sv){0};
		request.n_authorization = 0;
		request.dpop = (struct sv){0};
		request.n_dpop = 0;
		request.api_key = (struct sv){0};
		request.n_api_key = 0;
	}
	if (q->workload.n > 0) {
		request.cert = (struct sv){0};
		request.cert_chain = (struct sv){0};
		request.cert_used = false;
		request.cert_verify = -1;
	}
	return request;
}

bool question_decide(const struct policy *policy, struct decide_ctx *ctx,
                     const struct question *question, struct decision *ret)
{
	struct request request = without_proofs(question);
	struct identity who = {0};
	enum reason why;
	bool said = question->claims || question->workload.n > 0;
	const struct authn_ctx asking = policy_decide_asking(ctx, ctx->now_us / 1000000);
	if (!said ||
	    authn_identify(policy_authn(policy), &asking, &request, &who, &why) == AUTHN_REFUSED) {
		struct decide_ctx unasked = *ctx;
		unasked.ask = NULL;
		/* refuses by the same credential */
		return policy_decide(policy, &unasked, &request, ret) == DECIDE_NOW;
	}
	if (question->workload.n > 0)
		identity_set_workload(&who, question->workload);
	if (question->claims && !user_of_claims(issuer_of(policy, question->claims),
	                                        question->claims, ctx->arena, &who))
		return false;
	policy_decide_as(policy, ctx, &request, &who, ret);
	return true;
}
