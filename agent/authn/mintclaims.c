#include "authn/mintclaims.h"

#include "core/encode.h"
#include "core/outbuf.h"
#include "core/secret.h"
#include "core/utf8.h"

#include <assert.h>
#include <stdio.h>

enum { JTI_BYTES = 16 };

/* ---- the payload ---- */

/* Adds a text where there is one. */
static bool put(json_t *object, const char *name, struct sv text)
{
	return text.n == 0 || json_object_set_new(object, name, json_stringn(text.at, text.n)) == 0;
}

static struct sv subject(const struct mint_order *order)
{
	const struct identity *who = order->who;
	struct sv user = order->wish->subject == TOKEN_SUBJECT_SUB ? who->subject : who->principal;
	return user.n ? user : who->workload;
}

static bool put_scopes(json_t *object, const struct identity *who)
{
	char text[2048];
	struct outbuf out = outbuf_over(text, sizeof(text));
	for (size_t i = 0; i < who->n_scopes; i++) {
		if (i)
			outbuf_u8(&out, ' ');
		outbuf_put(&out, who->scopes[i]);
	}
	return !out.failed && put(object, "scope", outbuf_sv(&out));
}

/* Copied as they are: they were signed by the issuer that the caller came with. */
static bool put_carried(json_t *object, const struct mint_order *order)
{
	for (size_t i = 0; i < order->wish->n_claims; i++) {
		const char *name = order->wish->claims[i].at; /* a JSON string: terminated */
		json_t *value = json_object_get(order->who->claims, name);
		if (value && json_object_set(object, name, value) != 0)
			return false;
	}
	return true;
}

static json_t *requester(const struct mint_order *order)
{
	char address[NETADDR_TEXT_BYTES];
	json_t *object = json_object();
	bool ok = object && put(object, "authn", sv_of(auth_method_names[order->who->method]));
	if (ok && order->req->src.family)
		ok = put(object, "req_ip", netaddr_format(&order->req->src, address));
	if (ok)
		return object;
	json_decref(object);
	return NULL;
}

/* What a client may write as it likes is left out where JSON cannot say it. */
static struct sv utf8_of(struct sv text)
{
	return utf8_valid(text) ? text : (struct sv){0};
}

static json_t *transaction(const struct mint_order *order)
{
	json_t *object = json_object();
	if (object && put(object, "method", utf8_of(order->req->method)) &&
	    put(object, "path", utf8_of(order->path)) && put_carried(object, order))
		return object;
	json_decref(object);
	return NULL;
}

static bool fill_txn(json_t *claims, const struct mint_order *order)
{
	const struct identity *who = order->who;
	return put(claims, "txn", order->txn) &&
	       put(claims, "req_wl", who->workload.n ? who->workload : who->client) &&
	       json_object_set_new(claims, "rctx", requester(order)) == 0 &&
	       json_object_set_new(claims, "tctx", transaction(order)) == 0;
}

static bool fill_jwt(json_t *claims, const struct mint_order *order)
{
	uint8_t id[JTI_BYTES];
	char jti[BASE64_ENCODED_MAX(JTI_BYTES)];
	if (!secret_random(id, sizeof(id)))
		return false;
	return put(claims, "jti", base64url_encode((struct sv){(char *)id, sizeof(id)}, jti)) &&
	       put_carried(claims, order);
}

static bool (*const fill[])(json_t *claims, const struct mint_order *order) = {
	[TOKEN_TXN] = fill_txn,
	[TOKEN_JWT] = fill_jwt,
};
static_assert(ARRAY_LEN(fill) == TOKEN_FORMAT_COUNT, "one a format");

/* It does not outlive what the caller came with, but for the second it is used in. */
static int64_t expiry(const struct mint_order *order)
{
	int64_t wanted = order->now_s + order->wish->lifetime_s, bound = order->who->expires_at;
	if (bound == 0 || bound > wanted)
		return wanted;
	return bound > order->now_s ? bound : order->now_s + 1;
}

json_t *mint_claims(const char *issuer, const struct mint_order *order)
{
	json_t *claims = json_object();
	if (claims && put(claims, "iss", sv_of(issuer)) &&
	    put(claims, "aud", order->wish->audience) &&
	    json_object_set_new(claims, "iat", json_integer(order->now_s)) == 0 &&
	    json_object_set_new(claims, "exp", json_integer(expiry(order))) == 0 &&
	    put(claims, "sub", subject(order)) && put(claims, "client_id", order->who->client) &&
	    put_scopes(claims, order->who) && fill[order->wish->format](claims, order))
		return claims;
	json_decref(claims);
	return NULL;
}

/* ---- the fingerprint: each part behind its length, so that no two sets of parts read alike ---- */

static void note(struct outbuf *out, struct sv text)
{
	outbuf_u32be(out, (uint32_t)text.n);
	outbuf_put(out, text);
}

static void note_carried(struct outbuf *out, const struct mint_order *order, size_t i)
{
	const json_t *value = json_object_get(order->who->claims, order->wish->claims[i].at);
	note(out, order->wish->claims[i]);
	if (!value || out->failed)
		return;
	size_t n = json_dumpb(value, (char *)out->at + out->n, outbuf_left(out),
	                      JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (n == 0 || !outbuf_reserve(out, n))
		out->failed = true;
}

bool mint_fingerprint(const struct mint_order *order, uint8_t *room, size_t n_room, size_t *n)
{
	const struct identity *who = order->who;
	const struct token_wish *wish = order->wish;
	struct outbuf out = outbuf_over(room, n_room);
	outbuf_u64be(&out, (uint64_t)wish->lifetime_s);
	outbuf_u64be(&out, (uint64_t)who->expires_at);
	note(&out, wish->audience);
	note(&out, subject(order));
	note(&out, who->issuer);
	note(&out, who->client);
	outbuf_u32be(&out, (uint32_t)who->n_scopes);
	for (size_t i = 0; i < who->n_scopes; i++)
		note(&out, who->scopes[i]);
	outbuf_u32be(&out, (uint32_t)wish->n_claims);
	for (size_t i = 0; i < wish->n_claims; i++)
		note_carried(&out, order, i);
	*n = out.n;
	return !out.failed;
}
