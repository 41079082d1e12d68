/* A request's credentials -> who it is: issuers, their keys, the cache between, and what ends an entry. */
#include "authn/authn.h"
#include "authn/keyslot.h"
#include "authn/tokencache.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "minter.h"
#include "model/request.h"

#include <errno.h>

enum { NOW = 1000000 };

/* Two issuers whose keys the test publishes itself, as a fetcher would. */
struct desk {
	struct minter one, two;
	struct keyslot *slots[2];
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	unsigned n_wanted;
};

static void count_wish(void *user)
{
	struct desk *desk = user;
	desk->n_wanted++;
}

static struct keyslot *slot_of(void *user, const struct key_source *source)
{
	struct desk *desk = user;
	return keyslot_ref(desk->slots[strstr(source->url, "two") != NULL]);
}

static struct authn *compiled(struct desk *desk)
{
	static const char set[] =
		"[{\"issuer\":\"https://one\",\"jwksUri\":\"https://one/keys\",\"audiences\":["
		"\"api\"],\"algorithms\":[\"ES256\"]},"
		"{\"issuer\":\"https://two\",\"jwksUri\":\"https://two/keys\",\"algorithms\":["
		"\"ES256\"],\"claims\":{\"user\":\"email\",\"groups\":\"roles\"}}]";
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

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){.one = minter_make(JWS_ES256), .two = minter_make(JWS_ES256)};
	desk.slots[0] = keyslot_new(count_wish, &desk);
	desk.slots[1] = keyslot_new(count_wish, &desk);
	keyslot_publish(desk.slots[0], minter_set(&desk.one, ",\"kid\":\"k\""));
	keyslot_publish(desk.slots[1], minter_set(&desk.two, ",\"kid\":\"k\""));
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
	keyslot_unref(desk->slots[0]);
	keyslot_unref(desk->slots[1]);
	minter_fini(&desk->one);
	minter_fini(&desk->two);
	arena_fini(&desk->arena);
	return 0;
}

static char *token(const struct minter *m, const char *payload)
{
	return minter_token(m, SVL("{\"alg\":\"ES256\",\"kid\":\"k\"}"), sv_of(payload));
}

/* The reason it is refused with, or REASON_INTERNAL when it is good. */
static enum reason verify_at(struct desk *desk, const char *text, int64_t now_s,
                             struct identity *ret)
{
	enum reason why = REASON_INTERNAL;
	arena_reset(&desk->arena);
	const struct authn_ctx ctx = {.cache = desk->cache, .arena = &desk->arena, .now_s = now_s};
	bool good = authn_verify_token(desk->authn, &ctx, sv_of(text), ret, &why) == AUTHN_OK;
	assert_true(good == (why == REASON_INTERNAL));
	return why;
}

static enum reason verify(struct desk *desk, const char *text)
{
	struct identity who;
	return verify_at(desk, text, NOW, &who);
}

#define GOOD "{\"iss\":\"https://one\",\"sub\":\"anna\",\"aud\":\"api\",\"exp\":1000100}"

static void a_good_token_names_its_user(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one,
	                   "{\"iss\":\"https://one\",\"sub\":\"anna\",\"aud\":[\"x\",\"api\"],"
	                   "\"exp\":1000100,\"azp\":\"app\",\"scope\":\"a  b\",\"groups\":[\"g\",7,"
	                   "\"h\"]}");
	struct identity who;
	for (int i = 0; i < 2; i++) { /* fresh, then from the cache: the same */
		assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
		assert_int_equal(who.method, AUTH_JWT);
		assert_true(sv_eq(who.user, SVL("anna")) && sv_eq(who.subject, SVL("anna")));
		assert_true(sv_eq(who.principal, SVL("https://one/anna")));
		assert_true(sv_eq(who.client, SVL("app")));
		assert_int_equal(who.n_scopes, 2);
		assert_true(sv_eq(who.scopes[1], SVL("b")));
		assert_int_equal(who.n_groups, 2);
		assert_true(sv_eq(who.groups[1], SVL("h")));
		assert_int_equal(who.expires_at, 1000100);
	}
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 1);
	free(text);
}

/* An array's member is one scope: none of RFC 6749 3.3 is empty or has a blank, which would make two of it in a header. */
static void what_is_no_scope_is_left_out_of_a_list(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one, "{\"iss\":\"https://one\",\"sub\":\"anna\",\"aud\":\"api\","
	                               "\"exp\":1000100,\"scope\":[\"\",\"a b\",\"c\",7],"
	                               "\"groups\":[\"\",\"on call\"]}");
	struct identity who;
	assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
	assert_true(who.n_scopes == 1 && sv_eq(who.scopes[0], SVL("c")));
	assert_true(who.n_groups == 1 && sv_eq(who.groups[0], SVL("on call")));
	free(text);
}

