#include "authn/grant.h"

#include "core/encode.h"
#include "core/form.h"
#include "core/jsonload.h"
#include "core/secret.h"

#include <string.h>

/* Every text is percent-encoded at worst, and then, in Basic, base64 of it. */
size_t grant_max_bytes(const struct grant_question *q)
{
	const struct login *login = q->login;
	size_t n_who = strlen(login->client_id) + (login->secret ? strlen(login->secret) : 0);
	return 256 + 6 * n_who +
	       3 * (q->code.n + q->redirect_uri.n + q->verifier.n + q->refresh_token.n);
}

static void write_form(const struct grant_question *q, struct outbuf *form)
{
	const struct login *login = q->login;
	if (q->refresh_token.n) {
		form_add(form, SVL("grant_type"), SVL("refresh_token"));
		form_add(form, SVL("refresh_token"), q->refresh_token);
	} else {
		form_add(form, SVL("grant_type"), SVL("authorization_code"));
		form_add(form, SVL("code"), q->code);
		form_add(form, SVL("redirect_uri"), q->redirect_uri);
		form_add(form, SVL("code_verifier"), q->verifier);
	}
	if (!login->secret || login->client_auth == LOGIN_CLIENT_POST)
		form_add(form, SVL("client_id"), sv_of(login->client_id));
	if (login->secret && login->client_auth == LOGIN_CLIENT_POST)
		form_add(form, SVL("client_secret"), sv_of(login->secret));
}

/* source: RFC 6749 2.3.1: both are form-encoded before they are joined. The plain text stands behind the encoded
 * one for a moment. */
static void write_basic(const struct login *login, struct outbuf *b)
{
	size_t n_plain_max = 3 * (strlen(login->client_id) + strlen(login->secret)) + 1;
	if (b->failed || outbuf_left(b) < n_plain_max) {
		b->failed = true;
		return;
	}
	struct outbuf plain = outbuf_over(b->at + b->max - n_plain_max, n_plain_max);
	form_encode(&plain, sv_of(login->client_id));
	outbuf_u8(&plain, ':');
	form_encode(&plain, sv_of(login->secret));
	outbuf_put(b, SVL("Basic "));
	if (!plain.failed && !b->failed &&
	    BASE64_ENCODED_MAX(plain.n) <= outbuf_left(b) - n_plain_max)
		b->n += base64_encode(outbuf_sv(&plain), (char *)b->at + b->n).n;
	else
		b->failed = true;
	secret_wipe(plain.at, n_plain_max);
}

void grant_write(const struct grant_question *q, struct outbuf *form, struct outbuf *authorization)
{
	write_form(q, form);
	if (q->login->secret && q->login->client_auth == LOGIN_CLIENT_BASIC)
		write_basic(q->login, authorization);
}

/* source: RFC 6749 5.2; what is said of the client may be mended by an operator, so it is no word on the grant */
static enum grant_outcome refusal(const json_t *document)
{
	static const struct sv final[] = {SV("invalid_grant"), SV("access_denied"),
	                                  SV("invalid_scope"), SV("unauthorized_client")};
	struct sv error = json_string_sv(json_object_get(document, "error"));
	for (size_t i = 0; i < ARRAY_LEN(final); i++)
		if (sv_eq(error, final[i]))
			return GRANT_REFUSED;
	return GRANT_FAILED;
}

/* An optional string; false when it is there and is no string. */
static bool text(const json_t *document, const char *name, struct sv *ret)
{
	const json_t *value = json_object_get(document, name);
	*ret = json_string_sv(value);
	return !value || json_is_string(value);
}

static bool read_given(json_t *document, struct grant *ret)
{
	struct grant grant = {.document = document};
	struct sv type;
	const json_t *expires_in = json_object_get(document, "expires_in");
	if (!text(document, "id_token", &grant.id_token) ||
	    !text(document, "access_token", &grant.access_token) ||
	    !text(document, "refresh_token", &grant.refresh_token) ||
	    !text(document, "scope", &grant.scope) || !text(document, "token_type", &type))
		return false;
	/* ours is never sent as anything but a bearer token, and never sent at all */
	if (grant.access_token.n == 0 || !sv_eq_ci(type, SVL("Bearer")))
		return false;
	if (json_is_integer(expires_in) && json_integer_value(expires_in) > 0)
		grant.expires_in_s = MIN_OF((int64_t)json_integer_value(expires_in),
		                            (int64_t)365 * 24 * 60 * 60);
	*ret = grant;
	return true;
}

enum grant_outcome grant_read(long status, struct sv body, struct grant *ret)
{
	CLEANUP(json_decrefp) json_t *document = json_load_strict(body, 0, NULL);
	if (!json_is_object(document))
		return GRANT_FAILED;
	if (status != 200)
		return status == 400 || status == 403 ? refusal(document) : GRANT_FAILED;
	if (!read_given(document, ret))
		return GRANT_FAILED;
	ret->document = TAKE(document);
	return GRANT_GIVEN;
}
