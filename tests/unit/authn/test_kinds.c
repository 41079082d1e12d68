/* Issuers whose tokens are more than a JWT: access tokens of RFC 9068, JWT-SVIDs, scopes that all must have, places,
 * and what of a token the service is told. */
#include "authn/authn.h"
#include "authn/keyslot.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "minter.h"
#include "model/request.h"

#include <errno.h>

enum { NOW = 1000000 };

struct desk {
	struct minter key;
	struct keyslot *slot;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	unsigned flags; /* that the last issuer's keys are read with */
};

static struct keyslot *slot_of(void *user, const struct key_source *source)
{
	struct desk *desk = user;
	desk->flags = source->flags;
	return keyslot_ref(desk->slot);
}

#define KEYS "\"jwksUri\":\"https://keys\",\"algorithms\":[\"ES256\"]"

static struct authn *compiled(struct desk *desk)
{
	static const char set[] =
		"[{\"issuer\":\"https://access\"," KEYS ",\"accessTokenProfile\":\"rfc9068\"},"
		"{\"issuer\":\"https://scoped\"," KEYS ",\"requiredScopes\":[\"a\",\"b\"]},"
		"{\"issuer\":\"https://cookie\"," KEYS ",\"fromCookies\":[\"jwt\"],"
		"\"forwardOriginalToken\":true},"
		"{\"issuer\":\"https://both\"," KEYS ",\"fromCookies\":[\"jwt\"],\"fromHeaders\":"
		"[{\"name\":\"authorization\",\"prefix\":\"Bearer \"}]},"
		"{\"issuer\":\"https://fields\"," KEYS ",\"outputPayloadToHeader\":\"X-Payload\","
		"\"outputClaimToHeaders\":[{\"header\":\"X-Sub\",\"claim\":\"sub\"},{\"header\":"
		"\"x-roles\",\"claim\":\"realm.roles\"},{\"header\":\"x-no\",\"claim\":\"no\"}]},"
		"{\"issuer\":\"spiffe://td.example\"," KEYS ",\"jwtSvid\":true,\"audiences\":["
		"\"spiffe://td.example/api\"]}]";
	const struct authn_env env = {.keys_of = slot_of, .user = desk};
	struct diag d = diag_over("test", SVL(set));
	json_t *issuers = json_load_strict(SVL(set), 0, &d);
	const struct authn_document document = {.issuers = issuers};
	struct authn *authn = NULL;
	int r = authn_compile(&document, &env, &d, &authn);
	if (r)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	json_decref(issuers);
	diag_fini(&d);
	return authn;
}

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){.key = minter_make(JWS_ES256)};
	desk.slot = keyslot_new(NULL, NULL);
	keyslot_publish(desk.slot, minter_set(&desk.key, ",\"kid\":\"k\""));
	desk.cache = tokencache_new(16);
	desk.authn = compiled(&desk);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	authn_free(desk->authn);
	tokencache_free(desk->cache);
	keyslot_unref(desk->slot);
	minter_fini(&desk->key);
	arena_fini(&desk->arena);
	return 0;
}

static char *token(struct desk *desk, const char *typ, const char *claims)
{
	char header[128], payload[1024];
	(void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"k\"%s%s%s}",
	               typ ? ",\"typ\":\"" : "", typ ? typ : "", typ ? "\"" : "");
	(void)snprintf(payload, sizeof(payload), "{\"exp\":1000100,%s}", claims);
	return minter_token(&desk->key, sv_of(header), sv_of(payload));
}

static enum reason verify_text(struct desk *desk, const char *text, struct identity *ret)
{
	enum reason why = REASON_INTERNAL;
	const struct authn_ctx ctx = {.cache = desk->cache, .arena = &desk->arena, .now_s = NOW};
	arena_reset(&desk->arena);
	bool good = authn_verify_token(desk->authn, &ctx, sv_of(text), ret, &why) == AUTHN_OK;
	assert_true(good == (why == REASON_INTERNAL));
	return why;
}

static enum reason verify(struct desk *desk, const char *typ, const char *claims,
                          struct identity *ret)
{
	char *text = token(desk, typ, claims);
	enum reason why = verify_text(desk, text, ret);
	free(text);
	return why;
}