static void claims_are_mapped_as_the_issuer_says(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->two, "{\"iss\":\"https://two\",\"sub\":\"1\",\"email\":\"b@x\","
	                               "\"roles\":[\"r\"],\"exp\":1000100}");
	struct identity who;
	assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
	assert_true(sv_eq(who.user, SVL("b@x")) && sv_eq(who.subject, SVL("1")));
	assert_true(who.n_groups == 1 && sv_eq(who.groups[0], SVL("r")));
	free(text);
	text = token(&desk->two, "{\"iss\":\"https://two\",\"sub\":\"1\",\"email\":\"b\\nx\","
	                         "\"exp\":1000100}");
	assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
	assert_true(sv_eq(who.user, SVL("1"))); /* a name with a line end is no name */
	free(text);
}

/* Both issuers have a key "k": neither can speak for the other. */
static void an_issuer_cannot_sign_for_another(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->two, GOOD);
	assert_int_equal(verify(desk, text), REASON_SIGNATURE_INVALID);
	free(text);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *payload;
		enum reason why;
	} rows[] = {
		{"{\"iss\":\"https://three\",\"exp\":1000100}", REASON_ISSUER_UNKNOWN},
		{"{\"iss\":\"https://one/\",\"exp\":1000100}", REASON_ISSUER_UNKNOWN},
		{"{\"iss\":\"https://ONE\",\"exp\":1000100}", REASON_ISSUER_UNKNOWN},
		{"{\"iss\":[\"https://one\"],\"exp\":1000100}", REASON_ISSUER_UNKNOWN},
		{"{\"exp\":1000100}", REASON_ISSUER_UNKNOWN},
		{"{\"iss\":\"https://one\",\"aud\":\"api\"}", REASON_TOKEN_CLAIMS},
		{"{\"iss\":\"https://one\",\"aud\":\"api\",\"exp\":999999}", REASON_TOKEN_EXPIRED},
		{"{\"iss\":\"https://one\",\"aud\":\"x\",\"exp\":1000100}",
	         REASON_AUDIENCE_MISMATCH},
		{"[]", REASON_TOKEN_MALFORMED},
		{"", REASON_TOKEN_MALFORMED},
		{"{\"iss\":\"https://one\",\"iss\":\"https://two\"}", REASON_TOKEN_MALFORMED},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = token(&desk->one, rows[i].payload);
		assert_int_equal(verify(desk, text), rows[i].why);
		assert_int_equal(verify(desk, text), rows[i].why); /* a refusal is not kept */
		free(text);
	}
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 0);
}

static void a_long_token_is_not_looked_at(void **state)
{
	struct desk *desk = *state;
	char *text = malloc(JWS_TOKEN_MAX_BYTES + 2);
	memset(text, 'A', JWS_TOKEN_MAX_BYTES + 1);
	text[JWS_TOKEN_MAX_BYTES + 1] = '\0';
	assert_int_equal(verify(desk, text), REASON_TOKEN_TOO_LARGE);
	text[JWS_TOKEN_MAX_BYTES] = '\0';
	assert_int_equal(verify(desk, text), REASON_TOKEN_MALFORMED);
	free(text);
}

/* In the cache or not: the second after exp it is over. */
static void a_cached_token_expires(void **state)
{
	struct desk *desk = *state;
	struct identity who;
	char *text = token(&desk->one, GOOD);
	assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
	assert_int_equal(verify_at(desk, text, 1000099, &who), REASON_INTERNAL);
	assert_int_equal(verify_at(desk, text, 1000100, &who), REASON_TOKEN_EXPIRED);
	assert_int_equal(verify_at(desk, text, 1000101, &who), REASON_TOKEN_EXPIRED);
	free(text);
}

/* A key that is taken out of the set takes its tokens along, at once. */
static void a_rotated_key_ends_what_it_signed(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one, GOOD);
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	struct minter next = minter_make(JWS_ES256);
	keyslot_publish(desk->slots[0], minter_set(&next, ",\"kid\":\"next\""));
	assert_int_equal(verify(desk, text), REASON_KEY_UNKNOWN);
	assert_int_equal(desk->n_wanted, 1);
	assert_int_equal(verify(desk, text), REASON_KEY_UNKNOWN);
	assert_int_equal(desk->n_wanted, 1); /* asked once until it is answered */
	keyslot_settle(desk->slots[0]);
	assert_int_equal(verify(desk, text), REASON_KEY_UNKNOWN);
	assert_int_equal(desk->n_wanted, 2);
	keyslot_publish(desk->slots[0], minter_set(&desk->one, ",\"kid\":\"k\""));
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	free(text);
	minter_fini(&next);
}

/* The other issuer's rotation is none of this one's business. */
static void keys_of_others_end_nothing(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one, GOOD);
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	keyslot_publish(desk->slots[1], minter_set(&desk->one, ",\"kid\":\"k\""));
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 1);
	free(text);
}

