/* Requests with a token that is bound to a key: with a proof and without, twice, with a nonce and behind a proxy. */
#include "authn/authn.h"
#include "authn/challenge.h"
#include "authn/dpop.h"
#include "authn/keyslot.h"
#include "authn/thumbprint.h"
#include "authn/tokencache.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "minter.h"
#include "model/request.h"

enum { NOW = 1700000000 };

/* Three issuers of one key: plain, with nonces, and with a URL of its own; and a client. */
struct desk {
	struct minter issuer, client;
	char *jwk; /* owned: the client's */
	char thumbprint[BASE64_ENCODED_MAX(SHA256_BYTES)];
	struct keyslot *slot;
	struct authn *authn;
	struct tokencache *cache;
	struct dpop *dpop;
	struct arena arena;
	unsigned n_proofs;
};

static struct keyslot *slot_of(void *user, const struct key_source *source)
{
	struct desk *desk = user;
	(void)source;
	return keyslot_ref(desk->slot);
}

static struct authn *compiled(struct desk *desk)
{
	static const char set[] =
		"[{\"issuer\":\"https://one\",\"jwksUri\":\"https://one/keys\"},"
		"{\"issuer\":\"https://two\",\"jwksUri\":\"https://two/keys\","
		"\"tokenBinding\":\"required\",\"dpop\":{\"nonce\":true,\"maxAgeSeconds\":30}},"
		"{\"issuer\":\"https://three\",\"jwksUri\":\"https://three/keys\","
		"\"dpop\":{\"baseUrls\":[\"https://www.example/api/\",\"https://api.example\"]}}]";
	const struct authn_env env = {.keys_of = slot_of, .user = desk};
	struct diag d = diag_over("test", SVL(set));
	json_t *issuers = json_load_strict(SVL(set), 0, &d);
	struct authn *authn = NULL;
	int r = authn_compile(&(struct authn_document){.issuers = issuers}, &env, &d, &authn);
	if (r)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	json_decref(issuers);
	diag_fini(&d);
	return authn;
}

static void name_key(struct desk *desk)
{
	struct sha256 *sha256 = sha256_new();
	json_t *jwk = json_load_strict(sv_of(desk->jwk), 0, NULL);
	uint8_t digest[SHA256_BYTES];
	assert_true(sha256 && thumbprint_of(sha256, jwk, digest));
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, desk->thumbprint);
	json_decref(jwk);
	sha256_free(sha256);
}

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){.issuer = minter_make(JWS_ES256), .client = minter_make(JWS_ES256)};
	char *members = minter_members(&desk.client);
	assert_true(asprintf(&desk.jwk, "{%s}", members) > 0);
	free(members);
	name_key(&desk);
	desk.slot = keyslot_new(NULL, NULL);
	keyslot_publish(desk.slot, minter_set(&desk.issuer, ",\"kid\":\"k\""));
	desk.cache = tokencache_new(16);
	desk.authn = compiled(&desk);
	assert_int_equal(dpop_new(1024, NOW, &desk.dpop), 0);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	authn_free(desk->authn);
	tokencache_free(desk->cache);
	dpop_free(desk->dpop);
	keyslot_unref(desk->slot);
	minter_fini(&desk->issuer);
	minter_fini(&desk->client);
	arena_fini(&desk->arena);
	free(desk->jwk);
	return 0;
}

/* Owned. bound: with the client's key in cnf */
static char *token(const struct desk *desk, const char *issuer, bool bound)
{
	char payload[512], cnf[128] = "";
	if (bound)
		(void)snprintf(cnf, sizeof(cnf), ",\"cnf\":{\"jkt\":\"%s\"}", desk->thumbprint);
	(void)snprintf(payload, sizeof(payload),
	               "{\"iss\":\"https://%s\",\"sub\":\"anna\",\"exp\":1700100000%s}", issuer,
	               cnf);
	return minter_token(&desk->issuer, SVL("{\"alg\":\"ES256\",\"kid\":\"k\"}"),
	                    sv_of(payload));
}