static void access_tokens_have_all_that_rfc_9068_demands(void **state)
{
#define ISS  "\"iss\":\"https://access\""
#define REST "\"sub\":\"s\",\"aud\":\"a\",\"client_id\":\"c\",\"iat\":1,\"jti\":\"j\""
	static const struct {
		const char *typ, *claims;
		enum reason why;
	} rows[] = {
		{"at+jwt", ISS "," REST, REASON_INTERNAL},
		{"application/AT+JWT", ISS "," REST, REASON_INTERNAL},
		{"JWT", ISS "," REST, REASON_TOKEN_TYPE},
		{NULL, ISS "," REST, REASON_TOKEN_TYPE},
		{"at+jwt", ISS ",\"aud\":\"a\",\"client_id\":\"c\",\"iat\":1,\"jti\":\"j\"",
	         REASON_TOKEN_CLAIMS},
		{"at+jwt", ISS ",\"sub\":\"s\",\"client_id\":\"c\",\"iat\":1,\"jti\":\"j\"",
	         REASON_TOKEN_CLAIMS},
		{"at+jwt", ISS ",\"sub\":\"s\",\"aud\":\"a\",\"iat\":1,\"jti\":\"j\"",
	         REASON_TOKEN_CLAIMS},
		{"at+jwt", ISS ",\"sub\":\"s\",\"aud\":\"a\",\"client_id\":\"c\",\"jti\":\"j\"",
	         REASON_TOKEN_CLAIMS},
		{"at+jwt", ISS ",\"sub\":\"s\",\"aud\":\"a\",\"client_id\":\"c\",\"iat\":1",
	         REASON_TOKEN_CLAIMS},
		{"at+jwt",
	         ISS ",\"sub\":\"s\",\"aud\":\"a\",\"client_id\":7,\"iat\":1,\"jti\":\"j\"",
	         REASON_TOKEN_CLAIMS},
	};
	struct identity who;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(verify(*state, rows[i].typ, rows[i].claims, &who), rows[i].why);
}

static void every_required_scope_has_to_be_there(void **state)
{
	static const struct {
		const char *claims;
		enum reason why;
	} rows[] = {
		{"\"iss\":\"https://scoped\",\"scope\":\"c b a\"", REASON_INTERNAL},
		{"\"iss\":\"https://scoped\",\"scp\":[\"a\",\"b\"]", REASON_INTERNAL},
		{"\"iss\":\"https://scoped\",\"scope\":\"a\"", REASON_INSUFFICIENT_SCOPE},
		{"\"iss\":\"https://scoped\",\"scope\":\"A B\"", REASON_INSUFFICIENT_SCOPE},
		{"\"iss\":\"https://scoped\",\"scope\":\"ab\"", REASON_INSUFFICIENT_SCOPE},
		{"\"iss\":\"https://scoped\"", REASON_INSUFFICIENT_SCOPE},
	};
	struct identity who;
	for (int n = 0; n < 2; n++) /* a refusal is not kept as a yes */
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			assert_int_equal(verify(*state, NULL, rows[i].claims, &who), rows[i].why);
}

/* --- JWT-SVIDs --- */

#define AUD ",\"aud\":[\"x\",\"spiffe://td.example/api\"]"

static void a_jwt_svid_names_a_workload_and_no_user(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	assert_int_equal(desk->flags, JWKS_SVID);
	char *text = token(desk, "JWT", "\"sub\":\"spiffe://td.example/ns/a/sa/b\"" AUD);
	for (int n = 0; n < 2; n++) { /* fresh, then from the cache */
		assert_int_equal(verify_text(desk, text, &who), REASON_INTERNAL);
		assert_int_equal(who.method, AUTH_NONE);
		assert_int_equal(who.workload_method, AUTH_JWT);
		assert_true(sv_eq(who.workload, SVL("spiffe://td.example/ns/a/sa/b")));
		assert_true(sv_eq(who.trust_domain, SVL("td.example")));
		assert_true(sv_eq(who.service_account, SVL("b")));
		assert_true(who.user.n == 0 && who.principal.n == 0 && !who.claims);
	}
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 1);
	free(text);
}

static void what_is_no_jwt_svid(void **state)
{
	static const struct {
		const char *typ, *claims;
		enum reason why;
	} rows[] = {
		{NULL, "\"sub\":\"spiffe://td.example/a\"" AUD, REASON_INTERNAL},
		{"JOSE", "\"sub\":\"spiffe://td.example/a\",\"iss\":\"https://server\"" AUD,
	         REASON_INTERNAL},
		{NULL, "\"iss\":\"spiffe://td.example\",\"sub\":\"spiffe://td.example/a\"" AUD,
	         REASON_INTERNAL},
		{"at+jwt", "\"sub\":\"spiffe://td.example/a\"" AUD, REASON_TOKEN_TYPE},
		{NULL, "\"sub\":\"spiffe://td.example/a\",\"aud\":\"x\"", REASON_AUDIENCE_MISMATCH},
		{NULL, "\"sub\":\"spiffe://td.example/a\"", REASON_AUDIENCE_MISMATCH},
		{NULL, "\"sub\":\"spiffe://td.example\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"sub\":\"spiffe://td.example/\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"sub\":\"spiffe://td.example/a/../b\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"sub\":\"spiffe://td.example.evil/a\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"sub\":\"spiffe://other/a\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"sub\":\"alice\"" AUD, REASON_ISSUER_UNKNOWN},
		{NULL, "\"iss\":\"spiffe://td.example\",\"sub\":\"spiffe://other/a\"" AUD,
	         REASON_SPIFFE_ID_INVALID},
		{NULL, "\"iss\":\"spiffe://td.example\",\"sub\":\"alice\"" AUD,
	         REASON_SPIFFE_ID_INVALID},
	};
	struct identity who;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(verify(*state, rows[i].typ, rows[i].claims, &who), rows[i].why);
}

