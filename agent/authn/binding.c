#include "authn/binding.h"

#include "authn/certdigests.h"
#include "authn/dpop.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/secret.h"

static const struct {
	const char *member;
	unsigned bit;
	size_t offset;
} methods[] = {
	{"x5t#S256", BINDING_CERTIFICATE, offsetof(struct binding, certificate)},
	{"jkt", BINDING_KEY, offsetof(struct binding, key)},
};

/* The base64url text of a SHA-256 digest. */
static bool digest_read(const json_t *value, void *to)
{
	uint8_t bytes[BASE64_DECODED_MAX(43)];
	struct sv text = json_string_sv(value);
	size_t n = 0;
	if (text.n != 43 || !base64url_decode(text, bytes, &n) || n != SHA256_BYTES)
		return false;
	memcpy(to, bytes, SHA256_BYTES);
	return true;
}

static unsigned method_read(const char *name, const json_t *value, struct binding *into)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].member, name) == 0 &&
		    digest_read(value, (char *)into + methods[i].offset))
			return methods[i].bit;
	return BINDING_UNKNOWN;
}

struct binding binding_of_claims(const json_t *claims, bool required)
{
	struct binding binding = {0};
	json_t *cnf = json_object_get(claims, "cnf");
	const char *name;
	json_t *value;
	if (!cnf) {
		binding.to = required ? BINDING_MISSING : 0;
		return binding;
	}
	json_object_foreach(cnf, name, value) binding.to |= method_read(name, value, &binding);
	if (binding.to == 0) /* an empty object, or none */
		binding.to = BINDING_UNKNOWN;
	return binding;
}

static bool refuse(const struct authn_turn *turn, enum reason why)
{
	*turn->why = why;
	return false;
}

static bool shows_certificate(const struct authn_turn *turn, const struct binding *binding)
{
	const struct request *req = turn->req;
	uint8_t digest[SHA256_BYTES];
	if (!req->cert_used || req->cert.n == 0)
		return refuse(turn, REASON_CERTIFICATE_REQUIRED);
	struct tokencache *cache = turn->ctx->cache;
	if (!certdigests_of(tokencache_certdigests(cache), tokencache_sha256(cache), req->cert,
	                    digest))
		return refuse(turn, REASON_INTERNAL);
	struct sv shown = {(const char *)digest, SHA256_BYTES};
	struct sv bound = {(const char *)binding->certificate, SHA256_BYTES};
	return secret_equal(shown, bound) || refuse(turn, REASON_TOKEN_BINDING_MISMATCH);
}

static bool shows_key(const struct authn_turn *turn, const struct credential *shown,
                      const struct identity *who)
{
	bool has_key = who->binding.to & BINDING_KEY;
	bool is_dpop = shown->kind == CREDENTIAL_DPOP;
	if (has_key != is_dpop)
		return refuse(turn, has_key ? REASON_DPOP_REQUIRED : REASON_TOKEN_BINDING_MISSING);
	return !has_key || dpop_check(turn, shown->text, who);
}

bool binding_check(const struct authn_turn *turn, const struct credential *shown,
                   const struct identity *who)
{
	const struct binding *binding = &who->binding;
	if (binding->to & BINDING_UNKNOWN)
		return refuse(turn, REASON_TOKEN_BINDING_UNSUPPORTED);
	if (binding->to & BINDING_MISSING)
		return refuse(turn, REASON_TOKEN_BINDING_MISSING);
	if (!turn->req)
		return true;
	if (binding->to & BINDING_CERTIFICATE && !shows_certificate(turn, binding))
		return false;
	return shows_key(turn, shown, who);
}