/* A proof with an id of its own. Owned. nonce: NULL for none */
static char *proof(struct desk *desk, const char *text, const char *htu, int64_t iat,
                   const char *nonce)
{
	uint8_t digest[SHA256_BYTES];
	char ath[BASE64_ENCODED_MAX(SHA256_BYTES)], payload[512], *header = NULL;
	assert_true(sha256_of(sv_of(text), digest));
	(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, ath);
	(void)snprintf(payload, sizeof(payload),
	               "{\"jti\":\"%u\",\"htm\":\"GET\",\"htu\":\"%s\",\"ath\":\"%s\",\"iat\":%lld"
	               "%s%s%s}",
	               desk->n_proofs++, htu, ath, (long long)iat, nonce ? ",\"nonce\":\"" : "",
	               nonce ? nonce : "", nonce ? "\"" : "");
	assert_true(asprintf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}",
	                     desk->jwk) > 0);
	char *made = minter_token(&desk->client, sv_of(header), sv_of(payload));
	free(header);
	return made;
}

#define URI "https://a.example/b"

/* What came of a request. */
struct answer {
	enum reason why; /* REASON_INTERNAL: it is good */
	char nonce[64], challenge[512];
};

static struct answer ask_at(struct desk *desk, const char *scheme, const char *text,
                            const char *dpop, int64_t now_s)
{
	char line[2048];
	struct identity who = {0};
	struct answer answer = {.why = REASON_INTERNAL};
	(void)snprintf(line, sizeof(line), "%s %s", scheme, text);
	const struct request req = {.n_authorization = 1,
	                            .authorization = sv_of(line),
	                            .n_dpop = dpop != NULL,
	                            .dpop = sv_of(dpop),
	                            .method = SV("GET"),
	                            .host = SV("a.example"),
	                            .path = SV("/b"),
	                            .tls = true,
	                            .cert_verify = -1};
	const struct authn_ctx ctx = {
		.cache = desk->cache, .arena = &desk->arena, .now_s = now_s, .dpop = desk->dpop};
	arena_reset(&desk->arena);
	bool good = authn_identify(desk->authn, &ctx, &req, &who, &answer.why) == AUTHN_OK;
	assert_true(good == (answer.why == REASON_INTERNAL));
	assert_true(!good || sv_eq(who.user, SVL("anna")));
	struct verdict verdict = verdict_deny(answer.why);
	struct sv nonce = dpop_nonce(desk->authn, &ctx, &who, answer.why);
	struct sv challenge = authn_challenge(desk->authn, &req, &verdict, &desk->arena);
	(void)snprintf(answer.nonce, sizeof(answer.nonce), "%.*s", SV_ARG(nonce));
	(void)snprintf(answer.challenge, sizeof(answer.challenge), "%.*s", SV_ARG(challenge));
	return answer;
}

static enum reason ask(struct desk *desk, const char *scheme, const char *text, const char *dpop)
{
	return ask_at(desk, scheme, text, dpop, NOW).why;
}

static void a_proof_is_good_once(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true);
	for (int i = 0; i < 3; i++) { /* fresh, then from the cache */
		char *p = proof(desk, text, URI, NOW, NULL);
		assert_int_equal(ask(desk, "DPoP", text, p), REASON_INTERNAL);
		assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_REPLAYED);
		assert_int_equal(ask(desk, "dpop", text, p), REASON_DPOP_REPLAYED);
		for (int64_t later = 0; later <= 65; later++)
			assert_int_equal(ask_at(desk, "DPoP", text, p, NOW + later).why,
			                 REASON_DPOP_REPLAYED);
		assert_int_equal(ask_at(desk, "DPoP", text, p, NOW + 66).why, REASON_DPOP_EXPIRED);
		free(p);
	}
	free(text);
}

static void a_bound_token_is_no_bearer_token(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true), *p = proof(desk, text, URI, NOW, NULL);
	struct answer answer = ask_at(desk, "Bearer", text, p, NOW);
	assert_int_equal(answer.why, REASON_DPOP_REQUIRED);
	assert_string_equal(answer.challenge,
	                    "DPoP realm=\"haward\", error=\"invalid_token\", "
	                    "error_description=\"the token is bound to a key and needs a DPoP "
	                    "proof\", algs=\"ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 "
	                    "RS384 RS512\"");
	assert_int_equal(ask(desk, "Bearer", text, NULL), REASON_DPOP_REQUIRED);
	assert_int_equal(ask(desk, "DPoP", text, NULL), REASON_DPOP_REQUIRED);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_INTERNAL); /* it was not used up */
	free(p);
	free(text);
}

