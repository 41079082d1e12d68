/* Tokens that are bound to a certificate: with it, without it, with another one; and what nobody could show. */
#include "authn/authn.h"
#include "authn/binding.h"
#include "authn/keyslot.h"
#include "authn/tokencache.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "minter.h"
#include "model/request.h"

#include <openssl/x509.h>

enum { NOW = 1000000 };

/* Two issuers, of which the second wants all its tokens bound. Any bytes will do as a certificate here: that it is
 * one is for clientcert_identify() to find out. */
struct desk {
	struct minter minter;
	struct keyslot *slot;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	char thumbprint[BASE64_ENCODED_MAX(SHA256_BYTES)];
	struct sv certificate;
};

static struct keyslot *slot_of(void *user, const struct key_source *source)
{
	struct desk *desk = user;
	(void)source;
	return keyslot_ref(desk->slot);
}

static struct authn *compiled(struct desk *desk)
{
	static const char set[] = "[{\"issuer\":\"https://one\",\"jwksUri\":\"https://one/keys\"},"
				  "{\"issuer\":\"https://two\",\"jwksUri\":\"https://two/keys\","
				  "\"tokenBinding\":\"required\"}]";
	const struct authn_env env = {.keys_of = slot_of, .user = desk};
	struct diag d = diag_over("test", SVL(set));
	json_t *issuers = json_load_strict(SVL(set), 0, &d);
	struct authn *authn = NULL;
	assert_int_equal(
		authn_compile(&(struct authn_document){.issuers = issuers}, &env, &d, &authn), 0);
	json_decref(issuers);
	diag_fini(&d);
	return authn;
}

/* An SVID made once; the bytes of a certificate that HAProxy would hand over. */
static struct sv certificate(void)
{
	static uint8_t *der;
	static int n;
	if (der)
		return (struct sv){(char *)der, (size_t)n};
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *cert = X509_new();
	assert_true(key && cert && X509_set_version(cert, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(cert), NOW - 10));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(cert), NOW + 1000));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	n = i2d_X509(cert, &der);
	assert_true(n > 0);
	X509_free(cert);
	EVP_PKEY_free(key);
	return (struct sv){(char *)der, (size_t)n};
}

static int set_up(void **state)
{
	static struct desk desk;
	uint8_t digest[SHA256_BYTES];
	desk = (struct desk){.minter = minter_make(JWS_ES256), .certificate = certificate()};
	desk.slot = keyslot_new(NULL, NULL);
	keyslot_publish(desk.slot, minter_set(&desk.minter, ",\"kid\":\"k\""));
	desk.cache = tokencache_new(16);
	desk.authn = compiled(&desk);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	assert_true(sha256_of(desk.certificate, digest));
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, desk.thumbprint);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	authn_free(desk->authn);
	tokencache_free(desk->cache);
	keyslot_unref(desk->slot);
	minter_fini(&desk->minter);
	arena_fini(&desk->arena);
	return 0;
}

/* A token of an issuer; in cnf a $ is the certificate's thumbprint, NULL is none at all. Owned. */
static char *token(const struct desk *desk, const char *issuer, const char *cnf)
{
	char payload[1024], shown[512] = "";
	const char *mark = cnf ? strchr(cnf, '$') : NULL;
	if (mark)
		(void)snprintf(shown, sizeof(shown), ",\"cnf\":%.*s%s%s", (int)(mark - cnf), cnf,
		               desk->thumbprint, mark + 1);
	else if (cnf)
		(void)snprintf(shown, sizeof(shown), ",\"cnf\":%s", cnf);
	(void)snprintf(payload, sizeof(payload),
	               "{\"iss\":\"https://%s\",\"sub\":\"anna\",\"exp\":1000100%s}", issuer,
	               shown);
	return minter_token(&desk->minter, SVL("{\"alg\":\"ES256\",\"kid\":\"k\"}"),
	                    sv_of(payload));
}