static void issuers_of_jwt_svids_are_checked_when_they_are_loaded(void **state)
{
	static const struct {
		const char *members, *pointer, *code;
	} rows[] = {
		{"\"issuer\":\"https://td\"," KEYS, "/issuers/0/issuer", "not_a_trust_domain"},
		{"\"issuer\":\"spiffe://td/x\"," KEYS, "/issuers/0/issuer", "not_a_trust_domain"},
		{"\"issuer\":\"spiffe://TD\"," KEYS, "/issuers/0/issuer", "not_a_trust_domain"},
		{"\"issuer\":\"spiffe://td\",\"jwksUri\":\"https://k\",\"algorithms\":[\"EdDSA\"]",
	         "/issuers/0/algorithms/0", "algorithm_without_key"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		(void)snprintf(text, sizeof(text), "[{\"jwtSvid\":true,\"audiences\":[\"a\"],%s}]",
		               rows[i].members);
		struct diag d = diag_over("test", sv_of(text));
		json_t *issuers = json_load_strict(sv_of(text), 0, &d);
		const struct authn_document document = {.issuers = issuers};
		struct authn *authn = NULL;
		assert_int_equal(authn_compile(&document, NULL, &d, &authn), -EINVAL);
		assert_true(d.n >= 1);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		assert_string_equal(d.items[0].code, rows[i].code);
		json_decref(issuers);
		diag_fini(&d);
	}
}

/* --- places --- */

static enum reason ask(struct desk *desk, const char *authorization, const char *cookie,
                       struct identity *who)
{
	const struct request req = {.n_authorization = authorization != NULL,
	                            .authorization = sv_of(authorization),
	                            .cookie = sv_of(cookie),
	                            .cert_verify = -1};
	enum reason why = REASON_INTERNAL;
	const struct authn_ctx ctx = {.cache = desk->cache, .arena = &desk->arena, .now_s = NOW};
	arena_reset(&desk->arena);
	if (authn_identify(desk->authn, &ctx, &req, who, &why) == AUTHN_ANONYMOUS)
		return REASON_AUTHENTICATION_REQUIRED;
	return why;
}

/* A token that is good in a cookie is not good in a header, also when it is known already. */
static void a_token_counts_only_where_its_issuer_says(void **state)
{
	static const struct {
		const char *issuer;
		enum reason in_header, in_cookie, in_both;
	} rows[] = {
		{"https://cookie", REASON_TOKEN_LOCATION, REASON_INTERNAL, REASON_INTERNAL},
		{"https://both", REASON_INTERNAL, REASON_INTERNAL, REASON_INTERNAL},
		{"https://fields", REASON_INTERNAL, REASON_TOKEN_LOCATION, REASON_INTERNAL},
	};
	struct desk *desk = *state;
	struct identity who;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char claims[128], header[1024], cookie[1024];
		(void)snprintf(claims, sizeof(claims), "\"iss\":\"%s\",\"sub\":\"s\"",
		               rows[i].issuer);
		char *text = token(desk, NULL, claims);
		(void)snprintf(header, sizeof(header), "Bearer %s", text);
		(void)snprintf(cookie, sizeof(cookie), "a=b; jwt=%s", text);
		for (int n = 0; n < 2; n++) {
			assert_int_equal(ask(desk, NULL, cookie, &who), rows[i].in_cookie);
			assert_int_equal(ask(desk, header, NULL, &who), rows[i].in_header);
			assert_int_equal(ask(desk, header, cookie, &who), rows[i].in_both);
		}
		assert_int_equal(ask(desk, header, "jwt=other", &who), REASON_MULTIPLE_CREDENTIALS);
		free(text);
	}
	assert_int_equal(ask(desk, NULL, "a=b", &who), REASON_AUTHENTICATION_REQUIRED);
}

/* --- what the service is told --- */