static void a_bearer_token_is_not_bound_by_a_proof(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", false), *p = proof(desk, text, URI, NOW, NULL);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_TOKEN_BINDING_MISSING);
	assert_int_equal(ask(desk, "DPoP", text, NULL), REASON_TOKEN_BINDING_MISSING);
	assert_int_equal(ask(desk, "Bearer", text, NULL), REASON_INTERNAL);
	assert_int_equal(ask(desk, "Bearer", text, p), REASON_INTERNAL);
	free(p);
	free(text);
}

static void two_proofs_are_none(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true), *p = proof(desk, text, URI, NOW, NULL), line[1024];
	(void)snprintf(line, sizeof(line), "DPoP %s", text);
	struct request req = {.n_authorization = 1,
	                      .authorization = sv_of(line),
	                      .n_dpop = 2,
	                      .dpop = sv_of(p),
	                      .method = SV("GET"),
	                      .host = SV("a.example"),
	                      .path = SV("/b"),
	                      .tls = true,
	                      .cert_verify = -1};
	struct authn_ctx ctx = {
		.cache = desk->cache, .arena = &desk->arena, .now_s = NOW, .dpop = desk->dpop};
	struct identity who;
	enum reason why;
	assert_int_equal(authn_identify(desk->authn, &ctx, &req, &who, &why), AUTHN_REFUSED);
	assert_int_equal(why, REASON_DPOP_MALFORMED);
	req.n_dpop = 1;
	ctx.dpop = NULL; /* who remembers nothing takes nothing */
	assert_int_equal(authn_identify(desk->authn, &ctx, &req, &who, &why), AUTHN_REFUSED);
	assert_int_equal(why, REASON_INTERNAL);
	ctx.dpop = desk->dpop;
	assert_int_equal(authn_identify(desk->authn, &ctx, &req, &who, &why), AUTHN_OK);
	free(p);
	free(text);
}

static void a_proof_for_another_token_or_place(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true), *other = token(desk, "one", false);
	char *p = proof(desk, other, URI, NOW, NULL);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_MISMATCH);
	free(p);
	p = proof(desk, text, "https://b.example/b", NOW, NULL);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_MISMATCH);
	free(p);
	p = proof(desk, text, "http://a.example/b", NOW, NULL);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_MISMATCH);
	free(p);
	p = proof(desk, text, URI, NOW - 66, NULL);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_EXPIRED);
	free(p);
	free(text);
	free(other);
}

static void clients_may_know_us_by_another_name(void **state)
{
	static const struct {
		const char *htu;
		enum reason why;
	} rows[] = {
		{"https://www.example/api/b", REASON_INTERNAL},
		{"https://api.example/b", REASON_INTERNAL},
		{"https://www.example/b", REASON_DPOP_MISMATCH},
		{"https://api.example/api/b", REASON_DPOP_MISMATCH},
		{"https://www.example/api//b", REASON_DPOP_MISMATCH},
		{URI, REASON_DPOP_MISMATCH},
	};
	struct desk *desk = *state;
	char *text = token(desk, "three", true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *p = proof(desk, text, rows[i].htu, NOW, NULL);
		assert_int_equal(ask(desk, "DPoP", text, p), rows[i].why);
		free(p);
	}
	free(text);
}

