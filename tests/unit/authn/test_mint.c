/* Internal tokens: what they say, that our own verification takes them, how long one serves, and when there is none. */
#include "authn/jwks.h"
#include "authn/jwt.h"
#include "authn/mint.h"
#include "core/jsonload.h"
#include "core/secret.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1000000 };

struct desk {
	struct minter *minter;
	struct mintkeys *keys;
	struct mintkey_texts texts[2];
	struct jwks *jwks; /* of both */
	struct jws_verifier *verifier;
};

static int set_up(void **state)
{
	static struct desk desk;
	char text[2 * MINTKEY_JWK_BYTES + 64];
	struct diag d = diag_over("test", (struct sv){0});
	desk = (struct desk){.minter = minter_new(), .verifier = jws_verifier_new()};
	assert_int_equal(mintkeys_new(SVL("https://edge"), &desk.keys), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_true(mintkey_make(&desk.texts[i]));
		assert_int_equal(mintkeys_add(desk.keys, sv_of(desk.texts[i].kid),
		                              sv_of(desk.texts[i].pem), NOW + 1000 * (int)i),
		                 0);
	}
	(void)snprintf(text, sizeof(text), "{\"keys\":[%s,%s]}", desk.texts[0].jwk,
	               desk.texts[1].jwk);
	assert_int_equal(jwks_parse(sv_of(text), 0, &d, &desk.jwks), 0);
	assert_int_equal(d.n, 0);
	diag_fini(&d);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	minter_free(desk->minter);
	mintkeys_unref(desk->keys);
	jwks_unref(desk->jwks);
	jws_verifier_free(desk->verifier);
	return 0;
}

static const struct sv scopes[] = {SV("read"), SV("write")};
static const struct request request = {.method = SV("GET"), .src = {4, {192, 0, 2, 7}}};

static struct identity anna(void)
{
	return (struct identity){.method = AUTH_JWT,
	                         .issuer = SVL("https://idp"),
	                         .subject = SVL("anna"),
	                         .principal = SVL("https://idp/anna"),
	                         .client = SVL("web"),
	                         .scopes = scopes,
	                         .n_scopes = 2,
	                         .expires_at = NOW + 5000};
}

static struct token_wish wish_of(enum token_format format)
{
	return (struct token_wish){.audience = SVL("orders"), .format = format, .lifetime_s = 60};
}

static bool order_at(struct desk *desk, const struct token_wish *wish, const struct identity *who,
                     int64_t now_s, struct sv *ret)
{
	const struct mint_order order = {.wish = wish,
	                                 .who = who,
	                                 .req = &request,
	                                 .path = SVL("/orders/7"),
	                                 .txn = SVL("t-1"),
	                                 .now_s = now_s};
	return mint_token(desk->minter, desk->keys, &order, ret);
}

/* The payload of a token whose signature our own verification takes; owned. *kid: whose, terminated. */
static json_t *verified(struct desk *desk, struct sv token, const char *typ,
                        char kid[MINTKEY_KID_BYTES])
{
	struct jws_compact parts;
	struct jwt_header header;
	enum reason why = REASON_INTERNAL;
	assert_true(jws_split(token, &parts));
	assert_true(jwt_header_read(parts.header, &header, &why));
	assert_true(sv_eq(header.typ, sv_of(typ)));
	assert_int_equal(header.alg, JWS_ES256);
	assert_non_null(jwt_signature_check(desk->verifier, desk->jwks, &header, &parts, &why));
	(void)snprintf(kid, MINTKEY_KID_BYTES, "%.*s", SV_ARG(header.kid));
	json_decref(header.document);
	json_t *claims = jwt_payload_read(parts.payload);
	assert_non_null(claims);
	return claims;
}