static void claims_become_header_fields(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	char *text = token(desk, NULL,
	                   "\"iss\":\"https://fields\",\"sub\":\"s\",\"realm\":{"
	                   "\"roles\":[\"a\",7,true,\"b,c\",null,\"d\\n\"]}");
	for (int n = 0; n < 2; n++) { /* fresh, then from the cache, when the arena is another's */
		assert_int_equal(verify_text(desk, text, &who), REASON_INTERNAL);
		assert_int_equal(who.n_headers, 3);
		assert_true(sv_eq(who.headers[0], SVL("x-sub")));
		assert_true(sv_eq(who.headers[1], SVL("s")));
		assert_true(sv_eq(who.headers[2], SVL("x-roles")));
		assert_true(sv_eq(who.headers[3], SVL("a,7,true")));
		assert_true(sv_eq(who.headers[4], SVL("x-payload")));
		assert_true(sv_starts(who.headers[5], SVL("eyJleHAi")));
		assert_false(who.forward_token);
	}
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 1);
	free(text);
}

static void what_cannot_stand_in_a_field_is_left_out(void **state)
{
	static const struct {
		const char *sub, *told; /* NULL: no field */
	} rows[] = {
		{"\"s\"", "s"},        {"\"a, b\"", "a, b"}, {"\"a\\r\\nx-root: 1\"", NULL},
		{"\"\\u007f\"", NULL}, {"\"\"", NULL},       {"\"\\u00e4\"", "\xc3\xa4"},
		{"\"a\\tb\"", NULL},
	};
	struct arena arena;
	static char header[] = "x-sub", claim[] = "claim";
	struct headerout_claim claims[] = {{header, claim}};
	const struct headerout out = {.claims = claims, .n = 1};
	(void)state;
	assert_int_equal(arena_init(&arena, 1 << 16), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[128];
		struct identity who = {0};
		(void)snprintf(text, sizeof(text), "{\"claim\":%s}", rows[i].sub);
		json_t *object = json_load_strict(sv_of(text), 0, NULL);
		assert_true(headerout_make(&out, object, SVL(""), &arena, &who));
		assert_int_equal(who.n_headers, rows[i].told ? 1 : 0);
		if (rows[i].told)
			assert_true(sv_eq(who.headers[1], sv_of(rows[i].told)));
		json_decref(object);
	}
	arena_fini(&arena);
}

static void fields_that_no_claim_may_write(void **state)
{
	static const struct {
		const char *list, *payload, *pointer, *code;
	} rows[] = {
		{"[{\"header\":\"Host\",\"claim\":\"a\"}]", NULL, "/i/outputClaimToHeaders/0",
	         "reserved_header"},
		{"[{\"header\":\"Transfer-Encoding\",\"claim\":\"a\"}]", NULL,
	         "/i/outputClaimToHeaders/0", "reserved_header"},
		{"[{\"header\":\"x y\",\"claim\":\"a\"}]", NULL, "/i/outputClaimToHeaders/0",
	         "bad_value"},
		{"[{\"header\":\"x-a\",\"claim\":\"a\"},{\"header\":\"X_A\",\"claim\":\"b\"}]",
	         NULL, "/i/outputClaimToHeaders/1", "duplicate_value"},
		{"[{\"header\":\"x-a\",\"claim\":\"a\"}]", "x-a", "/i/outputPayloadToHeader",
	         "duplicate_value"},
		{"[{\"header\":\"x-a\"}]", NULL, "/i/outputClaimToHeaders/0", "missing_key"},
		{"{}", NULL, "/i/outputClaimToHeaders", "wrong_type"},
		{"[]", "authorization", "/i/outputPayloadToHeader", "reserved_header"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = diag_over("test", (struct sv){0});
		struct headerout out = {0};
		json_t *list = json_load_strict(sv_of(rows[i].list), 0, NULL);
		assert_int_equal(headerout_read(list, rows[i].payload, "/i", &d, &out), -EINVAL);
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		assert_string_equal(d.items[0].code, rows[i].code);
		headerout_fini(&out);
		json_decref(list);
		diag_fini(&d);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(access_tokens_have_all_that_rfc_9068_demands),
		TEST(every_required_scope_has_to_be_there),
		TEST(a_jwt_svid_names_a_workload_and_no_user),
		TEST(what_is_no_jwt_svid),
		TEST(issuers_of_jwt_svids_are_checked_when_they_are_loaded),
		TEST(a_token_counts_only_where_its_issuer_says),
		TEST(claims_become_header_fields),
		TEST(what_cannot_stand_in_a_field_is_left_out),
		TEST(fields_that_no_claim_may_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