static void another_policy_set_starts_over(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one, GOOD);
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	struct authn *old = desk->authn;
	desk->authn = compiled(desk);
	assert_int_equal(verify(desk, text), REASON_INTERNAL);
	assert_int_equal(tokencache_counts(desk->cache).n_hits, 0);
	authn_free(old);
	free(text);
}

/* More tokens than places: the oldest go, and none is taken for another. */
static void a_full_cache_forgets_and_does_not_mix(void **state)
{
	struct desk *desk = *state;
	for (int i = 0; i < 100; i++) {
		char payload[160], name[16];
		struct identity who;
		snprintf(name, sizeof(name), "u%d", i % 50);
		snprintf(payload, sizeof(payload),
		         "{\"iss\":\"https://one\",\"sub\":\"%s\",\"aud\":\"api\",\"exp\":1000100}",
		         name);
		char *text = token(&desk->one, payload);
		assert_int_equal(verify_at(desk, text, NOW, &who), REASON_INTERNAL);
		assert_true(sv_eq(who.user, sv_of(name)));
		free(text);
	}
}

static void before_the_first_keys_nothing_passes(void **state)
{
	struct desk *desk = *state;
	struct keyslot *empty = keyslot_new(count_wish, desk), *kept = desk->slots[0];
	desk->slots[0] = empty;
	struct authn *old = desk->authn;
	desk->authn = compiled(desk);
	char *text = token(&desk->one, GOOD);
	assert_int_equal(verify(desk, text), REASON_KEYS_UNAVAILABLE);
	assert_int_equal(desk->n_wanted, 1);
	keyslot_disarm(empty);
	keyslot_settle(empty);
	assert_int_equal(verify(desk, text), REASON_KEYS_UNAVAILABLE);
	assert_int_equal(desk->n_wanted, 1);
	free(text);
	authn_free(old);
	keyslot_unref(kept);
} /* the empty slot goes with the desk */

static enum authn_outcome identify(struct desk *desk, const char *authorization, unsigned n,
                                   enum reason *why)
{
	const struct request req = {
		.n_authorization = n, .authorization = sv_of(authorization), .cert_verify = -1};
	struct identity who;
	arena_reset(&desk->arena);
	const struct authn_ctx ctx = {.cache = desk->cache, .arena = &desk->arena, .now_s = NOW};
	return authn_identify(desk->authn, &ctx, &req, &who, why);
}

static void the_authorization_header(void **state)
{
	struct desk *desk = *state;
	char *text = token(&desk->one, GOOD), line[2048];
	enum reason why;
	static const struct {
		const char *format;
		enum authn_outcome outcome;
		enum reason why;
	} rows[] = {
		{"Bearer %s", AUTHN_OK, REASON_INTERNAL},
		{"bearer %s", AUTHN_OK, REASON_INTERNAL},
		{"BEARER   %s  ", AUTHN_OK, REASON_INTERNAL},
		{"Bearer%s", AUTHN_REFUSED, REASON_UNSUPPORTED_CREDENTIAL},
		{"Bearer", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
		{"Bearer ", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
		{"Bearer %s, Bearer x", AUTHN_REFUSED, REASON_TOKEN_MALFORMED},
		{"Basic dXNlcjpwYXNz", AUTHN_REFUSED, REASON_UNSUPPORTED_CREDENTIAL},
		{"%s", AUTHN_REFUSED, REASON_UNSUPPORTED_CREDENTIAL},
		{"", AUTHN_REFUSED, REASON_UNSUPPORTED_CREDENTIAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *mark = strstr(rows[i].format, "%s");
		int n_before = mark ? (int)(mark - rows[i].format) : (int)strlen(rows[i].format);
		snprintf(line, sizeof(line), "%.*s%s%s", n_before, rows[i].format, mark ? text : "",
		         mark ? mark + 2 : "");
		assert_int_equal(identify(desk, line, 1, &why), rows[i].outcome);
		if (rows[i].outcome == AUTHN_REFUSED)
			assert_int_equal(why, rows[i].why);
	}
	snprintf(line, sizeof(line), "Bearer %s", text);
	assert_int_equal(identify(desk, line, 2, &why), AUTHN_REFUSED);
	assert_int_equal(why, REASON_MULTIPLE_CREDENTIALS);
	assert_int_equal(identify(desk, "", 0, &why), AUTHN_ANONYMOUS);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_good_token_names_its_user),
		TEST(what_is_no_scope_is_left_out_of_a_list),
		TEST(claims_are_mapped_as_the_issuer_says),
		TEST(an_issuer_cannot_sign_for_another),
		TEST(what_is_refused),
		TEST(a_long_token_is_not_looked_at),
		TEST(a_cached_token_expires),
		TEST(a_rotated_key_ends_what_it_signed),
		TEST(keys_of_others_end_nothing),
		TEST(another_policy_set_starts_over),
		TEST(a_full_cache_forgets_and_does_not_mix),
		TEST(before_the_first_keys_nothing_passes),
		TEST(the_authorization_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