static void assert_claims(const json_t *claims, const char *wanted)
{
	char *text = json_dumps(claims, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_txn_token_names_the_transaction(void **state)
{
	struct desk *desk = *state;
	struct identity who = anna();
	struct token_wish wish = wish_of(TOKEN_TXN);
	const struct sv carried[] = {SV("email"), SV("none")};
	char kid[MINTKEY_KID_BYTES];
	struct sv token;
	json_t *own = json_pack("{s:s, s:s}", "email", "a@x", "secret", "no");
	who.claims = own;
	who.workload = SVL("spiffe://td/ns/a/sa/b");
	wish.claims = carried;
	wish.n_claims = 2;
	assert_true(order_at(desk, &wish, &who, NOW, &token));
	json_t *claims = verified(desk, token, "txntoken+jwt", kid);
	assert_string_equal(kid, desk->texts[0].kid);
	assert_claims(claims,
	              "{\"aud\":\"orders\",\"client_id\":\"web\",\"exp\":1000060,\"iat\":1000000,"
	              "\"iss\":\"https://edge\",\"rctx\":{\"authn\":\"jwt\",\"req_ip\":\"192.0.2."
	              "7\"},\"req_wl\":\"spiffe://td/ns/a/sa/b\",\"scope\":\"read "
	              "write\",\"sub\":\"https://idp/anna\",\"tctx\":{\"email\":\"a@x\",\"method\":"
	              "\"GET\",\"path\":\"/orders/7\"},\"txn\":\"t-1\"}");
	json_decref(claims);
	json_decref(own);
}

static void a_jwt_names_the_caller(void **state)
{
	struct desk *desk = *state;
	struct identity who = anna();
	struct token_wish wish = wish_of(TOKEN_JWT);
	const struct sv carried[] = {SV("groups")};
	char kid[MINTKEY_KID_BYTES];
	struct sv token;
	json_t *own = json_pack("{s:[s,s]}", "groups", "a", "b");
	who.claims = own;
	wish.claims = carried;
	wish.n_claims = 1;
	wish.subject = TOKEN_SUBJECT_SUB;
	assert_true(order_at(desk, &wish, &who, NOW, &token));
	json_t *claims = verified(desk, token, "JWT", kid);
	assert_int_equal(json_string_length(json_object_get(claims, "jti")), 22);
	json_object_del(claims, "jti");
	assert_claims(claims,
	              "{\"aud\":\"orders\",\"client_id\":\"web\",\"exp\":1000060,\"groups\":[\"a\","
	              "\"b\"],\"iat\":1000000,\"iss\":\"https://edge\",\"scope\":\"read "
	              "write\",\"sub\":\"anna\"}");
	json_decref(claims);
	json_decref(own);
}

static char *minted(struct desk *desk, const struct token_wish *wish, const struct identity *who,
                    int64_t now_s)
{
	struct sv token;
	assert_true(order_at(desk, wish, who, now_s, &token));
	char *copy = sv_dup(token);
	assert_non_null(copy);
	return copy;
}

/* Whether the second order is served by the token of the first. */
static bool serves(struct desk *desk, const struct token_wish *first, const struct identity *who,
                   const struct token_wish *second, const struct identity *other, int64_t later_s)
{
	char *a = minted(desk, first, who, NOW), *b = minted(desk, second, other, NOW + later_s);
	bool same = strcmp(a, b) == 0;
	free(a);
	free(b);
	return same;
}

static void one_jwt_serves_its_caller_for_half_its_life(void **state)
{
	struct desk *desk = *state;
	const struct identity who = anna();
	const struct token_wish jwt = wish_of(TOKEN_JWT), txn = wish_of(TOKEN_TXN);
	assert_true(serves(desk, &jwt, &who, &jwt, &who, 29));
	assert_false(serves(desk, &jwt, &who, &jwt, &who, 30));
	assert_false(serves(desk, &txn, &who, &txn, &who, 0));
	struct identity other = who;
	other.subject = SVL("bert");
	other.principal = SVL("https://idp/bert");
	assert_false(serves(desk, &jwt, &who, &jwt, &other, 0));
	other = who;
	other.n_scopes = 1;
	assert_false(serves(desk, &jwt, &who, &jwt, &other, 0));
	struct token_wish elsewhere = jwt;
	elsewhere.audience = SVL("billing");
	assert_false(serves(desk, &jwt, &who, &elsewhere, &who, 0));
	assert_true(minter_counts(desk->minter).n_reused >= 1);
	assert_int_equal(minter_counts(desk->minter).n_failed, 0);
}

static void claims_that_differ_are_not_served_alike(void **state)
{
	struct desk *desk = *state;
	const struct sv carried[] = {SV("role")};
	struct token_wish wish = wish_of(TOKEN_JWT);
	struct identity one = anna(), two = anna();
	json_t *a = json_pack("{s:s}", "role", "a"), *b = json_pack("{s:s}", "role", "b");
	wish.claims = carried;
	wish.n_claims = 1;
	one.claims = a;
	two.claims = b;
	assert_false(serves(desk, &wish, &one, &wish, &two, 0));
	assert_true(serves(desk, &wish, &one, &wish, &one, 1));
	json_decref(a);
	json_decref(b);
}

static void a_token_does_not_outlive_what_it_stands_for(void **state)
{
	struct desk *desk = *state;
	static const struct {
		int64_t expires_at, exp;
	} cases[] = {{0, NOW + 60}, {NOW + 20, NOW + 20}, {NOW + 61, NOW + 60}, {NOW, NOW + 1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct identity who = anna();
		const struct token_wish wish = wish_of(TOKEN_JWT);
		char kid[MINTKEY_KID_BYTES];
		struct sv token;
		who.expires_at = cases[i].expires_at;
		assert_true(order_at(desk, &wish, &who, NOW, &token));
		json_t *claims = verified(desk, token, "JWT", kid);
		assert_int_equal(json_integer_value(json_object_get(claims, "exp")), cases[i].exp);
		json_decref(claims);
	}
}

static void the_key_whose_time_has_come_signs(void **state)
{
	struct desk *desk = *state;
	static const struct {
		int64_t now_s;
		unsigned key;
	} cases[] = {{NOW - 5, 0}, {NOW + 999, 0}, {NOW + 1000, 1}, {NOW + 99999, 1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct mintkey *key = mintkeys_current(desk->keys, cases[i].now_s);
		assert_string_equal(key->kid, desk->texts[cases[i].key].kid);
	}
}

static void nobody_has_no_subject_and_a_workload_is_its_id(void **state)
{
	struct desk *desk = *state;
	struct identity who = {0};
	const struct token_wish wish = wish_of(TOKEN_JWT);
	char kid[MINTKEY_KID_BYTES];
	struct sv token;
	assert_true(order_at(desk, &wish, &who, NOW, &token));
	json_t *claims = verified(desk, token, "JWT", kid);
	assert_null(json_object_get(claims, "sub"));
	json_decref(claims);
	who.workload = SVL("spiffe://td/x");
	assert_true(order_at(desk, &wish, &who, NOW, &token));
	claims = verified(desk, token, "JWT", kid);
	assert_string_equal(json_string_value(json_object_get(claims, "sub")), "spiffe://td/x");
	json_decref(claims);
}

static void without_a_key_or_too_long_there_is_none(void **state)
{
	struct desk *desk = *state;
	struct identity who = anna();
	struct mintkeys *none = NULL;
	struct sv token = {0};
	char *large = malloc(MINT_TOKEN_MAX_BYTES + 1);
	memset(large, 'x', MINT_TOKEN_MAX_BYTES);
	large[MINT_TOKEN_MAX_BYTES] = '\0';
	assert_int_equal(mintkeys_new(SVL("i"), &none), 0);
	for (unsigned format = 0; format < TOKEN_FORMAT_COUNT; format++) {
		const struct token_wish wish = wish_of((enum token_format)format);
		struct mint_order order = {
			.wish = &wish, .who = &who, .req = &request, .now_s = NOW};
		assert_false(mint_token(desk->minter, NULL, &order, &token));
		assert_false(mint_token(desk->minter, none, &order, &token));
		struct identity long_named = who;
		long_named.principal = (struct sv){large, MINT_TOKEN_MAX_BYTES};
		order.who = &long_named;
		assert_false(mint_token(desk->minter, desk->keys, &order, &token));
	}
	assert_int_equal(minter_counts(desk->minter).n_failed, 3 * TOKEN_FORMAT_COUNT);
	mintkeys_unref(none);
	free(large);
}

static void a_path_that_json_cannot_say_is_left_out(void **state)
{
	struct desk *desk = *state;
	struct identity who = anna();
	const struct token_wish wish = wish_of(TOKEN_TXN);
	const struct mint_order order = {.wish = &wish,
	                                 .who = &who,
	                                 .req = &request,
	                                 .path = SVL("/\xff"),
	                                 .txn = SVL("t"),
	                                 .now_s = NOW};
	char kid[MINTKEY_KID_BYTES];
	struct sv token;
	assert_true(mint_token(desk->minter, desk->keys, &order, &token));
	json_t *claims = verified(desk, token, "txntoken+jwt", kid);
	assert_null(json_object_get(json_object_get(claims, "tctx"), "path"));
	json_decref(claims);
}

static void what_is_no_key_is_not_taken(void **state)
{
	struct desk *desk = *state;
	struct mintkeys *set = NULL;
	assert_int_equal(mintkeys_new(SVL("i"), &set), 0);
	assert_int_equal(mintkeys_add(set, SVL("k"), SVL("no pem"), 0), -EBADMSG);
	assert_int_equal(mintkeys_add(set, SVL(""), sv_of(desk->texts[0].pem), 0), -EBADMSG);
	for (unsigned i = 0; i < MINTKEYS_MAX; i++)
		assert_int_equal(mintkeys_add(set, SVL("k"), sv_of(desk->texts[0].pem), i), 0);
	assert_int_equal(mintkeys_add(set, SVL("k"), sv_of(desk->texts[0].pem), 99), -ENOSPC);
	mintkeys_unref(set);
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DESK(a_txn_token_names_the_transaction),
		WITH_DESK(a_jwt_names_the_caller),
		WITH_DESK(one_jwt_serves_its_caller_for_half_its_life),
		WITH_DESK(claims_that_differ_are_not_served_alike),
		WITH_DESK(a_token_does_not_outlive_what_it_stands_for),
		WITH_DESK(the_key_whose_time_has_come_signs),
		WITH_DESK(nobody_has_no_subject_and_a_workload_is_its_id),
		WITH_DESK(without_a_key_or_too_long_there_is_none),
		WITH_DESK(a_path_that_json_cannot_say_is_left_out),
		WITH_DESK(what_is_no_key_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