/* The reason it is refused with, or REASON_INTERNAL when it is good. */
static enum reason identify(struct desk *desk, const char *text, struct sv cert, bool used)
{
	char line[2048];
	struct identity who;
	enum reason why = REASON_INTERNAL;
	(void)snprintf(line, sizeof(line), "Bearer %s", text);
	const struct request req = {.n_authorization = 1,
	                            .authorization = sv_of(line),
	                            .cert = cert,
	                            .cert_used = used};
	const struct authn_ctx ctx = {.cache = desk->cache, .arena = &desk->arena, .now_s = NOW};
	arena_reset(&desk->arena);
	bool good = authn_identify(desk->authn, &ctx, &req, &who, &why) == AUTHN_OK;
	assert_true(good == (why == REASON_INTERNAL));
	return why;
}

#define ELSE   "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define SHOWN  "{\"x5t#S256\":\"$\"}"
#define OTHERS "{\"x5t#S256\":\"" ELSE "\"}"

static void a_bound_token_needs_its_certificate(void **state)
{
	static const struct {
		const char *issuer, *cnf;
		enum reason with, without;
	} rows[] = {
		{"one", NULL, REASON_INTERNAL, REASON_INTERNAL},
		{"one", SHOWN, REASON_INTERNAL, REASON_CERTIFICATE_REQUIRED},
		{"one", OTHERS, REASON_TOKEN_BINDING_MISMATCH, REASON_CERTIFICATE_REQUIRED},
		{"two", SHOWN, REASON_INTERNAL, REASON_CERTIFICATE_REQUIRED},
		{"two", OTHERS, REASON_TOKEN_BINDING_MISMATCH, REASON_CERTIFICATE_REQUIRED},
		{"two", NULL, REASON_TOKEN_BINDING_MISSING, REASON_TOKEN_BINDING_MISSING},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = token(desk, rows[i].issuer, rows[i].cnf);
		for (int k = 0; k < 2; k++) { /* fresh and from the cache */
			assert_int_equal(identify(desk, text, desk->certificate, true),
			                 rows[i].with);
			assert_int_equal(identify(desk, text, SVL(""), false), rows[i].without);
			/* shown to HAProxy at some other time is not shown now */
			assert_int_equal(identify(desk, text, desk->certificate, false),
			                 rows[i].without);
		}
		free(text);
	}
}

/* A method that is not known may be the one that matters. */
static void what_cannot_be_checked_is_refused(void **state)
{
	static const char *const rows[] = {
		"{}",
		"null",
		"[]",
		"\"$\"",
		"{\"jwk\":{\"kty\":\"EC\"}}",
		"{\"x5u\":\"https://a/b\"}",
		"{\"kid\":\"k\"}",
		"{\"x5t\":\"$\"}",
		"{\"x5t#S256\":\"$\",\"jwk\":{}}",
		"{\"x5t#S256\":\"$\",\"more\":1}",
		"{\"x5t#S256\":\"$=\"}",
		"{\"x5t#S256\":\"\"}",
		"{\"x5t#S256\":1}",
		"{\"x5t#S256\":[\"$\"]}",
		"{\"x5t#s256\":\"$\"}",
		"{\"x5t#S256\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV\"}", /* spare bits */
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = token(desk, "one", rows[i]);
		assert_int_equal(identify(desk, text, desk->certificate, true),
		                 REASON_TOKEN_BINDING_UNSUPPORTED);
		free(text);
	}
}

/* Without a request nothing is shown: what a request could still show passes. */
static void a_token_alone_is_judged_as_far_as_it_goes(void **state)
{
	static const struct {
		const char *issuer, *cnf;
		enum reason why;
	} rows[] = {
		{"one", SHOWN, REASON_INTERNAL},
		{"two", SHOWN, REASON_INTERNAL},
		{"two", NULL, REASON_TOKEN_BINDING_MISSING},
		{"one", "{\"kid\":\"k\"}", REASON_TOKEN_BINDING_UNSUPPORTED},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity who;
		enum reason why = REASON_INTERNAL;
		char *text = token(desk, rows[i].issuer, rows[i].cnf);
		const struct authn_ctx ctx = {
			.cache = desk->cache, .arena = &desk->arena, .now_s = NOW};
		bool good =
			authn_verify_token(desk->authn, &ctx, sv_of(text), &who, &why) == AUTHN_OK;
		assert_int_equal(why, rows[i].why);
		assert_true(good == (why == REASON_INTERNAL));
		free(text);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_bound_token_needs_its_certificate),
		TEST(what_cannot_be_checked_is_refused),
		TEST(a_token_alone_is_judged_as_far_as_it_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