static void a_nonce_is_asked_for_and_given(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "two", true), *p = proof(desk, text, URI, NOW, NULL);
	struct answer first = ask_at(desk, "DPoP", text, p, NOW);
	assert_int_equal(first.why, REASON_DPOP_NONCE);
	assert_int_equal(strlen(first.nonce), 27);
	assert_non_null(strstr(first.challenge, "DPoP realm=\"haward\", error=\"use_dpop_nonce\""));
	free(p);
	p = proof(desk, text, URI, NOW, first.nonce);
	struct answer second = ask_at(desk, "DPoP", text, p, NOW);
	assert_int_equal(second.why, REASON_INTERNAL);
	assert_string_equal(second.nonce, first.nonce); /* still the one to use */
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_REPLAYED);
	free(p);
	int64_t last = (NOW / DPOP_NONCE_PERIOD_S + DPOP_NONCE_PERIODS) * DPOP_NONCE_PERIOD_S - 1;
	p = proof(desk, text, URI, last, first.nonce);
	struct answer old = ask_at(desk, "DPoP", text, p, last);
	assert_int_equal(old.why, REASON_INTERNAL);
	assert_string_not_equal(old.nonce, first.nonce);
	free(p);
	p = proof(desk, text, URI, last + 1, first.nonce);
	assert_int_equal(ask_at(desk, "DPoP", text, p, last + 1).why, REASON_DPOP_NONCE);
	free(p);
	free(text);
}

static void a_nonce_of_somebody_else_is_none(void **state)
{
	static const char *const rows[] = {
		"x",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"=",
	};
	struct desk *desk = *state;
	char *text = token(desk, "two", true), *p;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p = proof(desk, text, URI, NOW, rows[i]);
		assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_NONCE);
		free(p);
	}
	p = proof(desk, text, URI, NOW, NULL);
	struct answer given = ask_at(desk, "DPoP", text, p, NOW);
	free(p);
	given.nonce[10] = given.nonce[10] == 'A' ? 'B' : 'A';
	p = proof(desk, text, URI, NOW, given.nonce);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_NONCE);
	free(p);
	/* another start, another key */
	p = proof(desk, text, URI, NOW, NULL);
	given = ask_at(desk, "DPoP", text, p, NOW);
	free(p);
	dpop_free(desk->dpop);
	assert_int_equal(dpop_new(1024, NOW, &desk->dpop), 0);
	p = proof(desk, text, URI, NOW, given.nonce);
	assert_int_equal(ask(desk, "DPoP", text, p), REASON_DPOP_NONCE);
	free(p);
	free(text);
}

/* Nobody is told a nonce who has no use for it. */
static void others_get_no_nonce(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true), *p = proof(desk, text, URI, NOW, NULL);
	assert_string_equal(ask_at(desk, "DPoP", text, p, NOW).nonce, "");
	assert_string_equal(ask_at(desk, "DPoP", text, p, NOW).nonce, "");
	free(p);
	free(text);
	text = token(desk, "two", false);
	assert_string_equal(ask_at(desk, "Bearer", text, NULL, NOW).nonce, "");
	free(text);
}

static void a_full_memory_refuses(void **state)
{
	struct desk *desk = *state;
	char *text = token(desk, "one", true);
	dpop_free(desk->dpop);
	assert_int_equal(dpop_new(8, NOW, &desk->dpop), 0);
	for (int i = 0; i < 10; i++) {
		char *p = proof(desk, text, URI, NOW, NULL);
		assert_int_equal(ask(desk, "DPoP", text, p),
		                 i < 8 ? REASON_INTERNAL : REASON_OVERLOADED);
		free(p);
	}
	free(text);
}

static void where_bound_tokens_are_demanded_both_schemes_are_offered(void **state)
{
	struct desk *desk = *state;
	const struct request req = {.cert_verify = -1};
	struct verdict verdict = verdict_deny(REASON_AUTHENTICATION_REQUIRED);
	struct sv text = authn_challenge(desk->authn, &req, &verdict, &desk->arena);
	assert_true(sv_eq(
		text,
		SVL("Bearer realm=\"haward\", DPoP realm=\"haward\", algs=\"ES256 ES384 ES512 "
	            "EdDSA PS256 PS384 PS512 RS256 RS384 RS512\"")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_proof_is_good_once),
		TEST(a_bound_token_is_no_bearer_token),
		TEST(a_bearer_token_is_not_bound_by_a_proof),
		TEST(two_proofs_are_none),
		TEST(a_proof_for_another_token_or_place),
		TEST(clients_may_know_us_by_another_name),
		TEST(a_nonce_is_asked_for_and_given),
		TEST(a_nonce_of_somebody_else_is_none),
		TEST(others_get_no_nonce),
		TEST(where_bound_tokens_are_demanded_both_schemes_are_offered),
		TEST(a_full_memory_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
